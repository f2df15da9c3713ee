//! Reading a slice: all pages of a page-numbered list, each row exactly once.
//!
//! Page 0 tells how many pages and rows there are; the rest are fetched side by side. Rows can move between pages
//! meanwhile (a row is added or removed, and all behind it shift), so that one is seen twice and another never. A pass is
//! *clean* if all its pages report one total, no key repeats, and the distinct keys are as many as that total. Otherwise
//! the slice is read again, and only keys that were not written yet are.
//!
//! A list whose rows come and go can fool a single pass: one row removed before a page boundary and one added at the end
//! leave the total as it was, while a row slips through. Such a list is read twice even if the first pass is clean.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use parking_lot::Mutex;

use super::conform::Found;
use super::session::Session;
use crate::api::{Form, NumberedPage};
use crate::gateway::Failure;

/// How often a slice is read again when its rows moved.
const READ_AGAIN_MOST: u32 = 2;

/// How a slice is read.
pub(super) struct Reading<'a> {
    /// Where its rows go.
    pub(super) session: &'a Session,
    /// How many of its requests are made ready at once.
    pub(super) side_by_side: usize,
    /// Slices that share it send their requests one slice after the other, so that the first is complete first.
    pub(super) turn: &'a tokio::sync::Mutex<()>,
    /// Rows may be added to it and removed from it at once, so that a clean pass proves nothing.
    pub(super) open_ended: bool,
}

/// Which passes have seen which keys.
#[derive(Default)]
struct Seen {
    /// The last pass that saw the key. A row without one stands for itself.
    keys: HashMap<Box<str>, u32>,
    pass: Pass,
}

/// What one pass saw.
#[derive(Default)]
struct Pass {
    number: u32,
    total: Option<u64>,
    moved_total: bool,
    repeats: u64,
    distinct: u64,
    new: u64,
}

impl Seen {
    fn next_pass(&mut self) {
        self.pass = Pass { number: self.pass.number + 1, ..Pass::default() };
    }

    fn page(&mut self, total: u64) {
        self.pass.moved_total |= *self.pass.total.get_or_insert(total) != total;
    }

    /// Takes note of a row; returns whether it is new.
    fn row(&mut self, row: &str, found: &Found<'_>) -> bool {
        let pass = &mut self.pass;
        match self.keys.entry(found.key.unwrap_or(row).into()) {
            Entry::Vacant(entry) => {
                entry.insert(pass.number);
                pass.distinct += 1;
                pass.new += 1;
                return true;
            }
            Entry::Occupied(entry) if *entry.get() == pass.number => pass.repeats += 1,
            Entry::Occupied(mut entry) => {
                entry.insert(pass.number);
                pass.distinct += 1;
            }
        }
        false
    }
}

impl Pass {
    fn is_clean(&self) -> bool {
        !self.moved_total && self.repeats == 0 && Some(self.distinct) == self.total
    }
}

/// Reads a slice from its page 0 on. `fetch` gets a page by its number, in the form in which the list counts;
/// `belongs` says whether a row is this slice's to write.
pub(super) async fn read<F>(
    how: Reading<'_>,
    first: NumberedPage,
    fetch: impl Fn(u64, Form) -> F,
    belongs: impl Fn(&Found<'_>) -> bool,
) -> Result<(), Failure>
where
    F: Future<Output = Result<NumberedPage, Failure>>,
{
    let Reading { session, side_by_side, turn, open_ended } = how;
    let seen = Mutex::new(Seen::default());
    let write = async |page: NumberedPage| {
        seen.lock().page(page.total);
        session.write(page.rows, |row, found| seen.lock().row(row, found) && belongs(found)).await;
    };
    let form = first.form;
    let mut first = Some(first);
    for _ in 0..=READ_AGAIN_MOST {
        seen.lock().next_pass();
        let page = match first.take() {
            Some(page) => page,
            None => fetch(0, form).await?,
        };
        let pages = page.pages;
        write(page).await;
        // Each page is written by the future that fetched it. Were it written elsewhere, nobody would look at the answers
        // of the others while stdout takes nothing, and they would run into their timeouts.
        let page = async |number| {
            write(fetch(number, form).await?).await;
            Ok::<_, Failure>(())
        };
        // The next slice has its turn as soon as this one has made its last request ready.
        let mut turn = if pages > 1 { Some(turn.lock().await) } else { None };
        let numbers = (1..pages).inspect(|number| {
            if number + 1 == pages {
                turn = None;
            }
        });
        stream::iter(numbers.map(page)).buffer_unordered(side_by_side).try_collect::<()>().await?;
        let pass = &seen.lock().pass;
        if pass.is_clean() {
            if !open_ended || pages <= 1 || (pass.number > 1 && pass.new == 0) {
                return Ok(());
            }
            continue;
        }
        tracing::info!("{}: rows moved while they were read; reading again.", session.stream.name);
        if pass.number > 1 && pass.new == 0 {
            break;
        }
    }
    let pass = &seen.lock().pass;
    tracing::warn!(
        "{}: Navan reports {} rows, but gave {} different ones ({} of them more than once) in the last of {} passes; all that were seen are written.",
        session.stream.name,
        pass.total.unwrap_or_default(),
        pass.distinct,
        pass.repeats,
        pass.number,
    );
    Ok(())
}
