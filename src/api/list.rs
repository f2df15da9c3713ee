//! Page-numbered lists: bookings by the time of their creation, users, and whatever else Navan lists that way
//! (docs/navan-api.md#bookings, docs/navan-api.md#users).

use std::ops::RangeInclusive;

use chrono::{DateTime, Utc};
use tokio::sync::OwnedSemaphorePermit;

use super::envelope::ListEnvelope;
use super::{Api, Fetched};
use crate::gateway::Failure;
use crate::record::{RecordBatch, RecordFormat};

/// Rows a page, the most that Navan gives (docs/navan-api.md#bookings).
const LIST_PAGE_SIZE: u64 = 100;

/// What is asked for, page by page.
#[derive(Clone, Debug)]
pub struct ListQuery {
    endpoint: &'static str,
    /// Only rows created then, whole seconds, both ends included.
    created: Option<RangeInclusive<DateTime<Utc>>>,
    /// Rows a page.
    size: u64,
}

/// How an endpoint counts its pages. Both are reported of `/v1/users` (docs/navan-api.md#users).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Paging {
    /// By `page` and `size`.
    #[default]
    PageNumber,
    /// By `startIndex` and `count`, with `Resources` in the answer; so many rows a page, which can be fewer than asked for.
    Scim(u64),
}

/// A page that has a number.
pub struct ListPage {
    /// Its rows.
    pub rows: RecordBatch,
    /// How many pages there are at present.
    pub pages: u64,
    /// How many rows there are at present.
    pub total: u64,
    /// How the endpoint counts.
    pub paging: Paging,
    /// To be dropped once the rows are written.
    pub permit: OwnedSemaphorePermit,
    bytes: usize,
}

impl ListQuery {
    /// The whole list at `endpoint`.
    pub fn whole(endpoint: &'static str) -> Self {
        Self { endpoint, created: None, size: LIST_PAGE_SIZE }
    }

    /// What of the list at `endpoint` was created then.
    pub fn created(endpoint: &'static str, created: RangeInclusive<DateTime<Utc>>) -> Self {
        Self { created: Some(created), ..Self::whole(endpoint) }
    }

    /// The same, but only one row, to see whether it can be read.
    #[must_use]
    pub fn one_row(self) -> Self {
        Self { size: 1, ..self }
    }

    fn parameters(&self, page: u64, paging: Paging) -> Vec<(&'static str, String)> {
        let mut parameters = Vec::with_capacity(4);
        if let Some(created) = &self.created {
            parameters.push(("createdFrom", created.start().timestamp().to_string()));
            parameters.push(("createdTo", created.end().timestamp().to_string()));
        }
        match paging {
            Paging::PageNumber => {
                parameters.extend([("page", page.to_string()), ("size", self.size.to_string())]);
            }
            Paging::Scim(size) => {
                parameters.extend([("startIndex", (page * size).to_string()), ("count", size.to_string())]);
            }
        }
        parameters
    }
}

impl ListPage {
    /// How many bytes all rows will have, if they are like these.
    pub fn estimated_bytes(&self) -> u64 {
        self.total.saturating_mul((self.bytes / self.rows.len().max(1)) as u64)
    }
}

impl Api<'_> {
    /// One page of a list, `page` counted from 0, in the paging that the list was found to have.
    ///
    /// # Errors
    /// As for any request.
    pub async fn list_page(
        &self,
        query: &ListQuery,
        page: u64,
        paging: Paging,
        format: &RecordFormat,
    ) -> Result<ListPage, Failure> {
        let answer = self.numbered_page(query, page, paging, format).await?;
        if answer.paging == Paging::PageNumber || paging != Paging::PageNumber {
            return Ok(ListPage { paging, ..answer });
        }
        // It ignored `page`: ask in SCIM paging instead. What it gives at once is its page.
        drop(answer);
        let first = self.numbered_page(query, 0, Paging::Scim(LIST_PAGE_SIZE), format).await?;
        let rows = first.rows.len() as u64;
        let size = if rows < first.total { rows.max(1) } else { LIST_PAGE_SIZE };
        Ok(ListPage { paging: Paging::Scim(size), pages: first.total.div_ceil(size), ..first })
    }

    /// One page of a list, asked for in this paging, whatever the answer's is.
    ///
    /// # Errors
    /// As for any request.
    pub async fn numbered_page(
        &self,
        query: &ListQuery,
        page: u64,
        paging: Paging,
        format: &RecordFormat,
    ) -> Result<ListPage, Failure> {
        let Fetched { page, permit } =
            self.fetch_page::<ListEnvelope>(query.endpoint, &query.parameters(page, paging), format).await?;
        let ListEnvelope { rows, bytes, total, pages } = page;
        let (pages, paging) = match pages {
            Some(pages) => (pages, Paging::PageNumber),
            None => (total.div_ceil(LIST_PAGE_SIZE), Paging::Scim(LIST_PAGE_SIZE)),
        };
        Ok(ListPage { rows, pages, total, paging, permit, bytes })
    }
}
