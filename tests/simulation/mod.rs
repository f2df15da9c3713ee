//! A simulation that looks for faults nobody has thought of.
//!
//! The connector's own layers run above a simulated network: the sandbox's router, called in this process, with no socket
//! between. The clock is tokio's paused one, which jumps to the next thing that is waited for, so that hours of backoffs cost
//! milliseconds. What the connector says is collected in memory. Around it a [`schedule`], made of a seed, brings faults, limits,
//! rows that change meanwhile, and the ends of processes; after it [`checks`] says what does not hold of what was written. The
//! same seed gives the same requests in the same order. Some runs have a [`neighbour`], with which they share Navan's limit.
//!
//! `SIMULATION_SEEDS=20000 cargo test --lib simulation` runs so many seeds, `SIMULATION_SEED=17` that one.

mod checks;
mod hosts;
mod limits;
mod neighbour;
mod network;
mod run;
mod schedule;
mod sink;
mod streams;
mod truth;
mod warnings;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;

/// How many seeds are run if nobody says otherwise: as many as take a few seconds.
const DEFAULT_SEEDS: u64 = 100;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is {text}, and no number")))
}

/// All that happened in a run, for who looks for the cause of a failure.
fn tell(seed: u64) -> String {
    let outcome = run::simulate(seed);
    let mut lines = vec![format!("{:?}", outcome.schedule)];
    for attempt in &outcome.attempts {
        let told = attempt.messages.iter().map(|taken| match &taken.message["record"]["data"] {
            Value::Null => taken.message.to_string(),
            row => format!("{} {} {} {}", taken.at, row["uuid"], row["id"], row["modified_timestamp"]),
        });
        lines.push(format!(
            "sync {} from {} to {}: {:?}",
            attempt.sync, attempt.began, attempt.ended, attempt.is_complete
        ));
        let first = usize::try_from(attempt.first_request).expect("a number");
        let requests = usize::try_from(attempt.requests).expect("a number");
        lines.extend(outcome.requests[first..first + requests].iter().cloned());
        lines.extend(attempt.warnings.iter().map(|warning| format!("warned: {warning}")));
        lines.extend(told);
    }
    lines.join("\n")
}

/// What is wrong with what came of a seed.
fn faults_of(seed: u64) -> Vec<String> {
    match catch_unwind(AssertUnwindSafe(|| checks::check(&run::simulate(seed)))) {
        Ok(faults) => faults,
        Err(panic) => {
            let words = panic.downcast_ref::<String>().cloned();
            let words = words.or_else(|| panic.downcast_ref::<&str>().map(|&text| text.to_owned()));
            vec![format!("panicked: {}", words.unwrap_or_default())]
        }
    }
}

#[test]
fn nothing_is_lost_whatever_happens() {
    let seeds = match number("SIMULATION_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SIMULATION_SEEDS").unwrap_or(DEFAULT_SEEDS),
    };
    let count = seeds.end - seeds.start;
    let next = AtomicU64::new(seeds.start);
    let failed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    let faults = faults_of(seed);
                    if !faults.is_empty() {
                        failed.lock().unwrap().push((seed, faults));
                    }
                }
            });
        }
    });
    let mut failed = failed.into_inner().unwrap();
    if let Some(seed) = number("SIMULATION_SEED").filter(|_| !failed.is_empty()) {
        panic!("{}\n{failed:?}", tell(seed));
    }
    failed.sort();
    let shown: Vec<_> =
        failed.iter().take(20).map(|(seed, faults)| format!("seed {seed}: {}", faults.join("; "))).collect();
    assert!(
        failed.is_empty(),
        "{} of {count} seeds failed; SIMULATION_SEED=n runs one of them again:\n{}",
        failed.len(),
        shown.join("\n")
    );
}

#[test]
fn the_same_seed_gives_the_same_requests_and_messages() {
    for seed in 0..5 {
        let (one, other) = (run::simulate(seed), run::simulate(seed));
        assert_eq!(one.requests, other.requests, "seed {seed}");
        let messages = |outcome: &run::Outcome| {
            outcome
                .attempts
                .iter()
                .flat_map(|attempt| attempt.messages.clone())
                .map(|taken| taken.message)
                .collect::<Vec<_>>()
        };
        assert!(messages(&one) == messages(&other), "seed {seed}");
    }
}
