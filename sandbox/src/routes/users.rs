//! `GET /v1/users`

use std::fmt::Write;
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

/// A page of the users, in the paged form or the older, SCIM-like one.
pub(super) async fn list(
    State(state): State<Arc<SandboxState>>,
    headers: HeaderMap,
    Query(parameters): Query<Parameters>,
) -> Result<Response, ApiError> {
    authorize(&state, &headers, "users:read")?;
    let scim = state.settings.scim_users || parameters.contains_key("startIndex") || parameters.contains_key("count");
    let shape = state.settings.list_shape;
    let (skip, size) = if scim {
        let start = parse_integer(&parameters, "startIndex", 0, 0..=1_000_000_000)?;
        (start, parse_integer(&parameters, "count", 100, 1..=100)?)
    } else {
        let page = parse_integer(&parameters, "page", 0, 0..=1_000_000_000)?;
        let size = shape.size(parse_integer(&parameters, "size", 10, 1..=100)?);
        (page * size, size)
    };
    let (total, rows) = lock(&state.store).table(Stream::User).earliest_first(skip, size);
    state.drift_after_page(PagedStream::User, RowsRead { from: i64::MIN, to: i64::MAX, count: skip + size });
    let mut body = String::with_capacity(rows.len() * 1_024 + 256);
    if scim {
        // Writing to a string does not fail.
        let _ = write!(body, "{{\"totalResults\":{total},\"Resources\":");
    } else {
        body.push_str("{\"data\":");
    }
    write_array(&mut body, &rows, |body, row| state.company.user(body, row));
    if !scim {
        body.push_str(&page_object(shape, total, skip / size, size, rows.len()));
    }
    body.push('}');
    Ok(json_response(StatusCode::OK, body))
}
