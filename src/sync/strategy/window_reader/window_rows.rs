//! The rows of one window: which of them are to be written, and which were.

use chrono::{DateTime, Utc};

use crate::record::{Identity, Row};
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
    /// When rows changed while windows were read.
    pub(super) changed_since: Vec<DateTime<Utc>>,
}

impl WindowRows {
    /// How many different rows came.
    pub(super) fn distinct(&self) -> usize {
        self.written.len() + self.left_out.len()
    }

    /// The window is read from its first page.
    pub(super) fn begin_look(&mut self) {
        self.numbers.begin_look();
        self.left_out = NumberMap::default();
        self.barren = 0;
        self.looks += 1;
        self.pages_of_first_look = self.pages_of_first_look.max(self.pages);
        self.pages = 0;
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
            return !written_before.contains(number, version);
        }
        let is_known = match row.identity {
            Identity::Key(_) => version == *newest || version.is_older_than(*newest),
            Identity::Content(_) => true,
        };
        if !is_known {
            *newest = version;
        }
        !is_known
    }
}
