//! `GET /v1/expense/<type>`

use std::fmt::Write;
use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use chrono::NaiveDate;

use super::request::{Parameters, authorize, parse_integer};
use crate::clock::{DAY_MS, retention_start};
use crate::cursor::{self, RepeatCursor};
use crate::expense_type::ExpenseType;
use crate::response::{ApiError, json_response, write_array};
use crate::rows::FieldGroups;
use crate::state::{SandboxState, lock};
use crate::stream::Stream;
use crate::table::RowRef;

const MAX_RANGE_DAYS: i64 = 93;

/// The parameters of a request.
struct ExpenseQuery {
    from: NaiveDate,
    to: NaiveDate,
    size: u64,
    groups: FieldGroups,
    /// Its cursors carry this, so that they are valid for this query only.
    fingerprint: u64,
}

/// A page of the transactions of a type that changed within a range of days.
///
/// Pages are in the order of the changes, the rows within a page in reverse: Navan promises no order of rows, and a
/// reader that relies on one fails here.
pub(super) async fn list(
    State(state): State<Arc<SandboxState>>,
    Path(kind): Path<String>,
    headers: HeaderMap,
    repeat: Option<Extension<RepeatCursor>>,
    Query(parameters): Query<Parameters>,
) -> Result<Response, ApiError> {
    let Ok(kind) = kind.parse::<ExpenseType>() else {
        return Err(ApiError::not_found());
    };
    authorize(&state, &headers, "liquid:read")?;
    check_available(&state, kind.path())?;
    let query = parse_query(&state, kind, &parameters)?;
    let given = parameters.get("cursor");
    let decode = |given: &String| {
        cursor::decode(query.fingerprint, given)
            .ok_or_else(|| ApiError::bad_request("The cursor does not belong to this query."))
    };
    let given_position = given.map(decode).transpose()?;
    let (first_ms, last_ms) = window_ms(query.from, query.to);
    // One more than fits shows whether there is a next page.
    let take = query.size + 1;
    let (mut rows, before) = {
        let store = lock(&state.store);
        let table = store.table(Stream::Transaction(kind));
        if state.settings.offset_cursors {
            let before = given_position.map_or(0, |(_, before)| before);
            (table.range_after(first_ms, last_ms, before, take), before)
        } else {
            let start = given_position.unwrap_or((first_ms, 0));
            (table.range(start, given.is_some(), last_ms, take), 0)
        }
    };
    let has_next = rows.len() as u64 > query.size;
    if has_next {
        rows.pop();
    }
    let position = |last: &RowRef| {
        if state.settings.offset_cursors { (0, before + query.size) } else { (last.key, last.index) }
    };
    let next = rows.last().filter(|_| has_next).map(|last| cursor::encode(query.fingerprint, position(last)));
    rows.reverse();
    let next = if repeat.is_some() { given.cloned().or(next) } else { next };
    let body = write_page(&state, kind, &query, &rows, next.as_deref(), given.is_some());
    Ok(json_response(StatusCode::OK, body))
}

/// An error if the company cannot read this list below `/v1/expense`.
pub(super) fn check_available(state: &SandboxState, name: &str) -> Result<(), ApiError> {
    if !state.settings.expense_enabled {
        let message = "The Expense API is not enabled for this company.".to_owned();
        return Err(ApiError::Coded(StatusCode::FORBIDDEN, "FORBIDDEN", message));
    }
    match state.settings.refused_types.get(name) {
        None => Ok(()),
        Some(status) => {
            let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::FORBIDDEN);
            Err(ApiError::Coded(status, "NOT_AVAILABLE", format!("{name} are not available for this company.")))
        }
    }
}

/// From the first to the last millisecond of those days.
pub(super) fn window_ms(from: NaiveDate, to: NaiveDate) -> (i64, i64) {
    let midnight = |day: NaiveDate| day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis();
    (midnight(from), midnight(to) + DAY_MS - 1)
}

fn parse_query(state: &SandboxState, kind: ExpenseType, parameters: &Parameters) -> Result<ExpenseQuery, ApiError> {
    let (from, to) = parse_days(state, parameters)?;
    let size = parse_integer(parameters, "page_size", 100, 1..=500)?;
    let names = parameters.get("include_field_group").map_or("", String::as_str);
    let groups = FieldGroups::parse(names).ok_or_else(|| ApiError::bad_request("Unknown include_field_group."))?;
    let parts = [kind.path(), &from.to_string(), &to.to_string(), &size.to_string(), names];
    Ok(ExpenseQuery { from, to, size, groups, fingerprint: cursor::fingerprint(&parts) })
}

/// The days that are asked for.
pub(super) fn parse_days(state: &SandboxState, parameters: &Parameters) -> Result<(NaiveDate, NaiveDate), ApiError> {
    let from = parse_date(parameters, "date_modified.from")?;
    let to = parse_date(parameters, "date_modified.to")?;
    let earliest = retention_start(state.now());
    if from > to {
        return Err(ApiError::bad_request("date_modified.from must not be after date_modified.to."));
    }
    if (to - from).num_days() > MAX_RANGE_DAYS {
        return Err(ApiError::bad_request(format!("The date range must not exceed {MAX_RANGE_DAYS} days.")));
    }
    if from < earliest {
        return Err(ApiError::bad_request(format!("date_modified.from must not be before {earliest}.")));
    }
    Ok((from, to))
}

/// A day, strictly `YYYY-MM-DD`.
fn parse_date(parameters: &Parameters, name: &str) -> Result<NaiveDate, ApiError> {
    parameters
        .get(name)
        .filter(|given| given.len() == 10)
        .and_then(|given| NaiveDate::parse_from_str(given, "%Y-%m-%d").ok())
        .ok_or_else(|| ApiError::bad_request(format!("{name} must be a date (YYYY-MM-DD).")))
}

fn write_page(
    state: &SandboxState,
    kind: ExpenseType,
    query: &ExpenseQuery,
    rows: &[RowRef],
    next: Option<&str>,
    has_previous: bool,
) -> String {
    let mut body = String::with_capacity(rows.len() * 2_048 + 256);
    body.push_str("{\"content\":");
    write_array(&mut body, rows, |body, row| state.company.transaction(body, kind, row, query.groups));
    // Base64 needs no escaping.
    let quoted = next.map_or_else(|| "null".to_owned(), |next| format!("\"{next}\""));
    // Writing to a string does not fail.
    let _ = write!(
        body,
        ",\"next_cursor\":{quoted},\"has_next\":{},\"has_previous\":{has_previous},\"page_size\":{},\"content_size\":{}}}",
        next.is_some(),
        query.size,
        rows.len()
    );
    body
}
