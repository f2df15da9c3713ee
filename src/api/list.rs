//! Page-numbered lists: bookings by the time of their creation, users, and whatever else Navan lists that way
//! (docs/navan-api.md#bookings, docs/navan-api.md#users).

use std::ops::RangeInclusive;

use chrono::{DateTime, SecondsFormat, Utc};
use tokio::sync::OwnedSemaphorePermit;

use super::envelope::{Counting, ListEnvelope};
use super::{Api, Fetched, PagePlace};
use crate::gateway::Failure;
use crate::record::{RecordBatch, RecordFormat};

/// What is asked for, page by page.
#[derive(Clone, Debug)]
pub struct ListQuery {
    endpoint: &'static str,
    /// Only rows created then, whole seconds, both ends included.
    created: Option<RangeInclusive<DateTime<Utc>>>,
    /// Of these only what was last changed then, both ends included.
    updated: Option<(RangeInclusive<DateTime<Utc>>, TimeForm)>,
    /// Only the row with this value of this parameter, whatever else is asked for.
    only: Option<(&'static str, String)>,
    /// Rows a page.
    size: u64,
    /// Fewer tries of each page than by default.
    max_attempts: Option<u32>,
}

/// How a parameter has a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeForm {
    /// Seconds since 1970.
    Seconds,
    /// `2026-11-22T10:00:00Z`
    Iso,
}

impl TimeForm {
    fn write(self, time: DateTime<Utc>) -> String {
        match self {
            Self::Seconds => time.timestamp().to_string(),
            Self::Iso => time.to_rfc3339_opts(SecondsFormat::Secs, true),
        }
    }
}

/// How an endpoint counts its pages. Both are reported of `/v1/users` (docs/navan-api.md#users).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Paging {
    /// By `page` and `size`.
    #[default]
    PageNumber,
    /// By `startIndex` and `count`, with `Resources` in the answer.
    Scim {
        /// Rows a page, which can be fewer than asked for.
        size: u64,
        /// The number of the first row: 0, or 1 as RFC 7644 has it.
        first: u64,
    },
}

/// A page that has a number.
pub struct ListPage {
    /// Its rows.
    pub rows: RecordBatch,
    /// How many pages there are at present, if that is told.
    pub pages: Option<u64>,
    /// How many rows there are at present, if that is told.
    pub total: Option<u64>,
    /// How the endpoint counts.
    pub paging: Paging,
    /// Rows a page, which can be fewer than asked for.
    pub size: u64,
    /// The cursor to the next page, if it gives one; then it may not heed numbers.
    pub cursor: Option<String>,
    /// It has no rows, but did not say so: there was no body, or one that says nothing.
    pub says_nothing: bool,
    /// To be dropped once the rows are written.
    pub permit: OwnedSemaphorePermit,
    bytes: usize,
}

impl ListQuery {
    /// The whole list at `endpoint`, in pages of `size` rows.
    pub fn whole(endpoint: &'static str, size: u64) -> Self {
        Self { endpoint, created: None, updated: None, only: None, size, max_attempts: None }
    }

    /// The same, but only what was created then.
    #[must_use]
    pub fn created(self, created: RangeInclusive<DateTime<Utc>>) -> Self {
        Self { created: Some(created), ..self }
    }

    /// The same, but only what was last changed then, if that is given.
    #[must_use]
    pub fn updated(self, updated: Option<(RangeInclusive<DateTime<Utc>>, TimeForm)>) -> Self {
        Self { updated, ..self }
    }

    /// Only the row with this value of this parameter.
    #[must_use]
    pub fn only(self, parameter: &'static str, value: String) -> Self {
        Self { only: Some((parameter, value)), ..self }
    }

    /// The same in pages of another size.
    #[must_use]
    pub fn in_pages_of(self, size: u64) -> Self {
        Self { size, ..self }
    }

    /// The same with so many tries of a page.
    #[must_use]
    pub fn with_attempts(self, max_attempts: u32) -> Self {
        Self { max_attempts: Some(max_attempts), ..self }
    }

    /// Rows a page.
    pub fn page_size(&self, paging: Paging) -> u64 {
        match paging {
            Paging::PageNumber => self.size,
            Paging::Scim { size, .. } => size,
        }
    }

    /// What is asked for, in words.
    pub fn describe(&self) -> String {
        match &self.created {
            Some(created) => format!("what was created from {} to {}", created.start(), created.end()),
            None => "the list".to_owned(),
        }
    }

    fn created_parameters(&self) -> Vec<(&'static str, String)> {
        let mut parameters = Vec::with_capacity(4);
        if let Some(created) = &self.created {
            parameters.push(("createdFrom", created.start().timestamp().to_string()));
            parameters.push(("createdTo", created.end().timestamp().to_string()));
        }
        if let Some((updated, form)) = &self.updated {
            parameters.push(("updatedFrom", form.write(*updated.start())));
            parameters.push(("updatedTo", form.write(*updated.end())));
        }
        parameters
    }

