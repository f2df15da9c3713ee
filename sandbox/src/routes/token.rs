//! `POST /ta-auth/oauth/token`

use std::sync::Arc;

use axum::Form;
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::request::Parameters;
use crate::response::{ApiError, json_response};
use crate::state::{SandboxState, lock};

/// Issues a token for the credential, which is in the form or in HTTP Basic.
pub(super) async fn post(
    State(state): State<Arc<SandboxState>>,
    headers: HeaderMap,
    form: Result<Form<Parameters>, FormRejection>,
) -> Result<Response, ApiError> {
    let Form(form) = form.unwrap_or_default();
    if form.get("grant_type").is_none_or(|grant| grant != "client_credentials") {
        let description = "Only client_credentials is supported";
        return Err(ApiError::OAuth(StatusCode::BAD_REQUEST, "unsupported_grant_type", description));
    }
    let settings = &state.settings;
    let (id, secret) = basic_credential(&headers)
        .or_else(|| Some((form.get("client_id")?.clone(), form.get("client_secret")?.clone())))
        .ok_or_else(invalid_client)?;
    if id != settings.client_id || secret != settings.client_secret {
        return Err(invalid_client());
    }
    let scope = settings.scopes.join(" ");
    if form.get("scope").is_some_and(|asked| *asked != scope) {
        return Err(invalid_client());
    }
    let now = state.now();
    let token = lock(&state.tokens).issue(now).ok_or_else(invalid_client)?;
    lock(&state.recorder).token_issued();
    let mut body = json!({
        "access_token": token,
        "token_type": "bearer",
        "expires_in": settings.token_life.as_secs(),
        "company_uuid": settings.company_uuid,
        "allowed_ips": null,
    });
    if settings.send_scope {
        body["scope"] = scope.into();
    }
    Ok(json_response(StatusCode::OK, body.to_string()))
}

fn invalid_client() -> ApiError {
    ApiError::OAuth(StatusCode::UNAUTHORIZED, "invalid_client", "Bad client credentials")
}

/// The credential in an `Authorization: Basic` header.
fn basic_credential(headers: &HeaderMap) -> Option<(String, String)> {
    let encoded = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let decoded = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}
