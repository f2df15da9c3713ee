//! Reading a list that a company may not have, and of which little is known but its path.
//!
//! It is asked for without any parameter, since nobody knows which it takes, and followed in whatever form it comes. Where Navan says that
//! there is no such list, the stream is empty, and the log says why.

use futures::FutureExt as _;
use futures::future::{LocalBoxFuture, ready};
use reqwest::StatusCode;

use super::whole_list::CursorList;
use super::{Modes, ProbeTarget, ReadContext, ReadError, ReadStrategy, Surveyed, SurveyedPage, Tried};
use crate::api::{ChangesPage, CursorQuery};
use crate::error::Error;
use crate::gateway::Failure;
use crate::protocol::SyncMode;
use crate::sync::state::{Resume, no_cursor};

/// Rows a page, should the list turn out to have numbered pages.
const PAGE_SIZE: u64 = 100;

/// Such a list.
pub struct OptionalList {
    /// Its path.
    pub endpoint: &'static str,
}

impl OptionalList {
    async fn read_list(&self, read: &ReadContext<'_>) -> Result<(), ReadError> {
        let list = CursorList { query: self.query(), page_size: PAGE_SIZE };
        match list.first_page(read).await {
            Err(failure) if says_that_there_is_none(&failure) => {
                tracing::warn!(
                    "{}: {} It is skipped, and the other streams are read.",
                    read.emitter.name(),
                    self.absence(&failure)
                );
                Ok(())
            }
            first => list.read(read, first?).await.map(|_| ()),
        }
    }

    async fn first_page(&self, target: ProbeTarget<'_>) -> Result<ChangesPage, ReadError> {
        match target.api.cursor_page(self.query(), None, target.format).await {
            Ok(page) => Ok(page),
            Err(failure) if says_that_there_is_none(&failure) => Err(Error::config(self.absence(&failure)).into()),
            Err(failure) => Err(failure.into()),
        }
    }

    fn query(&self) -> CursorQuery {
        CursorQuery { may_be_empty: true, ..CursorQuery::at(self.endpoint) }
    }

    fn absence(&self, failure: &Failure) -> String {
        format!("Navan has no {} for this company, or does not give it to this credential ({failure}).", self.endpoint)
    }
}

/// Whether Navan says so: a path that it does not know, or does not give to everyone (docs/navan-api.md#expense-other).
fn says_that_there_is_none(failure: &Failure) -> bool {
    const ABSENT: [StatusCode; 4] =
        [StatusCode::BAD_REQUEST, StatusCode::FORBIDDEN, StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED];
    matches!(failure, Failure::Refused(refusal) if ABSENT.contains(&refusal.status))
}

impl ReadStrategy for OptionalList {
    fn modes(&self) -> Modes {
        Modes { sync_modes: &[SyncMode::FullRefresh], is_resumable: false }
    }

    fn probe<'a>(&'a self, target: ProbeTarget<'a>) -> LocalBoxFuture<'a, Result<(), ReadError>> {
        self.first_page(target).map(|page| page.map(drop)).boxed_local()
    }

    fn survey<'a>(&'a self, target: ProbeTarget<'a>) -> LocalBoxFuture<'a, Vec<Surveyed>> {
        async move {
            let page = self.first_page(target).await;
            let page = page.map(|page| SurveyedPage::of_changes(&page, target.format));
            vec![Surveyed { endpoint: self.endpoint.to_owned(), page, may_be_absent: true }]
        }
        .boxed_local()
    }

    /// Its form is all there is to find out, and the first page tells it.
    fn try_out<'a>(&'a self, _: ProbeTarget<'a>) -> LocalBoxFuture<'a, Vec<Tried>> {
        ready(Vec::new()).boxed_local()
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
