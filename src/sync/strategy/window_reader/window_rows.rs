//! The rows of one window: which of them are to be written, and which were.

use std::collections::HashSet;
use std::rc::Rc;

use chrono::{DateTime, Utc};

use super::{Ends, FirstOfType, FirstWindow};
use crate::hash::hash;
use crate::record::{Identity, RecordBatch, Row};
use crate::sync::strategy::number_map::NumberMap;
use crate::sync::strategy::row_numbers::{RowNumbers, RowVersion, WrittenVersions};

/// The rows of a window.
#[derive(Default)]
pub(super) struct WindowRows {
    pub(super) numbers: RowNumbers,
    /// Those written so far, each in its newest version.
    pub(super) written: NumberMap<RowVersion>,
    /// Those that were left out as read before, or for the next read to bring.
    pub(super) left_out: NumberMap<()>,
    /// How often the window was begun.
    pub(super) looks: u32,
    /// Pages of this look, and of the first.
    pub(super) pages: u64,
    pub(super) pages_of_first_look: u64,
    /// Pages in a row without a row that was not written before.
    pub(super) barren: u32,
    /// The pages of this look.
    seen_pages: HashSet<u64>,
    /// When rows changed while windows were read.
    pub(super) changed_since: Vec<DateTime<Utc>>,
    /// Versions of rows that have another of the same time.
    of_one_time: HashSet<u64>,
    /// The first and the last row of the first page.
    pub(super) ends: Option<Ends>,
    /// The type's first window, if this is the same list.
    pub(super) first: Option<Rc<FirstWindow>>,
}

impl WindowRows {
    /// How many different rows came.
    pub(super) fn distinct(&self) -> usize {
        self.written.len() + self.left_out.len()
    }

    /// The sum of the numbers of all rows that came.
    pub(super) fn numbers_in_sum(&self) -> u64 {
        let numbers =
            self.written.iter().map(|(number, _)| number).chain(self.left_out.iter().map(|(number, ())| number));
        numbers.fold(0, u64::wrapping_add)
    }

    /// The window is read from its first page.
    pub(super) fn begin_look(&mut self) {
        self.numbers.begin_look();
        self.left_out = NumberMap::default();
        self.barren = 0;
        self.seen_pages.clear();
        self.looks += 1;
        self.pages_of_first_look = self.pages_of_first_look.max(self.pages);
        self.pages = 0;
    }

    /// Takes note of the first page. If it begins and ends as that of another window does, Navan does not heed the days.
    pub(super) fn note_first_page(&mut self, page: &RecordBatch, first: &FirstOfType) {
        // Rows without a key may well be alike.
        let end = |row: &Row| match row.identity {
            Identity::Key(key) => Some((key, row.cursor)),
            Identity::Content(_) => None,
        };
        let ends = page.rows().first().and_then(end).zip(page.rows().last().and_then(end));
        self.ends = ends.map(|(first, last)| [first, last]);
        self.first = match first {
            FirstOfType::Known(first) if self.ends == Some(first.ends) => Some(Rc::clone(first)),
            _ => None,
        };
    }

    /// Whether a page came before in this look, with the same versions of the same rows: then it is in the place of another. One row
    /// says too little, and rows without a key may well be alike.
    pub(super) fn is_repeated(&mut self, page: &RecordBatch) -> bool {
        let version = |row: &Row| match row.identity {
            Identity::Key(key) => Some((key, row.cursor.map(|changed| changed.timestamp_millis()))),
            Identity::Content(_) => None,
        };
        let versions: Option<Vec<_>> = page.rows().iter().map(version).collect();
        let Some(versions) = versions.filter(|versions| versions.len() > 1) else { return false };
        let bytes = versions
            .iter()
            .flat_map(|(key, changed)| key.to_le_bytes().into_iter().chain(changed.unwrap_or(i64::MIN).to_le_bytes()));
        !self.seen_pages.insert(hash(&bytes.collect::<Vec<_>>()))
    }

    /// Whether a row is to be written: not if this version of it was.
    pub(super) fn is_wanted(
        &mut self,
        row: &Row,
        data: &[u8],
        written_before: &WrittenVersions,
        is_for_another_read: bool,
    ) -> bool {
        let number = self.numbers.of(row);
        if is_for_another_read {
            self.left_out.get_or_insert(number, ());
            return false;
        }
        let version = RowVersion::of(row, data);
        let (newest, is_new) = self.written.get_or_insert(number, version);
        if is_new {
            let is_of_first = self.first.as_ref().is_some_and(|first| first.written.contains(number, version));
            return !is_of_first && !written_before.contains(number, version);
        }
        if matches!(row.identity, Identity::Content(_)) || version == *newest || version.is_older_than(*newest) {
            return false;
        }
        if newest.is_older_than(version) {
            *newest = version;
            return true;
        }
        // Of one time there can be several, in any order.
        self.of_one_time.insert(WrittenVersions::mix(number, *newest));
        *newest = version;
        self.of_one_time.insert(WrittenVersions::mix(number, version))
    }

    /// What tells the versions apart that were written.
    pub(super) fn versions(&self) -> impl Iterator<Item = u64> {
        let newest = self.written.iter().map(|(number, version)| WrittenVersions::mix(number, version));
        newest.chain(self.of_one_time.iter().copied())
    }
}
