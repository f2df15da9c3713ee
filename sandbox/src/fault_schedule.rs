//! Which request is hit by which fault.

use std::time::{Duration, Instant};

use crate::faults::{Every, Fault, Faults, Numbered, Outage};

/// The faults that were asked for, and how far each has got.
#[derive(Debug)]
pub(crate) struct FaultSchedule {
    faults: Faults,
    every_seen: Vec<u64>,
    outage_seen: Vec<(u64, Option<Instant>)>,
    drift_pages: u64,
}

impl FaultSchedule {
    pub(crate) fn new(faults: Faults) -> Self {
        Self {
            every_seen: vec![0; faults.every.len()],
            outage_seen: vec![(0, None); faults.outage.len()],
            drift_pages: 0,
            faults,
        }
    }

    pub(crate) fn latency(&self) -> Duration {
        Duration::from_millis(self.faults.latency_ms)
    }

    /// What happens to the request that is being made to `path`. Each rule counts it, also if an earlier
    /// rule hits it.
    pub(crate) fn next(&mut self, path: &str, is_token: bool, now: Instant) -> Option<Fault> {
        let matches = |endpoint: &Option<String>| match endpoint {
            Some(start) => path.starts_with(start.as_str()),
            None => !is_token,
        };
        let mut found = None;
        for (rule, seen) in self.faults.every.iter().zip(&mut self.every_seen) {
            if matches(&rule.endpoint) {
                *seen += 1;
                if found.is_none() && recurs(rule, *seen) {
                    found = Some(rule.fault.clone());
                }
            }
        }
        for (rule, (seen, since)) in self.faults.outage.iter().zip(&mut self.outage_seen) {
            if matches(&rule.endpoint) {
                *seen += 1;
                if lasts(rule, *seen, since, now) && found.is_none() {
                    found = Some(rule.fault.clone());
                }
            }
        }
        found
    }

    /// What happens to the rows of the stream after this page request: how many are inserted, touched
    /// and deleted. The last part numbers the event, from 1.
    pub(crate) fn drift(&mut self, stream: Numbered) -> Option<(u64, u64, u64, u64)> {
        let drift = self.faults.drift.as_ref().filter(|drift| drift.stream == stream && drift.every_pages > 0)?;
        self.drift_pages += 1;
        let event = self.drift_pages / drift.every_pages;
        let due = self.drift_pages.is_multiple_of(drift.every_pages) && event <= drift.max;
        due.then_some((drift.insert, drift.touch, drift.delete, event))
    }
}

fn recurs(rule: &Every, seen: u64) -> bool {
    rule.n > 0 && seen % rule.n == rule.offset % rule.n
}

fn lasts(rule: &Outage, seen: u64, since: &mut Option<Instant>, now: Instant) -> bool {
    let Some(nth) = seen.checked_sub(rule.after_requests + 1) else {
        return false;
    };
    let start = *since.get_or_insert(now);
    rule.for_requests.is_none_or(|most| nth < most)
        && rule.for_ms.is_none_or(|most| now.duration_since(start) < Duration::from_millis(most))
}
