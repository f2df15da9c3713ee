//! A simulated run: a sync in as many attempts as it takes, and a second one when all is quiet.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use navan_sandbox::Sandbox;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};
use tracing::instrument::WithSubscriber as _;

use super::neighbour::Neighbour;
use super::network::SimulatedNetwork;
use super::schedule::{Interruption, Schedule};
use super::sink::{MemorySink, Taken};
use super::streams::streams;
use super::truth::Version;
use super::warnings::Warnings;
use crate::api::Apis;
use crate::clock;
use crate::config::Config;
use crate::gateway::{LimitStore, Network, Timings};
use crate::protocol::{ConfiguredCatalog, StreamStates};
use crate::sink::Sink;
use crate::sync::SyncRun;

/// More attempts than any schedule can spoil.
const MAX_ATTEMPTS: usize = 200;

/// So many attempts that fail once all is calm are no accident.
const MAX_CALM_FAILURES: usize = 3;

/// Longer than any attempt may take.
const MAX_TIME: Duration = Duration::from_hours(24);

/// What a process wrote.
#[derive(Debug)]
pub(super) struct Attempt {
    /// Which sync it belongs to, 1 or 2.
    pub(super) sync: u64,
    pub(super) messages: Vec<Taken>,
    pub(super) warnings: Vec<String>,
    /// The states that it was given, by stream.
    pub(super) given: BTreeMap<String, Value>,
    pub(super) is_complete: bool,
    /// By Navan's clock, epoch milliseconds.
    pub(super) began: i64,
    pub(super) ended: i64,
    pub(super) requests: u64,
    /// Of them, those answered 429 by the limit.
    pub(super) over_the_limit: u64,
    /// How often a token was used that had been answered 401.
    pub(super) used_again: u64,
    /// How many tokens were.
    pub(super) refused_tokens: usize,
    pub(super) took: Duration,
    /// The number of its first request.
    pub(super) first_request: u64,
    /// When each request was made.
    pub(super) requested: Vec<Instant>,
}

impl Attempt {
    /// How long it took from that request on.
    pub(super) fn took_after(&self, request: usize) -> Duration {
        self.requested
            .first()
            .map_or(Duration::ZERO, |first| self.took.saturating_sub(self.requested[request] - *first))
    }
}

/// What came of a schedule.
#[derive(Debug)]
pub(super) struct Outcome {
    pub(super) schedule: Schedule,
    pub(super) attempts: Vec<Attempt>,
    pub(super) versions: Vec<Version>,
    pub(super) requests: Vec<String>,
    /// Of all processes together that share the limit, how many there were, and how many the limit refused.
    pub(super) together: (u64, u64),
}

/// Runs the schedule of a seed.
pub(super) fn simulate(seed: u64) -> Outcome {
    fastrand::seed(seed);
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
    runtime.block_on(run(Schedule::of(seed)))
}

async fn run(schedule: Schedule) -> Outcome {
    let navan = Rc::new(Sandbox::in_process(schedule.settings.clone()));
    clock::set(navan.now());
    let mut network = SimulatedNetwork::new(Rc::clone(&navan), schedule.clone());
    let neighbour = schedule.shares_limit.then(|| Rc::new(Neighbour::of(&navan, &schedule)));
    network.limit_store = neighbour.as_ref().map(|neighbour| Rc::clone(&neighbour.store));
    let network = Rc::new(network);
    let run = run_syncs(&network, &schedule);
    let attempts = match &neighbour {
        Some(neighbour) => tokio::select! {
            biased;
            attempts = run => attempts,
            () = neighbour.read_on() => unreachable!(),
            () = neighbour.spoil_store() => unreachable!(),
        },
        None => run.await,
    };
    let networks = [Some(&network), neighbour.as_ref().map(|neighbour| &neighbour.network)];
    let all = || networks.iter().flatten();
    let together =
        (all().map(|network| network.count()).sum(), all().map(|network| network.over_the_limit.get()).sum());
    let versions = network.truth.borrow().versions.clone();
    let requests = network.requests.take();
    Outcome { schedule, attempts, versions, requests, together }
}

async fn run_syncs(network: &Rc<SimulatedNetwork>, schedule: &Schedule) -> Vec<Attempt> {
    let mut attempts: Vec<Attempt> = Vec::new();
    let mut states = BTreeMap::new();
    let mut interruptions = schedule.interruptions.clone().into_iter();
    let calm_from = schedule.bursts.iter().map(|burst| burst.to).max().unwrap_or(0);
    for sync in 1..=2 {
        let mut calm_failures = 0;
        for _ in 0..MAX_ATTEMPTS {
            let interruption = if sync == 1 { interruptions.next() } else { None };
            let attempt = attempt(network, schedule, sync, &states, interruption).await;
            for taken in &attempt.messages {
                let stream = &taken.message["state"]["stream"];
                if let Some(name) = stream["stream_descriptor"]["name"].as_str() {
                    states.insert(name.to_owned(), stream["stream_state"].clone());
                }
            }
            let is_complete = attempt.is_complete;
            calm_failures += usize::from(interruption.is_none() && attempt.first_request >= calm_from);
            attempts.push(attempt);
            if is_complete || calm_failures > MAX_CALM_FAILURES {
                break;
            }
            // The platform tries again a little later.
            sleep(Duration::from_mins(1)).await;
        }
        sleep(Duration::from_hours(schedule.hours_between)).await;
    }
    attempts
}

