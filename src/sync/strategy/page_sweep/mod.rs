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
//! Where page 0 gives a cursor, that is followed, if it leads anywhere. What the list says of its size is not believed against the evidence: behind a last page that is full another one is asked
//! for, whatever the total is. A page that is refused, as the last one is when the list shrinks below it, has the list swept
//! again. One that fails for good is taken apart ([`page_isolation`]).

mod first_page;
mod list_end;
mod page_isolation;
mod seen_rows;

use std::cell::{Cell, RefCell};
use std::collections::HashSet;

use chrono::{DateTime, Utc};
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;

pub(super) use first_page::{FirstPage, brief_first_page, first_page};
use seen_rows::SeenRows;

use super::missing::BrokenRows;
use super::number_set::Marked;
use super::{BARREN_PAGES_TOLD, BRIEF_ATTEMPTS, MAX_BARREN_PAGES, ReadContext, ReadError};
use crate::api::{ListPage, ListQuery, Paging, looks_full};
use crate::error::Error;
use crate::gateway::Failure;
use crate::hash::hash;
use crate::record::Row;
use crate::sync::state::TrackedKeys;
use crate::sync::state::time::whole_second;

/// How often a list is swept again when its rows moved.
const MAX_REPEATS: u32 = 2;

/// How a list is swept.
pub(super) struct SweepOptions<'a> {
    /// Lists that share it send their requests one list after the other, so that the first is complete first.
    pub(super) request_order: &'a tokio::sync::Mutex<()>,
    /// Rows may be added to the list and removed from it at once, so that one consistent sweep proves nothing.
    pub(super) verify_twice: bool,
    /// Rows of these seconds are not this list's to write.
    pub(super) excluded_seconds: Vec<DateTime<Utc>>,
    /// Rows of this second are written, but it is not said that the list has them: a later one has.
    pub(super) untracked_second: Option<DateTime<Utc>>,
    /// Which of the others are to be written; all, if nobody says.
    pub(super) filter: Option<&'a dyn RowFilter>,
}

/// Decides which rows are written.
pub(super) trait RowFilter {
    /// Whether one is, that holds this. It is asked once of each row.
    fn wants(&self, row: &Row, data: &[u8]) -> bool;
}

/// What came of sweeping a list.
#[derive(Default)]
pub(super) struct Swept {
    /// The rows that could not be read.
    pub(super) broken: Vec<BrokenRows>,
    /// Nothing that its pages say speaks against its rows being all, and all of them said something.
    pub(super) is_consistent: bool,
    /// Of the rows of all sweeps.
    pub(super) seen: TrackedKeys,
    /// Of those of the last one.
    pub(super) present: TrackedKeys,
}

/// Reads a list whose page 0 is there already, or is known to be broken.
///
/// # Errors
/// As for any request; and if the list never ends, or goes on refusing a page that it says it has.
pub(super) async fn sweep(
    read: &ReadContext<'_>,
    query: &ListQuery,
    options: SweepOptions<'_>,
    first: FirstPage,
) -> Result<Swept, ReadError> {
    let verify_twice = options.verify_twice;
    let sweeper = PageSweep {
        read,
        query,
        options,
        paging: first.paging(),
        size: Cell::new(first.page().size),
        pages: Cell::new(None),
        seen: RefCell::default(),
        keys: RefCell::default(),
        refused_end: Cell::new(None),
        has_proper_end: Cell::new(false),
        counts_from_one: Cell::new(false),
        good_page: Cell::new(0),
    };
    let mut first = Some(first);
    for _ in 0..=MAX_REPEATS {
        sweeper.seen.borrow_mut().next_sweep()?;
        sweeper.keys.borrow_mut().1 = TrackedKeys::default();
        let first = match first.take() {
            Some(first) => first,
            None => first_page(read, query, sweeper.paging).await?,
        };
        let mut broken = Vec::new();
        sweeper.read_pages(first, &mut broken).await?;
        sweeper.seen.borrow_mut().sweep.judge_empty_pages();
        if !broken.is_empty() {
            // What is missing is known, and another sweep would miss it as well.
            broken.extend(sweeper.absent_pages());
            return Ok(sweeper.swept(broken, false));
        }
        let sweep = &sweeper.seen.borrow().sweep;
        let has_proper_end = sweeper.judge_end(sweep);
        if has_proper_end && sweep.is_consistent() {
            if !verify_twice || sweep.is_one_page() || sweep.confirms() {
                sweeper.tell_wrong_total(sweep);
                return Ok(sweeper.swept(Vec::new(), !sweep.was_told_nothing));
            }
            continue;
        }
        tracing::info!(
            "{}: the pages of the list do not agree with each other; it is read again.",
            read.emitter.name()
        );
        if sweep.confirms() && sweep.absent.is_empty() && has_proper_end {
            break;
        }
    }
    let broken = sweeper.end_inconsistent();
    Ok(sweeper.swept(broken, false))
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
    /// The keys of the rows of all sweeps, and of this one.
    keys: RefCell<(TrackedKeys, TrackedKeys)>,
    /// The page at which the last sweep ended since it was refused.
    refused_end: Cell<Option<u64>>,
    has_proper_end: Cell<bool>,
    /// The page with the number 1 is that with the number 0 again, and others follow.
    counts_from_one: Cell<bool>,
    /// A page that was answered, to see by whether it is the API that fails or another page.
    good_page: Cell<u64>,
}

