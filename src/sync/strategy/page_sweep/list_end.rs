//! The end of a list, which it may tell, tell wrongly, or not tell at all.
//!
//! Behind what it tells, pages are asked for while they bring rows. What comes there instead of rows is an end only where nothing
//! speaks against it: no rows behind it, and, where nothing was told, the same once more.

use super::seen_rows::Sweep;
use super::{PageSweep, page_isolation};
use crate::api::{ListPage, looks_full};
use crate::gateway::Failure;
use crate::sync::strategy::missing::BrokenRows;
use crate::sync::strategy::{BRIEF_ATTEMPTS, ReadError};

/// Whether a refusal may mean that the list has no such page.
fn says_no_such_page(failure: &Failure) -> bool {
    failure.refused_with().is_some_and(|status| status != 403)
}

/// What a sweep had seen before a page was asked for.
pub(super) struct Mark {
    distinct: u64,
    /// Rows like no other.
    unlike: u64,
    repeats: u64,
    total_moved: bool,
}

/// What came of a page that the list does not say it has.
struct Step {
    /// How many rows it has, if others may follow.
    rows: Option<u64>,
    /// The page to go on with.
    next: u64,
    broken: Vec<BrokenRows>,
}

impl Step {
    /// The list ends before this page.
    fn end(number: u64) -> Self {
        Self { rows: None, next: number, broken: Vec::new() }
    }

    fn more(rows: u64, next: u64) -> Self {
        Self { rows: Some(rows), next, broken: Vec::new() }
    }
}

