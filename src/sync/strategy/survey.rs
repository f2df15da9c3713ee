//! What a stream's endpoints show of themselves: for who asks what is there, and reads nothing.

use super::ReadError;
use crate::api::{ChangesPage, ListPage, PageForm};
use crate::gateway::Failure;
use crate::record::{FieldNames, RecordFormat};

/// What came of asking an endpoint for its first page.
pub struct Surveyed {
    /// Its path.
    pub endpoint: String,
    /// What it gave.
    pub page: Result<SurveyedPage, ReadError>,
    /// That a company does not have it is nothing unusual.
    pub may_be_absent: bool,
}

/// A first page.
pub struct SurveyedPage {
    /// In which form it came.
    pub form: PageForm,
    /// How many rows there are in all, if that is told.
    pub total: Option<u64>,
    /// How many it has.
    pub rows: usize,
    /// The names of their fields.
    pub names: FieldNames,
}

/// Something that is not known of Navan's API, tried.
#[derive(Clone, Debug)]
pub struct Tried {
    /// A short name for it.
    pub id: &'static str,
    /// Where it was tried.
    pub endpoint: String,
    /// What was asked, as a statement that holds or does not.
    pub statement: &'static str,
    /// Whether it holds.
    pub answer: Answer,
}

/// What came of a trial. Its words hold counts, statuses and names, and nothing of what a row has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It holds.
    Yes(String),
    /// It does not.
    No(String),
    /// That could not be found out.
    Unknown(String),
}

impl Answer {
    /// Of what was seen.
    pub fn of(holds: bool, seen: impl Into<String>) -> Self {
        if holds { Self::Yes(seen.into()) } else { Self::No(seen.into()) }
    }

    /// Of a request that brought no answer.
    pub fn failed(failure: &Failure) -> Self {
        Self::Unknown(failure.refused_with().map_or_else(
            || "it could not be tried: there was no usable answer".to_owned(),
            |status| format!("it could not be tried: status {status}"),
        ))
    }
}

impl Tried {
    /// What came of a trial at an endpoint.
    pub(super) fn at(endpoint: &str, id: &'static str, statement: &'static str, answer: Answer) -> Self {
        Self { id, endpoint: endpoint.to_owned(), statement, answer }
    }
}

impl SurveyedPage {
    pub(super) fn of_list(page: &ListPage, format: &RecordFormat) -> Self {
        let names = format.field_names(&page.rows);
        Self { form: page.form(), total: page.total, rows: page.rows.len(), names }
    }

    pub(super) fn of_changes(page: &ChangesPage, format: &RecordFormat) -> Self {
        let names = format.field_names(&page.rows);
        Self { form: page.form(), total: page.total, rows: page.rows.len(), names }
    }
}
