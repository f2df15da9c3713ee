//! `/sandbox/...`: what the owner of a [`crate::Sandbox`] can do, for those in other processes. These
//! requests need no token, are not counted, and no fault or limit hits them.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::stream;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::counts::Counts;
use crate::expense_type::ExpenseType;
use crate::faults::Faults;
use crate::ground_truth::GroundTruth;
use crate::rate_limit::RateLimit;
use crate::settings::Settings;
use crate::state::{SandboxState, lock};
use crate::stream::Stream;

type SharedState = State<Arc<SandboxState>>;

pub(crate) fn router() -> Router<Arc<SandboxState>> {
    Router::new()
        .route("/touch", post(post_touch))
        .route("/insert", post(post_insert))
        .route("/delete", post(post_delete))
        .route("/faults", post(post_faults))
        .route("/limit", post(post_limit))
        .route("/clock", get(get_clock).post(post_clock))
        .route("/counts", get(get_counts))
        .route("/counts/reset", post(post_counts_reset))
        .route("/facts", get(get_ground_truth))
        .route("/rows", get(get_rows))
        .route("/settings", get(get_settings))
}

/// A stream by its name, as in `{"stream":"TRANSACTION","type":"fees"}`.
#[derive(Deserialize)]
struct RowTarget {
    stream: StreamName,
    #[serde(rename = "type")]
    kind: Option<ExpenseType>,
    /// For `touch` and `delete`.
    index: Option<u64>,
    /// For `insert`; 1 if not given.
    count: Option<u64>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum StreamName {
    Booking,
    Transaction,
    User,
}

/// A 400 and why.
type Rejection = (StatusCode, String);

impl RowTarget {
    fn stream(&self) -> Result<Stream, Rejection> {
        Ok(match (self.stream, self.kind) {
            (StreamName::Booking, _) => Stream::Booking,
            (StreamName::User, _) => Stream::User,
            (StreamName::Transaction, Some(kind)) => Stream::Transaction(kind),
            (StreamName::Transaction, None) => return Err(rejection("TRANSACTION needs a type")),
        })
    }

    fn index(&self) -> Result<u64, Rejection> {
        self.index.ok_or_else(|| rejection("index is missing"))
    }
}

fn rejection(reason: &str) -> Rejection {
    (StatusCode::BAD_REQUEST, reason.to_owned())
}

async fn post_touch(State(state): SharedState, Json(target): Json<RowTarget>) -> Result<Json<Value>, Rejection> {
    Ok(Json(json!({ "found": state.touch(target.stream()?, target.index()?) })))
}

async fn post_insert(State(state): SharedState, Json(target): Json<RowTarget>) -> Result<Json<Value>, Rejection> {
    Ok(Json(json!({ "indexes": state.insert(target.stream()?, target.count.unwrap_or(1)) })))
}

async fn post_delete(State(state): SharedState, Json(target): Json<RowTarget>) -> Result<Json<Value>, Rejection> {
    Ok(Json(json!({ "found": state.delete(target.stream()?, target.index()?) })))
}

async fn post_faults(State(state): SharedState, Json(faults): Json<Faults>) -> Json<Value> {
    state.set_faults(faults);
    Json(json!({}))
}

async fn post_limit(State(state): SharedState, Json(limit): Json<Option<RateLimit>>) -> Json<Value> {
    state.set_limit(limit);
    Json(json!({}))
}

/// Either part may be left out.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockChange {
    now: Option<DateTime<Utc>>,
    advance_s: Option<u64>,
}

async fn get_clock(State(state): SharedState) -> Json<Value> {
    Json(json!({ "now": state.now() }))
}

async fn post_clock(State(state): SharedState, Json(set): Json<ClockChange>) -> Json<Value> {
    if let Some(now) = set.now {
        state.set_now(now);
    }
    state.advance(Duration::from_secs(set.advance_s.unwrap_or(0)));
    Json(json!({ "now": state.now() }))
}

async fn get_counts(State(state): SharedState) -> Json<Counts> {
    Json(state.counts())
}

async fn post_counts_reset(State(state): SharedState) -> Json<Value> {
    lock(&state.recorder).reset();
    Json(json!({}))
}

async fn get_settings(State(state): SharedState) -> Json<Settings> {
    Json(state.settings.clone())
}

async fn get_ground_truth(State(state): SharedState) -> Result<Json<GroundTruth>, StatusCode> {
    // All rows are generated for it, which may take seconds.
    let totals = tokio::task::spawn_blocking(move || state.ground_truth()).await;
    totals.map(Json).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

/// All rows of a stream, as JSON lines.
async fn get_rows(State(state): SharedState, Query(target): Query<RowTarget>) -> Result<Response, Rejection> {
    const CHUNK_BYTES: usize = 256 * 1024;
    let chunks = stream::unfold(state.rows(target.stream()?), |mut rows| async move {
        let mut chunk = String::with_capacity(CHUNK_BYTES + 8192);
        while chunk.len() < CHUNK_BYTES && rows.write_next(&mut chunk) {
            chunk.push('\n');
        }
        let chunk = Ok::<_, std::convert::Infallible>(Bytes::from(chunk));
        chunk.as_ref().is_ok_and(|chunk| !chunk.is_empty()).then_some((chunk, rows))
    });
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(chunks)).into_response())
}
