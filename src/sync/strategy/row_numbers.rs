//! Telling rows apart over several looks at the same list.

use std::collections::HashMap;

use super::number_map::NumberMap;
use crate::record::{Identity, Row};

/// Gives each row a number, by which it is known again in the next look. Rows with the same key have the same; a row without
/// a key has that of its content and of how many like it came before in this look, so that two that are alike are two rows,
/// and still the same two when the list is read again.
#[derive(Default)]
pub(super) struct RowNumbers {
    without_key: HashMap<u64, u64>,
}

impl RowNumbers {
    /// The list is read again.
    pub(super) fn begin_look(&mut self) {
        self.without_key.clear();
    }

    /// The number of a row.
    pub(super) fn of(&mut self, row: &Row) -> u64 {
        match row.identity {
            Identity::Key(hash) => hash,
            Identity::Content(hash) => {
                let count = self.without_key.entry(hash).or_default();
                *count += 1;
                // An odd factor gives each count another number; that a key has the same is as unlikely as that of two keys.
                hash ^ count.wrapping_mul(0x9e37_79b9_7f4a_7c15)
            }
        }
    }
}

/// Versions of rows that were written, to be known again long after; eight bytes each.
#[derive(Clone, Debug, Default)]
pub(super) struct WrittenVersions(Box<[u64]>);

impl WrittenVersions {
    /// These, and of rows by their numbers those, each with what tells its versions apart.
    pub(super) fn with(&self, rows: &NumberMap<i64>) -> Self {
        let those = rows.iter().map(|(number, version)| Self::mix(number, version));
        let mut versions: Vec<u64> = self.0.iter().copied().chain(those).collect();
        versions.sort_unstable();
        versions.dedup();
        Self(versions.into_boxed_slice())
    }

    pub(super) fn contains(&self, number: u64, version: i64) -> bool {
        self.0.binary_search(&Self::mix(number, version)).is_ok()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    fn mix(number: u64, version: i64) -> u64 {
        number ^ version.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}
