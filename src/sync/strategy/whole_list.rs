//! Reading a list whole, by the numbers of its pages or by its cursor.

use std::collections::HashSet;

use super::missing::{self, MissingRange};
use super::number_set::NumberSet;
use super::page_sweep::{self, FirstPage, SweepOptions};
use super::row_numbers::RowNumbers;
use super::{BARREN_PAGES_TOLD, MAX_BARREN_PAGES, ReadContext, ReadError};
use crate::api::{ChangesPage, CursorQuery, ListQuery, NextPage, Paging};
use crate::error::Error;
use crate::gateway::Failure;

/// Reads a list whose pages have numbers, and whose page 0 is there already.
///
/// # Errors
/// As for any request; and with what could not be read, when all else is.
pub(super) async fn by_number(read: &ReadContext<'_>, query: &ListQuery, first: FirstPage) -> Result<(), ReadError> {
    read.emitter.estimate(first.page().estimated_rows(), first.page().estimated_bytes());
    let request_order = tokio::sync::Mutex::new(());
    // Rows may be added and removed at once, so that one consistent sweep proves nothing.
    let options = SweepOptions {
        request_order: &request_order,
        verify_twice: true,
        excluded_seconds: Vec::new(),
        untracked_second: None,
        filter: None,
    };
    let broken = page_sweep::sweep(read, query, options, first).await?.broken;
    if broken.is_empty() {
        return Ok(());
    }
    let ranges: Vec<_> = broken.into_iter().map(MissingRange::from).collect();
    Err(missing::error(&ranges).into())
}

/// A list that is followed by its cursor.
#[derive(Clone, Copy)]
pub(super) struct CursorList {
    /// How it is asked for.
    pub(super) query: CursorQuery,
    /// Rows a page, should its pages turn out to be numbered after all.
    pub(super) page_size: u64,
}

impl CursorList {
    /// Its first page.
    ///
    /// # Errors
    /// As for any request.
    pub(super) async fn first_page(self, read: &ReadContext<'_>) -> Result<ChangesPage, Failure> {
        read.api.cursor_page(self.query, None, read.emitter.format()).await
    }

    /// Whether its pages have numbers: another number gives another page.
    async fn has_numbers(self, read: &ReadContext<'_>, query: &ListQuery) -> Result<bool, Failure> {
        let mut identities = Vec::new();
        for number in 0..2 {
            match read.api.list_page(query, number, Paging::default(), read.emitter.format()).await {
                Ok(page) => identities.push(page.rows.rows().iter().map(|row| row.identity).collect::<Vec<_>>()),
                Err(Failure::Refused(_)) => return Ok(false),
                Err(failure) => return Err(failure),
            }
        }
        Ok(identities[0] != identities[1])
    }

    /// Reads it from its first page on; whether it has any row.
    ///
    /// # Errors
    /// As for any request; and if it does not lead to its end.
    pub(super) async fn read(self, read: &ReadContext<'_>, first: ChangesPage) -> Result<bool, ReadError> {
        let name = read.emitter.name();
        let (mut numbers, mut seen, mut cursors) = (RowNumbers::default(), NumberSet::default(), HashSet::new());
        let mut cursor: Option<String> = None;
        let (mut was_unreachable, mut has_no_numbers) = (false, false);
        let (mut barren, mut given) = (0, 0);
        let mut first = Some(first);
        loop {
            let page = match first.take() {
                Some(first) => first,
                None => read.api.cursor_page(self.query, cursor.as_deref(), read.emitter.format()).await?,
            };
            let ChangesPage { mut rows, next, total, is_untold, permit, .. } = page;
            let leads_nowhere = match &next {
                NextPage::Unreachable => true,
                NextPage::None => total.is_some_and(|total| total > rows.len() as u64),
                NextPage::Cursor(_) | NextPage::Doubtful(_) => false,
            };
            if cursor.is_none() && leads_nowhere && !has_no_numbers {
                let given = rows.len() as u64;
                drop((rows, permit));
                if !std::mem::replace(&mut was_unreachable, true) {
                    continue;
                }
                // It has more pages, to which no cursor leads: then their numbers do, unless it has none.
                // Pages of a size that it gives by itself are none that it refuses.
                for size in [self.page_size, given.max(1)] {
                    let query = ListQuery::whole(self.query.endpoint, size);
                    if self.has_numbers(read, &query).await? {
                        let first = page_sweep::first_page(read, &query, Paging::default()).await?;
                        return by_number(read, &query, first).await.map(|()| true);
                    }
                }
                has_no_numbers = true;
                continue;
            }
            let repeated = numbers.repeated();
            given += rows.len() as u64;
            let page_numbers = numbers.of_page(&rows).into_iter();
            let marked = page_numbers.map(|number| seen.mark(number)).collect::<Result<Vec<_>, _>>()?;
            let mut marked = marked.into_iter();
            rows.retain(|_, _| marked.next().is_none_or(|marked| marked.is_new));
            barren = if rows.len() <= numbers.repeated() - repeated { barren + 1 } else { 0 };
            if barren == BARREN_PAGES_TOLD {
                tracing::warn!("{name}: {barren} pages in a row brought no new row.");
            }
            read.emitter.write(rows).await;
            drop(permit);
            match next {
                NextPage::None => {
                    if let Some(total) = total.filter(|total| *total > given) {
                        tracing::warn!(
                            "{name}: Navan reports {total} rows, but gave {given}; all that came are written."
                        );
                    }
                    break;
                }
                NextPage::Cursor(next) | NextPage::Doubtful(next)
                    if barren < MAX_BARREN_PAGES && cursors.insert(next.clone()) =>
                {
                    cursor = Some(next);
                    was_unreachable = false;
                }
                // One that says that more rows follow is another matter.
                NextPage::Unreachable if is_untold && has_no_numbers && cursor.is_none() => {
                    tracing::warn!(
                        "{name}: Navan gave {given} rows, and does not say whether there are more; all that came are written."
                    );
                    break;
                }
                // The same page is asked for once more.
                NextPage::Unreachable if !std::mem::replace(&mut was_unreachable, true) => {}
                NextPage::Doubtful(_) => break,
                NextPage::Cursor(_) | NextPage::Unreachable => {
                    return Err(Error::system(format!(
                        "Navan's list at {} does not lead to its end: it gives the same cursor twice, none to the rows that follow, or 100 pages without a new row. What came is written. Please report this with the log.",
                        self.query.endpoint
                    ))
                    .into());
                }
            }
        }
        Ok(seen.len() > 0)
    }
}
