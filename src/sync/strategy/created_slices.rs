//! Reading a list by creation time, resumably.
//!
//! The range from `start_date` to T0, the time at which the read began, is split until a slice has few enough pages to be
//! read in one [`page_sweep`]. Slices are read in the order of time, a few side by side, so that the contiguous part that is
//! complete grows from the start; each time it does, a checkpoint tells how far it reaches.

use std::collections::BTreeSet;

use chrono::{DateTime, Duration, Utc};
use futures::future::LocalBoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use serde_json::Value;

use super::page_sweep::{self, SweepOptions};
use super::{Modes, ProbeTarget, ReadContext, ReadError, ReadStrategy};
use crate::api::{ListQuery, Paging};
use crate::error::Error;
use crate::gateway::Failure;
use crate::protocol::{ConfiguredStream, SyncMode};
use crate::sync::state::time::whole_second;
use crate::sync::state::{FullRefreshState, Resume, StreamState, Watermark, resume_full_refresh};

/// The most pages that are read as one slice: it bounds the keys that are held, and what a retry reads again.
const MAX_PAGES: u64 = 50;

/// Pages a slice that a range is split for, leaving room for unevenness.
const TARGET_PAGES: u64 = 40;

/// Into how many slices a range is split at once: more would cost a request for each that turns out empty.
const MAX_SPLIT: u64 = 8;

/// How many slices are read side by side, so that the pool of requests does not run dry between two.
const CONCURRENT_SLICES: usize = 3;

/// A page-numbered list that can be asked for by the creation time of its rows.
pub struct CreatedSlices {
    /// The list's path.
    pub endpoint: &'static str,
}

/// A stretch of creation times, whole seconds. Navan includes both ends, so neighbours share a second; its rows belong to the
/// later slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct DateSlice {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
}

/// What came of a slice.
enum SliceOutcome {
    /// It was read, and is complete.
    Complete(DateSlice),
    /// It was too large.
    Split(DateSlice, Vec<DateSlice>),
}

impl CreatedSlices {
    fn query(&self, slice: DateSlice) -> ListQuery {
        ListQuery::created(self.endpoint, slice.from..=slice.to)
    }

    async fn read_range(&self, read: &ReadContext<'_>, resume: Resume) -> Result<(), ReadError> {
        let end = whole_second(read.api.now());
        let resumed = match resume {
            Resume::From(StreamState::FullRefresh(state)) => state.next_created_from,
            _ => None,
        };
        if let Some(from) = resumed {
            tracing::info!("{}: going on with what was created from {from} on.", read.emitter.name());
        }
        let start = whole_second(resumed.unwrap_or(read.config.start_date));
        if start <= end {
            self.read_slices(read, DateSlice { from: start, to: end }).await?;
        }
        read.emitter.checkpoint(FullRefreshState::completed(read.emitter.configured().sync_id, end).to_state());
        Ok(())
    }

    async fn read_slices(&self, read: &ReadContext<'_>, whole: DateSlice) -> Result<(), Failure> {
        let request_order = tokio::sync::Mutex::new(());
        let mut waiting = BTreeSet::from([whole]);
        let mut watermark = Watermark::new(whole.to, [whole.from]);
        let mut running = FuturesUnordered::new();
        loop {
            while running.len() < CONCURRENT_SLICES
                && let Some(slice) = waiting.pop_first()
            {
                running.push(self.read_slice(read, slice, whole.to, &request_order));
            }
            let Some(outcome) = running.next().await else { return Ok(()) };
            match outcome? {
                SliceOutcome::Split(slice, parts) => {
                    watermark.split(slice.from, parts.iter().map(|part| part.from));
                    waiting.extend(parts);
                }
                SliceOutcome::Complete(slice) => {
                    let reached = watermark.complete(slice.from);
                    // At the end of the range the completed marker says it.
                    if let Some(next) = reached.filter(|reached| *reached < whole.to) {
                        let sync_id = read.emitter.configured().sync_id;
                        read.emitter.checkpoint(FullRefreshState::created_up_to(next, sync_id).to_state());
                    }
                }
            }
        }
    }

