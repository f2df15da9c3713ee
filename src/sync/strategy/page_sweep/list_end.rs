//! The end of a list, which it may tell, tell wrongly, or not tell at all.
//!
//! Behind what it tells, pages are asked for while they bring rows. What comes there instead of rows is an end only where nothing
//! speaks against it: no rows behind it, and, where nothing was told, the same once more.

use super::seen_rows::Sweep;
use super::{PageOutcome, PageSweep, page_isolation};
use crate::api::ListPage;
use crate::gateway::Failure;
use crate::sync::strategy::missing::BrokenRows;
use crate::sync::strategy::{BRIEF_ATTEMPTS, ReadError};

/// What a sweep had seen before a page was asked for that the list says it does not have.
struct Mark {
    distinct: u64,
    /// Rows like no other.
    unlike: u64,
    repeats: u64,
    total_moved: bool,
}

impl PageSweep<'_> {
    /// Reads on behind the pages that the list says it has, one by one, while they bring rows.
    pub(super) async fn read_beyond(
        &self,
        pages: u64,
        mut last_is_full: bool,
        broken: &mut Vec<BrokenRows>,
    ) -> Result<(), ReadError> {
        let (mut number, mut was_broken) = (pages.max(1), false);
        while last_is_full {
            let page = self.read_behind(number).await?;
            // Of one that cannot be read the next one tells whether it was the last.
            let is_broken = !page.broken.is_empty() && !page.is_full;
            last_is_full = page.is_full || is_broken && !was_broken;
            was_broken = is_broken;
            broken.extend(page.broken);
            number += 1;
        }
        Ok(())
    }

    /// Whether the only page of a list may not be all of it: it has as many rows as were asked for, or a number that a server may well
    /// have for a bound of its own.
    pub(super) fn looks_full(&self, rows: u64) -> bool {
        rows >= self.size.get() || matches!(rows, 10 | 20) || rows > 0 && rows.is_multiple_of(25)
    }

    /// Whether the list ended with a page, or with a refusal at the same place as in the sweep before: one refusal may be chance.
    pub(super) fn judge_end(&self, sweep: &Sweep) -> bool {
        let refused_end = sweep.refused_end.as_ref().map(|(number, _)| *number);
        let last = self.refused_end.replace(refused_end);
        let is_proper = refused_end.is_none() || refused_end == last;
        self.has_proper_end.set(is_proper);
        is_proper
    }

    /// Whether the list says nothing of its size.
    pub(super) fn is_untold(&self) -> bool {
        self.pages.get().is_none()
    }

    /// Reads a page that the list says it does not have. If it brings rows, it counts as full.
    async fn read_behind(&self, number: u64) -> Result<PageOutcome, ReadError> {
        let before = self.mark();
        // What stops at a round number may have been capped, so that no chance is to decide whether more is there.
        let looks_capped = self.seen.borrow().sweep.looks_capped();
        let attempts = (!looks_capped).then_some(BRIEF_ATTEMPTS);
        match self.page_behind(number, attempts).await {
            Ok(page) => {
                self.write(page).await?;
                let is_full = self.brought_rows_since(&before);
                if is_full {
                    // The list is longer than it says, so that its words end nothing any more.
                    self.seen.borrow_mut().sweep.went_beyond = true;
                } else {
                    self.forget_since(&before);
                }
                Ok(PageOutcome { number, is_full, broken: Vec::new() })
            }
            Err(failure) if failure.refused_with().is_some() => {
                // Rows behind it show that it is no end.
                if let Ok(page) = self.page_behind(number + 1, attempts).await {
                    self.write(page).await?;
                }
                self.judge_refusal(number, failure, &before, looks_capped);
                Ok(PageOutcome { number, is_full: false, broken: Vec::new() })
            }
            Err(failure @ Failure::Exhausted { .. }) => {
                // Some servers fail behind the end of a list.
                let may_be_end = self.seen.borrow().sweep.has_total();
                let isolated = page_isolation::isolate(self, number, failure).await?;
                let has_rows = isolated.given > 0;
                self.seen.borrow_mut().sweep.went_beyond |= has_rows;
                let is_full = has_rows && isolated.rows() >= self.size.get();
                let broken = if may_be_end && !has_rows { Vec::new() } else { isolated.broken };
                Ok(PageOutcome { number, is_full, broken })
            }
            Err(failure) => Err(failure.into()),
        }
    }

    async fn page_behind(&self, number: u64, attempts: Option<u32>) -> Result<ListPage, Failure> {
        let query = attempts.map_or_else(|| self.query.clone(), |attempts| self.query.clone().with_attempts(attempts));
        self.read.api.list_page(&query, number, self.paging, self.read.emitter.format()).await
    }

    /// What the refusal of a page means that the list says it does not have.
    fn judge_refusal(&self, number: u64, failure: Failure, before: &Mark, looks_capped: bool) {
        if self.brought_rows_since(before) {
            self.seen.borrow_mut().sweep.refused.push((number, failure));
            return;
        }
        if self.is_untold() || self.seen.borrow().sweep.went_beyond {
            self.seen.borrow_mut().sweep.refused_end = Some((number, failure));
            return;
        }
        // There is none, as the list said.
        self.forget_since(before);
        if looks_capped {
            tracing::warn!(
                "{}: Navan reports exactly {} rows of {}, and gives no page behind them ({failure}). If there are more, they cannot be read this way: narrow the read, as with a later `start_date`, or ask Navan.",
                self.read.emitter.name(),
                before.distinct,
                self.query.describe()
            );
        }
    }

    fn mark(&self) -> Mark {
        let seen = self.seen.borrow();
        let Sweep { distinct, repeats, total_moved, .. } = seen.sweep;
        Mark { distinct, unlike: seen.unlike(), repeats, total_moved }
    }

    fn brought_rows_since(&self, before: &Mark) -> bool {
        self.seen.borrow().unlike() > before.unlike
    }

    /// Some servers give the last page again, or another total, for a page that there is not: that speaks against nothing.
    fn forget_since(&self, before: &Mark) {
        let sweep = &mut self.seen.borrow_mut().sweep;
        (sweep.repeats, sweep.total_moved) = (before.repeats, before.total_moved);
    }

    /// The pages that the last sweep was refused.
    pub(super) fn refused_pages(&self) -> Vec<BrokenRows> {
        let (sweep, size) = (&self.seen.borrow().sweep, self.size.get());
        let refused_end = sweep.refused_end.as_ref().filter(|_| !self.has_proper_end.get());
        let page = |(number, failure): &(u64, Failure)| {
            BrokenRows::new(number * size, size, self.query.describe(), failure.to_string())
        };
        sweep.refused.iter().chain(refused_end).map(page).collect()
    }

    pub(super) fn tell_wrong_total(&self, sweep: &Sweep) {
        if let Some(total) = sweep.total.filter(|total| sweep.went_beyond && *total < sweep.distinct) {
            tracing::warn!(
                "{}: Navan reports {total} rows, but gave {}; all of them are written.",
                self.read.emitter.name(),
                sweep.distinct
            );
        }
    }
}
