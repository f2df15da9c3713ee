//! The rows that a stream has, without the rows.
//!
//! A table knows the order of its rows and which of them a request asks for. The rows it begins with are
//! spread evenly over a time, so their keys are arithmetic; only what was inserted, removed or touched
//! since is remembered, as an overlay.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::{Bound, Range};

use crate::rng::mix;

/// A row's place in its table's order: its key (ms since the epoch), then its index.
pub(crate) type Place = (i64, u64);

/// A row that a request asks for, and all that is needed to write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pick {
    /// Which row of the stream, the same for as long as it lives.
    pub(crate) index: u64,
    /// When it was created or, for transactions, last modified (ms since the epoch).
    pub(crate) key: i64,
    /// How often it was touched.
    pub(crate) version: u64,
    /// When it was last touched (ms since the epoch).
    pub(crate) touched_ms: Option<i64>,
}

/// The rows that a table begins with: `count` of them over `span_ms` from `start_ms` on.
#[derive(Clone, Debug)]
pub(crate) struct Spread {
    pub(crate) seed: u64,
    pub(crate) count: u64,
    pub(crate) start_ms: i64,
    pub(crate) span_ms: i64,
}

impl Spread {
    /// The key of row `index`, never smaller than the one before. Every 16th row happens at the same
    /// moment as the one before it.
    fn key(&self, index: u64) -> i64 {
        const JITTER: i128 = 1024;
        let index = if index % 16 == 15 { index - 1 } else { index };
        let jitter = i128::from(mix(self.seed ^ index) % 1024);
        let offset =
            (i128::from(index) * JITTER + jitter) * i128::from(self.span_ms) / (i128::from(self.count.max(1)) * JITTER);
        self.start_ms + i64::try_from(offset).unwrap_or(self.span_ms)
    }

    /// How many rows come before the first that is not `before`.
    fn partition(&self, before: impl Fn(Place) -> bool) -> u64 {
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

#[derive(Clone, Copy, Debug)]
struct Touch {
    version: u64,
    at_ms: i64,
}

/// A piece of a table's order: base rows next to each other, or one that was put in.
#[derive(Clone, Debug)]
enum Run {
    Base(Range<u64>),
    Placed(Place),
}

impl Run {
    fn len(&self) -> u64 {
        match self {
            Self::Base(rows) => rows.end - rows.start,
            Self::Placed(_) => 1,
        }
    }
}

/// A stream's rows in order of their keys.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    base: Spread,
    /// Rows put in since, and before which base row each comes.
    placed: BTreeMap<Place, u64>,
    /// The keys of those rows.
    placed_keys: HashMap<u64, i64>,
    /// Base rows that were removed or have moved to `placed`.
    absent: BTreeSet<u64>,
    touches: HashMap<u64, Touch>,
    next_index: u64,
}

impl Table {
    pub(crate) fn new(base: Spread) -> Self {
        let next_index = base.count;
        Self {
            base,
            placed: BTreeMap::new(),
            placed_keys: HashMap::new(),
            absent: BTreeSet::new(),
            touches: HashMap::new(),
            next_index,
        }
    }

    /// How many rows have keys between `from` and `to`, both included.
    pub(crate) fn count(&self, from: i64, to: i64) -> u64 {
        self.runs((from, 0), false, to).iter().map(Run::len).sum()
    }

    /// How many rows there are, and up to `take` of them after the first `skip`, of those with keys
    /// between `from` and `to` (both included), latest first.
    pub(crate) fn latest_first(&self, from: i64, to: i64, skip: u64, take: u64) -> (u64, Vec<Pick>) {
        let runs = self.runs((from, 0), false, to);
        let total = runs.iter().map(Run::len).sum::<u64>();
        // The same rows counted from the other end.
        let end = total.saturating_sub(skip);
        let start = end.saturating_sub(take);
        let mut picks = self.take(&runs, start, end - start);
        picks.reverse();
        (total, picks)
    }

    /// As [`Self::latest_first`], earliest first and over all rows.
    pub(crate) fn earliest_first(&self, skip: u64, take: u64) -> (u64, Vec<Pick>) {
        let runs = self.runs((i64::MIN, 0), false, i64::MAX);
        (runs.iter().map(Run::len).sum(), self.take(&runs, skip, take))
    }

