//! Reading a list whole, each time.

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;

use super::number_trials::NumberedList;
use super::page_sweep;
use super::whole_list::{self, CursorList};
use super::{BRIEF_ATTEMPTS, Modes, ProbeTarget, ReadContext, ReadError, ReadStrategy, Surveyed, SurveyedPage, Tried};
use crate::api::{CursorQuery, ListQuery, Paging};
use crate::gateway::Failure;
use crate::protocol::SyncMode;
use crate::sync::state::{Resume, no_cursor};

/// A page-numbered list. Nothing in it tells how far a read has come, so there is nothing to resume from.
pub struct Snapshot {
    /// The list's path.
    pub endpoint: &'static str,
    /// Rows a page.
    pub page_size: u64,
    /// How its pages are asked for. It may turn out to count otherwise.
    pub paging: Paging,
    /// Where the same list is followed by a cursor, if there is such a place, for companies that do not have it at the other.
    pub cursor_endpoint: Option<&'static str>,
}

impl Snapshot {
    /// A page of one row, and where it was had.
    async fn first_row(&self, target: ProbeTarget<'_>) -> (&'static str, Result<SurveyedPage, Failure>) {
        let query = ListQuery::whole(self.endpoint, self.page_size).in_pages_of(1);
        let failure = match target.api.numbered_page(&query, 0, self.paging.in_pages_of(1), target.format).await {
            Ok(page) => return (self.endpoint, Ok(SurveyedPage::of_list(&page, target.format))),
            Err(failure) => failure,
        };
        if let Some(elsewhere) = self.cursor_endpoint.filter(|_| is_elsewhere(&failure))
            && let Ok(page) = target.api.cursor_page(CursorQuery::at(elsewhere), None, target.format).await
        {
            return (elsewhere, Ok(SurveyedPage::of_changes(&page, target.format)));
        }
        (self.endpoint, Err(failure))
    }

    /// In whatever form the list is given: by numbers, or by a cursor, at its own place or the other one.
    async fn read_list(&self, read: &ReadContext<'_>) -> Result<(), ReadError> {
        let query = ListQuery::whole(self.endpoint, self.page_size);
        let first = match self.cursor_endpoint {
            Some(elsewhere) => match page_sweep::brief_first_page(read, &query, self.paging).await {
                Ok(first) => first,
                Err(failure) if is_elsewhere(&failure) => {
                    let elsewhere = CursorList { query: CursorQuery::at(elsewhere), page_size: self.page_size };
                    // The list is there, and fails: it is tried as long as any request is, unless it can be had elsewhere.
                    let fails = matches!(failure, Failure::Exhausted { .. });
                    let is_there = fails && failure.was_answered() && is_there(read, elsewhere).await;
                    if is_there {
                        tracing::warn!(
                            "{}: {} fails ({failure}); the list is read from {}, which does not.",
                            read.emitter.name(),
                            self.endpoint,
                            elsewhere.query.endpoint
                        );
                    }
                    if !fails || is_there {
                        return read_elsewhere(read, elsewhere, failure).await;
                    }
                    let whole = read.api.list_page(&query, 0, self.paging, read.emitter.format()).await;
                    whole.map(page_sweep::FirstPage::Whole)?
                }
                Err(failure) => return Err(failure.into()),
            },
            None => page_sweep::first_page(read, &query, self.paging).await?,
        };
        whole_list::by_number(read, &query, first).await
    }
}

/// Reads the list where it is followed by its cursor. Why it could not be read at its own place is the error if it cannot be read
/// here either, or has nothing here.
async fn read_elsewhere(read: &ReadContext<'_>, list: CursorList, refused: Failure) -> Result<(), ReadError> {
    let first = match list.first_page(read).await {
        Err(Failure::Refused(_)) => return Err(refused.into()),
        first => first?,
    };
    if list.read(read, first).await? { Ok(()) } else { Err(refused.into()) }
}

/// Whether the list may be had elsewhere: it is not at its path, or fails there.
fn is_elsewhere(failure: &Failure) -> bool {
    matches!(failure, Failure::Refused(_) | Failure::Exhausted { .. })
}

/// Whether there is a list that is followed by a cursor, and it has rows.
async fn is_there(read: &ReadContext<'_>, list: CursorList) -> bool {
    let query = CursorQuery { max_attempts: Some(BRIEF_ATTEMPTS), ..list.query };
    CursorList { query, ..list }.first_page(read).await.is_ok_and(|page| !page.rows.is_empty())
}

impl ReadStrategy for Snapshot {
    fn modes(&self) -> Modes {
        Modes { sync_modes: &[SyncMode::FullRefresh], is_resumable: false }
    }

    fn probe<'a>(&'a self, target: ProbeTarget<'a>) -> LocalBoxFuture<'a, Result<(), ReadError>> {
        self.first_row(target).map(|(_, page)| page.map(drop).map_err(Into::into)).boxed_local()
    }

    fn survey<'a>(&'a self, target: ProbeTarget<'a>) -> LocalBoxFuture<'a, Vec<Surveyed>> {
        async move {
            let (endpoint, page) = self.first_row(target).await;
            vec![Surveyed { endpoint: endpoint.to_owned(), page: page.map_err(Into::into), may_be_absent: false }]
        }
        .boxed_local()
    }

    fn try_out<'a>(&'a self, target: ProbeTarget<'a>) -> LocalBoxFuture<'a, Vec<Tried>> {
        async move {
            let query = ListQuery::whole(self.endpoint, self.page_size);
            let Ok(first) = target.api.numbered_page(&query, 0, self.paging, target.format).await else {
                return Vec::new(); // it is followed by a cursor, elsewhere
            };
            let paging = first.paging;
            drop(first);
            let list = NumberedList { api: target.api, query: &query, paging, format: target.format };
            let mut tried = Vec::new();
            if paging == Paging::PageNumber {
                let answer = list.counts_from_zero().await;
                tried.push(Tried::at(self.endpoint, "page-zero", "Pages are counted from 0", answer));
            }
            let answer = list.gives_at_most(self.page_size).await;
            tried.push(Tried::at(
                self.endpoint,
                "page-cap",
                "No larger page can be had than those that are read",
                answer,
            ));
            tried
        }
        .boxed_local()
    }

    fn read<'a>(&'a self, read: &'a ReadContext<'a>, _: Resume) -> LocalBoxFuture<'a, Result<(), ReadError>> {
        async move {
            self.read_list(read).await?;
            read.emitter.checkpoint(&no_cursor());
            Ok(())
        }
        .boxed_local()
    }
}
