//! Reading a list whole, each time.

use std::collections::HashSet;

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use serde_json::Value;

use super::missing::{self, MissingRange};
use super::number_map::NumberMap;
use super::page_sweep::{self, SweepOptions};
use super::row_numbers::RowNumbers;
use super::{MAX_BARREN_PAGES, Modes, ProbeTarget, ReadContext, ReadError, ReadStrategy};
use crate::api::{ChangesPage, ListQuery, NextPage, Paging};
use crate::error::Error;
use crate::gateway::Failure;
use crate::protocol::{ConfiguredStream, SyncMode};
use crate::sync::state::{Resume, no_cursor, resume_full_refresh};

/// A page-numbered list. Nothing in it tells how far a read has come, so there is nothing to resume from.
pub struct Snapshot {
    /// The list's path.
    pub endpoint: &'static str,
    /// Rows a page.
    pub page_size: u64,
    /// Where the same list is followed by a cursor, if there is such a place, for companies that do not have it at the other.
    pub cursor_endpoint: Option<&'static str>,
}

impl Snapshot {
    async fn read_list(&self, read: &ReadContext<'_>) -> Result<(), ReadError> {
        let query = ListQuery::whole(self.endpoint, self.page_size);
        let first = match page_sweep::first_page(read, &query, Paging::default()).await {
            Ok(first) => first,
            Err(failure) => match self.cursor_endpoint.filter(|_| is_elsewhere(&failure)) {
                Some(elsewhere) => return read_by_cursor(read, elsewhere, failure).await,
                None => return Err(failure.into()),
            },
        };
        read.emitter.estimate(first.page().estimated_rows(), first.page().estimated_bytes());
        let request_order = tokio::sync::Mutex::new(());
        // Rows may be added and removed at once, so that one consistent sweep proves nothing.
        let options = SweepOptions { request_order: &request_order, verify_twice: true, excluded_second: None };
        let broken = page_sweep::sweep(read, &query, options, first).await?;
        if !broken.is_empty() {
            let ranges: Vec<_> = broken.into_iter().map(MissingRange::from).collect();
            return Err(missing::error(&ranges).into());
        }
        read.emitter.checkpoint(no_cursor());
        Ok(())
    }
}

/// Follows the list by its cursor. `refused` is why it could not be read by numbers, which is the error if it cannot be
/// read here either.
async fn read_by_cursor(read: &ReadContext<'_>, endpoint: &'static str, refused: Failure) -> Result<(), ReadError> {
    let (mut numbers, mut seen, mut cursors) = (RowNumbers::default(), NumberMap::default(), HashSet::new());
    let mut cursor: Option<String> = None;
    let (mut was_unreachable, mut barren) = (false, 0);
    loop {
        let page = read.api.cursor_page(endpoint, cursor.as_deref(), read.emitter.format()).await;
        let page = match page {
            Ok(page) => page,
            Err(failure) if cursor.is_none() && is_elsewhere(&failure) => return Err(refused.into()),
            Err(failure) => return Err(failure.into()),
        };
        let ChangesPage { mut rows, next, permit } = page;
        rows.retain(|row| seen.get_or_insert(numbers.of(row), ()).1);
        barren = if rows.is_empty() { barren + 1 } else { 0 };
        read.emitter.write(rows).await;
        drop(permit);
        match next {
            NextPage::None => break,
            NextPage::Cursor(next) if barren < MAX_BARREN_PAGES && cursors.insert(next.clone()) => {
                cursor = Some(next);
                was_unreachable = false;
            }
            // The same page is asked for once more.
            NextPage::Unreachable if !std::mem::replace(&mut was_unreachable, true) => {}
            NextPage::Cursor(_) | NextPage::Unreachable => {
                return Err(Error::system(format!(
                    "Navan's list at {endpoint} does not lead to its end: it gives the same cursor twice, none to the rows that follow, or 100 pages without a new row. What came is written. Please report this with the log."
                ))
                .into());
            }
        }
    }
    read.emitter.checkpoint(no_cursor());
    Ok(())
}

/// Whether the list is not to be had at its path.
fn is_elsewhere(failure: &Failure) -> bool {
    matches!(failure.refused_with(), Some(400 | 403 | 404 | 405 | 410))
}

impl ReadStrategy for Snapshot {
    fn modes(&self) -> Modes {
        Modes { sync_modes: &[SyncMode::FullRefresh], is_resumable: false }
    }

    fn probe<'a>(&'a self, target: ProbeTarget<'a>) -> LocalBoxFuture<'a, Result<(), ReadError>> {
        async move {
            let query = ListQuery::whole(self.endpoint, self.page_size).in_pages_of(1);
            match target.api.numbered_page(&query, 0, Paging::default(), target.format).await {
                Ok(_) => Ok(()),
                Err(failure) => {
                    let Some(elsewhere) = self.cursor_endpoint.filter(|_| is_elsewhere(&failure)) else {
                        return Err(failure.into());
                    };
                    let page = target.api.cursor_page(elsewhere, None, target.format).await;
                    page.map(|_| ()).map_err(|_| failure.into())
                }
            }
        }
        .boxed_local()
    }

    fn resume(&self, configured: &ConfiguredStream, state: Option<&Value>) -> Result<Resume, Error> {
        resume_full_refresh(configured, state)
    }

    fn read<'a>(&'a self, read: &'a ReadContext<'a>, _: Resume) -> LocalBoxFuture<'a, Result<(), ReadError>> {
        self.read_list(read).boxed_local()
    }
}
