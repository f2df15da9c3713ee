//! Ending the process by a signal, as whoever waits for it expects.

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level::emulate_default_handler;
use tokio::signal::unix::{SignalKind, signal};

/// Waits for the signal that ends the process: SIGTERM (Airbyte cancels a sync), or SIGINT (a person does).
pub async fn interruption() -> i32 {
    let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) else {
        // Without handlers the signals end the process by themselves.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => SIGTERM,
        _ = int.recv() => SIGINT,
    }
}

/// Ends the process by the default action of `signal`. The first process of a container is not ended by signals that it
/// sends itself, so there the exit code says what a shell would say.
pub fn end_by(signal: i32) -> ! {
    if std::process::id() != 1 {
        // Returns only if the signal could not be raised.
        let _ = emulate_default_handler(signal);
    }
    std::process::exit(128 + signal)
}
