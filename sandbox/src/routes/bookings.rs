//! `GET /v1/bookings`
//!
//! The filters `bookingType`, `bookingStatus`, `startDate*` and `updated*` are ignored.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::request::{Parameters, authorise, number};
use crate::faults::Numbered;
use crate::response::{ApiError, array, json_response, page_object};
use crate::state::{SandboxState, lock};
use crate::stream::Stream;

/// A page of the bookings created in a time, the latest first.
pub(super) async fn list(
    State(state): State<Arc<SandboxState>>,
    headers: HeaderMap,
    Query(parameters): Query<Parameters>,
) -> Result<Response, ApiError> {
    authorise(&state, &headers, "bookings:read")?;
    // Whole seconds, both included.
    let from = seconds(&parameters, "createdFrom")? * 1_000;
    let to = seconds(&parameters, "createdTo")? * 1_000 + 999;
    let page = number(&parameters, "page", 0, 0..=1_000_000_000)?;
    let size = number(&parameters, "size", 10, 1..=100)?;
    let with_transactions = parameters.get("includeTransactions").is_some_and(|asked| asked == "true");
    let (total, picks) = lock(&state.store).table(Stream::Booking).latest_first(from, to, page * size, size);
    state.drift(Numbered::Booking, from, to, (page + 1) * size);
    let mut body = String::with_capacity(picks.len() * 4_096 + 256);
    body.push_str("{\"data\":");
    array(&mut body, &picks, |body, pick| state.company.booking(body, pick, with_transactions));
    body.push(',');
    body.push_str(&page_object(total, page, size));
    body.push('}');
    Ok(json_response(StatusCode::OK, body))
}

/// An instant in epoch seconds; a bare 500 if it is absent or anything else.
fn seconds(parameters: &Parameters, name: &str) -> Result<i64, ApiError> {
    parameters
        .get(name)
        .and_then(|given| given.parse::<i64>().ok())
        .filter(|seconds| (0..=253_402_300_799).contains(seconds))
        .ok_or(ApiError::Bare(StatusCode::INTERNAL_SERVER_ERROR))
}
