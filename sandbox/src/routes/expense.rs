//! `GET /v1/expense/<type>`

use std::fmt::Write;
use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use chrono::NaiveDate;

use super::request::{Parameters, authorise, number};
use crate::clock::expense_floor;
use crate::cursor::{self, RepeatCursor};
use crate::expense_type::ExpenseType;
use crate::response::{ApiError, array, json_response};
use crate::rows::FieldGroups;
use crate::state::{SandboxState, lock};
use crate::stream::Stream;
use crate::table::Pick;

const DAY_MS: i64 = 86_400_000;
const LONGEST_DAYS: i64 = 93;

/// What a request asks for.
struct Wanted {
    from: NaiveDate,
    to: NaiveDate,
    size: u64,
    groups: FieldGroups,
    /// The query's fingerprint, which its cursors carry.
    query: u64,
}

/// A page of the transactions of a type that changed in a time.
///
/// Pages follow each other by time of change; the rows within a page are the other way round, since the
/// order of rows is no promise.
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
    authorise(&state, &headers, "liquid:read")?;
    allowed(&state, kind)?;
    let wanted = wanted(&state, kind, &parameters)?;
    let midnight = |day: NaiveDate| day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp_millis();
    let given = parameters.get("cursor");
    let start = match given {
        None => (midnight(wanted.from), 0),
        Some(given) => cursor::open(wanted.query, given)
            .ok_or_else(|| ApiError::bad_request("The cursor does not belong to this query."))?,
    };
    let last_ms = midnight(wanted.to) + DAY_MS - 1;
    // One more than fits shows whether there is a next page.
    let mut picks =
        lock(&state.store).table(Stream::Transaction(kind)).following(start, given.is_some(), last_ms, wanted.size + 1);
    let has_next = picks.len() as u64 > wanted.size;
    if has_next {
        picks.pop();
    }
    let next = picks.last().filter(|_| has_next).map(|last| cursor::seal(wanted.query, (last.key, last.index)));
    picks.reverse();
    let next = if repeat.is_some() { given.cloned().or(next) } else { next };
    let body = page(&state, kind, &wanted, &picks, next.as_deref(), given.is_some());
    Ok(json_response(StatusCode::OK, body))
}

/// Whether the type can be read at all.
fn allowed(state: &SandboxState, kind: ExpenseType) -> Result<(), ApiError> {
    if !state.settings.expense_enabled {
        let message = "The Expense API is not enabled for this company.".to_owned();
        return Err(ApiError::Coded(StatusCode::FORBIDDEN, "FORBIDDEN", message));
    }
    match state.settings.refused_types.get(kind.path()) {
        None => Ok(()),
        Some(status) => {
            let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::FORBIDDEN);
            Err(ApiError::Coded(status, "NOT_AVAILABLE", format!("{kind} are not available for this company.")))
        }
    }
}

fn wanted(state: &SandboxState, kind: ExpenseType, parameters: &Parameters) -> Result<Wanted, ApiError> {
    let from = day(parameters, "date_modified.from")?;
    let to = day(parameters, "date_modified.to")?;
    let floor = expense_floor(state.now());
    if from > to {
        return Err(ApiError::bad_request("date_modified.from must not be after date_modified.to."));
    }
    if (to - from).num_days() > LONGEST_DAYS {
        return Err(ApiError::bad_request(format!("The date range must not exceed {LONGEST_DAYS} days.")));
    }
    if from < floor {
        return Err(ApiError::bad_request(format!("date_modified.from must not be before {floor}.")));
    }
    let size = number(parameters, "page_size", 100, 1..=500)?;
    let names = parameters.get("include_field_group").map_or("", String::as_str);
    let groups = FieldGroups::parse(names).ok_or_else(|| ApiError::bad_request("Unknown include_field_group."))?;
    let parts = [kind.path(), &from.to_string(), &to.to_string(), &size.to_string(), names];
    Ok(Wanted { from, to, size, groups, query: cursor::fingerprint(&parts) })
}

/// A day, strictly `YYYY-MM-DD`.
fn day(parameters: &Parameters, name: &str) -> Result<NaiveDate, ApiError> {
    parameters
        .get(name)
        .filter(|given| given.len() == 10)
        .and_then(|given| NaiveDate::parse_from_str(given, "%Y-%m-%d").ok())
        .ok_or_else(|| ApiError::bad_request(format!("{name} must be a date (YYYY-MM-DD).")))
}

fn page(
    state: &SandboxState,
    kind: ExpenseType,
    wanted: &Wanted,
    picks: &[Pick],
    next: Option<&str>,
    has_previous: bool,
) -> String {
    let mut body = String::with_capacity(picks.len() * 2_048 + 256);
    body.push_str("{\"content\":");
    array(&mut body, picks, |body, pick| state.company.transaction(body, kind, pick, wanted.groups));
    // Base64 needs no escaping.
    let quoted = next.map_or_else(|| "null".to_owned(), |next| format!("\"{next}\""));
    // Writing to a string does not fail.
    let _ = write!(
        body,
        ",\"next_cursor\":{quoted},\"has_next\":{},\"has_previous\":{has_previous},\"page_size\":{},\"content_size\":{}}}",
        next.is_some(),
        wanted.size,
        picks.len()
    );
    body
}
