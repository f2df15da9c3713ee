//! Faults that begin during a sync and do not end: the read fails with the right error, and once the fault is gone, the
//! next read resumes from the states and completes.

use std::collections::BTreeSet;

use navan_sandbox::{Fault, Faults, Outage, RetryAfter, Sandbox, Settings};

use crate::fault_cases::{ReadResult, company, connector, expected, read, run_cases};

const ALL: &[&str] = &["BOOKING", "TRANSACTION", "USER"];

struct PermanentFault {
    fault: Fault,
    failure_type: &'static str,
    /// The connector's durations × this.
    scale: f64,
}

fn permanent_faults() -> Vec<PermanentFault> {
    let case = |fault, failure_type| PermanentFault { fault, failure_type, scale: 0.02 };
    let transient = |fault| case(fault, "transient_error");
    let too_many = |retry_after| Fault::TooMany { retry_after };
    let mut cases: Vec<_> = [500, 503, 408].into_iter().map(|status| transient(Fault::Status(status))).collect();
    let others = [Fault::Html(502), Fault::HtmlOk, Fault::Cut, Fault::TruncatedJson, Fault::NotPromised, Fault::Drop];
    cases.extend(others.into_iter().map(transient));
    cases.extend([
        transient(Fault::Stall { stall_ms: 20_000 }),
        // Half an hour of 429s becomes 9 s.
        PermanentFault { scale: 0.005, ..transient(too_many(RetryAfter::None)) },
        transient(too_many(RetryAfter::Seconds(86_400))),
        case(Fault::RevokeToken, "config_error"),
        case(Fault::RevokeCredential, "config_error"),
        case(Fault::Status(400), "system_error"),
        case(Fault::RefuseCursor(410), "system_error"),
        case(Fault::RepeatCursor, "system_error"),
    ]);
    cases
}

impl PermanentFault {
    fn faults(&self, after_requests: u64) -> Faults {
        let fault = self.fault.clone();
        let outage = Outage { after_requests, for_requests: None, for_ms: None, fault, endpoint: None };
        Faults { outage: vec![outage], ..Faults::default() }
    }

    fn check(&self, streams: &[&str]) -> Option<String> {
        let after = 10 * streams.len() as u64;
        let sandbox = Sandbox::start(Settings { faults: self.faults(after), ..company() }).unwrap();
        let reader = |sandbox: &Sandbox| {
            let modes: Vec<_> =
                crate::harness::streams().iter().copied().filter(|(s, _)| streams.contains(s)).collect();
            connector(sandbox).streams(&modes).environment("SOURCE_NAVAN_TIME_SCALE", self.scale)
        };
        let failed = read(&reader(&sandbox), &sandbox);
        if let Some(complaint) = self.unexpected_failure(&failed, streams) {
            return Some(complaint);
        }
        let sandbox = if self.fault == Fault::RevokeCredential {
            Sandbox::start(company()).unwrap() // what is deleted stays so
        } else {
            sandbox.set_faults(Faults::default());
            sandbox
        };
        // The sandbox's clock has run on, so the read ends later; the rows are the same.
        let resumed = read(&reader(&sandbox).state(failed.run.last_states()), &sandbox);
        if resumed.run.status.code() != Some(0) {
            return Some(format!("the next read fails: {:?}", resumed.run.errors()));
        }
        streams.iter().find_map(|stream| {
            let keys: BTreeSet<_> =
                [&failed, &resumed].into_iter().filter_map(|read| read.keys.get(*stream)).flatten().cloned().collect();
            (keys != *expected(stream)).then(|| format!("{stream}: {} keys in both reads", keys.len()))
        })
    }

    fn unexpected_failure(&self, read: &ReadResult, streams: &[&str]) -> Option<String> {
        let (run, errors) = (&read.run, read.run.errors());
        if run.status.code() != Some(1) {
            return Some(format!("exit code {:?}", run.status.code()));
        }
        if errors.is_empty() || errors.iter().any(|error| error["failure_type"] != self.failure_type) {
            return Some(format!("instead of a {}: {errors:?}", self.failure_type));
        }
        let last: Vec<_> = streams.iter().map(|stream| run.statuses(stream).last().copied()).collect();
        // A stream that was through before the fault began is complete, but one at least is not.
        let ended = last.iter().all(|last| matches!(last, Some("INCOMPLETE" | "COMPLETE")));
        (!ended || !last.contains(&Some("INCOMPLETE"))).then(|| format!("the streams end as {last:?}"))
    }
}

fn each_permanent_fault_with(streams: &[&str]) {
    let mut cases = permanent_faults();
    let cursors_only = |fault: &Fault| matches!(fault, Fault::RefuseCursor(_) | Fault::RepeatCursor);
    cases.retain(|case| !cursors_only(&case.fault) || streams.contains(&"TRANSACTION"));
    run_cases(&cases, |case| format!("{:?}", case.fault), |case| case.check(streams));
}

#[test]
fn bookings_fail_well_and_go_on_after_a_fault_without_end() {
    each_permanent_fault_with(&["BOOKING"]);
}

#[test]
fn transactions_fail_well_and_go_on_after_a_fault_without_end() {
    each_permanent_fault_with(&["TRANSACTION"]);
}

#[test]
fn users_fail_well_and_go_on_after_a_fault_without_end() {
    each_permanent_fault_with(&["USER"]);
}

#[test]
fn all_streams_fail_well_and_go_on_after_a_fault_without_end() {
    each_permanent_fault_with(ALL);
}
