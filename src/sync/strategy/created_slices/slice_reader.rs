//! Reading a list by slices of creation time, each small enough to be read in one [`page_sweep`].
//!
//! A slice with too many pages is split. A few are read side by side, in the order of time, so that the part that is complete without a
//! gap grows from the start.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use chrono::{DateTime, Duration, Utc};
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;

use super::CreatedSlices;
use super::date_slice::DateSlice;
use crate::api::{ListQuery, Paging, TimeForm};
use crate::record::{Identity, Row};
use crate::sync::state::Watermark;
use crate::sync::strategy::missing::BrokenRows;
use crate::sync::strategy::page_sweep::{self, RowFilter, SweepOptions, Swept};
use crate::sync::strategy::{ReadContext, ReadError};

/// Into how many slices a range is split at once: more would cost a request for each that turns out empty.
const MAX_SPLIT: u64 = 8;

/// After so many splits the parts of the range are no smaller than the whole: it would have had a hundred million rows.
const MAX_SPLITS: usize = 5_000;

/// How many slices are read side by side, so that the pool of requests does not run dry between two.
const CONCURRENT_SLICES: usize = 3;

/// Who has slices read, and is told what came of them.
pub(super) trait SliceVisitor {
    /// Whether a row that was not written yet is to be.
    fn wants(&self, row: &Row, data: &[u8]) -> bool;

    /// A slice was read, but for its broken rows.
    fn slice_read(&self, slice: DateSlice, swept: Swept);

    /// All slices up to there are complete.
    fn reached(&self, up_to: DateTime<Utc>);
}

impl RowFilter for &dyn SliceVisitor {
    fn wants(&self, row: &Row, data: &[u8]) -> bool {
        (**self).wants(row, data)
    }
}

/// Reads slices of one list.
pub(super) struct SliceReader<'a> {
    pub(super) list: &'a CreatedSlices,
    pub(super) read: &'a ReadContext<'a>,
    pub(super) visitor: &'a dyn SliceVisitor,
    /// Of the slices' rows only those that were last changed then, if they can be asked for.
    pub(super) updated: Option<(RangeInclusive<DateTime<Utc>>, TimeForm)>,
    /// Whether as many rows will be written as there are.
    pub(super) tells_size: bool,
}

/// What came of a slice.
enum SliceOutcome {
    /// It was read; without broken rows it is complete.
    Read(DateSlice, Swept),
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

impl SliceReader<'_> {
    /// Reads neighbouring slices, the first of which begins the range. Returns what could not be read.
    ///
    /// # Errors
    /// As for any request.
    pub(super) async fn read(&self, slices: Vec<DateSlice>) -> Result<Vec<BrokenRows>, ReadError> {
        let Some(whole) =
            slices.first().zip(slices.last()).map(|(first, last)| DateSlice { from: first.from, to: last.to })
        else {
            return Ok(Vec::new());
        };
        match self.read_slices(slices, whole).await? {
            RangeOutcome::Read(broken) => Ok(broken),
            RangeOutcome::FilterIgnored => self.read_unsliced(whole).await,
        }
    }

    /// From a second earlier on, so that it does not matter whether Navan includes the second that it is asked for; what was created
    /// in that one is not the slice's.
    fn query(&self, slice: DateSlice) -> ListQuery {
        self.list.query(slice).updated(self.updated.clone())
    }

    /// Into how many slices a range of so many pages is split: with a fifth of each left as room for unevenness.
    fn parts(&self, pages: u64) -> u64 {
        pages.saturating_mul(5).div_ceil(self.list.pages_per_slice * 4).clamp(2, MAX_SPLIT)
    }

