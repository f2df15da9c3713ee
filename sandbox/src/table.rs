//! Which rows a stream has, and in which order; not what is in them.
//!
//! The rows that a table begins with are spread evenly over a range of time, so their keys are computed. Only what
//! was inserted, deleted or touched since is kept, as an overlay.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::{Bound, Range};

use crate::rng::mix;

/// A row's position in its table's order: its key (ms since the epoch), then its index.
pub(crate) type Position = (i64, u64);

/// Identifies a row and its version: all that is needed to write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RowRef {
    /// Its number in the stream, which never changes.
    pub(crate) index: u64,
    /// When it was created or, for transactions, last modified (ms since the epoch).
    pub(crate) key: i64,
    /// Its key before it was ever touched.
    pub(crate) first_key: i64,
    /// How often it was touched.
    pub(crate) version: u64,
    /// When it was last touched (ms since the epoch).
    pub(crate) touched_ms: Option<i64>,
}

/// The rows that a table begins with: `count` of them over `span_ms` from `start_ms` on.
#[derive(Clone, Debug)]
pub(crate) struct InitialRows {
    pub(crate) seed: u64,
    pub(crate) count: u64,
    pub(crate) start_ms: i64,
    pub(crate) span_ms: i64,
}

impl InitialRows {
    /// The key of row `index`, never smaller than the one before. Every 16th row has the same key
    /// as the one before it.
    pub(crate) fn key(&self, index: u64) -> i64 {
        const JITTER: i128 = 1024;
        let index = if index % 16 == 15 { index - 1 } else { index };
        let jitter = i128::from(mix(self.seed ^ index) % 1024);
        let offset =
            (i128::from(index) * JITTER + jitter) * i128::from(self.span_ms) / (i128::from(self.count.max(1)) * JITTER);
        self.start_ms + i64::try_from(offset).unwrap_or(self.span_ms)
    }

    /// A row with a key of at most `at`, and close to it; none if there may be none.
    pub(crate) fn shortly_before(&self, at: i64) -> Option<u64> {
        let passed = i128::from(at.checked_sub(self.start_ms)?);
        let rows = if self.span_ms == 0 { 0 } else { passed * i128::from(self.count) / i128::from(self.span_ms) };
        // A key lies within its row's share of the time, so that of the row before is past.
        u64::try_from(rows).ok()?.min(self.count).checked_sub(1)
    }

    /// How many rows are `before`, which must be a prefix of them (`partition_point`).
    fn partition_point(&self, before: impl Fn(Position) -> bool) -> u64 {
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low.midpoint(high);
            if before((self.key(middle), middle)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}

/// The changes of a row so far.
#[derive(Clone, Copy, Debug)]
struct Touch {
    version: u64,
    at_ms: i64,
    first_key: i64,
}

/// A part of a table in order: adjacent initial rows, or an inserted one.
#[derive(Clone, Debug)]
enum Span {
    Initial(Range<u64>),
    Inserted(Position),
}

impl Span {
    fn len(&self) -> u64 {
        match self {
            Self::Initial(indexes) => indexes.end - indexes.start,
            Self::Inserted(_) => 1,
        }
    }
}

/// A stream's rows in order of their keys.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    initial: InitialRows,
    /// Rows inserted since, each with the number of initial rows before it.
    inserted: BTreeMap<Position, u64>,
    /// The keys of those rows.
    inserted_keys: HashMap<u64, i64>,
    /// Initial rows that were deleted or have moved to `inserted`.
    removed: BTreeSet<u64>,
    touches: HashMap<u64, Touch>,
    next_index: u64,
}

impl Table {
    pub(crate) fn new(initial: InitialRows) -> Self {
        let next_index = initial.count;
        Self {
            initial,
            inserted: BTreeMap::new(),
            inserted_keys: HashMap::new(),
            removed: BTreeSet::new(),
            touches: HashMap::new(),
            next_index,
        }
    }

    /// How many rows have keys between `from` and `to`, both included.
    pub(crate) fn count(&self, from: i64, to: i64) -> u64 {
        self.spans((from, 0), false, to).iter().map(Span::len).sum()
    }

    /// How many rows there are, and up to `take` of them after the first `skip`, of those with keys
    /// between `from` and `to` (both included), latest first.
    pub(crate) fn latest_first(&self, from: i64, to: i64, skip: u64, take: u64) -> (u64, Vec<RowRef>) {
        let spans = self.spans((from, 0), false, to);
        let total = spans.iter().map(Span::len).sum::<u64>();
        // The same rows counted from the other end.
        let end = total.saturating_sub(skip);
        let start = end.saturating_sub(take);
        let mut rows = self.take(&spans, start, end - start);
        rows.reverse();
        (total, rows)
    }

    /// As [`Self::latest_first`], earliest first and over all rows.
    pub(crate) fn earliest_first(&self, skip: u64, take: u64) -> (u64, Vec<RowRef>) {
        let spans = self.spans((i64::MIN, 0), false, i64::MAX);
        (spans.iter().map(Span::len).sum(), self.take(&spans, skip, take))
    }

