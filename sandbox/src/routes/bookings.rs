//! `GET /v1/bookings`
//!
//! The filters `bookingType`, `bookingStatus`, `startDate*` and `updated*` are ignored.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::{Parameters, authorise, number, page_object};
use crate::answer::{Refusal, array, json_answer};
use crate::faults::Numbered;
use crate::store::Stream;
use crate::world::{World, lock};

/// A page of the bookings created in a time, the latest first.
pub(super) async fn list(
    State(world): State<Arc<World>>,
    headers: HeaderMap,
    Query(parameters): Query<Parameters>,
) -> Result<Response, Refusal> {
    authorise(&world, &headers, "bookings:read")?;
    // Whole seconds, both included.
    let from = seconds(&parameters, "createdFrom")? * 1_000;
    let to = seconds(&parameters, "createdTo")? * 1_000 + 999;
    let page = number(&parameters, "page", 0, 0..=1_000_000_000)?;
    let size = number(&parameters, "size", 10, 1..=100)?;
    let with_transactions = parameters.get("includeTransactions").is_some_and(|asked| asked == "true");
    let (total, picks) = lock(&world.store).table(Stream::Booking).latest_first(from, to, page * size, size);
    world.drift(Numbered::Booking, from, to, (page + 1) * size);
    let mut body = String::with_capacity(picks.len() * 4_096 + 256);
    body.push_str("{\"data\":");
    array(&mut body, &picks, |body, pick| world.company.booking(body, pick, with_transactions));
    body.push(',');
    body.push_str(&page_object(total, page, size));
    body.push('}');
    Ok(json_answer(StatusCode::OK, body))
}

/// An instant in epoch seconds; a bare 500 if it is absent or anything else.
fn seconds(parameters: &Parameters, name: &str) -> Result<i64, Refusal> {
    parameters
        .get(name)
        .and_then(|given| given.parse::<i64>().ok())
        .filter(|seconds| (0..=253_402_300_799).contains(seconds))
        .ok_or(Refusal::Bare(StatusCode::INTERNAL_SERVER_ERROR))
}
