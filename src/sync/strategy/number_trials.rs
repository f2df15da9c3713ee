//! What numbered lists do that nobody is sure of: how they count, and how many rows they give at once.

use super::BRIEF_ATTEMPTS;
use super::survey::Answer;
use crate::api::{Api, ListPage, ListQuery, Paging};
use crate::gateway::Failure;
use crate::record::RecordFormat;

/// A list that is tried.
#[derive(Clone, Copy)]
pub(super) struct NumberedList<'a> {
    pub(super) api: &'a Api<'a>,
    pub(super) query: &'a ListQuery,
    pub(super) paging: Paging,
    pub(super) format: &'a RecordFormat,
}

impl NumberedList<'_> {
    async fn page(&self, number: u64, size: u64) -> Result<ListPage, Failure> {
        let query = self.query.clone().in_pages_of(size).with_attempts(BRIEF_ATTEMPTS);
        self.api.numbered_page(&query, number, self.paging.in_pages_of(size), self.format).await
    }

    /// Whether its first page has the number 0.
    pub(super) async fn counts_from_zero(&self) -> Answer {
        let (first, second) = match (self.page(0, 1).await, self.page(1, 1).await) {
            (Ok(first), Ok(second)) => (first, second),
            (Err(failure), _) | (_, Err(failure)) => return Answer::failed(&failure),
        };
        match (first.rows.rows(), second.rows.rows()) {
            ([first, ..], [second, ..]) if first.identity == second.identity => {
                Answer::No("pages 0 and 1 are the same".to_owned())
            }
            ([_, ..], [_, ..]) => Answer::Yes("pages 0 and 1 are two".to_owned()),
            _ => Answer::Unknown("there are too few rows to tell".to_owned()),
        }
    }

    /// Whether it gives no more than so many rows at once.
    pub(super) async fn gives_at_most(&self, most: u64) -> Answer {
        let asked = 2 * most;
        let page = match self.page(0, asked).await {
            Err(failure) if failure.refused_with().is_some() => {
                let status = failure.refused_with().unwrap_or_default();
                return Answer::Yes(format!("{asked} are refused with {status}"));
            }
            Err(failure) => return Answer::failed(&failure),
            Ok(page) => page,
        };
        let given = page.rows.len() as u64;
        if given > most {
            return Answer::No(format!("{given} came of {asked} asked for"));
        }
        match page.total {
            Some(total) if total <= most => Answer::Unknown(format!("there are only {total} rows")),
            None if given < most => Answer::Unknown(format!("only {given} rows came, and no total is told")),
            _ => Answer::Yes(format!("{given} came of {asked} asked for")),
        }
    }
}

/// In which order times come.
pub(super) fn order<T: PartialOrd>(times: &[T]) -> Answer {
    let is_rising = times.is_sorted();
    let is_falling = times.iter().rev().is_sorted();
    match (times.len(), is_rising, is_falling) {
        (0..3, _, _) => Answer::Unknown("there are too few rows to tell".to_owned()),
        (_, true, true) => Answer::Unknown("all have one time".to_owned()),
        (count, true, false) => Answer::Yes(format!("the earliest first, of {count} rows")),
        (count, false, true) => Answer::Yes(format!("the latest first, of {count} rows")),
        (count, false, false) => Answer::No(format!("in no order by that, of {count} rows")),
    }
}
