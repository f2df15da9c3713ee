//! `cargo demo`: the real connector reads all streams of a sandbox, and a small table tells what came.

#![allow(clippy::print_stdout)] // a program for people

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, ensure};
use clap::Parser as _;
use navan_sandbox::{Sandbox, Settings};
use serde_json::{Value, json};
use source_navan::streams::{STREAMS, Stream};

/// What came of one stream.
#[derive(Default)]
struct Tally {
    records: u64,
    states: u64,
    bytes: usize,
    seconds: f64,
}

/// Reads all streams of a simulated Navan with the real connector, and tells in a table what came.
#[derive(clap::Parser)]
#[command(bin_name = "cargo demo")]
struct Options {
    /// Print the connector's messages instead
    #[arg(long)]
    raw: bool,
}

fn main() -> anyhow::Result<()> {
    let Options { raw } = Options::parse();
    let connector = build()?;
    let sandbox =
        Sandbox::start(Settings { bookings: 20_000, transactions: 5_000, users: 2_000, ..Settings::default() })?;
    let files = tempfile::tempdir()?;
    let (config, catalog) = (files.path().join("config.json"), files.path().join("catalog.json"));
    std::fs::write(&config, configuration(&sandbox).to_string())?;
    std::fs::write(&catalog, chosen_streams().to_string())?;
    if !raw {
        println!(
            "A simulated Navan runs at {}. Reading it:\n  source-navan read --config … --catalog …\n",
            sandbox.url()
        );
    }
    let mut command = Command::new(connector);
    command.arg("read").arg("--config").arg(&config).arg("--catalog").arg(&catalog);
    let began = Instant::now();
    let mut child = command.stdout(Stdio::piped()).spawn().context("the connector does not start")?;
    let stdout = child.stdout.take().context("the connector has no stdout")?;
    let tallies = if raw {
        if !pass_on(stdout)? {
            return Ok(()); // the reader has seen enough (`| head`), and so has the connector
        }
        None
    } else {
        Some(tally(stdout, began)?)
    };
    let status = child.wait()?;
    ensure!(status.success(), "the read failed: {status}");
    if let Some(tallies) = tallies {
        print_table(&tallies, began.elapsed().as_secs_f64());
    }
    Ok(())
}

/// Builds the connector as users get it; cargo builds only this program by itself.
fn build() -> anyhow::Result<PathBuf> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let build = ["build", "--release", "--locked", "--bin", "source-navan", "--manifest-path", manifest];
    ensure!(Command::new(cargo).args(build).status()?.success(), "the connector does not build");
    // This program is <target>/release/examples/demo; the connector lies two folders up.
    let here = std::env::current_exe()?;
    Ok(here.parent().and_then(|examples| examples.parent()).context("no target folder")?.join("source-navan"))
}

fn configuration(sandbox: &Sandbox) -> Value {
    let settings = sandbox.settings();
    json!({"client_id": settings.client_id, "client_secret": settings.client_secret, "api_url": sandbox.url()})
}

/// All streams, each in the mode that brings the least again.
fn chosen_streams() -> Value {
    let of_one = |stream: &&'static Stream| {
        let mode = stream.strategy.modes().sync_modes.last();
        let entry = move |name| json!({"stream": {"name": name, "json_schema": {}}, "sync_mode": mode, "destination_sync_mode": "append"});
        stream.names().map(entry).collect::<Vec<_>>()
    };
    json!({"streams": STREAMS.iter().flat_map(of_one).collect::<Vec<_>>()})
}

/// Whether the reader took everything.
fn pass_on(mut stdout: impl std::io::Read) -> anyhow::Result<bool> {
    match std::io::copy(&mut stdout, &mut std::io::stdout()) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn tally(stdout: impl std::io::Read, began: Instant) -> anyhow::Result<BTreeMap<String, Tally>> {
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    for line in BufReader::new(stdout).lines() {
        let line = line?;
        let message: Value = serde_json::from_str(&line)?;
        let (stream, record) = match message["type"].as_str() {
            Some("RECORD") => (&message["record"]["stream"], true),
            Some("STATE") => (&message["state"]["stream"]["stream_descriptor"]["name"], false),
            _ => continue,
        };
        let tally = tallies.entry(stream.as_str().unwrap_or_default().to_owned()).or_default();
        tally.records += u64::from(record);
        tally.states += u64::from(!record);
        tally.bytes += line.len() + 1;
        tally.seconds = began.elapsed().as_secs_f64();
    }
    Ok(tallies)
}

#[allow(clippy::cast_precision_loss)] // sizes for people
fn print_table(tallies: &BTreeMap<String, Tally>, seconds: f64) {
    let line = |name: &str, records: u64, states: u64, seconds: f64, bytes: usize| {
        println!("{name:<24} {records:>9} {states:>7} {seconds:>8.2} {:>8.0}", bytes as f64 / 1e6 / seconds);
    };
    println!("{:<24} {:>9} {:>7} {:>8} {:>8}", "stream", "records", "states", "seconds", "MB/s");
    for (name, tally) in tallies {
        line(name, tally.records, tally.states, tally.seconds, tally.bytes);
    }
    let all = |count: fn(&Tally) -> u64| tallies.values().map(count).sum();
    line("all", all(|t| t.records), all(|t| t.states), seconds, tallies.values().map(|t| t.bytes).sum());
    // A reader that went away (`| head`) is no fault.
    let _ = std::io::stdout().flush();
}