    async fn read_slices(&self, slices: Vec<DateSlice>, whole: DateSlice) -> Result<RangeOutcome, ReadError> {
        let request_order = tokio::sync::Mutex::new(());
        let mut watermark = Watermark::new(whole.to, slices.iter().map(|slice| slice.from));
        let mut waiting: BTreeSet<_> = slices.into_iter().collect();
        let mut running = FuturesUnordered::new();
        let (mut all_broken, mut split) = (Vec::new(), Vec::new());
        loop {
            while running.len() < CONCURRENT_SLICES
                && let Some(slice) = waiting.pop_first()
            {
                running.push(self.read_slice(slice, whole.to, &request_order));
            }
            let Some(outcome) = running.next().await else { return Ok(RangeOutcome::Read(all_broken)) };
            match outcome? {
                SliceOutcome::Split(large, parts) => {
                    let of_whole = split.first().filter(|first: &&LargeSlice| first.slice == whole);
                    if split.iter().any(|other| large.is_same_list(other, of_whole)) || split.len() > MAX_SPLITS {
                        return Ok(RangeOutcome::FilterIgnored);
                    }
                    split.push(large);
                    watermark.split(large.slice.from, parts.iter().map(|part| part.from));
                    waiting.extend(parts);
                }
                SliceOutcome::Read(slice, mut swept) => {
                    // A slice with broken rows stays open, so that no checkpoint goes beyond it.
                    let is_complete = swept.broken.is_empty();
                    all_broken.append(&mut swept.broken);
                    self.visitor.slice_read(slice, swept);
                    if is_complete && let Some(reached) = watermark.complete(slice.from) {
                        self.visitor.reached(reached);
                    }
                }
            }
        }
    }

    async fn read_slice(
        &self,
        slice: DateSlice,
        end: DateTime<Utc>,
        request_order: &tokio::sync::Mutex<()>,
    ) -> Result<SliceOutcome, ReadError> {
        let query = self.query(slice);
        let first = page_sweep::first_page(self.read, &query, Paging::default()).await?;
        let page = first.page();
        if self.tells_size {
            self.read.emitter.estimate(page.estimated_rows(), page.estimated_bytes());
        }
        let pages_per_slice = self.list.pages_per_slice;
        let is_large = |pages: &u64| *pages > pages_per_slice && slice.to - slice.from > Duration::seconds(1);
        // One that has many pages and no row is not split, but found to be endless.
        if let Some(pages) = page.pages.filter(is_large).filter(|_| !page.rows.is_empty()) {
            let ends = page.rows.rows().first().zip(page.rows.rows().last());
            let ends = ends.map(|(first, last)| (first.identity, last.identity));
            let large = LargeSlice { slice, ends, total: page.total };
            return Ok(SliceOutcome::Split(large, slice.split(self.parts(pages))));
        }
        let options = SweepOptions {
            request_order,
            verify_twice: false,
            excluded_seconds: slice.seconds_of_others(end),
            untracked_second: Some(slice.to),
            filter: Some(&self.visitor),
        };
        Ok(SliceOutcome::Read(slice, page_sweep::sweep(self.read, &query, options, first).await?))
    }

    /// Reads the range as one list, whose parts cannot be asked for.
    async fn read_unsliced(&self, whole: DateSlice) -> Result<Vec<BrokenRows>, ReadError> {
        tracing::warn!(
            "{}: Navan gives the same rows whatever range of creation times it is asked for; they are read as one list, without checkpoints.",
            self.read.emitter.name()
        );
        let query = self.query(whole);
        let first = page_sweep::first_page(self.read, &query, Paging::default()).await?;
        let request_order = tokio::sync::Mutex::new(());
        let options = SweepOptions {
            request_order: &request_order,
            verify_twice: false,
            excluded_seconds: Vec::new(),
            untracked_second: Some(whole.to),
            filter: Some(&self.visitor),
        };
        let mut swept = page_sweep::sweep(self.read, &query, options, first).await?;
        let broken = std::mem::take(&mut swept.broken);
        self.visitor.slice_read(whole, swept);
        if broken.is_empty() {
            self.visitor.reached(whole.to);
        }
        Ok(broken)
    }
}

impl LargeSlice {
    /// Whether another one, with which it has no time in common, is the same list: both begin and end with the same rows, or have as
    /// many each as the `whole`, if that was split first.
    fn is_same_list(&self, other: &Self, whole: Option<&Self>) -> bool {
        let is_apart = other.slice.to <= self.slice.from || self.slice.to <= other.slice.from;
        let have_all = whole
            .and_then(|whole| whole.total)
            .is_some_and(|all| [self, other].iter().all(|large| large.total.is_some_and(|total| total >= all)));
        is_apart && (self.ends.is_some() && self.ends == other.ends || have_all)
    }
}
