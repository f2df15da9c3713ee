//! `GET /v1/bookings`
//!
//! The filters `bookingType`, `bookingStatus` and `startDate*` are ignored.

use std::ops::RangeInclusive;
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use chrono::NaiveDateTime;

use super::files::with_links;
use super::request::{Parameters, authorize, parse_integer};
use crate::faults::PagedStream;
use crate::response::{ApiError, json_response, page_object, write_array};
use crate::settings::{ListShape, UpdatedFilter};
use crate::state::{SandboxState, lock};
use crate::store::RowsRead;
use crate::stream::Stream;
use crate::table::RowRef;

/// A page of the bookings that were created within a range of time, the latest first.
pub(super) async fn list(
    State(state): State<Arc<SandboxState>>,
    headers: HeaderMap,
    Query(parameters): Query<Parameters>,
) -> Result<Response, ApiError> {
    authorize(&state, &headers, "bookings:read")?;
    let with_transactions = parameters.get("includeTransactions").is_some_and(|asked| asked == "true");
    if let Some(uuid) = parameters.get("bookingUuid") {
        return one(&state, uuid, with_transactions);
    }
    // Whole seconds, both included.
    let from = parse_epoch_seconds(&parameters, "createdFrom")? * 1_000;
    let to = parse_epoch_seconds(&parameters, "createdTo")? * 1_000 + 999;
    let updated = parse_updated(&state, &parameters)?;
    let page = parse_integer(&parameters, "page", 0, 0..=1_000_000_000)?;
    let shape = state.settings.list_shape;
    let size = shape.size(parse_integer(&parameters, "size", 10, 1..=100)?);
    let (total, rows) = match updated {
        None => lock(&state.store).table(Stream::Booking).latest_first(from, to, page * size, size),
        Some(updated) => {
            let (_, mut rows) = lock(&state.store).table(Stream::Booking).latest_first(from, to, 0, u64::MAX);
            rows.retain(|row| is_given(&state, row, &updated));
            let skip = usize::try_from(page * size).unwrap_or(usize::MAX);
            let take = usize::try_from(size).unwrap_or(usize::MAX);
            (rows.len() as u64, rows.into_iter().skip(skip).take(take).collect())
        }
    };
    state.drift_after_page(PagedStream::Booking, RowsRead { from, to, count: (page + 1) * size });
    let mut body = String::with_capacity(rows.len() * 4_096 + 256);
    body.push_str("{\"data\":");
    write_array(&mut body, &rows, |body, row| state.company.booking(body, row, with_transactions));
    body.push_str(&page_object(shape, total, page, size, rows.len()));
    body.push('}');
    Ok(json_response(StatusCode::OK, with_links(&state, &headers, body)))
}

/// The booking with this uuid, if there is one.
fn one(state: &SandboxState, uuid: &str, with_transactions: bool) -> Result<Response, ApiError> {
    if !state.settings.finds_by_uuid {
        return Err(ApiError::bad_request("createdFrom and createdTo are required."));
    }
    let (_, mut rows) = lock(&state.store).table(Stream::Booking).latest_first(i64::MIN, i64::MAX, 0, u64::MAX);
    rows.retain(|row| state.company.booking_change(row).0 == uuid);
    let mut body = "{\"data\":".to_owned();
    write_array(&mut body, &rows, |body, row| state.company.booking(body, row, with_transactions));
    body.push_str(&page_object(ListShape::Told, rows.len() as u64, 0, 10, rows.len()));
    body.push('}');
    Ok(json_response(StatusCode::OK, body))
}

/// Whether the filter by the last change, which is for those times, gives the booking.
fn is_given(state: &SandboxState, row: &RowRef, updated: &RangeInclusive<i64>) -> bool {
    let (_, modified) = state.company.booking_change(row);
    match state.settings.updated_filter {
        UpdatedFilter::Ignored => true,
        UpdatedFilter::Seconds | UpdatedFilter::Iso => updated.contains(&modified),
        UpdatedFilter::ByCreation => updated.contains(&row.key),
        UpdatedFilter::Unchanged => updated.contains(&modified) && modified - row.key < 1_000,
    }
}

/// The times of the last change that are asked for (ms since the epoch), if the filter is not ignored.
fn parse_updated(state: &SandboxState, parameters: &Parameters) -> Result<Option<RangeInclusive<i64>>, ApiError> {
    let time = |name: &str, otherwise: i64| {
        let Some(given) = parameters.get(name) else { return Ok(otherwise) };
        if state.settings.updated_filter == UpdatedFilter::Iso {
            let time = NaiveDateTime::parse_from_str(given, "%Y-%m-%dT%H:%M:%SZ");
            let time = time.map_err(|_| ApiError::bad_request(format!("{name} must be YYYY-MM-DDTHH:MM:SSZ.")))?;
            return Ok(time.and_utc().timestamp_millis());
        }
        Ok(parse_epoch_seconds(parameters, name)? * 1_000)
    };
    if state.settings.updated_filter == UpdatedFilter::Ignored || !parameters.contains_key("updatedFrom") {
        return Ok(None);
    }
    let to = time("updatedTo", i64::MAX - 999)?;
    Ok(Some(time("updatedFrom", i64::MIN)?..=to + 999))
}

/// A time in epoch seconds; a 500 without a body if it is absent or anything else, as Navan answers.
fn parse_epoch_seconds(parameters: &Parameters, name: &str) -> Result<i64, ApiError> {
    parameters
        .get(name)
        .and_then(|given| given.parse::<i64>().ok())
        .filter(|seconds| (0..=253_402_300_799).contains(seconds))
        .ok_or(ApiError::Bare(StatusCode::INTERNAL_SERVER_ERROR))
}
