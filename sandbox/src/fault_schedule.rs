//! Which request is hit by which fault.

use std::time::Duration;
use tokio::time::Instant;

use crate::faults::{Every, Fault, Faults, Outage, PagedStream};

/// The configured faults, and how many requests each rule has counted.
#[derive(Debug)]
pub(crate) struct FaultSchedule {
    faults: Faults,
    /// How many requests matched each of `faults.every`.
    every_matched: Vec<u64>,
    /// How many requests matched each of `faults.outage`, and when it began.
    outage_matched: Vec<(u64, Option<Instant>)>,
    drift_pages: u64,
}

/// What happens to the rows of a stream between two pages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DriftEvent {
    /// How many rows are inserted.
    pub(crate) insert: u64,
    /// How many rows are changed.
    pub(crate) touch: u64,
    /// How many rows are deleted.
    pub(crate) delete: u64,
    /// The number of the event, from 1.
    pub(crate) number: u64,
}

impl FaultSchedule {
    pub(crate) fn new(faults: Faults) -> Self {
        Self {
            every_matched: vec![0; faults.every.len()],
            outage_matched: vec![(0, None); faults.outage.len()],
            drift_pages: 0,
            faults,
        }
    }

    pub(crate) fn latency(&self) -> Duration {
        Duration::from_millis(self.faults.latency_ms)
    }

    /// The fault of a request to `path` that is made at `now`. Each rule counts the request, even if an earlier rule
    /// hits it.
    pub(crate) fn fault_for(&mut self, path: &str, is_token: bool, now: Instant) -> Option<Fault> {
        let matches = |endpoint: &Option<String>| match endpoint {
            Some(start) => path.starts_with(start.as_str()),
            None => !is_token,
        };
        let mut found = None;
        for (rule, matched) in self.faults.every.iter().zip(&mut self.every_matched) {
            if matches(&rule.endpoint) {
                *matched += 1;
                if found.is_none() && every_hits(rule, *matched) {
                    found = Some(rule.fault.clone());
                }
            }
        }
        for (rule, (matched, began)) in self.faults.outage.iter().zip(&mut self.outage_matched) {
            if matches(&rule.endpoint) {
                *matched += 1;
                if outage_hits(rule, *matched, began, now) && found.is_none() {
                    found = Some(rule.fault.clone());
                }
            }
        }
        found
    }

    /// Counts a page request of the stream; returns what happens to its rows after this page.
    pub(crate) fn drift_event(&mut self, stream: PagedStream) -> Option<DriftEvent> {
        let drift = self.faults.drift.as_ref().filter(|drift| drift.stream == stream && drift.every_pages > 0)?;
        self.drift_pages += 1;
        let number = self.drift_pages / drift.every_pages;
        let due = self.drift_pages.is_multiple_of(drift.every_pages) && number <= drift.max;
        due.then_some(DriftEvent { insert: drift.insert, touch: drift.touch, delete: drift.delete, number })
    }
}

/// Whether the rule hits the `matched`-th request that it matches.
fn every_hits(rule: &Every, matched: u64) -> bool {
    rule.n > 0 && matched % rule.n == rule.offset % rule.n
}

/// As [`every_hits`]; `began` is when the outage hit its first request, and is set by that one.
fn outage_hits(rule: &Outage, matched: u64, began: &mut Option<Instant>, now: Instant) -> bool {
    let Some(hits_before) = matched.checked_sub(rule.after_requests + 1) else {
        return false;
    };
    let began = *began.get_or_insert(now);
    rule.for_requests.is_none_or(|max| hits_before < max)
        && rule.for_ms.is_none_or(|max| now.duration_since(began) < Duration::from_millis(max))
}
