//! Page cursors that Navan refuses or repeats, or that lead to rows a second time.

use chrono::{DateTime, TimeDelta, Utc};
use navan_sandbox::{Every, ExpenseType, Fault, Faults, Outage, Sandbox, Settings};

use crate::ground_truth;
use crate::harness::{Connector, Run, assert_distinct};
use crate::process::{Process, wait_until_stable};

const KIND: ExpenseType = ExpenseType::CardTransactions;

/// When the sandbox's clock starts.
fn now() -> DateTime<Utc> {
    "2026-11-22T10:00:00Z".parse().unwrap()
}

/// One type whose last days, which are one window, have four pages.
fn one_window(faults: Faults) -> (Sandbox, Connector) {
    let sandbox = Sandbox::start(Settings { transactions: 20_000, now: Some(now()), faults, ..Settings::odd() });
    let sandbox = sandbox.unwrap();
    let connector = over_one_window(&sandbox);
    (sandbox, connector)
}

fn over_one_window(sandbox: &Sandbox) -> Connector {
    let connector = Connector::against(sandbox).stream("TRANSACTION").config("start_date", "2026-11-16T00:00:00Z");
    connector.config("transaction_types", vec![KIND.path()])
}

/// Refuses the cursor of the second page, once.
fn once(fault: Fault) -> Faults {
    let outage = Outage { after_requests: 1, for_requests: Some(1), for_ms: None, fault, endpoint: path() };
    Faults { outage: vec![outage], ..Faults::default() }
}

fn always(fault: Fault) -> Faults {
    Faults { every: vec![Every { n: 1, offset: 0, fault, endpoint: path() }], ..Faults::default() }
}

#[expect(clippy::unnecessary_wraps, reason = "as the faults take it")]
fn path() -> Option<String> {
    Some(format!("/v1/expense/{}", KIND.path()))
}

/// The keys that changed in the window's time.
fn expected(sandbox: &Sandbox) -> Vec<String> {
    let since = "2026-11-16T00:00:00Z".parse::<DateTime<Utc>>().unwrap();
    ground_truth::changes(sandbox, KIND).into_iter().filter(|(_, at)| *at >= since).map(|(key, _)| key).collect()
}

#[test]
fn a_cursor_refused_once_costs_no_row_and_repeats_none() {
    for status in [400, 410] {
        let (sandbox, connector) = one_window(once(Fault::RefuseCursor(status)));
        let run = connector.read();
        let keys = run.keys("TRANSACTION");
        assert!(assert_distinct(&keys).into_iter().eq(expected(&sandbox).iter().map(String::as_str)), "{status}");
    }
}

#[test]
fn a_cursor_refused_again_ends_the_stream_after_one_new_start() {
    for status in [400, 410] {
        let (sandbox, connector) = one_window(always(Fault::RefuseCursor(status)));
        let run = connector.read();
        let asked = (sandbox.counts().requests, run.statuses("TRANSACTION").last().copied());
        assert_eq!(asked, (4, Some("INCOMPLETE")), "{status}"); // two first pages, two cursors
    }
}

#[test]
fn a_cursor_refused_again_is_a_system_error_that_names_the_status() {
    for status in [400, 410] {
        let (_sandbox, connector) = one_window(always(Fault::RefuseCursor(status)));
        let run = connector.read();
        let error = run.errors()[0];
        assert_eq!(error["failure_type"], "system_error");
        assert!(error["message"].as_str().unwrap().contains(&status.to_string()), "{error}");
    }
}

#[test]
fn the_state_before_a_refused_cursor_goes_on_to_every_row() {
    // Windows of the other type, and the first ones of this one (a page each), are written before the error.
    let sandbox = Sandbox::start(Settings { transactions: 8_000, ..Settings::odd() }).unwrap();
    let connector = || {
        let connector = Connector::against(&sandbox).stream("TRANSACTION").config("max_concurrency", 1);
        connector.config("transaction_types", vec!["card-transactions", "fees"])
    };
    let outage = Outage {
        after_requests: 5,
        for_requests: None,
        for_ms: None,
        fault: Fault::RefuseCursor(410),
        endpoint: path(),
    };
    sandbox.set_faults(Faults { outage: vec![outage], ..Faults::default() });
    let first = connector().read();
    assert_eq!(first.statuses("TRANSACTION").last(), Some(&"INCOMPLETE"));
    sandbox.set_faults(Faults::default());
    let second = connector().state(first.last_states()).read();
    let mut keys = [first.keys("TRANSACTION"), second.keys("TRANSACTION")].concat();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 16_000);
}

fn circle() -> Run {
    let (_sandbox, connector) = one_window(always(Fault::RepeatCursor));
    connector.read()
}

#[test]
fn a_cursor_that_leads_back_to_itself_is_a_system_error() {
    let run = circle();
    let error = run.errors()[0];
    assert_eq!(error["failure_type"], "system_error", "{error}");
}

#[test]
fn a_cursor_that_leads_back_to_itself_is_not_followed_again() {
    let (sandbox, connector) = one_window(always(Fault::RepeatCursor));
    connector.read();
    assert_eq!(sandbox.counts().requests, 2);
}

#[test]
fn a_row_that_changed_before_the_new_start_of_a_window_comes_again_and_no_other() {
    let (sandbox, connector) = one_window(Faults::default());
    let connector = connector.config("max_concurrency", 1);
    let rows = ground_truth::field(sandbox.transactions(KIND), "modified_timestamp");
    let first_in_window = rows.partition_point(|at| at.as_str() < "2026-11-16T00:00:00") as u64;
    let touched =
        ground_truth::field(sandbox.transactions(KIND), "id")[usize::try_from(first_in_window).unwrap()].clone();
    // The first page is being written and its cursor not yet used; the row changes at a time within the window.
    let process = Process::start_read(&connector);
    wait_until_stable(|| sandbox.counts().requests);
    sandbox.set_faults(Faults {
        outage: vec![Outage {
            after_requests: 0,
            for_requests: Some(1),
            for_ms: None,
            fault: Fault::RefuseCursor(410),
            endpoint: path(),
        }],
        ..Faults::default()
    });
    sandbox.set_now(now() - TimeDelta::hours(1));
    assert!(sandbox.touch_transaction(KIND, first_in_window));
    let run = process.finish();
    let mut repeated = std::collections::BTreeSet::new();
    let mut seen = std::collections::BTreeSet::new();
    repeated.extend(run.keys("TRANSACTION").into_iter().filter(|key| !seen.insert(key.clone())));
    assert_eq!(repeated.into_iter().collect::<Vec<_>>(), [touched]);
}

#[test]
fn the_next_page_of_a_cursor_is_asked_for_before_the_last_one_is_written() {
    let (sandbox, connector) = one_window(Faults::default());
    let connector = connector.config("max_concurrency", 2);
    let process = Process::start_read(&connector); // whose stdout takes less than a page
    assert_eq!(wait_until_stable(|| sandbox.counts().requests), 2);
    drop(process);
}
