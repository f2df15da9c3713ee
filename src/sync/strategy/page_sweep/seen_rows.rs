//! What sweeps over a list have seen, and whether that can be all of it.

use crate::error::Error;
use crate::record::RecordBatch;
use crate::sync::strategy::number_set::{Marked, NumberSet};
use crate::sync::strategy::row_numbers::RowNumbers;

/// From how many rows on, and at multiples of what, a total looks like the most that a server gives.
const CAP: u64 = 10_000;
const CAP_STEP: u64 = 1_000;

/// Which sweeps have seen which rows.
#[derive(Default)]
pub(super) struct SeenRows {
    numbers: RowNumbers,
    /// Those that this sweep has seen are marked.
    rows: NumberSet,
    pub(super) sweep: Sweep,
}

/// What one sweep saw.
#[derive(Default)]
pub(super) struct Sweep {
    pub(super) number: u8,
    pub(super) total: Option<u64>,
    pub(super) total_moved: bool,
    pub(super) repeats: u64,
    pub(super) distinct: u64,
    new: u64,
    /// Rows came behind the pages that the list says it has.
    pub(super) went_beyond: bool,
    /// Pages that should be there and did not come, and why.
    pub(super) absent: Vec<(u64, String)>,
    /// The page that was refused where the list says nothing of its end, or untruths, and how.
    pub(super) refused_end: Option<(u64, String)>,
    /// Pages that came without rows, though more should follow.
    empty: Vec<u64>,
    /// The last page that has rows.
    last_with_rows: u64,
    /// Pages in a row that brought no row that this sweep had not seen.
    pub(super) barren: u32,
    /// Pages all of whose rows this sweep had seen.
    pub(super) repeated_pages: u32,
    /// The largest total that was told.
    max_total: u64,
    /// A page was taken for empty that did not say so.
    pub(super) was_told_nothing: bool,
}

impl SeenRows {
    /// # Errors
    /// As for [`NumberSet::unmark_all`].
    pub(super) fn next_sweep(&mut self) -> Result<(), Error> {
        self.numbers.begin_look();
        self.sweep = Sweep { number: self.sweep.number + 1, ..Sweep::default() };
        self.rows.unmark_all()
    }

    pub(super) fn observe_total(&mut self, total: Option<u64>) {
        if let Some(total) = total {
            self.sweep.total_moved |= *self.sweep.total.get_or_insert(total) != total;
            self.sweep.max_total = self.sweep.max_total.max(total);
        }
    }

    /// How many rows of this sweep are like no other.
    pub(super) fn unlike(&self) -> u64 {
        self.sweep.distinct - self.numbers.repeated() as u64
    }

    /// Takes note of the rows of a page, and says of each whether a sweep has seen it before, and whether this one has.
    ///
    /// # Errors
    /// As for [`NumberSet::mark`].
    pub(super) fn observe(&mut self, page: &RecordBatch) -> Result<Vec<Marked>, Error> {
        let numbers = self.numbers.of_page(page);
        numbers.into_iter().map(|number| self.observe_number(number)).collect()
    }

    fn observe_number(&mut self, number: u64) -> Result<Marked, Error> {
        let marked = self.rows.mark(number)?;
        let sweep = &mut self.sweep;
        if marked.was_unmarked {
            sweep.distinct += 1;
        } else {
            sweep.repeats += 1;
        }
        sweep.new += u64::from(marked.is_new);
        Ok(marked)
    }
}

impl Sweep {
    /// Takes note of a page that gave so many rows; whether the list says that others follow.
    pub(super) fn note_page(&mut self, number: u64, rows: u64, has_page_behind: bool) {
        if rows > 0 {
            self.last_with_rows = self.last_with_rows.max(number);
        } else if has_page_behind {
            self.empty.push(number);
        }
    }

    /// All pages came: those without rows in front of others are missing. At the end of a list they only show that it is shorter than
    /// it says.
    pub(super) fn judge_empty_pages(&mut self) {
        let last = self.last_with_rows;
        let gaps = self.empty.drain(..).filter(|number| *number < last);
        self.absent
            .extend(gaps.map(|number| (number, "it came without rows, though others behind it have some".to_owned())));
    }

    /// Whether all rows came in one page.
    pub(super) fn is_one_page(&self) -> bool {
        self.last_with_rows == 0 && !self.went_beyond
    }

    pub(super) fn is_consistent(&self) -> bool {
        let is_whole =
            self.total.is_none_or(|total| self.distinct == total || self.went_beyond && self.distinct > total);
        // A list that is longer than it ever says may say anything.
        let is_longer = self.went_beyond && self.distinct > self.max_total;
        (!self.total_moved || is_longer) && self.repeats == 0 && self.absent.is_empty() && is_whole
    }

    /// Whether as many rows were seen as the list says it has.
    pub(super) fn has_total(&self) -> bool {
        self.total == Some(self.distinct)
    }

    /// Whether the list ends at a number that is none of its own: search engines give no more than 10,000 rows, for one.
    pub(super) fn looks_capped(&self) -> bool {
        self.total.is_some_and(|total| total == self.distinct && total >= CAP && total.is_multiple_of(CAP_STEP))
    }

    /// Whether it brought nothing that an earlier one had not.
    pub(super) fn confirms(&self) -> bool {
        self.number > 1 && self.new == 0
    }
}