    async fn read_slice(
        &self,
        read: &ReadContext<'_>,
        slice: DateSlice,
        end: DateTime<Utc>,
        request_order: &tokio::sync::Mutex<()>,
    ) -> Result<SliceOutcome, Failure> {
        let query = self.query(slice);
        let first = read.api.numbered_page(&query, 0, Paging::default(), read.emitter.format()).await?;
        read.emitter.estimate(first.total, first.estimated_bytes());
        if first.pages > MAX_PAGES && slice.to - slice.from > Duration::seconds(1) {
            return Ok(SliceOutcome::Split(slice, slice.split(first.pages)));
        }
        let options =
            SweepOptions { request_order, verify_twice: false, excluded_second: slice.second_of_the_next(end) };
        page_sweep::sweep(read, &query, options, first).await?;
        Ok(SliceOutcome::Complete(slice))
    }
}

impl ReadStrategy for CreatedSlices {
    fn modes(&self) -> Modes {
        Modes { sync_modes: &[SyncMode::FullRefresh], is_resumable: true }
    }

    fn probe<'a>(&'a self, target: ProbeTarget<'a>) -> LocalBoxFuture<'a, Result<(), ReadError>> {
        async move {
            let now = target.api.now();
            let month = DateSlice { from: now - Duration::days(30), to: now };
            let query = self.query(month).one_row();
            target.api.numbered_page(&query, 0, Paging::default(), target.format).await?;
            Ok(())
        }
        .boxed_local()
    }

    fn resume(&self, configured: &ConfiguredStream, state: Option<&Value>) -> Result<Resume, Error> {
        resume_full_refresh(configured, state)
    }

    fn read<'a>(&'a self, read: &'a ReadContext<'a>, resume: Resume) -> LocalBoxFuture<'a, Result<(), ReadError>> {
        self.read_range(read, resume).boxed_local()
    }
}

impl DateSlice {
    /// Splits it into slices of equal length, as many as `pages` ask for.
    fn split(self, pages: u64) -> Vec<Self> {
        let seconds = (self.to - self.from).num_seconds();
        let parts = pages.div_ceil(TARGET_PAGES).clamp(2, MAX_SPLIT);
        let parts = i64::try_from(parts).unwrap_or(2).min(seconds);
        let edge = |number: i64| self.from + Duration::seconds(seconds * number / parts);
        (0..parts).map(|number| Self { from: edge(number), to: edge(number + 1) }).collect()
    }

    /// The second that it shares with the next slice, whose rows are the next one's to write. Of all others the server's
    /// filter decides whether they lie in the range.
    fn second_of_the_next(self, end: DateTime<Utc>) -> Option<DateTime<Utc>> {
        (self.to != end).then_some(self.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    #[test]
    fn the_slices_of_a_range_cover_it_and_share_their_edges() {
        let whole = DateSlice { from: at(100), to: at(1_103) };
        for pages in [51, 100, 400, 100_000] {
            let slices = whole.split(pages);
            assert_eq!((slices[0].from, slices[slices.len() - 1].to), (whole.from, whole.to));
            assert!(slices.windows(2).all(|two| two[0].to == two[1].from));
            assert!(slices.iter().all(|slice| slice.from < slice.to));
        }
        assert_eq!(DateSlice { from: at(0), to: at(2) }.split(1_000).len(), 2);
    }

    #[test]
    fn a_row_belongs_to_exactly_one_slice() {
        let slices = DateSlice { from: at(0), to: at(90) }.split(100);
        for second in 0..=90 {
            let that_have_it = slices.iter().filter(|slice| slice.from <= at(second) && at(second) <= slice.to);
            let owners = that_have_it.filter(|slice| slice.second_of_the_next(at(90)) != Some(at(second))).count();
            assert_eq!(owners, 1, "second {second}");
        }
    }
}
