//! Reading all pages of a page-numbered list, each row exactly once.
//!
//! Page 0 tells how many pages and rows there are; the rest are fetched side by side. Rows can move between pages
//! meanwhile (a row is added or removed, and all behind it shift), so that one is seen twice and another never. A sweep is
//! *consistent* if all its pages report one total, no key repeats, and the distinct keys are as many as that total. Otherwise
//! the list is swept again, and only rows that were not written yet are.
//!
//! A list whose rows come and go can fool a single sweep: one row removed before a page boundary and one added at the end
//! leave the total as it was, while a row slips through. Such a list is swept twice even if the first is consistent.
//!
//! What the list says of its size is not believed against the evidence: behind a last page that is full another one is asked
//! for, whatever the total is. A page that is refused, as the last one is when the list shrinks below it, has the list swept
//! again. One that fails for good is taken apart ([`page_isolation`]).

mod first_page;
mod list_end;
mod page_isolation;
mod seen_rows;

use std::cell::{Cell, RefCell};

use chrono::{DateTime, Utc};
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;

pub(super) use first_page::{FirstPage, brief_first_page, first_page};
use seen_rows::SeenRows;

use super::missing::BrokenRows;
use super::{BARREN_PAGES_TOLD, BRIEF_ATTEMPTS, MAX_BARREN_PAGES, ReadContext, ReadError};
use crate::api::{ListPage, ListQuery, Paging};
use crate::error::Error;
use crate::gateway::Failure;
use crate::record::Row;
use crate::sync::state::time::whole_second;

/// How often a list is swept again when its rows moved.
const MAX_REPEATS: u32 = 2;

/// How a list is swept.
pub(super) struct SweepOptions<'a> {
    /// Lists that share it send their requests one list after the other, so that the first is complete first.
    pub(super) request_order: &'a tokio::sync::Mutex<()>,
    /// Rows may be added to the list and removed from it at once, so that one consistent sweep proves nothing.
    pub(super) verify_twice: bool,
    /// Rows of this second are not this list's to write.
    pub(super) excluded_second: Option<DateTime<Utc>>,
}

/// Reads a list whose page 0 is there already, or is known to be broken. Returns the rows that could not be read.
///
/// # Errors
/// As for any request; and if the list never ends, or goes on refusing a page that it says it has.
pub(super) async fn sweep(
    read: &ReadContext<'_>,
    query: &ListQuery,
    options: SweepOptions<'_>,
    first: FirstPage,
) -> Result<Vec<BrokenRows>, ReadError> {
    let verify_twice = options.verify_twice;
    let paging = first.paging();
    let size = Cell::new(first.page().size);
    let (good_page, pages) = (Cell::new(0), Cell::new(None));
    let (seen, refused_end, has_proper_end) = (RefCell::default(), Cell::new(None), Cell::new(false));
    let sweeper = PageSweep { read, query, options, paging, size, pages, seen, refused_end, has_proper_end, good_page };
    let mut first = Some(first);
    for _ in 0..=MAX_REPEATS {
        sweeper.seen.borrow_mut().next_sweep();
        let first = match first.take() {
            Some(first) => first,
            None => first_page(read, query, paging).await?,
        };
        let mut broken = Vec::new();
        let pages = sweeper.begin(first, &mut broken).await?;
        sweeper.read_rest(pages, &mut broken).await?;
        if !broken.is_empty() {
            // What is missing is known, and another sweep would miss it as well.
            broken.extend(sweeper.refused_pages());
            return Ok(broken);
        }
        let sweep = &sweeper.seen.borrow().sweep;
        let has_proper_end = sweeper.judge_end(sweep);
        if has_proper_end && sweep.is_consistent() {
            let is_one_page = pages <= 1 && !sweep.went_beyond;
            if !verify_twice || is_one_page || sweep.confirms() {
                sweeper.tell_wrong_total(sweep);
                return Ok(broken);
            }
            continue;
        }
        tracing::info!(
            "{}: the pages of the list do not agree with each other; it is read again.",
            read.emitter.name()
        );
        if sweep.confirms() && sweep.refused.is_empty() && has_proper_end {
            break;
        }
    }
    Ok(sweeper.end_inconsistent())
}

struct PageSweep<'a> {
    read: &'a ReadContext<'a>,
    query: &'a ListQuery,
    options: SweepOptions<'a>,
    paging: Paging,
    /// Rows a page.
    size: Cell<u64>,
    /// How many pages the list says it has, if it does.
    pages: Cell<Option<u64>>,
    seen: RefCell<SeenRows>,
    /// The page at which the last sweep ended since it was refused.
    refused_end: Cell<Option<u64>>,
    has_proper_end: Cell<bool>,
    /// A page that was answered, to see by whether it is the API that fails or another page.
    good_page: Cell<u64>,
}

