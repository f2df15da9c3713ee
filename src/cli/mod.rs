//! The commands: the four of Airbyte's protocol, `spec`, `check`, `discover` and `read`, and those for people.
//!
//! What Airbyte reads is messages on stdout. A person gets sentences on stderr instead, from the commands for people always, and from
//! the other four where stdout is a terminal.

mod check;
mod choice;
mod completions;
mod config_source;
mod discover;
mod doctor;
#[cfg(feature = "export")]
mod export;
mod logging;
mod publishing;
mod read;
mod spec;
mod terminal;

use std::fs::File;
use std::future::Future;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;

use clap::{Args, Parser, Subcommand};
use tokio::time::Instant;

use crate::error::Error;
use crate::monitor::{self, Monitor};
use crate::protocol::{Message, Trace};
use crate::shared_state::EncryptionKey;
use crate::shutdown::{end_by, interruption};
use crate::sink::{AirbyteWriter, Sink};
use config_source::ConfigArguments;
use terminal::{TerminalSink, is_read_by_a_person};

/// An Airbyte source for Navan: bookings, expense transactions and users.
#[derive(Parser)]
#[command(name = "source-navan", version, after_help = EXIT_CODES)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Log each request.
    #[arg(long, global = true)]
    debug: bool,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  all that was asked for is done (`check`: also where the answer is no, which it says)
  1  it is not: the error says why
  2  the command line is wrong
  3  `doctor`: nothing fails, but something is worth a look
  128 + n, or killed by signal n: interrupted";

#[derive(Subcommand)]
enum Command {
    #[command(flatten)]
    Airbyte(AirbyteCommand),
    #[command(flatten)]
    People(PeopleCommand),
    /// Find out what does not work and why, step by step.
    Doctor(doctor::DoctorArguments),
}

/// What Airbyte runs.
#[derive(Subcommand)]
enum AirbyteCommand {
    /// Print what can be configured.
    #[command(after_help = "Example: source-navan spec")]
    Spec,
    /// Tell whether a configuration works.
    #[command(after_help = "Example: source-navan check --config config.json")]
    Check(ConfigArguments),
    /// Print the streams there are.
    #[command(after_help = "Example: source-navan discover --config config.json --configured > catalog.json")]
    Discover(DiscoverArguments),
    /// Read the chosen streams, as messages.
    #[command(after_help = "\
Examples:
  source-navan read --config config.json > first.jsonl
  source-navan read --config config.json --state first.jsonl > second.jsonl
  source-navan read --config config.json --stream BOOKING --stream USER")]
    Read(ReadArguments),
}

/// What people run.
#[derive(Subcommand)]
enum PeopleCommand {
    /// Write streams to files: csv, jsonl, parquet, xlsx.
    #[cfg(feature = "export")]
    #[command(after_help = "\
Examples:
  source-navan export bookings --from 2026-10-01 --until 2026-10-31 --to october.xlsx
  source-navan export --streams-all --format parquet --to navan/
  source-navan export transactions --state state.json --to navan/     # later: only what changed since

--from and --until: a booking is in them by the day of its creation, an expense by the day of its last change.")]
    Export(export::ExportArguments),
    /// Print completions for a shell.
    #[command(
        after_help = "Example: source-navan completions bash > ~/.local/share/bash-completion/completions/source-navan"
    )]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Make a key for `shared_state.encryption_key`.
    #[command(after_help = "Example: source-navan key > navan.key")]
    Key,
    /// Write the manual pages into a directory.
    #[command(after_help = "Example: source-navan man --to ~/.local/share/man/man1")]
    Man {
        /// The directory.
        #[arg(long, value_name = "DIRECTORY")]
        to: PathBuf,
    },
}

#[derive(Args)]
struct DiscoverArguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// Print a configured catalog that chooses all of them, for --catalog.
    #[arg(long)]
    configured: bool,
}

