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
//! again. One that fails for good is taken apart ([`page_isolation`](super::page_isolation)).

use std::cell::{Cell, RefCell};

use chrono::{DateTime, Utc};
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;

use super::number_map::NumberMap;
use super::page_isolation::{self, BrokenRows};
use super::row_numbers::RowNumbers;
use super::{BARREN_PAGES_TOLD, MAX_BARREN_PAGES, ReadContext, ReadError};
use crate::api::{ListPage, ListQuery, Paging};
use crate::error::Error;
use crate::gateway::Failure;
use crate::record::Row;
use crate::sync::state::time::whole_second;

/// How often a list is swept again when its rows moved.
const MAX_REPEATS: u32 = 2;

/// From how many rows on, and at multiples of what, a total looks like the most that a server gives.
const CAP: u64 = 10_000;
const CAP_STEP: u64 = 1_000;

/// How a list is swept.
pub(super) struct SweepOptions<'a> {
    /// Lists that share it send their requests one list after the other, so that the first is complete first.
    pub(super) request_order: &'a tokio::sync::Mutex<()>,
    /// Rows may be added to the list and removed from it at once, so that one consistent sweep proves nothing.
    pub(super) verify_twice: bool,
    /// Rows of this second are not this list's to write.
    pub(super) excluded_second: Option<DateTime<Utc>>,
}

/// Which sweeps have seen which rows.
#[derive(Default)]
struct SeenRows {
    numbers: RowNumbers,
    /// The last sweep that saw the row.
    rows: NumberMap<u8>,
    sweep: Sweep,
}

/// What one sweep saw.
#[derive(Default)]
struct Sweep {
    number: u8,
    total: Option<u64>,
    total_moved: bool,
    repeats: u64,
    distinct: u64,
    new: u64,
    /// Rows came behind the pages that the list says it has.
    went_beyond: bool,
    /// Pages that were refused.
    refused: Vec<(u64, Failure)>,
    /// The page that was refused where the list says nothing of its end, or untruths.
    refused_end: Option<(u64, Failure)>,
    /// Pages in a row that brought no row that this sweep had not seen.
    barren: u32,
}

impl SeenRows {
    fn next_sweep(&mut self) {
        self.numbers.begin_look();
        self.sweep = Sweep { number: self.sweep.number + 1, ..Sweep::default() };
    }

    fn observe_total(&mut self, total: Option<u64>) {
        if let Some(total) = total {
            self.sweep.total_moved |= *self.sweep.total.get_or_insert(total) != total;
        }
    }

    /// How many rows of this sweep are like no other.
    fn unlike(&self) -> u64 {
        self.sweep.distinct - self.numbers.repeated() as u64
    }

    /// Takes note of a row; returns whether it is new.
    fn observe(&mut self, row: &Row) -> bool {
        let sweep = &mut self.sweep;
        let (last_seen, is_new) = self.rows.get_or_insert(self.numbers.of(row), sweep.number);
        if is_new || *last_seen != sweep.number {
            sweep.distinct += 1;
        } else {
            sweep.repeats += 1;
        }
        sweep.new += u64::from(is_new);
        *last_seen = sweep.number;
        is_new
    }
}

impl Sweep {
    fn is_consistent(&self) -> bool {
        let is_whole =
            self.total.is_none_or(|total| self.distinct == total || self.went_beyond && self.distinct > total);
        // A list that is longer than it says may say anything.
        (!self.total_moved || self.went_beyond) && self.repeats == 0 && self.refused.is_empty() && is_whole
    }

    /// Whether as many rows were seen as the list says it has.
    fn has_total(&self) -> bool {
        self.total == Some(self.distinct)
    }

    /// Whether the list ends at a number that is none of its own: search engines give no more than 10,000 rows, for one.
    fn looks_capped(&self) -> bool {
        self.total.is_some_and(|total| total == self.distinct && total >= CAP && total.is_multiple_of(CAP_STEP))
    }