    fn parameters(&self, page: u64, paging: Paging) -> Vec<(&'static str, String)> {
        if let Some(only) = &self.only {
            return vec![only.clone()];
        }
        let mut parameters = self.created_parameters();
        match paging {
            Paging::PageNumber => {
                parameters.extend([("page", page.to_string()), ("size", self.size.to_string())]);
            }
            Paging::Scim { size, first } => {
                parameters.extend([("startIndex", (first + page * size).to_string()), ("count", size.to_string())]);
            }
        }
        parameters
    }
}

impl Paging {
    /// The same in pages of another size.
    #[must_use]
    pub fn in_pages_of(self, size: u64) -> Self {
        match self {
            Self::PageNumber => self,
            Self::Scim { first, .. } => Self::Scim { size, first },
        }
    }
}

impl ListPage {
    /// How many rows there are, as far as it tells.
    pub fn estimated_rows(&self) -> u64 {
        self.total.unwrap_or(self.rows.len() as u64)
    }

    /// How many bytes all rows will have, if they are like these.
    pub fn estimated_bytes(&self) -> u64 {
        self.estimated_rows().saturating_mul((self.bytes / self.rows.len().max(1)) as u64)
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
        if page == 0 && paging != Paging::PageNumber {
            return self.scim_first_page(query, paging, format).await;
        }
        let answer = self.numbered_page(query, page, paging, format).await?;
        if answer.paging == Paging::PageNumber || paging != Paging::PageNumber {
            return Ok(ListPage { paging, ..answer });
        }
        // It ignored `page`: ask in SCIM paging instead.
        drop(answer);
        self.scim_first_page(query, Paging::Scim { size: query.size, first: 0 }, format).await
    }

    /// The first page of a list in SCIM paging. What it gives at once is its page, and it says how it counts.
    async fn scim_first_page(
        &self,
        query: &ListQuery,
        asked: Paging,
        format: &RecordFormat,
    ) -> Result<ListPage, Failure> {
        let first_page = match (self.numbered_page(query, 0, asked, format).await, asked) {
            // A strict server has no row of that number.
            (Err(failure), Paging::Scim { size, first: 0 }) if failure.refused_with() == Some(400) => {
                self.numbered_page(query, 0, Paging::Scim { size, first: 1 }, format).await?
            }
            (page, _) => page?,
        };
        let first = match first_page.paging {
            Paging::Scim { first, .. } => first.min(1),
            Paging::PageNumber => 0,
        };
        let (rows, asked) = (first_page.rows.len() as u64, query.page_size(asked));
        let is_short = rows > 0 && first_page.total.is_none_or(|total| rows < total);
        let size = if is_short { rows } else { asked };
        let pages = first_page.total.map(|total| total.div_ceil(size));
        Ok(ListPage { paging: Paging::Scim { size, first }, pages, ..first_page })
    }

    /// One page of a list, asked for in this paging, whatever the answer's is.
    ///
    /// # Errors
    /// As for any request.
    pub async fn numbered_page(
        &self,
        query: &ListQuery,
        number: u64,
        paging: Paging,
        format: &RecordFormat,
    ) -> Result<ListPage, Failure> {
        self.asked_page(query, &query.parameters(number, paging), number, paging, format).await
    }

    /// The page of a list to which a cursor leads.
    ///
    /// # Errors
    /// As for any request.
    pub async fn list_page_at(
        &self,
        query: &ListQuery,
        cursor: &str,
        format: &RecordFormat,
    ) -> Result<ListPage, Failure> {
        let mut parameters = query.created_parameters();
        parameters.extend([("size", query.size.to_string()), ("cursor", cursor.to_owned())]);
        self.asked_page(query, &parameters, 1, Paging::PageNumber, format).await
    }

    async fn asked_page(
        &self,
        query: &ListQuery,
        parameters: &[(&'static str, String)],
        number: u64,
        paging: Paging,
        format: &RecordFormat,
    ) -> Result<ListPage, Failure> {
        let place =
            PagePlace { is_first: number == 0, max_attempts: query.max_attempts, max_429s: None, may_be_empty: false };
        let fetched = self.fetch_page::<ListEnvelope>(query.endpoint, query.endpoint, parameters, place, format);
        let Fetched { page, permit } = fetched.await?;
        let ListEnvelope { rows, bytes, total, page_size, counting, cursor, says_nothing, .. } = page;
        let (asked, given) = (query.page_size(paging), rows.len() as u64);
        // A server may have a bound of its own, which it tells, or which shows by a first page that is not all.
        let is_capped = number == 0 && (1..asked).contains(&given) && total.is_some_and(|total| given < total);
        let size = page_size.filter(|told| (1..asked).contains(told)).unwrap_or(if is_capped { given } else { asked });
        let (pages, paging) = match counting {
            Counting::Pages(pages) => (pages.or(total.map(|total| total.div_ceil(size))), Paging::PageNumber),
            Counting::Rows(first) => (total.map(|total| total.div_ceil(size)), Paging::Scim { size, first }),
        };
        Ok(ListPage { rows, pages, total, paging, size, cursor, says_nothing, permit, bytes })
    }
}
