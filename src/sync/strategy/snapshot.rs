//! Reading a list whole, each time.

use std::collections::HashSet;

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use serde_json::Value;

use super::missing::{self, MissingRange};
use super::number_map::NumberMap;
use super::page_sweep::{self, SweepOptions};
use super::row_numbers::RowNumbers;
use super::{
    BARREN_PAGES_TOLD, BRIEF_ATTEMPTS, MAX_BARREN_PAGES, Modes, ProbeTarget, ReadContext, ReadError, ReadStrategy,
};
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
    /// In whatever form the list is given: by numbers, or by a cursor, at its own place or the other one.
    async fn read_list(&self, read: &ReadContext<'_>) -> Result<(), ReadError> {
        let query = ListQuery::whole(self.endpoint, self.page_size);
        let first = match self.cursor_endpoint {
            Some(elsewhere) => match page_sweep::brief_first_page(read, &query, Paging::default()).await {
                Ok(first) => first,
                Err(failure) if is_elsewhere(&failure) => {
                    // The list is there, and fails: it is tried as long as any request is, unless it can be had elsewhere.
                    let fails = matches!(failure, Failure::Exhausted { .. });
                    let is_there = fails && failure.was_answered() && is_there(read, elsewhere).await;
                    if is_there {
                        tracing::warn!(
                            "{}: {} fails ({failure}); the list is read from {elsewhere}, which does not.",
                            read.emitter.name(),
                            self.endpoint
                        );
                    }
                    if !fails || is_there {
                        return self.read_by_cursor(read, elsewhere, Some(failure)).await;
                    }
                    let whole = read.api.list_page(&query, 0, Paging::default(), read.emitter.format()).await;
                    whole.map(page_sweep::FirstPage::Whole)?
                }
                Err(failure) => return Err(failure.into()),
            },
            None => page_sweep::first_page(read, &query, Paging::default()).await?,
        };
        self.read_by_number(read, &query, first).await
    }

    async fn read_by_number(
        &self,
        read: &ReadContext<'_>,
        query: &ListQuery,
        first: page_sweep::FirstPage,
    ) -> Result<(), ReadError> {
        read.emitter.estimate(first.page().estimated_rows(), first.page().estimated_bytes());
        let request_order = tokio::sync::Mutex::new(());
        // Rows may be added and removed at once, so that one consistent sweep proves nothing.
        let options = SweepOptions { request_order: &request_order, verify_twice: true, excluded_seconds: Vec::new() };
        let broken = page_sweep::sweep(read, query, options, first).await?;
        if !broken.is_empty() {
            let ranges: Vec<_> = broken.into_iter().map(MissingRange::from).collect();
            return Err(missing::error(&ranges).into());
        }
        read.emitter.checkpoint(&no_cursor());
        Ok(())
    }

    /// Follows the list by its cursor. `refused` is why it could not be read elsewhere, which is the error if it cannot be read here
    /// either, or has nothing here.
    async fn read_by_cursor(
        &self,
        read: &ReadContext<'_>,
        endpoint: &'static str,
        refused: Option<Failure>,
    ) -> Result<(), ReadError> {
        let (mut numbers, mut seen, mut cursors) = (RowNumbers::default(), NumberMap::default(), HashSet::new());
        let mut cursor: Option<String> = None;
        let (mut was_unreachable, mut barren, mut given) = (false, 0, 0);
        loop {
            let page = read.api.cursor_page(endpoint, cursor.as_deref(), None, read.emitter.format()).await;
            let ChangesPage { mut rows, next, total, permit, .. } = match (page, &refused) {
                (Ok(page), _) => page,
                (Err(Failure::Refused(_)), Some(refused)) if cursor.is_none() => return Err(refused.clone().into()),
                (Err(failure), _) => return Err(failure.into()),
            };
            let leads_nowhere = match &next {
                NextPage::Unreachable => true,
                NextPage::None => total.is_some_and(|total| total > rows.len() as u64),
                NextPage::Cursor(_) | NextPage::Doubtful(_) => false,
            };
            if cursor.is_none() && leads_nowhere {
                drop((rows, permit));
                if !std::mem::replace(&mut was_unreachable, true) {
                    continue;
                }
                // It has more pages, to which no cursor leads: then their numbers do.
                let query = ListQuery::whole(endpoint, self.page_size);
                let first = page_sweep::first_page(read, &query, Paging::default()).await?;
                return self.read_by_number(read, &query, first).await;
            }
            let repeated = numbers.repeated();
            given += rows.len() as u64;
            let page_numbers = numbers.of_page(&rows);
            let mut are_new = page_numbers.into_iter().map(|number| seen.get_or_insert(number, ()).1);
            rows.retain(|_, _| are_new.next().unwrap_or(true));
            barren = if rows.len() <= numbers.repeated() - repeated { barren + 1 } else { 0 };
            if barren == BARREN_PAGES_TOLD {
                tracing::warn!("{}: {barren} pages in a row brought no new row.", read.emitter.name());
            }
            read.emitter.write(rows).await;
            drop(permit);
            match next {
                NextPage::None => {
                    if let Some(total) = total.filter(|total| *total > given) {
                        tracing::warn!(
                            "{}: Navan reports {total} rows, but gave {given}; all that came are written.",
                            read.emitter.name()
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
                // The same page is asked for once more.
                NextPage::Unreachable if !std::mem::replace(&mut was_unreachable, true) => {}
                NextPage::Doubtful(_) => break,
                NextPage::Cursor(_) | NextPage::Unreachable => {
                    return Err(Error::system(format!(
                        "Navan's list at {endpoint} does not lead to its end: it gives the same cursor twice, none to the rows that follow, or 100 pages without a new row. What came is written. Please report this with the log."
                    ))
                    .into());
                }
            }
        }
        if let Some(refused) = refused.filter(|_| seen.len() == 0) {
            return Err(refused.into());
        }
        read.emitter.checkpoint(&no_cursor());
        Ok(())
    }
}

/// Whether the list may be had elsewhere: it is not at its path, or fails there.
fn is_elsewhere(failure: &Failure) -> bool {
    matches!(failure, Failure::Refused(_) | Failure::Exhausted { .. })
}

/// Whether there is a list that is followed by a cursor, and it has rows.
async fn is_there(read: &ReadContext<'_>, endpoint: &'static str) -> bool {
    let page = read.api.cursor_page(endpoint, None, Some(BRIEF_ATTEMPTS), read.emitter.format()).await;
    page.is_ok_and(|page| !page.rows.is_empty())
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
                    let page = target.api.cursor_page(elsewhere, None, None, target.format).await;
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