impl PageSweep<'_> {
    fn swept(&self, broken: Vec<BrokenRows>, is_consistent: bool) -> Swept {
        let (seen, present) = self.keys.take();
        Swept { broken, is_consistent, seen, present }
    }

    /// Reads all pages: page 0, the others by the way that it tells, and those behind them of which the list does not know.
    async fn read_pages(&self, first: FirstPage, broken: &mut Vec<BrokenRows>) -> Result<(), ReadError> {
        let (told, given) = match first {
            FirstPage::Whole(mut page) => {
                let (told, cursor) = (page.pages, page.cursor.take());
                self.size.set(page.size);
                self.pages.set(told);
                let is_all =
                    told.is_some_and(|pages| pages <= 1) && page.total.is_some_and(|all| all <= page.rows.len() as u64);
                let given = self.write_numbered(page, 0).await?;
                if told.is_none() && given < self.size.get() && looks_full(given) {
                    self.size.set(given);
                }
                if let Some(cursor) = cursor.filter(|_| !is_all)
                    && self.follow(cursor).await?
                {
                    return Ok(());
                }
                // Untold, it is found out behind this one.
                (told.unwrap_or(1), given)
            }
            FirstPage::Broken { failure, second } => {
                let told = second.pages;
                self.size.set(second.size);
                self.pages.set(told);
                drop(second);
                self.good_page.set(1);
                let isolated = page_isolation::isolate(self, 0, failure).await?;
                let given = isolated.rows();
                broken.extend(isolated.broken);
                (told.unwrap_or(2), given)
            }
        };
        let last = if told > 1 { self.read_numbered(told, broken).await? } else { given };
        // Where nothing is told, only a page without rows is an end.
        let may_follow = self.looks_full(last, told <= 1) || self.is_untold() && last > 0;
        if may_follow { self.read_beyond(told.max(1), last, broken).await } else { Ok(()) }
    }

    /// Follows a cursor to the end of the list. Whether it leads anywhere: some servers give one and heed only numbers.
    async fn follow(&self, first: String) -> Result<bool, ReadError> {
        let (mut cursor, mut cursors) = (first, HashSet::new());
        let brief = self.query.clone().with_attempts(BRIEF_ATTEMPTS);
        for number in 1.. {
            let before = self.mark();
            if !cursors.insert(hash(cursor.as_bytes())) {
                self.note_absent(number, "the same cursor leads there again".to_owned());
                break;
            }
            let query = if number == 1 { &brief } else { self.query };
            let mut page = match self.page_at(query, &cursor).await {
                Ok(page) => page,
                Err(Failure::Refused(_) | Failure::Exhausted { .. }) if number == 1 => return Ok(false),
                Err(failure @ Failure::Refused(_)) => {
                    self.note_absent(number, failure.to_string());
                    break;
                }
                Err(failure) => return Err(failure.into()),
            };
            let next = page.cursor.take();
            let given = self.write(page).await?;
            if number == 1 && !self.brought_rows_since(&before) {
                self.forget_since(&before);
                return Ok(false);
            }
            self.seen.borrow_mut().sweep.note_page(number, given, false);
            match next {
                Some(next) => cursor = next,
                None => break,
            }
        }
        Ok(true)
    }

    /// The page to which a cursor leads; one without rows is asked for once more, since that may be chance.
    async fn page_at(&self, query: &ListQuery, cursor: &str) -> Result<ListPage, Failure> {
        let page = self.read.api.list_page_at(query, cursor, self.read.emitter.format()).await?;
        if !page.rows.is_empty() {
            return Ok(page);
        }
        drop(page);
        self.read.api.list_page_at(query, cursor, self.read.emitter.format()).await
    }

    /// Reads the pages behind page 0, side by side; how many rows the last one has.
    async fn read_numbered(&self, pages: u64, broken: &mut Vec<BrokenRows>) -> Result<u64, ReadError> {
        let mut last = 0;
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
            let Some(done) = running.next().await else { return Ok(last) };
            let page = done?;
            if page.number + 1 == pages {
                last = page.rows;
            }
            broken.extend(page.broken);
        }
    }

    /// Whether the list says that a page is followed by another.
    fn has_page_behind(&self, number: u64) -> bool {
        self.pages.get().is_some_and(|pages| number + 1 < pages)
    }

    /// Each page is written by the future that fetched it. Were it written elsewhere, nobody would look at the answers of the
    /// others while stdout takes nothing, and they would run into their timeouts.
    async fn read_page(&self, number: u64) -> Result<PageOutcome, ReadError> {
        let brief = self.query.clone().with_attempts(BRIEF_ATTEMPTS);
        match self.read.api.list_page(&brief, number, self.paging, self.read.emitter.format()).await {
            Ok(page) => {
                self.good_page.set(number);
                Ok(PageOutcome { number, rows: self.write_numbered(page, number).await?, broken: Vec::new() })
            }
            Err(failure @ Failure::Exhausted { .. }) => {
                let isolated = page_isolation::isolate(self, number, failure).await?;
                Ok(PageOutcome { number, rows: isolated.rows(), broken: isolated.broken })
            }
            Err(failure @ Failure::Refused(_)) => {
                self.note_absent(number, failure.to_string());
                Ok(PageOutcome { number, rows: 0, broken: Vec::new() })
            }
            Err(failure) => Err(failure.into()),
        }
    }

    /// The same as [`Self::write`], of a page whose place in the list is known.
    async fn write_numbered(&self, page: ListPage, number: u64) -> Result<u64, ReadError> {
        let given = self.write(page).await?;
        self.seen.borrow_mut().sweep.note_page(number, given, self.has_page_behind(number));
        Ok(given)
    }

    /// Writes what of a page is not written yet; how many rows it gave.
    async fn write(&self, page: ListPage) -> Result<u64, ReadError> {
        let ListPage { mut rows, permit, total, says_nothing, .. } = page;
        let given = rows.len() as u64;
        let barren = {
            let mut seen = self.seen.borrow_mut();
            let before = seen.unlike();
            seen.observe_total(total);
            seen.sweep.was_told_nothing |= says_nothing;
            let mut sightings = seen.observe(&rows)?.into_iter();
            rows.retain(|row, data| {
                let Some(marked) = sightings.next().filter(|_| self.is_ours(row)) else { return false };
                self.track(row, marked);
                marked.is_new && self.options.filter.is_none_or(|filter| filter.wants(row, data))
            });
            let is_barren = seen.unlike() == before;
            seen.sweep.barren = if is_barren { seen.sweep.barren + 1 } else { 0 };
            seen.sweep.repeated_pages += u32::from(is_barren && given > 0);
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

    fn track(&self, row: &Row, Marked { is_new, was_unmarked }: Marked) {
        let is_later = row.created.is_some_and(|at| Some(whole_second(at)) == self.options.untracked_second);
        let Some(key) = row.uuid.filter(|_| !is_later) else { return };
        let (seen, present) = &mut *self.keys.borrow_mut();
        if is_new {
            seen.insert(key);
        }
        if was_unmarked {
            present.insert(key);
        }
    }

    /// A page did not come that the list has, or had.
    fn note_absent(&self, number: u64, why: String) {
        self.seen.borrow_mut().sweep.absent.push((number, why));
    }

    fn is_ours(&self, row: &Row) -> bool {
        let second = row.created.map(whole_second);
        !second.is_some_and(|second| self.options.excluded_seconds.contains(&second))
    }

    /// What the last sweep lacks, or a word on what its pages say against each other.
    fn end_inconsistent(&self) -> Vec<BrokenRows> {
        let absent = self.absent_pages();
        if !absent.is_empty() {
            return absent;
        }
        let sweep = &self.seen.borrow().sweep;
        if let Some(total) = sweep.total.filter(|total| *total > sweep.distinct && sweep.repeated_pages > 0) {
            let why = format!("Navan reports {total} rows, but gives pages that came before in the place of others");
            return vec![BrokenRows::new(sweep.distinct, total - sweep.distinct, self.query.describe(), why)];
        }
        let total = sweep.total.map_or_else(|| "does not say how many".to_owned(), |total| format!("reports {total}"));
        tracing::warn!(
            "{}: Navan {total} rows, but gave {} different ones ({} of them more than once) in the last of {} passes; each that was seen is written, once a key.",
            self.read.emitter.name(),
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
    /// How many rows it has, as far as is known.
    rows: u64,
    broken: Vec<BrokenRows>,
}
