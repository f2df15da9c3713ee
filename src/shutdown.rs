//! Ending the process by a signal, as whoever waits for it expects.

use std::io;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level::emulate_default_handler;
#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
#[cfg(windows)]
use tokio::signal::windows::{CtrlBreak, CtrlC, ctrl_break, ctrl_c};

/// Waits for the signal that ends the process: SIGTERM (Airbyte cancels a sync), or SIGINT (a person does).
pub async fn interruption() -> i32 {
    let Ok((mut term, mut int)) = handlers() else {
        // Without handlers the signals end the process by themselves.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => SIGTERM,
        _ = int.recv() => SIGINT,
    }
}

#[cfg(unix)]
fn handlers() -> io::Result<(Signal, Signal)> {
    Ok((signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?))
}

/// Windows has no SIGTERM; a program that stops another politely sends it Ctrl-Break.
#[cfg(windows)]
fn handlers() -> io::Result<(CtrlBreak, CtrlC)> {
    Ok((ctrl_break()?, ctrl_c()?))
}

/// Ends the process by the default action of `signal`. The first process of a container is not ended by signals that it
/// sends itself, and on Windows none tells its parent of one, so there the exit code says what a shell would say.
pub fn end_by(signal: i32) -> ! {
    if cfg!(unix) && std::process::id() != 1 {
        // Returns only if the signal could not be raised.
        let _ = emulate_default_handler(signal);
    }
    std::process::exit(128 + signal)
}

/// Ends the process because nobody reads its output any more, as a program ends in front of `| head`: silently.
pub fn end_unread() -> ! {
    #[cfg(unix)]
    end_by(signal_hook::consts::SIGPIPE);
    #[cfg(not(unix))]
    std::process::exit(1)
}
