//! The commands of Airbyte's protocol: `spec`, `check`, `discover` and `read`; and `doctor`, for people.

mod check;
mod discover;
mod doctor;
mod logging;
mod read;
mod spec;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;

use clap::{Args, Parser, Subcommand};
use tokio::time::Instant;

use crate::config::Config;
use crate::error::Error;
use crate::monitor::{self, Monitor};
use crate::protocol::{Message, Trace};
use crate::shutdown::{end_by, interruption};
use crate::sink::{AirbyteWriter, Sink};
use crate::streams;

/// An Airbyte source for Navan: bookings, expense transactions and users.
#[derive(Parser)]
#[command(name = "source-navan", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Log each request.
    #[arg(long, global = true)]
    debug: bool,
}

#[derive(Subcommand)]
enum Command {
    #[command(flatten)]
    Protocol(ProtocolCommand),
    /// Find out what does not work and why, step by step.
    Doctor(doctor::DoctorArguments),
}

/// Those of Airbyte's protocol, whose messages go to stdout.
#[derive(Subcommand)]
enum ProtocolCommand {
    /// Print what can be configured.
    Spec,
    /// Tell whether a configuration works.
    Check(ConfigFile),
    /// Print the streams there are.
    Discover(ConfigFile),
    /// Read the chosen streams.
    Read(ReadFiles),
}

#[derive(Args)]
struct ConfigFile {
    /// The configuration: a JSON file as `spec` describes it.
    #[arg(long)]
    config: PathBuf,
}

#[derive(Args)]
struct ReadFiles {
    /// The configuration: a JSON file as `spec` describes it.
    #[arg(long)]
    config: PathBuf,
    /// The chosen streams: a configured catalog, a JSON file.
    #[arg(long)]
    catalog: PathBuf,
    /// The state to go on from: a file with the STATEs of the last read, or its whole output.
    #[arg(long)]
    state: Option<PathBuf>,
    /// A directory for the files behind rows: receipts, invoices, itineraries.
    #[arg(long)]
    files: Option<PathBuf>,
}

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let command = match arguments.command {
        Command::Protocol(command) => command,
        Command::Doctor(arguments) => return doctor::main(&arguments),
    };
    let writer = AirbyteWriter::spawn(std::io::stdout());
    logging::start(writer.clone(), arguments.debug);
    let sink: Rc<dyn Sink> = Rc::new(writer);
    let monitor = Rc::new(Monitor::default());
    monitor::listen(Rc::clone(&monitor) as _);
    // One thread reads and converts; another writes to stdout.
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let error = Error::system("The program cannot start.").with_cause(error);
            sink.message(&Message::trace(Trace::error(&error, None)));
            return ExitCode::FAILURE;
        }
    };
    runtime.block_on(async {
        let result = run(command, &sink, &monitor).await;
        if let Err(error) = &result {
            tracing::error!("{}", error.cause().unwrap_or(error.message()));
            sink.message(&Message::trace(Trace::error(error, None)));
        }
        // The reader of stdout may take nothing, so a signal must be heeded up to here.
        tokio::select! {
            () = sink.flush() => {}
            signal = interruption() => end_by(signal),
        }
        match result {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) | Err(_) => ExitCode::FAILURE,
        }
    })
}

/// Runs a command; whether it did all it was asked for. An error is about the whole of it.
async fn run(command: ProtocolCommand, sink: &Rc<dyn Sink>, monitor: &Monitor) -> Result<bool, Error> {
    let began = Instant::now();
    match command {
        ProtocolCommand::Spec => spec::run(&**sink).map(|()| true),
        ProtocolCommand::Discover(files) => discover::run(&files.config, &**sink).map(|()| true),
        ProtocolCommand::Check(files) => {
            tokio::select! {
                () = check::run(&files.config, &**sink) => {}
                signal = interruption() => end_by(signal),
            }
            monitor.summarise("check", began.elapsed(), None);
            Ok(true)
        }
        ProtocolCommand::Read(files) => read::run(&files, sink, monitor).await,
    }
}

/// The file at `path`, which holds the `what`.
fn open(path: &Path, what: &str) -> Result<File, Error> {
    File::open(path).map_err(|e| unreadable(path, what, &e))
}

/// Its text.
fn file(path: &Path, what: &str) -> Result<String, Error> {
    std::fs::read_to_string(path).map_err(|e| unreadable(path, what, &e))
}

fn unreadable(path: &Path, what: &str, error: &std::io::Error) -> Error {
    let why = match error.kind() {
        std::io::ErrorKind::InvalidData => "it is not UTF-8; save it as UTF-8".to_owned(),
        _ => error.to_string(),
    };
    Error::config(format!("The {what} file {} cannot be read: {why}.", path.display()))
}

fn config(path: &Path) -> Result<Config, Error> {
    let config = Config::parse(&zeroize::Zeroizing::new(file(path, "configuration")?))?;
    streams::check_exceptions(&config)?;
    Ok(config)
}

#[cfg(test)]
mod tests;
