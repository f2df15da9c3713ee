//! Telling rows apart over several looks at the same list.

use std::collections::HashMap;

use super::number_map::NumberMap;
use crate::hash::hash;
use crate::record::{Identity, Row};

/// Of so many bits is what tells apart two versions of the same time; the others are the time, in milliseconds.
const CONTENT_BITS: u32 = 19;

/// The times that fit into the others, 557 years on either side of 1970.
const HALF_OF_TIMES: i64 = 1 << (63 - CONTENT_BITS);

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

    /// The number of a row.
    pub(super) fn of(&mut self, row: &Row) -> u64 {
        match row.identity {
            Identity::Key(hash) => hash,
            Identity::Content(hash) => {
                let count = self.without_key.entry(hash).or_default();
                *count += 1;
                self.repeated += usize::from(*count > 1);
                // An odd factor gives each count another number; that a key has the same is as unlikely as that of two keys.
                hash ^ count.wrapping_mul(0x9e37_79b9_7f4a_7c15)
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
    /// These, and of rows by their numbers those, each with what tells its versions apart.
    pub(super) fn with(&self, rows: &NumberMap<RowVersion>) -> Self {
        let those = rows.iter().map(|(number, version)| Self::mix(number, version));
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

    fn mix(number: u64, RowVersion(version): RowVersion) -> u64 {
        number ^ version.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}