    /// Up to `take` rows from `start` on, or after it if `past`, with keys up to `to`, earliest first.
    pub(crate) fn following(&self, start: Place, past: bool, to: i64, take: u64) -> Vec<Pick> {
        self.take(&self.runs(start, past, to), 0, take)
    }

    /// Puts in a row and returns its index.
    pub(crate) fn insert(&mut self, key: i64) -> u64 {
        let index = self.next_index;
        self.next_index += 1;
        self.place((key, index));
        index
    }

    /// Takes a row out; false if there is none.
    pub(crate) fn remove(&mut self, index: u64) -> bool {
        if let Some(key) = self.placed_keys.remove(&index) {
            return self.placed.remove(&(key, index)).is_some();
        }
        index < self.base.count && self.absent.insert(index)
    }

    /// Changes a row at `at_ms`, and with `moves` makes that its key; false if there is none.
    pub(crate) fn touch(&mut self, index: u64, at_ms: i64, moves: bool) -> bool {
        let exists = self.placed_keys.contains_key(&index) || index < self.base.count && !self.absent.contains(&index);
        if !exists {
            return false;
        }
        let version = self.touches.get(&index).map_or(0, |touch| touch.version) + 1;
        self.touches.insert(index, Touch { version, at_ms });
        if moves {
            self.remove(index);
            self.place((at_ms, index));
        }
        true
    }

    fn place(&mut self, place: Place) {
        let anchor = self.base.partition(|base| base < place);
        self.placed.insert(place, anchor);
        self.placed_keys.insert(place.1, place.0);
    }

    /// The rows from `start` on (after it if `past`) up to the key `to`, as runs.
    fn runs(&self, start: Place, past: bool, to: i64) -> Vec<Run> {
        let low = self.base.partition(|base| base < start || past && base == start);
        let high = self.base.partition(|(key, _)| key <= to).max(low);
        let first = if past { Bound::Excluded(start) } else { Bound::Included(start) };
        let last = (to, u64::MAX);
        // What interrupts the base rows: a row put in before one of them, or one that is absent.
        let mut cuts: Vec<(u64, Option<Place>)> = if start > last {
            Vec::new()
        } else {
            let placed = self.placed.range((first, Bound::Included(last)));
            placed.map(|(place, anchor)| (*anchor, Some(*place))).collect()
        };
        cuts.extend(self.absent.range(low..high).map(|index| (*index, None)));
        // Stable, so rows put in at one place keep their order; they come before the row that is cut out.
        cuts.sort_by_key(|(at, placed)| (*at, placed.is_none()));
        let mut runs = Vec::with_capacity(2 * cuts.len() + 1);
        let mut next = low;
        for (at, placed) in cuts {
            let at = at.clamp(low, high);
            if next < at {
                runs.push(Run::Base(next..at));
                next = at;
            }
            match placed {
                Some(place) => runs.push(Run::Placed(place)),
                None => next = at + 1,
            }
        }
        if next < high {
            runs.push(Run::Base(next..high));
        }
        runs
    }

    fn take(&self, runs: &[Run], mut skip: u64, mut take: u64) -> Vec<Pick> {
        let mut picks = Vec::new();
        for run in runs {
            let here = run.len();
            if skip >= here {
                skip -= here;
                continue;
            }
            let count = (here - skip).min(take);
            match run {
                Run::Base(rows) => {
                    let from = rows.start + skip;
                    picks.extend((from..from + count).map(|index| self.pick((self.base.key(index), index))));
                }
                Run::Placed(place) if count > 0 => picks.push(self.pick(*place)),
                Run::Placed(_) => {}
            }
            skip = 0;
            take -= count;
            if take == 0 {
                break;
            }
        }
        picks
    }

    fn pick(&self, (key, index): Place) -> Pick {
        let touch = self.touches.get(&index);
        Pick { index, key, version: touch.map_or(0, |touch| touch.version), touched_ms: touch.map(|touch| touch.at_ms) }
    }
}
