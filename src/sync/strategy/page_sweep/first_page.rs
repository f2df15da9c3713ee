//! Page 0 of a list, or page 1 where that fails.

use crate::api::{ListPage, ListQuery, Paging};
use crate::gateway::Failure;
use crate::sync::strategy::{BRIEF_ATTEMPTS, ReadContext};

/// Page 0 of a list, or what the list's page 1 says in its place.
pub(in crate::sync::strategy) enum FirstPage {
    /// As it came.
    Whole(ListPage),
    /// It fails for good, and page 1 does not.
    Broken { failure: Failure, second: ListPage },
}

impl FirstPage {
    /// The page that came.
    pub(in crate::sync::strategy) fn page(&self) -> &ListPage {
        match self {
            Self::Whole(page) | Self::Broken { second: page, .. } => page,
        }
    }

    pub(super) fn paging(&self) -> Paging {
        self.page().paging
    }
}

/// Asks for page 0, as long as any request is tried. If it fails for good, page 1 tells whether it is the list that fails, or only
/// that page.
///
/// # Errors
/// As for any request.
pub(in crate::sync::strategy) async fn first_page(
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
pub(in crate::sync::strategy) async fn brief_first_page(
    read: &ReadContext<'_>,
    query: &ListQuery,
    paging: Paging,
) -> Result<FirstPage, Failure> {
    let brief = query.clone().with_attempts(BRIEF_ATTEMPTS);
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