/// A process.
pub(super) async fn attempt(
    network: &Rc<SimulatedNetwork>,
    schedule: &Schedule,
    sync_id: u64,
    given: &BTreeMap<String, Value>,
    interruption: Option<Interruption>,
) -> Attempt {
    let warnings = Warnings::default();
    let attempt = run_process(network, schedule, sync_id, given, interruption);
    let attempt = attempt.with_subscriber(warnings.collector()).await;
    Attempt { warnings: warnings.take(), ..attempt }
}

async fn run_process(
    network: &Rc<SimulatedNetwork>,
    schedule: &Schedule,
    sync_id: u64,
    given: &BTreeMap<String, Value>,
    interruption: Option<Interruption>,
) -> Attempt {
    let navan = Rc::clone(&network.navan);
    let memory = Rc::new(MemorySink::new(Rc::clone(&navan), schedule.reader_pause, interruption.map(|at| at.after)));
    let (began, started, first_request) = (navan.now().timestamp_millis(), Instant::now(), network.count());
    let over_the_limit = network.over_the_limit.get();
    let (used_again, refused_tokens) = (network.used_again.get(), network.refused_tokens.borrow().len());
    let config = config(schedule);
    let catalog = ConfiguredCatalog::parse(&catalog(schedule, sync_id)).expect("a catalog");
    let states: Vec<_> = given.iter().map(|(name, state)| state_line(name, state)).collect();
    let states = StreamStates::read(states.join("\n").as_bytes()).expect("states");
    let carrier = Rc::clone(network) as Rc<dyn Network>;
    let apis = Apis::new(&config, &carrier, &Timings::DEFAULT).expect("APIs");
    if let Some(store) = &network.limit_store {
        apis.navan.share_limit_by(Rc::clone(store) as Rc<dyn LimitStore>);
    }
    let sink = Rc::clone(&memory) as Rc<dyn Sink>;
    let sync = SyncRun::new(&apis, &config, streams(), catalog, &states, None, &sink).expect("a sync");
    let is_complete = tokio::select! {
        biased;
        () = memory.end.notified() => {
            if interruption.is_some_and(|interruption| interruption.is_heeded) {
                sync.interrupt();
            }
            memory.is_dead.set(true);
            false
        }
        complete = timeout(MAX_TIME, sync.run()) => complete.expect("an attempt ends within a day"),
    };
    Attempt {
        sync: sync_id,
        messages: memory.take(),
        warnings: Vec::new(),
        given: given.clone(),
        is_complete,
        began,
        ended: navan.now().timestamp_millis(),
        requests: network.count() - first_request,
        over_the_limit: network.over_the_limit.get() - over_the_limit,
        used_again: network.used_again.get() - used_again,
        refused_tokens: network.refused_tokens.borrow().len() - refused_tokens,
        took: started.elapsed(),
        requested: network.requested.take(),
        first_request,
    }
}

fn config(schedule: &Schedule) -> Config {
    let mut config = schedule.config.clone();
    config["client_id"] = json!(schedule.settings.client_id);
    config["client_secret"] = json!(schedule.settings.client_secret);
    // Nothing listens there: requests never leave the process.
    config["api_url"] = json!("http://127.0.0.1:1");
    Config::parse(&config.to_string()).expect("a configuration")
}

fn catalog(schedule: &Schedule, sync_id: u64) -> String {
    let stream = |name: &&str| {
        let is_incremental = name.starts_with("TRANSACTION") && schedule.is_incremental
            || name.starts_with("BOOKING") && schedule.tracks_bookings;
        let mode = if is_incremental { "incremental" } else { "full_refresh" };
        json!({"stream": {"name": name, "json_schema": {}}, "sync_mode": mode, "destination_sync_mode": "append", "sync_id": sync_id})
    };
    json!({"streams": schedule.chosen.iter().map(stream).collect::<Vec<_>>()}).to_string()
}

fn state_line(name: &str, state: &Value) -> String {
    let stream = json!({"stream_descriptor": {"name": name}, "stream_state": state});
    json!({"type": "STATE", "state": {"type": "STREAM", "stream": stream}}).to_string()
}
