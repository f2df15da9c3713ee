//! What the layers below warn of while they work: on other commands that is the log's.

use std::sync::{Arc, Mutex, PoisonError};

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::cli::logging;

/// Whose warnings are of use here. Those of others, such as of the clock, have lines of their own.
const WANTED: [&str; 2] = [concat!(env!("CARGO_CRATE_NAME"), "::config"), concat!(env!("CARGO_CRATE_NAME"), "::api")];

/// Collects warnings.
#[derive(Clone, Default)]
pub(super) struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    /// Of this process, from now on.
    pub(super) fn collect() -> Self {
        let notes = Self::default();
        // Fails only if there is a subscriber already, which then has the warnings.
        let _ = tracing_subscriber::registry().with(notes.clone()).try_init();
        notes
    }

    /// Those since the last call.
    pub(super) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<S: Subscriber> Layer<S> for Notes {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let (level, target) = (event.metadata().level(), event.metadata().target());
        if *level <= Level::WARN && WANTED.iter().any(|wanted| target.starts_with(wanted)) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(logging::text(event));
        }
    }
}