impl PageSweep<'_> {
    /// Writes the first page; how many pages the list says it has.
    async fn begin(&self, first: FirstPage, broken: &mut Vec<BrokenRows>) -> Result<u64, ReadError> {
        match first {
            FirstPage::Whole(page) => {
                let told = page.pages;
                self.size.set(page.size);
                self.pages.set(told);
                self.write(page).await?;
                // Untold, it is found out behind this one.
                Ok(told.unwrap_or(1))
            }
            FirstPage::Broken { failure, second } => {
                let told = second.pages;
                self.size.set(second.size);
                self.pages.set(told);
                drop(second);
                self.good_page.set(1);
                broken.extend(page_isolation::isolate(self, 0, failure).await?.broken);
                Ok(told.unwrap_or(2))
            }
        }
    }

    /// Reads the pages behind page 0, side by side, and then one by one those that the list says it does not have.
    async fn read_rest(&self, pages: u64, broken: &mut Vec<BrokenRows>) -> Result<(), ReadError> {
        let given = self.seen.borrow().sweep.distinct;
        // Where nothing is told, only a page without rows is an end.
        let mut last_is_full = pages <= 1 && (self.looks_full(given) || self.is_untold() && given > 0);
        if pages > 1 {
            let mut order = Some(self.options.request_order.lock().await);
            let mut numbers = 1..pages;
            let mut running = FuturesUnordered::new();
            loop {
                while running.len() < self.read.config.max_concurrency
                    && let Some(number) = numbers.next()
                {
                    running.push(self.read_page(number));
                }
                if numbers.is_empty() {
                    drop(order.take()); // all requests are made ready: those of the next list may line up behind them
                }
                let Some(done) = running.next().await else { break };
                let page = done?;
                last_is_full |= page.number + 1 == pages && page.is_full;
                broken.extend(page.broken);
            }
        }
        self.read_beyond(pages, last_is_full, broken).await
    }

    /// Whether the list says that a page is followed by another.
    fn has_page_behind(&self, number: u64) -> bool {
        self.pages.get().is_some_and(|pages| number + 1 < pages)
    }

    /// Each page is written by the future that fetched it. Were it written elsewhere, nobody would look at the answers of the
    /// others while stdout takes nothing, and they would run into their timeouts.
    async fn read_page(&self, number: u64) -> Result<PageOutcome, ReadError> {
        let brief = self.query.clone().with_attempts(BRIEF_ATTEMPTS);
        let outcome = PageOutcome { number, is_full: false, broken: Vec::new() };
        match self.read.api.list_page(&brief, number, self.paging, self.read.emitter.format()).await {
            Ok(page) => {
                self.good_page.set(number);
                Ok(PageOutcome { is_full: self.write(page).await? >= self.size.get(), ..outcome })
            }
            Err(failure @ Failure::Exhausted { .. }) => {
                let isolated = page_isolation::isolate(self, number, failure).await?;
                Ok(PageOutcome { is_full: isolated.rows() >= self.size.get(), broken: isolated.broken, ..outcome })
            }
            Err(failure @ Failure::Refused(_)) => {
                self.note_refused(number, failure);
                Ok(outcome)
            }
            Err(failure) => Err(failure.into()),
        }
    }

    /// Writes what of a page is not written yet; how many rows it gave.
    async fn write(&self, page: ListPage) -> Result<u64, ReadError> {
        let ListPage { mut rows, permit, total, .. } = page;
        let given = rows.len() as u64;
        let barren = {
            let mut seen = self.seen.borrow_mut();
            let before = seen.unlike();
            seen.observe_total(total);
            rows.retain(|row, _| seen.observe(row) && self.is_ours(row));
            seen.sweep.barren = if seen.unlike() == before { seen.sweep.barren + 1 } else { 0 };
            seen.sweep.barren
        };
        self.read.emitter.write(rows).await;
        drop(permit);
        if barren == BARREN_PAGES_TOLD {
            tracing::warn!("{}: {barren} pages in a row brought no new row.", self.read.emitter.name());
        }
        if barren >= MAX_BARREN_PAGES {
            return Err(Error::system(format!(
                "Navan's list does not end: of {}, {barren} pages in a row brought no new row. Please report this with the log.",
                self.query.describe()
            ))
            .into());
        }
        Ok(given)
    }

    /// A page was refused that the list has, or had.
    fn note_refused(&self, number: u64, failure: Failure) {
        self.seen.borrow_mut().sweep.refused.push((number, failure));
    }

    fn is_ours(&self, row: &Row) -> bool {
        let is_of = |second| row.is_zoned && row.cursor.map(whole_second) == Some(second);
        !self.options.excluded_second.is_some_and(is_of)
    }

    /// What the last sweep lacks, or a word on what its pages say against each other.
    fn end_inconsistent(&self) -> Vec<BrokenRows> {
        let refused = self.refused_pages();
        if !refused.is_empty() {
            return refused;
        }
        let sweep = &self.seen.borrow().sweep;
        tracing::warn!(
            "{}: Navan reports {} rows, but gave {} different ones ({} of them more than once) in the last of {} passes; all that were seen are written.",
            self.read.emitter.name(),
            sweep.total.unwrap_or_default(),
            sweep.distinct,
            sweep.repeats,
            sweep.number
        );
        Vec::new()
    }
}

/// What became of a page.
struct PageOutcome {
    number: u64,
    is_full: bool,
    broken: Vec<BrokenRows>,
}
