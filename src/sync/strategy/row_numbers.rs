//! Telling rows apart over several looks at the same list.

use std::collections::{HashMap, HashSet};

use crate::hash::hash;
use crate::record::{Identity, RecordBatch, Row};

/// Of so many bits is what tells apart two versions of the same time; the others are the time, in milliseconds.
const CONTENT_BITS: u32 = 19;

/// The times that fit into the others, 557 years on either side of 1970.
const HALF_OF_TIMES: i64 = 1 << (63 - CONTENT_BITS);

/// Spreads a number over all bits.
const ODD_FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// Gives each row a number, by which it is known again in the next look. Rows with the same key have the same; a row without
/// a key has that of its content and of how many like it came before in this look, so that two that are alike are two rows,
/// and still the same two when the list is read again.
#[derive(Default)]
pub(super) struct RowNumbers {
    without_key: HashMap<u64, u64>,
    repeated: usize,
}

impl RowNumbers {
    /// The list is read again.
    pub(super) fn begin_look(&mut self) {
        self.without_key.clear();
        self.repeated = 0;
    }

    /// How many rows without a key are like an earlier one of this look. A list that never ends brings such again and again.
    pub(super) fn repeated(&self) -> usize {
        self.repeated
    }

    /// The numbers of a page's rows. One that has the key of another on the page, and other content, is a row of its own: it cannot be
    /// the same row that moved.
    pub(super) fn of_page(&mut self, page: &RecordBatch) -> Vec<u64> {
        let mut numbers: Vec<_> = page.rows().iter().map(|row| self.of(row)).collect();
        let mut sorted = numbers.clone();
        sorted.sort_unstable();
        if sorted.windows(2).any(|two| two[0] == two[1]) {
            let contents: Vec<_> = page.rows().iter().map(|row| hash(page.data(row))).collect();
            let (mut first_contents, mut twins) = (HashMap::new(), HashSet::new());
            for (number, content) in numbers.iter().zip(&contents) {
                if first_contents.entry(*number).or_insert(*content) != content {
                    twins.insert(*number);
                }
            }
            for (number, content) in numbers.iter_mut().zip(contents).filter(|(number, _)| twins.contains(number)) {
                *number ^= content.wrapping_mul(ODD_FACTOR);
            }
        }
        numbers
    }

    /// The number of a row.
    pub(super) fn of(&mut self, row: &Row) -> u64 {
        match row.identity {
            Identity::Key(hash) => hash,
            Identity::Content(hash) => {
                let count = self.without_key.entry(hash).or_default();
                *count += 1;
                self.repeated += usize::from(*count > 1);
                // An odd factor gives each count another number; that a key has the same is as unlikely as that of two keys.
                hash ^ count.wrapping_mul(ODD_FACTOR)
            }
        }
    }
}

/// A version of a row: when it changed, and what tells it from others of that time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct RowVersion(u64);

impl RowVersion {
    /// Of a row that holds this.
    pub(super) fn of(row: &Row, data: &[u8]) -> Self {
        let changed = row.cursor.map_or(0, |changed| changed.timestamp_millis().saturating_add(HALF_OF_TIMES));
        let time = u64::try_from(changed).ok().filter(|time| *time < 1 << (64 - CONTENT_BITS)).unwrap_or(0);
        Self(time << CONTENT_BITS | hash(data) >> (64 - CONTENT_BITS))
    }

    /// Without times nobody can say which of two versions is the newer one.
    pub(super) fn is_older_than(self, other: Self) -> bool {
        let (time, other) = (self.0 >> CONTENT_BITS, other.0 >> CONTENT_BITS);
        time != 0 && time < other
    }
}

/// Versions of rows that were written, to be known again long after; eight bytes each.
#[derive(Clone, Debug, Default)]
pub(super) struct WrittenVersions(Box<[u64]>);

impl WrittenVersions {
    /// These and those.
    pub(super) fn with(&self, those: impl Iterator<Item = u64>) -> Self {
        let mut versions: Vec<u64> = self.0.iter().copied().chain(those).collect();
        versions.sort_unstable();
        versions.dedup();
        Self(versions.into_boxed_slice())
    }

    pub(super) fn contains(&self, number: u64, version: RowVersion) -> bool {
        self.0.binary_search(&Self::mix(number, version)).is_ok()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// What tells a version of a row from all others.
    pub(super) fn mix(number: u64, RowVersion(version): RowVersion) -> u64 {
        number ^ version.wrapping_mul(ODD_FACTOR)
    }
}
