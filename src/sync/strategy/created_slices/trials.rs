//! What nobody is sure of about lists by creation time, tried on the company's own.

use chrono::Duration;

use super::CreatedSlices;
use super::changed_rows::Witness;
use super::date_slice::DateSlice;
use super::filter_proof;
use crate::api::{ListPage, ListQuery, Paging, TimeForm};
use crate::gateway::Failure;
use crate::record::Row;
use crate::sync::state::time::whole_second;
use crate::sync::strategy::number_trials::{NumberedList, order};
use crate::sync::strategy::survey::{Answer, Tried};
use crate::sync::strategy::{BRIEF_ATTEMPTS, ProbeTarget};

const NO_ROW: &str = "there is no row to try it on";

/// Everything from `start_date` on.
pub(super) fn whole(target: ProbeTarget<'_>) -> DateSlice {
    let to = whole_second(target.api.now());
    DateSlice { from: whole_second(target.config.start_date).min(to), to }
}

pub(super) async fn run(list: &CreatedSlices, target: ProbeTarget<'_>) -> Vec<Tried> {
    let whole = whole(target);
    let query = list.query(whole);
    let numbered = NumberedList { api: target.api, query: &query, paging: Paging::default(), format: target.format };
    let page = match first_page(&query, target).await {
        Ok(page) => page,
        Err(failure) => {
            let statement = "A page of rows can be had";
            return vec![Tried::at(list.endpoint, "first-page", statement, Answer::failed(&failure))];
        }
    };
    let rows = page.rows.rows();
    // To the second: some times have fractions of it, and others do not.
    let created: Vec<_> = rows.iter().filter_map(|row| Some(row.created?.timestamp())).collect();
    let at = |id, statement, answer| Tried::at(list.endpoint, id, statement, answer);
    vec![
        at("updated-filter", "The filter by the last change works", updated_filter(list, whole, rows, target).await),
        at("created-ends", "A range of creation includes its ends", includes_ends(list, rows, target).await),
        at("one-row", "One row can be had by its key alone", one_row(list, rows, target).await),
        at("created-order", "Rows are in the order of their creation", order(&created)),
        at("page-zero", "Pages are counted from 0", numbered.counts_from_zero().await),
        at(
            "page-cap",
            "No larger page can be had than those that are read",
            numbered.gives_at_most(list.page_size).await,
        ),
        at("total-told", "The number of all rows is told", total_told(page.total)),
    ]
}

async fn first_page(query: &ListQuery, target: ProbeTarget<'_>) -> Result<ListPage, Failure> {
    let brief = query.clone().with_attempts(BRIEF_ATTEMPTS);
    target.api.numbered_page(&brief, 0, Paging::default(), target.format).await
}

fn total_told(total: Option<u64>) -> Answer {
    Answer::of(total.is_some(), total.map_or("no total".to_owned(), |total| format!("{total}")))
}

async fn updated_filter(list: &CreatedSlices, whole: DateSlice, rows: &[Row], target: ProbeTarget<'_>) -> Answer {
    let witness = rows.iter().filter_map(Witness::of).max_by_key(|witness| witness.changed);
    let Some(witness) = witness else {
        return Answer::Unknown("no row of the first page was changed after it was created".to_owned());
    };
    match filter_proof::prove(list, target.api, target.format, whole, witness).await {
        Ok(Some(TimeForm::Seconds)) => Answer::Yes("times in seconds since 1970".to_owned()),
        Ok(Some(TimeForm::Iso)) => Answer::Yes("times as YYYY-MM-DDTHH:MM:SSZ".to_owned()),
        Ok(None) => Answer::No("in neither form of times".to_owned()),
        Err(failure) => Answer::failed(&failure),
    }
}

/// Asks for one second that a row is known to be of.
async fn includes_ends(list: &CreatedSlices, rows: &[Row], target: ProbeTarget<'_>) -> Answer {
    let Some((row, created)) = rows.iter().find_map(|row| Some((row, whole_second(row.created?)))) else {
        return Answer::Unknown(NO_ROW.to_owned());
    };
    let query = ListQuery::whole(list.endpoint, list.page_size).created(created..=created);
    let page = match first_page(&query, target).await {
        Ok(page) => page,
        Err(failure) => return Answer::failed(&failure),
    };
    let comes = page.rows.rows().iter().any(|other| other.identity == row.identity);
    let seen = if comes { "a row came by its own second" } else { "a row did not come by its own second" };
    let is_on_edge = row.created.is_some_and(|at| at - created < Duration::seconds(1));
    if is_on_edge { Answer::of(comes, seen) } else { Answer::Unknown(seen.to_owned()) }
}

async fn one_row(list: &CreatedSlices, rows: &[Row], target: ProbeTarget<'_>) -> Answer {
    let Some((row, key)) = rows.iter().find_map(|row| Some((row, row.uuid?))) else {
        return Answer::Unknown(NO_ROW.to_owned());
    };
    let key = uuid::Uuid::from_u128(key).to_string();
    let query = ListQuery::whole(list.endpoint, list.page_size).only(list.id_parameter, key);
    match first_page(&query, target).await {
        Ok(page) => {
            let rows = page.rows.rows();
            let is_it = matches!(rows, [only] if only.identity == row.identity);
            Answer::of(is_it, format!("{} came", rows.len()))
        }
        Err(failure) => match failure.refused_with() {
            Some(status) => Answer::No(format!("refused with {status}")),
            None => Answer::failed(&failure),
        },
    }
}
