//! `cargo demo`: the real connector reads all streams of a simulated Navan, and tables tell what came.
//!
//! The connector is a process of its own here as everywhere, but the same program: it starts itself a second time, and is
//! the connector then. So there is one build, and no other program to find.

#![allow(clippy::print_stdout)] // a program for people

mod harvest;
mod table;

use std::io::{ErrorKind, Write as _};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Instant;

use anyhow::{Context as _, ensure};
use clap::Parser as _;
use navan_sandbox::{Sandbox, Settings};
use serde_json::{Value, json};
use source_navan::streams::{STREAMS, Stream};

use harvest::Harvest;

/// Set for the process that is the connector. A variable and not an argument: the arguments are the connector's.
const IS_CONNECTOR: &str = "SOURCE_NAVAN_DEMO_IS_CONNECTOR";

/// What to type next.
const NEXT: &str = "\
Next:
  cargo demo --raw | head -3         the connector's messages themselves
  cargo install --locked --path .    the connector as a program of yours: source-navan --help";

/// Reads all streams of a simulated Navan with the real connector, and shows what came.
#[derive(clap::Parser)]
#[command(bin_name = "cargo demo")]
struct Options {
    /// Print the connector's messages instead
    #[arg(long)]
    raw: bool,
    /// How many bookings the company has; transactions and users go with them
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    bookings: u64,
}

fn main() -> anyhow::Result<ExitCode> {
    if std::env::var_os(IS_CONNECTOR).is_some() {
        return Ok(source_navan::cli::main());
    }
    match run(&Options::parse()) {
        // Who reads this has seen enough (`| head`).
        Err(error) if error.downcast_ref().map(std::io::Error::kind) == Some(ErrorKind::BrokenPipe) => {}
        done => done?,
    }
    Ok(ExitCode::SUCCESS)
}

fn run(options: &Options) -> anyhow::Result<()> {
    let sandbox = Sandbox::start(Settings {
        bookings: options.bookings,
        transactions: options.bookings / 4, // of each of the nine types
        users: options.bookings / 10,
        ..Settings::default()
    })?;
    let files = tempfile::tempdir()?;
    let mut out = std::io::stdout();
    if !options.raw {
        writeln!(out, "A simulated Navan runs at {}. Reading it:", sandbox.url())?;
        writeln!(out, "  source-navan read --config … --catalog …\n")?;
    }
    let began = Instant::now();
    let mut connector = start_connector(&sandbox, files.path())?;
    let mut messages = connector.stdout.take().context("the connector has no stdout")?;
    if options.raw {
        std::io::copy(&mut messages, &mut out)?;
        return succeeded(connector);
    }
    let harvest = Harvest::gather(messages, began)?;
    succeeded(connector)?;
    harvest.print(&mut out)?;
    writeln!(out, "{NEXT}")?;
    Ok(())
}

/// This program once more, as the connector: `read` of all streams.
fn start_connector(sandbox: &Sandbox, files: &Path) -> anyhow::Result<Child> {
    let (config, catalog) = (files.join("config.json"), files.join("catalog.json"));
    std::fs::write(&config, configuration(sandbox).to_string())?;
    std::fs::write(&catalog, all_streams().to_string())?;
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("read").arg("--config").arg(config).arg("--catalog").arg(catalog);
    // What somebody has in the environment is their Navan, and not the simulated one.
    command.args(["--environment", "ignored"]);
    command.env(IS_CONNECTOR, "1").stdout(Stdio::piped()).spawn().context("the connector does not start")
}

fn succeeded(mut connector: Child) -> anyhow::Result<()> {
    let status = connector.wait()?;
    ensure!(status.success(), "the read failed: {status}");
    Ok(())
}

fn configuration(sandbox: &Sandbox) -> Value {
    let settings = sandbox.settings();
    json!({
        "client_id": settings.client_id,
        "client_secret": settings.client_secret,
        "api_url": sandbox.url(),
        "scim_url": format!("{}/scim/v2", sandbox.url()),
        "scim_token": settings.scim_token,
    })
}

/// All streams, each in the mode that brings the least again.
fn all_streams() -> Value {
    let of_one = |stream: &&'static Stream| {
        let mode = stream.strategy.modes().sync_modes.last();
        let entry = move |name| json!({"stream": {"name": name, "json_schema": {}}, "sync_mode": mode, "destination_sync_mode": "append"});
        stream.names().map(entry).collect::<Vec<_>>()
    };
    json!({"streams": STREAMS.iter().flat_map(of_one).collect::<Vec<_>>()})
}
