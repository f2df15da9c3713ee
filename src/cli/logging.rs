//! The log: tracing's events as LOG messages on stdout, since Airbyte reads nothing else.

use std::fmt::{self, Write as _};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer};

use super::terminal::WriteLine;
use crate::monitor::SUMMARY;
use crate::protocol::{LogMessage, Message};
use crate::sink::{AirbyteWriter, Sink as _};

/// Sends the log to `writer`: INFO and worse, with `debug` also DEBUG; the environment's `RUST_LOG` decides alone
/// where it is set.
pub(super) fn start(writer: AirbyteWriter, debug: bool) {
    let filter = filter(if debug { "source_navan=debug,warn" } else { "source_navan=info,warn" });
    // Fails only if there is a subscriber already, which then has the log.
    let _ = tracing_subscriber::registry().with(filter).with(LogMessages { writer }).try_init();
}

/// Sends the log to a person, line by line: `level` and worse, with `debug` also DEBUG. An ERROR has its sentence elsewhere; what lies behind
/// it is for `debug`.
pub(super) fn start_sentences(write_line: WriteLine, debug: bool, level: &str) {
    // The summary is for machines.
    let default = if debug { "source_navan=debug,warn" } else { &format!("source_navan={level},{SUMMARY}=off,warn") };
    let filter = filter(default);
    let _ = tracing_subscriber::registry().with(filter).with(Sentences { write_line, debug }).try_init();
}

/// What `RUST_LOG` says, or else the default.
fn filter(default: &str) -> EnvFilter {
    let wanted = std::env::var(EnvFilter::DEFAULT_ENV).unwrap_or_default();
    let filter = EnvFilter::try_new(if wanted.trim().is_empty() { default } else { wanted.as_str() });
    filter.unwrap_or_else(|_| EnvFilter::new(default))
}

struct Sentences {
    write_line: WriteLine,
    debug: bool,
}

impl<S: Subscriber> Layer<S> for Sentences {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let kind = match *event.metadata().level() {
            Level::ERROR if !self.debug => return,
            Level::ERROR => "cause: ",
            Level::WARN => "warning: ",
            Level::INFO => "",
            Level::DEBUG | Level::TRACE => "debug: ",
        };
        (self.write_line)(&format!("{kind}{}", text(event)));
    }
}

struct LogMessages {
    writer: AirbyteWriter,
}

impl<S: Subscriber> Layer<S> for LogMessages {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let level = match *event.metadata().level() {
            Level::ERROR => "ERROR",
            Level::WARN => "WARN",
            Level::INFO => "INFO",
            Level::DEBUG => "DEBUG",
            Level::TRACE => "TRACE",
        };
        self.writer.message(&Message::Log { log: LogMessage { level, message: &text(event) } });
    }
}

/// An event in one line.
pub(super) fn text(event: &Event<'_>) -> String {
    let mut text = Text::default();
    event.record(&mut text);
    text.message + &text.fields
}

/// An event's message, and its other fields as ` name=value`.
#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a String cannot fail.
        let _ = if field.name() == "message" {
            write!(self.message, "{value:?}")
        } else {
            write!(self.fields, " {}={value:?}", field.name())
        };
    }
}