    /// Whether it brought nothing that an earlier one had not.
    fn confirms(&self) -> bool {
        self.number > 1 && self.new == 0
    }
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

/// Page 0 of a list, or what the list's page 1 says in its place.
pub(super) enum FirstPage {
    /// As it came.
    Whole(ListPage),
    /// It fails for good, and page 1 does not.
    Broken { failure: Failure, second: ListPage },
}

impl FirstPage {
    /// The page that came.
    pub(super) fn page(&self) -> &ListPage {
        match self {
            Self::Whole(page) | Self::Broken { second: page, .. } => page,
        }
    }

    fn paging(&self) -> Paging {
        self.page().paging
    }
}

/// Asks for page 0, as long as any request is tried. If it fails for good, page 1 tells whether it is the list that fails, or only
/// that page.
///
/// # Errors
/// As for any request.
pub(super) async fn first_page(
    read: &ReadContext<'_>,
    query: &ListQuery,
    paging: Paging,
) -> Result<FirstPage, Failure> {
    match brief_first_page(read, query, paging).await {
        Err(Failure::Exhausted { .. }) => {
            read.api.list_page(query, 0, paging, read.emitter.format()).await.map(FirstPage::Whole)
        }
        first => first,
    }
}

/// The same with few tries.
///
/// # Errors
/// As for any request.
pub(super) async fn brief_first_page(
    read: &ReadContext<'_>,
    query: &ListQuery,
    paging: Paging,
) -> Result<FirstPage, Failure> {
    let brief = query.clone().with_attempts(page_isolation::ATTEMPTS);
    let failure = match read.api.list_page(&brief, 0, paging, read.emitter.format()).await {
        Ok(page) => return Ok(FirstPage::Whole(page)),
        Err(failure @ Failure::Exhausted { .. }) if failure.was_answered() => failure,
        Err(failure) => return Err(failure),
    };
    match read.api.list_page(&brief, 1, paging, read.emitter.format()).await {
        Ok(second) => Ok(FirstPage::Broken { failure, second }),
        Err(_) => Err(failure),
    }
}

pub(super) struct PageSweep<'a> {
    pub(super) read: &'a ReadContext<'a>,
    pub(super) query: &'a ListQuery,
    options: SweepOptions<'a>,
    pub(super) paging: Paging,
    /// Rows a page.
    pub(super) size: Cell<u64>,
    /// How many pages the list says it has, if it does.
    pages: Cell<Option<u64>>,
    seen: RefCell<SeenRows>,
    /// The page at which the last sweep ended since it was refused.
    refused_end: Cell<Option<u64>>,
    has_proper_end: Cell<bool>,
    /// A page that was answered, to see by whether it is the API that fails or another page.
    pub(super) good_page: Cell<u64>,
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
    fn looks_full(&self, rows: u64) -> bool {
        rows >= self.size.get() || matches!(rows, 10 | 20) || rows > 0 && rows.is_multiple_of(25)
    }

    /// Whether the list ended with a page, or with a refusal at the same place as in the sweep before: one refusal may be chance.
    fn judge_end(&self, sweep: &Sweep) -> bool {
        let refused_end = sweep.refused_end.as_ref().map(|(number, _)| *number);
        let last = self.refused_end.replace(refused_end);
        let is_proper = refused_end.is_none() || refused_end == last;
        self.has_proper_end.set(is_proper);
        is_proper
    }

    /// Whether the list says nothing of its size.
    fn is_untold(&self) -> bool {
        self.pages.get().is_none()
    }

    /// Whether the list says that a page is followed by another.
    pub(super) fn has_page_behind(&self, number: u64) -> bool {
        self.pages.get().is_some_and(|pages| number + 1 < pages)
    }

