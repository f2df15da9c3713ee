//! `GET /v1/bookings`
//!
//! The filters `bookingType`, `bookingStatus`, `startDate*` and `updated*` are ignored.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::request::{Parameters, authorize, parse_integer};
use crate::faults::PagedStream;
use crate::response::{ApiError, json_response, page_object, write_array};
use crate::state::{SandboxState, lock};
use crate::store::RowsRead;
use crate::stream::Stream;

/// A page of the bookings that were created within a range of time, the latest first.
pub(super) async fn list(
    State(state): State<Arc<SandboxState>>,
    headers: HeaderMap,
    Query(parameters): Query<Parameters>,
) -> Result<Response, ApiError> {
    authorize(&state, &headers, "bookings:read")?;
    // Whole seconds, both included.
    let from = parse_epoch_seconds(&parameters, "createdFrom")? * 1_000;
    let to = parse_epoch_seconds(&parameters, "createdTo")? * 1_000 + 999;
    let page = parse_integer(&parameters, "page", 0, 0..=1_000_000_000)?;
    let shape = state.settings.list_shape;
    let size = shape.size(parse_integer(&parameters, "size", 10, 1..=100)?);
    let with_transactions = parameters.get("includeTransactions").is_some_and(|asked| asked == "true");
    let (total, rows) = lock(&state.store).table(Stream::Booking).latest_first(from, to, page * size, size);
    state.drift_after_page(PagedStream::Booking, RowsRead { from, to, count: (page + 1) * size });
    let mut body = String::with_capacity(rows.len() * 4_096 + 256);
    body.push_str("{\"data\":");
    write_array(&mut body, &rows, |body, row| state.company.booking(body, row, with_transactions));
    body.push_str(&page_object(shape, total, page, size, rows.len()));
    body.push('}');
    Ok(json_response(StatusCode::OK, body))
}

/// A time in epoch seconds; a 500 without a body if it is absent or anything else, as Navan answers.
fn parse_epoch_seconds(parameters: &Parameters, name: &str) -> Result<i64, ApiError> {
    parameters
        .get(name)
        .and_then(|given| given.parse::<i64>().ok())
        .filter(|seconds| (0..=253_402_300_799).contains(seconds))
        .ok_or(ApiError::Bare(StatusCode::INTERNAL_SERVER_ERROR))
}
