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

use super::missing::{self, BrokenRows, MissingRange};
use super::page_sweep::{self, SweepOptions};
use super::{Modes, ProbeTarget, ReadContext, ReadError, ReadStrategy};
use crate::api::{ListQuery, Paging};
use crate::protocol::SyncMode;
use crate::record::Identity;
use crate::sync::state::time::whole_second;
use crate::sync::state::{FullRefreshState, Resume, StreamState, Watermark};

/// Into how many slices a range is split at once: more would cost a request for each that turns out empty.
const MAX_SPLIT: u64 = 8;

/// After so many splits the parts of the range are no smaller than the whole: it would have had a hundred million rows.
const MAX_SPLITS: usize = 5_000;

/// How many slices are read side by side, so that the pool of requests does not run dry between two.
const CONCURRENT_SLICES: usize = 3;

/// A page-numbered list that can be asked for by the creation time of its rows.
pub struct CreatedSlices {
    /// The list's path.
    pub endpoint: &'static str,
    /// Rows a page.
    pub page_size: u64,
    /// The most pages that are read as one slice: it bounds the keys that are held, and what a retry reads again.
    pub pages_per_slice: u64,
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
    /// It was read, but for these rows; without any it is complete.
    Read(DateSlice, Vec<BrokenRows>),
    /// It was too large.
    Split(LargeSlice, Vec<DateSlice>),
}

/// What came of a range.
enum RangeOutcome {
    /// It was read, but for these rows.
    Read(Vec<BrokenRows>),
    /// Navan gives the same rows whatever range it is asked for.
    FilterIgnored,
}

/// A slice that was too large, and what tells whether another one is the same list.
#[derive(Clone, Copy)]
struct LargeSlice {
    slice: DateSlice,
    /// The first and the last row of its first page.
    ends: Option<(Identity, Identity)>,
    /// How many rows it has, if that is told.
    total: Option<u64>,
}

impl CreatedSlices {
    /// From a second earlier on, so that it does not matter whether Navan includes the second that it is asked for; what was created
    /// in that one is not the slice's.
    fn query(&self, slice: DateSlice) -> ListQuery {
        ListQuery::whole(self.endpoint, self.page_size).created(slice.second_before()..=slice.to)
    }

    /// Into how many slices a range of so many pages is split: with a fifth of each left as room for unevenness.
    fn parts(&self, pages: u64) -> u64 {
        pages.saturating_mul(5).div_ceil(self.pages_per_slice * 4).clamp(2, MAX_SPLIT)
    }

    async fn read_range(&self, read: &ReadContext<'_>, resume: Resume) -> Result<(), ReadError> {
        let end = whole_second(read.began);
        let resumed = match resume {
            Resume::From(StreamState::FullRefresh(state)) => state.next_created_from,
            _ => None,
        };
        let resumed = resumed.filter(|from| {
            let is_ahead = *from > end;
            if is_ahead {
                tracing::warn!(
                    "{}: the state says that all was read that was created before {from}, but for Navan it is {end}; the read begins anew.",
                    read.emitter.name()
                );
            }
            !is_ahead
        });
        if let Some(from) = resumed {
            tracing::info!("{}: going on with what was created from {from} on.", read.emitter.name());
        }
        let start = whole_second(resumed.unwrap_or(read.config.start_date));
        if start <= end {
            let whole = DateSlice { from: start, to: end };
            let broken = match self.read_slices(read, whole).await? {
                RangeOutcome::Read(broken) => broken,
                RangeOutcome::FilterIgnored => self.read_unsliced(read, whole).await?,
            };
            if !broken.is_empty() {
                let ranges: Vec<_> = broken.into_iter().map(MissingRange::from).collect();
                return Err(missing::error(&ranges).into());
            }
        }
        read.emitter.checkpoint(&FullRefreshState::completed(read.configured.sync_id, end).to_state());
        Ok(())
    }

    async fn read_slices(&self, read: &ReadContext<'_>, whole: DateSlice) -> Result<RangeOutcome, ReadError> {
        let request_order = tokio::sync::Mutex::new(());
        let mut waiting = BTreeSet::from([whole]);
        let mut watermark = Watermark::new(whole.to, [whole.from]);
        let mut running = FuturesUnordered::new();
        let (mut all_broken, mut split) = (Vec::new(), Vec::new());
        loop {
            while running.len() < CONCURRENT_SLICES
                && let Some(slice) = waiting.pop_first()
            {
                running.push(self.read_slice(read, slice, whole.to, &request_order));
            }
            let Some(outcome) = running.next().await else { return Ok(RangeOutcome::Read(all_broken)) };
            match outcome? {
                SliceOutcome::Split(large, parts) => {
                    if split.iter().any(|other| large.is_same_list(other, split.first())) || split.len() > MAX_SPLITS {
                        return Ok(RangeOutcome::FilterIgnored);
                    }
                    split.push(large);
                    watermark.split(large.slice.from, parts.iter().map(|part| part.from));
                    waiting.extend(parts);
                }
                SliceOutcome::Read(slice, broken) if broken.is_empty() => {
                    let reached = watermark.complete(slice.from);
                    // At the end of the range the completed marker says it.
                    if let Some(next) = reached.filter(|reached| *reached < whole.to) {
                        let sync_id = read.configured.sync_id;
                        read.emitter.checkpoint(&FullRefreshState::created_up_to(next, sync_id).to_state());
                    }
                }
                // The slice stays open, so that no checkpoint goes beyond it.
                SliceOutcome::Read(_, broken) => all_broken.extend(broken),
            }
        }
    }

