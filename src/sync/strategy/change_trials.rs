//! What nobody is sure of about lists by the time of the last change, tried on the company's own; and their first pages.

use std::ops::RangeInclusive;

use chrono::{Days, NaiveDate};
use futures::future::join_all;

use super::change_windows::ChangeWindows;
use super::number_trials::order;
use super::survey::{Answer, Surveyed, SurveyedPage, Tried};
use super::window_reader::WindowRefusal;
use super::{BRIEF_ATTEMPTS, ProbeTarget};
use crate::api::{ChangesQuery, NextPage};
use crate::error::Error;
use crate::gateway::Failure;
use crate::sync::state::time::retention_start;

/// The days that are looked at, up to yesterday: today may not have begun where the account lives.
const DAYS: u64 = 30;

/// Rows enough to see an order.
const SOME_ROWS: u64 = 50;

fn days(target: ProbeTarget<'_>) -> RangeInclusive<NaiveDate> {
    let now = target.api.now();
    let yesterday = now.date_naive() - Days::new(1);
    (yesterday - Days::new(DAYS)).max(retention_start(now).min(yesterday))..=yesterday
}

/// The first page of each partition.
pub(super) async fn survey(list: &ChangeWindows, target: ProbeTarget<'_>) -> Vec<Surveyed> {
    let partitions = list.partitions.names(target.config);
    let queries = partitions.iter().map(|name| list.query(name, days(target), list.proven_field_groups).one_row());
    let ask = async |query: ChangesQuery| {
        let page = target.api.changes_page(&query, None, target.format).await;
        (query.path().to_owned(), page.map(|page| SurveyedPage::of_changes(&page, target.format)))
    };
    let asked = join_all(queries.map(ask)).await;
    // What is refused as a whole is not switched on; some of it alone may not be in use.
    let is_off = asked.iter().all(|(_, page)| page.as_ref().err().is_some_and(is_refused));
    let surveyed = asked.into_iter().map(|(endpoint, page)| {
        let may_be_absent = !is_off;
        let page = page.map_err(|failure| match failure.refused_with() {
            Some(_) if is_off => list.absence(failure).into(),
            Some(status) if is_refused(&failure) => Error::config(format!(
                "Navan does not give {endpoint} to this credential (it answered {status}); a read leaves it out."
            ))
            .into(),
            _ => failure.into(),
        });
        Surveyed { endpoint, page, may_be_absent }
    });
    surveyed.collect()
}

/// Whether it is Navan that refuses, and not something in between.
fn is_refused(failure: &Failure) -> bool {
    WindowRefusal::of(failure).is_some() && failure.as_obstacle().is_none()
}

/// Tries it on the first partition that has rows; if none has, on the first that answers.
pub(super) async fn run(list: &ChangeWindows, target: ProbeTarget<'_>) -> Vec<Tried> {
    let mut found = None;
    for partition in &list.partitions.names(target.config) {
        let query = list.query(partition, days(target), list.proven_field_groups).with_attempts(BRIEF_ATTEMPTS);
        let query = query.in_pages_of(SOME_ROWS);
        let Ok(page) = target.api.changes_page(&query, None, target.format).await else { continue };
        let is_enough = !page.rows.is_empty();
        if is_enough || found.is_none() {
            found = Some((query, page));
        }
        if is_enough {
            break;
        }
    }
    let Some((query, page)) = found else { return Vec::new() };
    let path = query.path().to_owned();
    let at = |id, statement, answer| Tried::at(&path, id, statement, answer);
    let mut tried = Vec::new();
    if list.field_groups != list.proven_field_groups {
        let answer = is_taken(query.clone().one_row().with_groups(list.field_groups), target).await;
        tried.push(at("field-groups", "All groups of fields that are asked for are taken", answer));
    }
    if list.rows_have_times {
        let times: Vec<_> = page.rows.rows().iter().filter_map(|row| row.cursor).collect();
        tried.push(at("changed-order", "Rows are in the order of their last change", order(&times)));
    }
    drop(page);
    let cap = gives_at_most(query.clone(), list.page_size, target).await;
    tried.push(at("page-cap", "No larger page can be had than those that are read", cap));
    let before = retention_start(target.api.now()) - Days::new(1);
    let before = match target.api.changes_page(&query.one_row().on(before..=before), None, target.format).await {
        Ok(page) => Answer::No(format!("{} came", page.rows.len())),
        Err(failure) => refused(&failure, ""),
    };
    tried.push(at("retention", "Days before the first of the month two months ago are refused", before));
    tried
}

/// Whether it gives no more than so many rows at once.
async fn gives_at_most(query: ChangesQuery, most: u64, target: ProbeTarget<'_>) -> Answer {
    let asked = most + 1;
    match target.api.changes_page(&query.in_pages_of(asked), None, target.format).await {
        Err(failure) => refused(&failure, &format!("{asked} are ")),
        Ok(page) if page.rows.len() as u64 > most => Answer::No(format!("{} came", page.rows.len())),
        Ok(page) if page.next != NextPage::None => Answer::Yes(format!("{} came of {asked}", page.rows.len())),
        Ok(_) => Answer::Unknown(format!("{asked} can be asked for, but there are too few rows to tell")),
    }
}

/// Whether groups of fields are.
async fn is_taken(query: ChangesQuery, target: ProbeTarget<'_>) -> Answer {
    let groups = query.field_groups();
    match target.api.changes_page(&query, None, target.format).await {
        Ok(_) => Answer::Yes(groups.to_owned()),
        Err(failure) => match failure.refused_with() {
            Some(status) => Answer::No(format!("{groups}: refused with {status}")),
            None => Answer::failed(&failure),
        },
    }
}

/// Of what should be refused, in words.
fn refused(failure: &Failure, what: &str) -> Answer {
    let status = failure.refused_with();
    status.map_or_else(|| Answer::failed(failure), |status| Answer::Yes(format!("{what}refused with {status}")))
}