    /// Reads a page that the list says it does not have. If it brings rows, it counts as full.
    async fn read_behind(&self, number: u64) -> Result<PageOutcome, ReadError> {
        let mut outcome = PageOutcome { number, is_full: false, broken: Vec::new() };
        let (before, unlike, repeats, total_moved) = {
            let seen = self.seen.borrow();
            (seen.sweep.distinct, seen.unlike(), seen.sweep.repeats, seen.sweep.total_moved)
        };
        // What stops at a round number may have been capped, so that no chance is to decide whether more is there.
        let looks_capped = self.seen.borrow().sweep.looks_capped();
        let brief = self.query.clone().with_attempts(page_isolation::ATTEMPTS);
        let query = if looks_capped { self.query } else { &brief };
        match self.read.api.list_page(query, number, self.paging, self.read.emitter.format()).await {
            Ok(page) => {
                self.write(page).await?;
            }
            Err(failure) => {
                let has_total = self.seen.borrow().sweep.has_total();
                match failure.refused_with() {
                    Some(_) => {
                        // Rows behind it show that it is no end.
                        let behind =
                            self.read.api.list_page(query, number + 1, self.paging, self.read.emitter.format());
                        if let Ok(page) = behind.await {
                            self.write(page).await?;
                        }
                        let brought_rows = self.seen.borrow().unlike() > unlike;
                        let sweep = &mut self.seen.borrow_mut().sweep;
                        if brought_rows {
                            sweep.refused.push((number, failure));
                            return Ok(outcome);
                        }
                        if self.is_untold() || sweep.went_beyond {
                            sweep.refused_end = Some((number, failure));
                            return Ok(outcome);
                        }
                        // There is none, as the list said.
                        (sweep.repeats, sweep.total_moved) = (repeats, total_moved);
                    }
                    None if matches!(failure, Failure::Exhausted { .. }) => {
                        let isolated = page_isolation::isolate(self, number, failure).await?;
                        let rows = isolated.rows();
                        outcome.is_full = isolated.given > 0 && rows >= self.size.get();
                        // Some servers fail behind the end of a list.
                        let is_end = has_total && isolated.given == 0;
                        outcome.broken = if is_end { Vec::new() } else { isolated.broken };
                        self.seen.borrow_mut().sweep.went_beyond |= isolated.given > 0;
                        return Ok(outcome);
                    }
                    _ => return Err(failure.into()),
                }
                if looks_capped {
                    tracing::warn!(
                        "{}: Navan reports exactly {before} rows of {}, and gives no page behind them ({failure}). If there are more, they cannot be read this way: narrow the read, as with a later `start_date`, or ask Navan.",
                        self.read.emitter.name(),
                        self.query.describe()
                    );
                }
                return Ok(outcome);
            }
        }
        let mut seen = self.seen.borrow_mut();
        let brought_rows = seen.unlike() > unlike;
        let sweep = &mut seen.sweep;
        if brought_rows {
            // The list is longer than it says, so that its words end nothing any more.
            sweep.went_beyond = true;
            outcome.is_full = true;
        } else {
            // Some servers give the last page again, or another total, for a page that there is not.
            sweep.repeats = repeats;
            sweep.total_moved = total_moved;
        }
        Ok(outcome)
    }

    /// Each page is written by the future that fetched it. Were it written elsewhere, nobody would look at the answers of the
    /// others while stdout takes nothing, and they would run into their timeouts.
    async fn read_page(&self, number: u64) -> Result<PageOutcome, ReadError> {
        let brief = self.query.clone().with_attempts(page_isolation::ATTEMPTS);
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
    pub(super) async fn write(&self, page: ListPage) -> Result<u64, ReadError> {
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
    pub(super) fn note_refused(&self, number: u64, failure: Failure) {
        self.seen.borrow_mut().sweep.refused.push((number, failure));
    }

    fn is_ours(&self, row: &Row) -> bool {
        let is_of = |second| row.is_zoned && row.cursor.map(whole_second) == Some(second);
        !self.options.excluded_second.is_some_and(is_of)
    }

    fn tell_wrong_total(&self, sweep: &Sweep) {
        if let Some(total) = sweep.total.filter(|total| sweep.went_beyond && *total < sweep.distinct) {
            tracing::warn!(
                "{}: Navan reports {total} rows, but gave {}; all of them are written.",
                self.read.emitter.name(),
                sweep.distinct
            );
        }
    }

    /// The pages that the last sweep was refused.
    fn refused_pages(&self) -> Vec<BrokenRows> {
        let (sweep, size) = (&self.seen.borrow().sweep, self.size.get());
        let refused_end = sweep.refused_end.as_ref().filter(|_| !self.has_proper_end.get());
        let page = |(number, failure): &(u64, Failure)| {
            BrokenRows::new(number * size, size, self.query.describe(), failure.to_string())
        };
        sweep.refused.iter().chain(refused_end).map(page).collect()
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