    async fn read_slice(
        &self,
        read: &ReadContext<'_>,
        slice: DateSlice,
        end: DateTime<Utc>,
        request_order: &tokio::sync::Mutex<()>,
    ) -> Result<SliceOutcome, ReadError> {
        let query = self.query(slice);
        let first = page_sweep::first_page(read, &query, Paging::default()).await?;
        let page = first.page();
        read.emitter.estimate(page.estimated_rows(), page.estimated_bytes());
        let is_large = |pages: &u64| *pages > self.pages_per_slice && slice.to - slice.from > Duration::seconds(1);
        // One that has many pages and no row is not split, but found to be endless.
        if let Some(pages) = page.pages.filter(is_large).filter(|_| !page.rows.is_empty()) {
            let ends = page.rows.rows().first().zip(page.rows.rows().last());
            let ends = ends.map(|(first, last)| (first.identity, last.identity));
            return Ok(SliceOutcome::Split(
                LargeSlice { slice, ends, total: page.total },
                slice.split(self.parts(pages)),
            ));
        }
        let options =
            SweepOptions { request_order, verify_twice: false, excluded_seconds: slice.seconds_of_others(end) };
        Ok(SliceOutcome::Read(slice, page_sweep::sweep(read, &query, options, first).await?))
    }

    /// Reads the range as one list, whose parts cannot be asked for.
    async fn read_unsliced(&self, read: &ReadContext<'_>, whole: DateSlice) -> Result<Vec<BrokenRows>, ReadError> {
        tracing::warn!(
            "{}: Navan gives the same rows whatever range of creation times it is asked for; they are read as one list, without checkpoints.",
            read.emitter.name()
        );
        let query = self.query(whole);
        let first = page_sweep::first_page(read, &query, Paging::default()).await?;
        let request_order = tokio::sync::Mutex::new(());
        let options = SweepOptions { request_order: &request_order, verify_twice: false, excluded_seconds: Vec::new() };
        page_sweep::sweep(read, &query, options, first).await
    }
}

impl LargeSlice {
    /// Whether another one, with which it has no time in common, is the same list: both begin and end with the same rows, or have as
    /// many each as the `whole`, which was split first.
    fn is_same_list(&self, other: &Self, whole: Option<&Self>) -> bool {
        let is_apart = other.slice.to <= self.slice.from || self.slice.to <= other.slice.from;
        let have_all = whole
            .and_then(|whole| whole.total)
            .is_some_and(|all| [self, other].iter().all(|large| large.total.is_some_and(|total| total >= all)));
        is_apart && (self.ends.is_some() && self.ends == other.ends || have_all)
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
            let query = self.query(month).in_pages_of(1);
            target.api.numbered_page(&query, 0, Paging::default(), target.format).await?;
            Ok(())
        }
        .boxed_local()
    }

    fn read<'a>(&'a self, read: &'a ReadContext<'a>, resume: Resume) -> LocalBoxFuture<'a, Result<(), ReadError>> {
        self.read_range(read, resume).boxed_local()
    }
}

impl DateSlice {
    /// Splits it into so many slices of equal length; fewer if it has fewer seconds.
    fn split(self, parts: u64) -> Vec<Self> {
        let seconds = (self.to - self.from).num_seconds();
        let parts = i64::try_from(parts).unwrap_or(2).min(seconds);
        let edge = |number: i64| self.from + Duration::seconds(seconds * number / parts);
        (0..parts).map(|number| Self { from: edge(number), to: edge(number + 1) }).collect()
    }

    /// The second before it, unless there was none.
    fn second_before(self) -> DateTime<Utc> {
        (self.from - Duration::seconds(1)).max(DateTime::UNIX_EPOCH)
    }

    /// The seconds at its edges whose rows are its neighbours' to write. Of all others the server's filter decides whether they lie in
    /// the range.
    fn seconds_of_others(self, end: DateTime<Utc>) -> Vec<DateTime<Utc>> {
        [(self.second_before(), self.from), (self.to, end)]
            .into_iter()
            .filter(|(at, edge)| at != edge)
            .map(|(at, _)| at)
            .collect()
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
        for parts in 2..=MAX_SPLIT {
            let slices = whole.split(parts);
            assert_eq!((slices[0].from, slices[slices.len() - 1].to), (whole.from, whole.to));
            assert!(slices.windows(2).all(|two| two[0].to == two[1].from));
            assert!(slices.iter().all(|slice| slice.from < slice.to));
        }
        assert_eq!(DateSlice { from: at(0), to: at(2) }.split(8).len(), 2);
    }

    #[test]
    fn a_row_belongs_to_exactly_one_slice_whether_or_not_navan_includes_the_ends() {
        let (start, end) = (1_000, 1_090);
        let slices = DateSlice { from: at(start), to: at(end) }.split(3);
        for (includes_from, includes_to) in [(true, true), (false, true), (true, false)] {
            for second in start..end {
                let gives_it = |slice: &&DateSlice| {
                    let (from, to) = (slice.second_before(), slice.to);
                    (from < at(second) || includes_from && from == at(second))
                        && (at(second) < to || includes_to && at(second) == to)
                };
                let that_have_it = slices.iter().filter(gives_it);
                let owners = that_have_it.filter(|slice| !slice.seconds_of_others(at(end)).contains(&at(second)));
                assert_eq!(owners.count(), 1, "second {second}, {includes_from}, {includes_to}");
            }
        }
    }
}
