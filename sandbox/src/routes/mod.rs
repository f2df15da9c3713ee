//! The endpoints, one file each.

mod bookings;
mod expense;
pub(crate) mod files;
pub(crate) mod receipts;
mod reference;
mod request;
mod scim;
mod token;
mod users;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

use crate::response::ApiError;
use crate::state::SandboxState;
use crate::tokens::TOKEN_PATH;

/// Navan's endpoints.
pub(crate) fn api() -> Router<Arc<SandboxState>> {
    Router::new()
        .route(TOKEN_PATH, post(token::post))
        .route("/v1/bookings", get(bookings::list))
        .route("/v1/users", get(users::list))
        .route("/v1/expense/custom-fields", get(reference::custom_fields))
        .route("/v1/expense/gl-codes", get(reference::gl_codes))
        .route("/v1/expense/tax-mappings", get(reference::tax_mappings))
        .route("/v1/expense/transactions/receipts", get(receipts::list))
        .route("/v1/expense/{type}", get(expense::list))
        .route("/scim/v2/Users", get(scim::users))
        .route("/receipts/{id}/{name}", get(files::receipt))
        .route("/itineraryfiles/bookings/{uuid}/{name}", get(files::document))
        .fallback(|| async { ApiError::not_found() })
}