impl PageSweep<'_> {
    /// Reads on behind the pages that the list says it has, one by one, while they bring rows. The one before has so many.
    pub(super) async fn read_beyond(
        &self,
        pages: u64,
        rows: u64,
        broken: &mut Vec<BrokenRows>,
    ) -> Result<(), ReadError> {
        let (mut number, mut before, mut was_broken) = (pages, Some(rows), false);
        while let Some(rows) = before {
            let step = self.read_behind(number, rows).await?;
            // Of one that cannot be read the next one tells whether it was the last.
            let is_broken = !step.broken.is_empty() && step.rows.is_none();
            before = step.rows.or((is_broken && !was_broken).then_some(rows));
            was_broken = is_broken;
            broken.extend(step.broken);
            number = step.next;
        }
        Ok(())
    }

    /// Whether a page of so many rows may not be the last: it has as many as were asked for, or, if it is the only one, a number that a
    /// server may well have for a bound of its own.
    pub(super) fn looks_full(&self, rows: u64, is_only: bool) -> bool {
        rows >= self.size.get() || is_only && looks_full(rows)
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

    /// Whether nothing that the list says of its end can be believed.
    fn has_no_word(&self) -> bool {
        self.is_untold() || self.seen.borrow().sweep.went_beyond
    }

    /// Reads a page that the list does not say it has; the one before has so many rows.
    async fn read_behind(&self, number: u64, rows_before: u64) -> Result<Step, ReadError> {
        let before = self.mark();
        // What stops at a round number may have been capped, so that no chance is to decide whether more is there.
        let looks_capped = self.seen.borrow().sweep.looks_capped();
        let attempts = (!looks_capped).then_some(BRIEF_ATTEMPTS);
        match self.page_behind(number, attempts).await {
            Ok(page) => self.take_page_behind(page, number, rows_before, &before, attempts).await,
            Err(failure) if failure.refused_with().is_some() => {
                let further = match self.page_behind(number + 1, attempts).await {
                    Ok(page) => Some(page),
                    Err(after) if says_no_such_page(&failure) && says_no_such_page(&after) => None,
                    // One that fails says nothing, nor does a 403 to who may read the list: that was chance, or is one refusal alone.
                    Err(Failure::Exhausted { .. } | Failure::Refused(_)) => {
                        match self.page_behind(number, None).await {
                            Ok(page) => return self.take_page_behind(page, number, rows_before, &before, None).await,
                            Err(again) if again.refused_with().is_some() => None,
                            Err(again) => return Err(again.into()),
                        }
                    }
                    Err(after) => return Err(after.into()),
                };
                self.judge_refusal(number, &failure, further, &before, looks_capped).await
            }
            Err(failure @ Failure::Exhausted { .. }) => {
                // Some servers fail behind the end of a list.
                let may_be_end = self.seen.borrow().sweep.has_total();
                let isolated = page_isolation::isolate(self, number, failure).await?;
                let (has_rows, rows) = (isolated.given > 0, isolated.rows());
                self.seen.borrow_mut().sweep.went_beyond |= has_rows;
                let rows = (has_rows && rows >= self.size.get()).then_some(rows);
                let broken = if may_be_end && !has_rows { Vec::new() } else { isolated.broken };
                Ok(Step { rows, next: number + 1, broken })
            }
            Err(failure) => Err(failure.into()),
        }
    }

    /// There is such a page: whether it has rows, or is none.
    async fn take_page_behind(
        &self,
        page: ListPage,
        number: u64,
        rows_before: u64,
        before: &Mark,
        attempts: Option<u32>,
    ) -> Result<Step, ReadError> {
        let given = self.write_numbered(page, number).await?;
        if self.brought_rows_since(before) {
            // The list is longer than it says, so that its words end nothing any more; and a page before has all that one can have.
            self.seen.borrow_mut().sweep.went_beyond = true;
            self.size.set(rows_before.min(self.size.get()));
            return Ok(Step::more(given, number + 1));
        }
        self.forget_since(before);
        if !self.has_no_word() || given == 0 && !self.looks_full(rows_before, false) {
            return Ok(Step::end(number));
        }
        self.look_further(number, given, before, attempts).await
    }

    async fn page_behind(&self, number: u64, attempts: Option<u32>) -> Result<ListPage, Failure> {
        let query = attempts.map_or_else(|| self.query.clone(), |attempts| self.query.clone().with_attempts(attempts));
        self.read.api.list_page(&query, number, self.paging, self.read.emitter.format()).await
    }

    /// The page after that one; none if it is refused or cannot be had. That nothing can be had at present says nothing of the list.
    async fn page_after(&self, number: u64, attempts: Option<u32>) -> Result<Option<ListPage>, Failure> {
        match self.page_behind(number + 1, attempts).await {
            Ok(page) => Ok(Some(page)),
            Err(failure @ (Failure::Outage { .. } | Failure::RateLimited(_) | Failure::NoToken(_))) => Err(failure),
            Err(_) => Ok(None),
        }
    }

    /// A page behind a full one brought nothing new, and nothing else says that the list ends there: the next page tells. If it brings
    /// rows, this one is missing, unless it is page 0 that came once more, as it does where pages are counted from 1.
    async fn look_further(
        &self,
        number: u64,
        given: u64,
        before: &Mark,
        attempts: Option<u32>,
    ) -> Result<Step, ReadError> {
        let Some(page) = self.page_after(number, attempts).await? else { return Ok(Step::end(number)) };
        let further = self.write_numbered(page, number + 1).await?;
        if self.brought_rows_since(before) {
            let is_page_0 = number == 1 && given > 0 && self.counts_from_one.replace(true);
            if !is_page_0 {
                let why = if given > 0 { "it came as one before it" } else { "it came without rows" };
                self.note_absent(number, format!("{why}, though others follow"));
            }
            self.seen.borrow_mut().sweep.went_beyond = true;
            return Ok(Step::more(further, number + 2));
        }
        self.forget_since(before);
        // One that has more rows than were asked for heeds neither number nor size, and is all.
        if given > 0 && further > 0 && given == self.size.get() {
            self.note_absent(number, "the same rows come whatever page is asked for".to_owned());
        }
        Ok(Step::end(number))
    }

    /// What the refusal of a page means that the list does not say it has; rows behind it show that it is no end.
    async fn judge_refusal(
        &self,
        number: u64,
        failure: &Failure,
        further: Option<ListPage>,
        before: &Mark,
        looks_capped: bool,
    ) -> Result<Step, ReadError> {
        let rows = match further {
            Some(page) => self.write_numbered(page, number + 1).await?,
            None => 0,
        };
        if self.brought_rows_since(before) {
            self.note_absent(number, failure.to_string());
            self.seen.borrow_mut().sweep.went_beyond = true;
            return Ok(Step::more(rows, number + 2));
        }
        if self.has_no_word() {
            self.seen.borrow_mut().sweep.refused_end = Some((number, failure.to_string()));
            return Ok(Step::end(number));
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
        Ok(Step::end(number))
    }

    pub(super) fn mark(&self) -> Mark {
        let seen = self.seen.borrow();
        let Sweep { distinct, repeats, total_moved, .. } = seen.sweep;
        Mark { distinct, unlike: seen.unlike(), repeats, total_moved }
    }

    pub(super) fn brought_rows_since(&self, before: &Mark) -> bool {
        self.seen.borrow().unlike() > before.unlike
    }

    /// Some servers give the last page again, or another total, for a page that there is not: that speaks against nothing.
    pub(super) fn forget_since(&self, before: &Mark) {
        let sweep = &mut self.seen.borrow_mut().sweep;
        (sweep.repeats, sweep.total_moved) = (before.repeats, before.total_moved);
    }

    /// The pages that did not come in the last sweep.
    pub(super) fn absent_pages(&self) -> Vec<BrokenRows> {
        let (sweep, size) = (&self.seen.borrow().sweep, self.size.get());
        let refused_end = sweep.refused_end.as_ref().filter(|_| !self.has_proper_end.get());
        let page =
            |(number, why): &(u64, String)| BrokenRows::new(number * size, size, self.query.describe(), why.clone());
        sweep.absent.iter().chain(refused_end).map(page).collect()
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