#[derive(Args)]
struct ReadArguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// The chosen streams: a configured catalog, or what `discover` printed [default: all streams].
    #[arg(long, value_name = "FILE")]
    catalog: Option<PathBuf>,
    /// Of these only this one; may be given several times.
    #[arg(long = "stream", value_name = "STREAM")]
    streams: Vec<String>,
    /// The state to go on from: a file with the STATEs of the last read, or its whole output.
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// A directory for the files behind rows: receipts, invoices, itineraries.
    #[arg(long, value_name = "DIRECTORY")]
    files: Option<PathBuf>,
}

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let Arguments { command, debug } = Arguments::parse();
    match command {
        Command::Airbyte(command) => airbyte(command, debug),
        Command::People(command) => people(command, debug),
        Command::Doctor(arguments) => doctor::main(&arguments),
    }
}

/// Messages on stdout; sentences, where that is a terminal.
fn airbyte(command: AirbyteCommand, debug: bool) -> ExitCode {
    let writer = AirbyteWriter::spawn(std::io::stdout());
    let sink: Rc<dyn Sink> = if is_read_by_a_person() {
        logging::start_sentences(Arc::new(terminal::line), debug, "info");
        Rc::new(TerminalSink(writer))
    } else {
        logging::start(writer.clone(), debug);
        Rc::new(writer)
    };
    run_async(
        |error| sink.message(&Message::trace(Trace::error(error, None))),
        async |monitor| {
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
            result.unwrap_or(false)
        },
    )
}

/// Sentences on stderr.
fn people(command: PeopleCommand, debug: bool) -> ExitCode {
    let tell = |error: &Error| terminal::line(&format!("error: {}", error.message()));
    run_async(tell, async |monitor| {
        let result = run_for_people(command, debug, &monitor).await;
        if let Err(error) = &result {
            if let Some(cause) = error.cause() {
                tracing::debug!("{cause}");
            }
            tell(error);
        }
        result.unwrap_or(false)
    })
}

/// Runs something that says whether all is done, on one thread: there is one that reads and converts, and what writes has its own.
fn run_async<Running: Future<Output = bool>>(
    tell: impl Fn(&Error),
    command: impl FnOnce(Rc<Monitor>) -> Running,
) -> ExitCode {
    let monitor = Rc::new(Monitor::default());
    monitor::listen(Rc::clone(&monitor) as _);
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            tell(&Error::system("The program cannot start.").with_cause(error));
            return ExitCode::FAILURE;
        }
    };
    if runtime.block_on(command(monitor)) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs a command; whether it did all it was asked for. An error is about the whole of it.
async fn run(command: AirbyteCommand, sink: &Rc<dyn Sink>, monitor: &Monitor) -> Result<bool, Error> {
    let began = Instant::now();
    match command {
        AirbyteCommand::Spec => spec::run(&**sink).map(|()| true),
        AirbyteCommand::Discover(arguments) => discover::run(&arguments, &**sink).map(|()| true),
        AirbyteCommand::Check(config) => {
            tokio::select! {
                () = check::run(&config, &**sink) => {}
                signal = interruption() => end_by(signal),
            }
            monitor.summarise("check", began.elapsed(), None);
            Ok(true)
        }
        AirbyteCommand::Read(arguments) => read::run(&arguments, sink, monitor).await,
    }
}

/// Runs a command for people; whether it did all it was asked for.
async fn run_for_people(command: PeopleCommand, debug: bool, monitor: &Rc<Monitor>) -> Result<bool, Error> {
    match command {
        #[cfg(feature = "export")]
        PeopleCommand::Export(arguments) => {
            let progress = Rc::new(export::Progress::new(arguments.quiet, Rc::clone(monitor)));
            logging::start_sentences(progress.lines(), debug, "warn");
            export::run(&arguments, &progress, monitor).await
        }
        PeopleCommand::Key => print(format!("{}\n", EncryptionKey::generate()?.expose()).as_bytes()).map(|()| true),
        PeopleCommand::Completions { shell } => completions::print_for(shell),
        PeopleCommand::Man { to } => completions::write_manual(&to),
    }
}

/// Prints what a person asked for.
fn print(text: &[u8]) -> Result<(), Error> {
    let mut stdout = std::io::stdout();
    let written = stdout.write_all(text).and_then(|()| stdout.flush());
    written.map_err(|e| Error::config(format!("stdout cannot be written to: {e}.")))
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

#[cfg(test)]
mod tests;