    /// Up to `take` rows from `start` on, or after it if `exclusive`, with keys up to `to`, earliest first.
    pub(crate) fn range(&self, start: Position, exclusive: bool, to: i64, take: u64) -> Vec<RowRef> {
        self.take(&self.spans(start, exclusive, to), 0, take)
    }

    /// Up to `take` rows after the first `skip` of those with keys between `from` and `to`, earliest first.
    pub(crate) fn range_after(&self, from: i64, to: i64, skip: u64, take: u64) -> Vec<RowRef> {
        self.take(&self.spans((from, 0), false, to), skip, take)
    }

    /// The row with this index, if there is one.
    pub(crate) fn row(&self, index: u64) -> Option<RowRef> {
        let is_initial = index < self.initial.count && !self.removed.contains(&index);
        let key = self.inserted_keys.get(&index).copied().or_else(|| is_initial.then(|| self.initial.key(index)))?;
        Some(self.row_ref((key, index)))
    }

    /// One of the rows, chosen by the `random` bits.
    pub(crate) fn any(&self, random: u64) -> Option<RowRef> {
        let nth = random.checked_rem(self.count(i64::MIN, i64::MAX))?;
        self.earliest_first(nth, 1).1.first().copied()
    }

    /// Inserts a row and returns its index.
    pub(crate) fn insert(&mut self, key: i64) -> u64 {
        let index = self.next_index;
        self.next_index += 1;
        self.insert_at((key, index));
        index
    }

    /// Deletes a row; false if there is none.
    pub(crate) fn delete(&mut self, index: u64) -> bool {
        if let Some(key) = self.inserted_keys.remove(&index) {
            return self.inserted.remove(&(key, index)).is_some();
        }
        index < self.initial.count && self.removed.insert(index)
    }

    /// Gives a row a new version at `at_ms`, which with `moves` becomes its key; false if there is no such row.
    pub(crate) fn touch(&mut self, index: u64, at_ms: i64, moves: bool) -> bool {
        let Some(row) = self.row(index) else {
            return false;
        };
        self.touches.insert(index, Touch { version: row.version + 1, at_ms, first_key: row.first_key });
        if moves {
            self.delete(index);
            self.insert_at((at_ms, index));
        }
        true
    }

    fn insert_at(&mut self, position: Position) {
        let before = self.initial.partition_point(|initial| initial < position);
        self.inserted.insert(position, before);
        self.inserted_keys.insert(position.1, position.0);
    }

    /// The rows from `start` on (after it if `exclusive`) up to the key `to`, as spans.
    fn spans(&self, start: Position, exclusive: bool, to: i64) -> Vec<Span> {
        let low = self.initial.partition_point(|initial| initial < start || exclusive && initial == start);
        let high = self.initial.partition_point(|(key, _)| key <= to).max(low);
        let first = if exclusive { Bound::Excluded(start) } else { Bound::Included(start) };
        let last = (to, u64::MAX);
        // Where the initial rows are interrupted: by a row inserted before one of them, or by one that was removed.
        let mut breaks: Vec<(u64, Option<Position>)> = if start > last {
            Vec::new()
        } else {
            let inserted = self.inserted.range((first, Bound::Included(last)));
            inserted.map(|(position, before)| (*before, Some(*position))).collect()
        };
        breaks.extend(self.removed.range(low..high).map(|index| (*index, None)));
        // Stable, so rows inserted before the same initial row keep their order. They come before that row's removal.
        breaks.sort_by_key(|(at, inserted)| (*at, inserted.is_none()));
        let mut spans = Vec::with_capacity(2 * breaks.len() + 1);
        let mut next = low;
        for (at, inserted) in breaks {
            let at = at.clamp(low, high);
            if next < at {
                spans.push(Span::Initial(next..at));
                next = at;
            }
            match inserted {
                Some(position) => spans.push(Span::Inserted(position)),
                None => next = at + 1,
            }
        }
        if next < high {
            spans.push(Span::Initial(next..high));
        }
        spans
    }

    /// Up to `take` rows after the first `skip` of these spans.
    fn take(&self, spans: &[Span], mut skip: u64, mut take: u64) -> Vec<RowRef> {
        let mut rows = Vec::new();
        for span in spans {
            let here = span.len();
            if skip >= here {
                skip -= here;
                continue;
            }
            let count = (here - skip).min(take);
            match span {
                Span::Initial(indexes) => {
                    let from = indexes.start + skip;
                    rows.extend((from..from + count).map(|index| self.row_ref((self.initial.key(index), index))));
                }
                Span::Inserted(position) if count > 0 => rows.push(self.row_ref(*position)),
                Span::Inserted(_) => {}
            }
            skip = 0;
            take -= count;
            if take == 0 {
                break;
            }
        }
        rows
    }

    fn row_ref(&self, (key, index): Position) -> RowRef {
        let touch = self.touches.get(&index);
        RowRef {
            index,
            key,
            first_key: touch.map_or(key, |touch| touch.first_key),
            version: touch.map_or(0, |touch| touch.version),
            touched_ms: touch.map(|touch| touch.at_ms),
        }
    }
}
