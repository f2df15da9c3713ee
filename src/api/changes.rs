//! Lists that are followed page after page by a cursor: expense transactions by the day of the last change
//! (docs/navan-api.md#expense), and users where they are not numbered (docs/navan-api.md#users).

use std::ops::RangeInclusive;

use chrono::NaiveDate;
use tokio::sync::OwnedSemaphorePermit;

use super::envelope::{ChangesEnvelope, NextTold};
use super::{Api, Fetched, PagePlace};
use crate::gateway::Failure;
use crate::record::{RecordBatch, RecordFormat};

/// What is asked for, page by page.
#[derive(Clone, Debug)]
pub struct ChangesQuery {
    endpoint: &'static str,
    path: String,
    /// Only rows that changed on these days, both included.
    days: RangeInclusive<NaiveDate>,
    /// Only rows of these types; any if there are none.
    types: Vec<String>,
    /// Groups of fields that are asked for, with commas; those that Navan gives by itself if there are none.
    field_groups: &'static str,
    /// Rows a page.
    size: u64,
    /// Fewer tries of each page than by default.
    max_attempts: Option<u32>,
    /// How often a page may be answered 429.
    max_429s: Option<u32>,
}

/// A page that leads to the next by a cursor.
pub struct ChangesPage {
    /// Its rows.
    pub rows: RecordBatch,
    /// What follows from what it says of the next page.
    pub next: NextPage,
    /// How many rows all pages have, if that is told.
    pub total: Option<u64>,
    /// It has as many rows as a page can have, so that another one is likely.
    pub is_full: bool,
    /// It says nothing of another one.
    pub is_untold: bool,
    /// To be dropped once the rows are written.
    pub permit: OwnedSemaphorePermit,
}

/// Where the next page is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NextPage {
    /// There is none.
    None,
    /// This cursor leads there.
    Cursor(String),
    /// There should be none, but this cursor leads there, and the page is full.
    Doubtful(String),
    /// There is one, but nothing leads there.
    Unreachable,
}

/// A list that is followed by its cursor, and asked for with nothing else.
#[derive(Clone, Copy, Debug)]
pub struct CursorQuery {
    /// Its path.
    pub endpoint: &'static str,
    /// Fewer tries of a page than by default.
    pub max_attempts: Option<u32>,
    /// A body that says nothing is an empty list, though no other says that there is such a list.
    pub may_be_empty: bool,
}

impl CursorQuery {
    /// The list at `endpoint`.
    pub fn at(endpoint: &'static str) -> Self {
        Self { endpoint, max_attempts: None, may_be_empty: false }
    }
}

impl NextPage {
    /// Of what a page says; a full one is believed to be the last only if it says so.
    fn of(told: NextTold, is_full: bool) -> Self {
        match told {
            NextTold::Cursor(cursor) => Self::Cursor(cursor),
            NextTold::Denied(cursor) if is_full => Self::Doubtful(cursor),
            NextTold::Unreachable => Self::Unreachable,
            NextTold::Nothing if is_full => Self::Unreachable,
            NextTold::None | NextTold::Denied(_) | NextTold::Nothing => Self::None,
        }
    }
}

impl ChangesQuery {
    /// What of the list at `path`, which lies at or below `endpoint`, changed on `days`, in pages of `size` rows.
    pub fn new(endpoint: &'static str, path: String, days: RangeInclusive<NaiveDate>, size: u64) -> Self {
        Self { endpoint, path, days, types: Vec::new(), field_groups: "", size, max_attempts: None, max_429s: None }
    }

    /// The same, but only rows of these types.
    #[must_use]
    pub fn of_types(self, types: Vec<String>) -> Self {
        Self { types, ..self }
    }

    /// The same on other days.
    #[must_use]
    pub fn on(self, days: RangeInclusive<NaiveDate>) -> Self {
        Self { days, ..self }
    }

