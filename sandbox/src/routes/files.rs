//! The files behind links: receipts, which whoever has the link may have, and invoices and itineraries, which take a token.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::response::ApiError;
use crate::rng::mix;
use crate::state::{SandboxState, lock};
use crate::tokens::bearer_token;

/// Where links lead in the rows as they are made up.
const MADE_UP_HOST: &str = "https://app.navan.example";

/// The body with links that lead to this sandbox, if that is set.
pub(super) fn with_links(state: &SandboxState, headers: &HeaderMap, body: String) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    match host.filter(|_| state.settings.file_links) {
        Some(host) => body.replace(MADE_UP_HOST, &format!("http://{host}")),
        None => body,
    }
}

/// A receipt.
pub(super) async fn receipt(Path((id, name)): Path<(String, String)>) -> Response {
    pdf(&format!("receipts/{id}/{name}"))
}

/// An invoice or an itinerary.
pub(super) async fn document(
    State(state): State<Arc<SandboxState>>,
    headers: HeaderMap,
    Path((booking, name)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let now = state.now();
    if bearer_token(&headers).is_some_and(|token| lock(&state.tokens).is_valid(token, now)) {
        return Ok(pdf(&format!("itineraryfiles/bookings/{booking}/{name}")));
    }
    Err(ApiError::Bare(StatusCode::UNAUTHORIZED))
}

fn pdf(path: &str) -> Response {
    ([(header::CONTENT_TYPE, "application/pdf")], content(path)).into_response()
}

/// What the file at a path holds: some kilobytes of its own.
#[must_use]
pub fn content(path: &str) -> Vec<u8> {
    let seed = path.bytes().fold(0x0066_696c_6573, |sum, byte| mix(sum ^ u64::from(byte)));
    let words = 100 + seed % 4_000;
    let mut bytes = b"%PDF-1.4\n".to_vec();
    bytes.extend((0..words).flat_map(|word| mix(seed ^ word).to_le_bytes()));
    bytes
}
