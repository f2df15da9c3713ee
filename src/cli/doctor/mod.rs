//! `doctor`: what somebody who helps would ask, one thing after the other, each with how it stands and what to do next.
//!
//! It asks by the same layers as a read does, with less patience: whatever it says of Navan, a read would meet. What it finds becomes
//! a [`report`]. Nothing is written but that.

mod answers;
mod configuration;
mod connection;
mod credential;
mod endpoints;
mod facts;
mod hosts;
mod issuers;
mod markdown;
mod notes;
mod report;
mod terminal;

use std::process::ExitCode;
use std::rc::Rc;

use clap::Args;
use tokio::time::Instant;

use super::config_source::ConfigArguments;
use crate::api::Apis;
use crate::error::Error;
use crate::gateway::{Http, Network, Observer, Timings};
use endpoints::Company;
use notes::Notes;
use report::{Line, Report, Verdict};
use terminal::Terminal;

/// What stands below the options in `--help`.
const HELP: &str = "Exit code: 0 everything is ok, 1 something fails, 3 something is worth a look, 2 a wrong argument.

Example: source-navan doctor --config config.json

It takes 90 seconds at most, reads a few rows, and writes nothing. No row, secret or token is in what it says; \
--report has no names of hosts, files or companies either.";

#[derive(Args)]
#[command(after_help = HELP)]
pub(super) struct DoctorArguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// Print one JSON object.
    #[arg(long, conflicts_with = "report")]
    json: bool,
    /// Print a page in Markdown that can be pasted into an issue: counts, statuses, times, names of fields.
    #[arg(long)]
    report: bool,
}

/// Runs it; the exit code is that of the worst line.
pub(super) fn main(arguments: &DoctorArguments) -> ExitCode {
    let notes = Notes::collect();
    let is_told_at_once = !arguments.json && !arguments.report;
    let mut report = Report::new(is_told_at_once.then(Terminal::stdout));
    match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => {
            if let Err(error) = runtime.block_on(run(arguments, &notes, &mut report)) {
                report.add(Line::new(Verdict::Fail, "program", "", error.message()));
            }
            // A resolver that gets no answer itself is not waited for.
            runtime.shutdown_background();
        }
        Err(_) => report.add(Line::new(Verdict::Fail, "program", "", "The program cannot start.")),
    }
    report.end();
    if arguments.json {
        Terminal::stdout().write(&format!("{}\n", report.to_json()));
    } else if arguments.report {
        Terminal::stdout().write(&markdown::page(&report));
    }
    report.exit_code()
}

async fn run(arguments: &DoctorArguments, notes: &Notes, report: &mut Report) -> Result<(), Error> {
    let timings = Timings::from_environment().for_diagnosis();
    let deadline = Instant::now() + timings.check_deadline;
    let Some(config) = configuration::check(&arguments.config, notes, report) else { return Ok(()) };
    let observer = Rc::new(Observer::of(Rc::new(Http::new(&timings, config.some_speak_tls())?)));
    let network: Rc<dyn Network> = Rc::clone(&observer) as _;
    let apis = Apis::new(&config, &network, &timings)?;
    apis.navan.ask_anew();
    connection::check(&apis, timings.connect_timeout, report).await;
    let token = credential::check(&apis, &observer, deadline, report).await;
    if token.is_some() {
        credential::shared(&apis, report).await;
    }
    credential::clock(&observer, report);
    let scopes = token.as_ref().map(|facts| facts.scopes.as_deref()).ok_or(());
    let company = Company { apis: &apis, config: &config, observer: &observer, scopes, deadline };
    let readable = endpoints::check(company, notes, report).await;
    facts::limits(&observer, report);
    facts::check(company, readable, token.as_ref(), report).await;
    Ok(())
}
