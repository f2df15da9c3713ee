//! Words to a person: sentences on stderr, since stdout is for what was asked for.

use std::io::{IsTerminal as _, Write as _};
use std::sync::Arc;

use futures::future::LocalBoxFuture;

use crate::protocol::{ConnectionStatus, Message};
use crate::record::RecordLines;
use crate::sink::{AirbyteWriter, Sink};

/// Writes a line where a person sees it.
pub(super) type WriteLine = Arc<dyn Fn(&str) + Send + Sync>;

/// Writes a line to stderr.
pub(super) fn line(text: &str) {
    // Without stderr there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Whether a person reads what Airbyte's four commands write.
pub(super) fn is_read_by_a_person() -> bool {
    std::io::stdout().is_terminal()
}

/// Airbyte's messages as a person reads them: what was asked for on stdout as it is, the rest in sentences.
pub(super) struct TerminalSink(pub(super) AirbyteWriter);

impl Sink for TerminalSink {
    fn records(&self, lines: RecordLines) -> LocalBoxFuture<'_, ()> {
        self.0.records(lines)
    }

    fn message(&self, message: &Message<'_>) {
        match message {
            Message::Spec { .. } | Message::Catalog { .. } | Message::State { .. } => self.0.message(message),
            Message::ConnectionStatus { connection_status: ConnectionStatus::Succeeded } => {
                line("The configuration works.");
            }
            Message::ConnectionStatus { connection_status: ConnectionStatus::Failed { message } } => {
                line(&format!("error: {message}"));
            }
            Message::Trace { trace } => {
                if let Some((stream, message)) = trace.error_message() {
                    let stream = stream.map(|stream| format!("{stream}: ")).unwrap_or_default();
                    line(&format!("error: {stream}{message}"));
                }
            }
            Message::Log { log } => line(&format!("{}: {}", log.level.to_lowercase(), log.message)),
        }
    }

    fn flush(&self) -> LocalBoxFuture<'_, ()> {
        self.0.flush()
    }
}
