//! Reading all pages of a page-numbered list, each row exactly once.
//!
//! Page 0 tells how many pages and rows there are; the rest are fetched side by side. Rows can move between pages
//! meanwhile (a row is added or removed, and all behind it shift), so that one is seen twice and another never. A sweep is
//! *consistent* if all its pages report one total, no key repeats, and the distinct keys are as many as that total. Otherwise
//! the list is swept again, and only keys that were not written yet are.
//!
//! A list whose rows come and go can fool a single sweep: one row removed before a page boundary and one added at the end
//! leave the total as it was, while a row slips through. Such a list is swept twice even if the first is consistent.

use std::cell::RefCell;
use std::collections::hash_map::Entry;

use chrono::{DateTime, Utc};
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;

use super::ReadContext;
use super::row_numbers::{ByNumber, RowNumbers};
use crate::api::{ListPage, ListQuery, Paging};
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

/// Which sweeps have seen which keys.
#[derive(Default)]
struct SeenKeys {
    numbers: RowNumbers,
    /// The last sweep that saw the row.
    rows: ByNumber<u32>,
    sweep: Sweep,
}

/// What one sweep saw.
#[derive(Default)]
struct Sweep {
    number: u32,
    total: Option<u64>,
    total_moved: bool,
    repeats: u64,
    distinct: u64,
    new: u64,
}

impl SeenKeys {
    fn next_sweep(&mut self) {
        self.numbers.begin_look();
        self.sweep = Sweep { number: self.sweep.number + 1, ..Sweep::default() };
    }

    fn observe_total(&mut self, total: u64) {
        self.sweep.total_moved |= *self.sweep.total.get_or_insert(total) != total;
    }

    /// Takes note of a row; returns whether it is new.
    fn observe(&mut self, row: &Row) -> bool {
        let sweep = &mut self.sweep;
        match self.rows.entry(self.numbers.of(row)) {
            Entry::Vacant(entry) => {
                entry.insert(sweep.number);
                sweep.distinct += 1;
                sweep.new += 1;
                return true;
            }
            Entry::Occupied(entry) if *entry.get() == sweep.number => sweep.repeats += 1,
            Entry::Occupied(mut entry) => {
                entry.insert(sweep.number);
                sweep.distinct += 1;
            }
        }
        false
    }
}

impl Sweep {
    fn is_consistent(&self) -> bool {
        !self.total_moved && self.repeats == 0 && Some(self.distinct) == self.total
    }

    /// Whether it brought nothing that an earlier one had not.
    fn confirms(&self) -> bool {
        self.number > 1 && self.new == 0
    }
}

/// Reads a list whose page 0 is there already.
pub(super) async fn sweep(
    read: &ReadContext<'_>,
    query: &ListQuery,
    options: SweepOptions<'_>,
    first: ListPage,
) -> Result<(), Failure> {
    let verify_twice = options.verify_twice;
    let paging = first.paging;
    let sweeper = PageSweep { read, query, options, paging, seen: RefCell::default() };
    let mut first = Some(first);
    for _ in 0..=MAX_REPEATS {
        sweeper.seen.borrow_mut().next_sweep();
        let page = match first.take() {
            Some(page) => page,
            None => read.api.list_page(query, 0, paging, read.emitter.format()).await?,
        };
        let pages = page.pages;
        sweeper.write(page).await;
        sweeper.read_rest(pages).await?;
        let sweep = &sweeper.seen.borrow().sweep;
        if sweep.is_consistent() {
            if !verify_twice || pages <= 1 || sweep.confirms() {
                return Ok(());
            }
            continue;
        }
        tracing::info!("{}: rows moved while they were read; reading again.", read.emitter.name());
        if sweep.confirms() {
            break;
        }
    }
    sweeper.warn_inconsistent();
    Ok(())
}

struct PageSweep<'a> {
    read: &'a ReadContext<'a>,
    query: &'a ListQuery,
    options: SweepOptions<'a>,
    paging: Paging,
    seen: RefCell<SeenKeys>,
}

impl PageSweep<'_> {
    /// Reads the pages behind page 0, side by side.
    async fn read_rest(&self, pages: u64) -> Result<(), Failure> {
        if pages <= 1 {
            return Ok(());
        }
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
            let Some(done) = running.next().await else { return Ok(()) };
            done?;
        }
    }

    /// Each page is written by the future that fetched it. Were it written elsewhere, nobody would look at the answers of the
    /// others while stdout takes nothing, and they would run into their timeouts.
    async fn read_page(&self, number: u64) -> Result<(), Failure> {
        let page = self.read.api.list_page(self.query, number, self.paging, self.read.emitter.format()).await?;
        self.write(page).await;
        Ok(())
    }

    async fn write(&self, page: ListPage) {
        let ListPage { mut rows, permit, total, .. } = page;
        {
            let mut seen = self.seen.borrow_mut();
            seen.observe_total(total);
            rows.retain(|row| seen.observe(row) && self.is_ours(row));
        }
        self.read.emitter.write(rows).await;
        drop(permit);
    }

    fn is_ours(&self, row: &Row) -> bool {
        self.options.excluded_second.is_none_or(|second| row.cursor.map(whole_second) != Some(second))
    }

    fn warn_inconsistent(&self) {
        let sweep = &self.seen.borrow().sweep;
        tracing::warn!(
            "{}: Navan reports {} rows, but gave {} different ones ({} of them more than once) in the last of {} passes; all that were seen are written.",
            self.read.emitter.name(),
            sweep.total.unwrap_or_default(),
            sweep.distinct,
            sweep.repeats,
            sweep.number,
        );
    }
}
