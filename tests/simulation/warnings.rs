//! What the log warns of, collected.

use std::fmt;
use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::{Dispatch, Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt as _};

/// The warnings and errors of a process.
#[derive(Default)]
pub(super) struct Warnings(Arc<Mutex<Vec<String>>>);

struct Collect(Arc<Mutex<Vec<String>>>);

struct Words(String);

impl Warnings {
    /// What collects them.
    pub(super) fn collector(&self) -> Dispatch {
        tracing_subscriber::registry().with(Collect(Arc::clone(&self.0))).into()
    }

    pub(super) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl<S: Subscriber> Layer<S> for Collect {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if *event.metadata().level() <= Level::WARN {
            let mut words = Words(String::new());
            event.record(&mut words);
            self.0.lock().unwrap().push(words.0);
        }
    }
}

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0 = format!("{value:?}");
        }
    }
}