    /// The same without its last day, unless it is the only one.
    pub fn without_last_day(self) -> Option<Self> {
        let days = *self.days.start()..=self.days.end().pred_opt()?;
        (!days.is_empty()).then_some(Self { days, ..self })
    }

    /// The list's path.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Groups of fields that are asked for.
    pub fn field_groups(&self) -> &'static str {
        self.field_groups
    }

    /// The same with so many tries of a page.
    #[must_use]
    pub fn with_attempts(self, max_attempts: u32) -> Self {
        Self { max_attempts: Some(max_attempts), ..self }
    }

    /// The same, given up after so many 429s in a row.
    #[must_use]
    pub fn with_max_429s(self, max_429s: u32) -> Self {
        Self { max_429s: Some(max_429s), ..self }
    }

    /// The same with other groups of fields.
    #[must_use]
    pub fn with_groups(self, field_groups: &'static str) -> Self {
        Self { field_groups, ..self }
    }

    /// The same in pages of another size.
    #[must_use]
    pub fn in_pages_of(self, size: u64) -> Self {
        Self { size, ..self }
    }

    /// The same, but only one row, to see whether it can be read.
    #[must_use]
    pub fn one_row(self) -> Self {
        self.in_pages_of(1)
    }
}

impl Api<'_> {
    /// One page of a list that is followed by its cursor; without a cursor the first.
    ///
    /// # Errors
    /// As for any request.
    pub async fn cursor_page(
        &self,
        query: CursorQuery,
        cursor: Option<&str>,
        format: &RecordFormat,
    ) -> Result<ChangesPage, Failure> {
        let CursorQuery { endpoint, max_attempts, may_be_empty } = query;
        let parameters: Vec<_> = cursor.map(|cursor| ("cursor", cursor.to_owned())).into_iter().collect();
        let place = PagePlace { is_first: cursor.is_none(), max_attempts, max_429s: None, may_be_empty };
        let Fetched { page, permit } =
            self.fetch_page::<ChangesEnvelope>(endpoint, endpoint, &parameters, place, format).await?;
        let ChangesEnvelope { rows, next, total, .. } = page;
        let is_full = looks_full(rows.len() as u64);
        let is_untold = next == NextTold::Nothing;
        Ok(ChangesPage { next: NextPage::of(next, is_full), rows, total, is_full, is_untold, permit })
    }

    /// One page of changes; without a cursor the first.
    ///
    /// # Errors
    /// As for any request.
    pub async fn changes_page(
        &self,
        query: &ChangesQuery,
        cursor: Option<&str>,
        format: &RecordFormat,
    ) -> Result<ChangesPage, Failure> {
        let mut parameters = vec![
            ("date_modified.from", query.days.start().to_string()),
            ("date_modified.to", query.days.end().to_string()),
            ("page_size", query.size.to_string()),
        ];
        parameters.extend(query.types.iter().map(|name| ("type", name.clone())));
        if !query.field_groups.is_empty() {
            parameters.push(("include_field_group", query.field_groups.to_owned()));
        }
        if let Some(cursor) = cursor {
            parameters.push(("cursor", cursor.to_owned()));
        }
        let place = PagePlace {
            is_first: cursor.is_none(),
            max_attempts: query.max_attempts,
            max_429s: query.max_429s,
            may_be_empty: false,
        };
        let Fetched { page, permit } =
            self.fetch_page::<ChangesEnvelope>(query.endpoint, &query.path, &parameters, place, format).await?;
        let ChangesEnvelope { rows, next, total, .. } = page;
        // One row is asked for to see whether there is any.
        let is_full = query.size > 1 && rows.len() as u64 >= query.size;
        let is_untold = next == NextTold::Nothing;
        Ok(ChangesPage { next: NextPage::of(next, is_full), rows, total, is_full, is_untold, permit })
    }
}

/// Whether a page whose size nobody asked for may well be full: its rows are as many as a server may have for a bound of its own.
pub fn looks_full(rows: u64) -> bool {
    matches!(rows, 10 | 20) || rows > 0 && rows.is_multiple_of(25)
}
