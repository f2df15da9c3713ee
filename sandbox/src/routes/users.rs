//! `GET /v1/users`

use std::fmt::Write;
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;

use super::request::{Parameters, authorise, number};
use crate::faults::Numbered;
use crate::response::{ApiError, array, json_response, page_object};
use crate::state::{SandboxState, lock};
use crate::stream::Stream;

/// A page of the users, in the paged form or the older, SCIM-like one.
pub(super) async fn list(
    State(state): State<Arc<SandboxState>>,
    headers: HeaderMap,
    Query(parameters): Query<Parameters>,
) -> Result<Response, ApiError> {
    authorise(&state, &headers, "users:read")?;
    let scim = state.settings.scim_users || parameters.contains_key("startIndex") || parameters.contains_key("count");
    let (skip, size) = if scim {
        let start = number(&parameters, "startIndex", 0, 0..=1_000_000_000)?;
        (start, number(&parameters, "count", 100, 1..=100)?)
    } else {
        let page = number(&parameters, "page", 0, 0..=1_000_000_000)?;
        let size = number(&parameters, "size", 10, 1..=100)?;
        (page * size, size)
    };
    let (total, picks) = lock(&state.store).table(Stream::User).earliest_first(skip, size);
    state.drift(Numbered::User, i64::MIN, i64::MAX, skip + size);
    let mut body = String::with_capacity(picks.len() * 1_024 + 256);
    if scim {
        // Writing to a string does not fail.
        let _ = write!(body, "{{\"totalResults\":{total},\"Resources\":");
    } else {
        body.push_str("{\"data\":");
    }
    array(&mut body, &picks, |body, pick| state.company.user(body, pick));
    if !scim {
        body.push(',');
        body.push_str(&page_object(total, skip / size, size));
    }
    body.push('}');
    Ok(json_response(StatusCode::OK, body))
}
