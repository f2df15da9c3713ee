//! The sandbox as a program: starts, prints its address, and runs until it is interrupted.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::net::IpAddr;
#[cfg(unix)]
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, Utc};
use clap::Parser;
use navan_sandbox::{LimitAlgorithm, LimitHeaders, RateLimit, Region, Sandbox, Settings};
use serde_json::{Map, Value};

/// How many bookings change a day, if nothing is said.
const CHANGES_A_DAY: u64 = 3;

/// Simulates Navan's REST API. Prints its URL and credential as one line of JSON, then runs until SIGINT
/// or SIGTERM.
#[derive(Debug, Parser)]
#[command(name = "navan-sandbox", version)]
struct Arguments {
    /// Settings as a JSON file; the flags below win over it, but for --odd
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// Once it listens, write a configuration for the connector into this file
    #[arg(long, value_name = "FILE")]
    write_config: Option<PathBuf>,
    /// The port; any that is free if not given
    #[arg(long)]
    port: Option<u16>,
    /// The address to listen at
    #[arg(long)]
    bind: Option<IpAddr>,
    /// How many bookings
    #[arg(long)]
    bookings: Option<u64>,
    /// How many transactions of each of the nine types
    #[arg(long)]
    transactions: Option<u64>,
    /// How many users
    #[arg(long)]
    users: Option<u64>,
    /// What the rows are made of
    #[arg(long)]
    seed: Option<u64>,
    /// How many bookings change on each day by which the clock is advanced, and one more is deleted; 3 if nothing is said
    #[arg(long, value_name = "N")]
    changes_a_day: Option<u64>,
    /// When the clock starts, such as 2026-11-22T09:00:00Z; the real time if not given
    #[arg(long)]
    now: Option<DateTime<Utc>>,
    /// Begin with odd values: other types, gaps, texts and numbers that are hard on a reader; what the settings file says
    /// of each of them wins
    #[arg(long)]
    odd: bool,
    /// Give each row its fields in an order of its own
    #[arg(long)]
    shuffle_fields: bool,
    /// us or eu
    #[arg(long, value_parser = region)]
    region: Option<Region>,
    /// Seconds that a token lives
    #[arg(long, value_name = "SECONDS")]
    token_life: Option<u64>,
    /// Added latency of each response
    #[arg(long, value_name = "MS")]
    latency_ms: Option<u64>,
    /// Requests a second (a bucket with a burst of one second, with Retry-After in seconds)
    #[arg(long, value_name = "PER_SECOND")]
    limit: Option<f64>,
}

fn region(name: &str) -> Result<Region, String> {
    match name {
        "us" => Ok(Region::Us),
        "eu" => Ok(Region::Eu),
        _ => Err("us or eu".to_owned()),
    }
}

impl Arguments {
    fn settings(&self) -> anyhow::Result<Settings> {
        let start = if self.odd { Settings::odd() } else { Settings::default() };
        let mut settings = match &self.settings {
            None => start,
            Some(path) => changed_by(path, &start)?,
        };
        settings.port = self.port.unwrap_or(settings.port);
        settings.bind = self.bind.unwrap_or(settings.bind);
        settings.bookings = self.bookings.unwrap_or(settings.bookings);
        settings.transactions = self.transactions.unwrap_or(settings.transactions);
        settings.users = self.users.unwrap_or(settings.users);
        // A company at which nothing happens is none that anybody knows; a settings file says what is wanted.
        let changes_a_day = if self.settings.is_some() { settings.changes_a_day } else { CHANGES_A_DAY };
        settings.changes_a_day = self.changes_a_day.unwrap_or(changes_a_day);
        settings.file_links |= self.settings.is_none();
        settings.seed = self.seed.unwrap_or(settings.seed);
        settings.now = self.now.or(settings.now);
        settings.shuffle_fields |= self.shuffle_fields;
        settings.region = self.region.unwrap_or(settings.region);
        settings.token_life = self.token_life.map_or(settings.token_life, Duration::from_secs);
        settings.faults.latency_ms = self.latency_ms.unwrap_or(settings.faults.latency_ms);
        if let Some(per_second) = self.limit {
            settings.limit = Some(RateLimit {
                per_second,
                burst: per_second.max(1.0),
                algorithm: LimitAlgorithm::TokenBucket,
                headers: LimitHeaders::RetryAfterSeconds,
                retry_after_s: 0,
            });
        }
        Ok(settings)
    }
}

/// The settings with those of the file in their place.
fn changed_by(path: &Path, start: &Settings) -> anyhow::Result<Settings> {
    let text = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let is_wrong = || format!("{} is not a settings file", path.display());
    let changes: Map<String, Value> = serde_json::from_slice(&text).with_context(is_wrong)?;
    let mut settings = serde_json::to_value(start)?;
    if let Some(settings) = settings.as_object_mut() {
        settings.extend(changes);
    }
    serde_json::from_value(settings).with_context(is_wrong)
}

/// Writes a configuration with which the connector reads this sandbox, for its owner's eyes only. Who waits for the file
/// finds all of it.
fn write_config(path: &Path, sandbox: &Sandbox) -> anyhow::Result<()> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(".unfinished");
    let unfinished = PathBuf::from(unfinished);
    let settings = sandbox.settings();
    let config = serde_json::json!({
        "client_id": settings.client_id,
        "client_secret": settings.client_secret,
        "api_url": sandbox.url(),
    });
    // One that was left behind may be open to others, and its mode would stay.
    let _ = std::fs::remove_file(&unfinished);
    let write = || {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)] // elsewhere the folder's rights are the file's
        options.mode(0o600);
        let mut file = options.open(&unfinished)?;
        file.write_all(format!("{config:#}\n").as_bytes())?;
        std::fs::rename(&unfinished, path)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(unix)]
fn signals() -> std::io::Result<(tokio::signal::unix::Signal, tokio::signal::unix::Signal)> {
    use tokio::signal::unix::{SignalKind, signal};
    Ok((signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?))
}

#[cfg(windows)]
fn signals() -> std::io::Result<(tokio::signal::windows::CtrlBreak, tokio::signal::windows::CtrlC)> {
    use tokio::signal::windows::{ctrl_break, ctrl_c};
    Ok((ctrl_break()?, ctrl_c()?))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let settings = arguments.settings()?;
    // Before the line is printed: who has read it may send a signal at once.
    let (mut terminate, mut interrupt) = signals()?;
    let sandbox = Sandbox::start(settings)?;
    if let Some(path) = &arguments.write_config {
        write_config(path, &sandbox)?;
    }
    print_address(&sandbox);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "this line is the program's output")]
fn print_address(sandbox: &Sandbox) {
    let settings = sandbox.settings();
    let line = serde_json::json!({
        "url": sandbox.url(),
        "client_id": settings.client_id,
        "client_secret": settings.client_secret,
    });
    println!("{line}");
}
