//! The whole HTTP service: Navan's endpoints behind the middleware, and the sandbox's own beside it.

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;

use crate::state::SandboxState;
use crate::{control, middleware, routes};

pub(crate) fn app(state: &Arc<SandboxState>) -> Router {
    routes::api()
        .layer(from_fn_with_state(Arc::clone(state), middleware::intercept))
        .nest("/sandbox", control::router())
        .with_state(Arc::clone(state))
}
