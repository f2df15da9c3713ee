//! What must hold of whatever was written, held against what there was.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::LazyLock;

use chrono::{DateTime, NaiveDateTime, Utc};
use jsonschema::Validator;
use serde_json::Value;

use super::run::{Attempt, Outcome};
use super::streams::streams;
use super::truth::{Table, Version};

/// What of a record counts: the key of the row that it is or that it is in, and when that was modified (of transactions; else 0).
type Seen = (String, i64);

/// Of which stream, and of which expense type, if that has places of its own.
type Place = (String, Option<String>);

/// How much longer than a clean read the rest of a read may take once faults have stopped.
const SLOWER: f64 = 2.0;

/// What is spent on a limit or an open breaker that the faults have left behind.
const AFTERMATH_S: f64 = 300.0;

/// How many requests may go over a limit before it is known, beside one in five.
const MAX_OVER_THE_LIMIT: u64 = 40;

/// How often tokens that have ended may be used again, by requests that had them already: so often in all, and so often each.
const MAX_USED_AGAIN: u64 = 16;
const MAX_USED_AGAIN_EACH: u64 = 4;

/// What is wrong.
pub(super) fn check(outcome: &Outcome) -> Vec<String> {
    let mut faults = Vec::new();
    for sync in 1..=2 {
        let attempts: Vec<_> = outcome.attempts.iter().filter(|attempt| attempt.sync == sync).collect();
        let last = attempts.last().expect("an attempt");
        if !last.is_complete {
            faults.push(format!("sync {sync} is not complete after {} attempts: {:?}", attempts.len(), errors(last)));
        }
    }
    for attempt in &outcome.attempts {
        let (again, tokens) = (attempt.used_again, attempt.refused_tokens);
        if again > MAX_USED_AGAIN.max(MAX_USED_AGAIN_EACH * tokens as u64) {
            faults.push(format!("{tokens} tokens that had ended were used again, {again} times"));
        }
    }
    let mut seen = HashMap::<&'static str, HashSet<Seen>>::new();
    for attempt in &outcome.attempts {
        check_attempt(outcome, attempt, &mut seen, &mut faults);
    }
    check_syncs(outcome, &mut faults);
    if outcome.schedule.tracks_bookings && outcome.schedule.chosen.contains(&"BOOKING") {
        check_booking_changes(outcome, &mut faults);
    }
    check_cost(outcome, &mut faults);
    faults.sort();
    faults.dedup();
    faults.truncate(5);
    faults
}

/// One process: records that load, nothing twice, states that only go forward and cover only what was written.
fn check_attempt(
    outcome: &Outcome,
    attempt: &Attempt,
    seen: &mut HashMap<&'static str, HashSet<Seen>>,
    faults: &mut Vec<String>,
) {
    let mut in_this = HashSet::new();
    let mut before: BTreeMap<Place, i64> = BTreeMap::new();
    for (name, state) in &attempt.given {
        before.extend(positions(name, state));
    }
    for taken in &attempt.messages {
        match taken.message["type"].as_str() {
            Some("RECORD") => {
                let record = &taken.message["record"];
                let stream = stream_of(record);
                if let Err(error) = VALIDATORS[stream].validate(&record["data"]) {
                    faults.push(format!(
                        "a record of {stream} does not fit its schema at {}: {error}",
                        error.instance_path()
                    ));
                }
                let one = identity(stream, &record["data"]);
                // A row that changed twice within a millisecond has two versions of one time.
                let version =
                    if stream.starts_with("TRANSACTION") { record["data"].to_string() } else { String::new() };
                if !in_this.insert((stream, one.clone(), place_in_row(&record["data"]), version)) {
                    faults.push(format!("{stream} {} came twice in one attempt", one.0));
                }
                seen.entry(stream).or_default().insert(one);
            }
            Some("STATE") => {
                let name = taken.message["state"]["stream"]["stream_descriptor"]["name"].as_str().expect("a name");
                let state = &taken.message["state"]["stream"]["stream_state"];
                for (place, position) in positions(name, state) {
                    let last = before.insert(place.clone(), position).unwrap_or(i64::MIN);
                    let begins_anew = !name.starts_with("TRANSACTION") && attempt.sync == 2;
                    if position < last && !begins_anew {
                        faults.push(format!("the state of {place:?} went back from {last} to {position}"));
                    }
                    let covered = outcome.versions.iter().filter(|version| {
                        covers(&place, position, version)
                            && version.until > taken.at
                            && version.from <= taken.at
                            && was_there(outcome, attempt, version)
                    });
                    let nothing = HashSet::new();
                    let written = seen.get(name).unwrap_or(&nothing);
                    for version in covered.filter(|version| !written.contains(&as_seen(version))) {
                        let mut of_sync = outcome.attempts.iter().filter(|other| other.sync == attempt.sync);
                        if !of_sync.any(|other| is_explained(outcome, other, version)) && !is_unsure(state, version) {
                            faults.push(format!(
                                "a state of {place:?} covers {} (of {}), which was not written",
                                version.id, version.time
                            ));
                        }
                    }
                }
            }
            _ => {}
        }
    }
}

/// A whole sync: every row that was there all the time, and after the second one every row as it is.
fn check_syncs(outcome: &Outcome, faults: &mut Vec<String>) {
    let mut written = HashSet::new();
    for sync in 1..=2 {
        let attempts: Vec<_> = outcome.attempts.iter().filter(|attempt| attempt.sync == sync).collect();
        let (began, ended) = (attempts[0].began, attempts.last().expect("an attempt").ended);
        if !attempts.last().expect("an attempt").is_complete {
            return;
        }
        // A full refresh begins anew with each sync, an incremental stream goes on.
        let goes_on = |stream: &str| {
            stream.starts_with("TRANSACTION") && outcome.schedule.is_incremental
                || stream.starts_with("BOOKING") && outcome.schedule.tracks_bookings
        };
        written.retain(|(stream, _): &(&str, Seen)| goes_on(stream));
        for attempt in &attempts {
            for taken in attempt.messages.iter().filter(|taken| taken.message["type"] == "RECORD") {
                let record = &taken.message["record"];
                let stream = stream_of(record);
                written.insert((stream, identity(stream, &record["data"])));
            }
        }
        let was_there =
            |version: &&Version| version.from < began && version.until > ended && version.time < began - 1_000;
        for version in outcome.versions.iter().filter(was_there) {
            for stream in outcome.schedule.chosen.iter().filter(|stream| version.streams.contains(stream)) {
                if !written.contains(&(stream, as_seen(version)))
                    && !attempts.iter().any(|attempt| is_explained(outcome, attempt, version))
                    && (sync == 2 || !is_unsure(last_state(attempts.last().expect("an attempt"), stream), version))
                {
                    faults.push(format!("sync {sync} lost {stream} {} (of {})", version.id, version.time));
                }
            }
        }
    }
}

/// Of bookings that are read by their changes: in the end every one was written as it is, and as deleted only what is gone; that is,
/// if a sweep came.
fn check_booking_changes(outcome: &Outcome, faults: &mut Vec<String>) {
    let (mut written, mut deleted) = (HashSet::new(), HashSet::new());
    let versions = || outcome.versions.iter().filter(|version| version.table == Table::Bookings);
    for attempt in &outcome.attempts {
        for taken in attempt.messages.iter().filter(|taken| taken.message["record"]["stream"] == "BOOKING") {
            let row = &taken.message["record"]["data"];
            let id = row["uuid"].as_str().expect("a record has its key").to_owned();
            if row["_ab_cdc_deleted_at"].is_null() {
                written.insert((id, millis(&row["lastModified"])));
                continue;
            }
            if versions().any(|version| version.id == id && version.from <= taken.at && taken.at < version.until) {
                faults.push(format!("{id} was written as deleted, and is there"));
            }
            deleted.insert(id);
        }
    }
    let of_sync = |sync| outcome.attempts.iter().filter(move |attempt| attempt.sync == sync);
    let (Some(first), Some(last)) = (of_sync(1).next_back(), of_sync(2).next_back()) else { return };
    let began = of_sync(2).next().expect("an attempt").began;
    if !first.is_complete || !last.is_complete {
        return;
    }
    let is_explained = |version: &Version| outcome.attempts.iter().any(|a| is_explained(outcome, a, version));
    let stays = |version: &&Version| version.from < began && version.until > last.ended;
    for version in versions().filter(stays).filter(|version| version.modified < began - 1_000) {
        if !written.contains(&(version.id.clone(), version.modified)) && !is_explained(version) {
            faults.push(format!("booking {} was not written as it is since {}", version.id, version.modified));
        }
    }
    let sweeps = outcome.schedule.config["booking_sweep_days"] == 1 && outcome.schedule.hours_between >= 26;
    let tells = |warning: &String| warning.contains("deleted");
    if !sweeps || outcome.attempts.iter().any(|attempt| attempt.warnings.iter().any(tells)) {
        return;
    }
    let is_gone =
        |version: &&Version| version.until > first.ended && version.until < began && version.from < first.began;
    for version in versions().filter(is_gone) {
        let is_back = versions().any(|other| other.id == version.id && other.until > began);
        if !is_back && !deleted.contains(&version.id) && !is_explained(version) {
            faults.push(format!("booking {} is gone, and was not written as deleted", version.id));
        }
    }
}

/// Requests and time stay near to those of a clean read.
fn check_cost(outcome: &Outcome, faults: &mut Vec<String>) {
    let clean = outcome.attempts.last().expect("an attempt");
    let calm_from = outcome.schedule.bursts.iter().map(|burst| burst.to).max().unwrap_or(0);
    // The second sync is clean, and reads as much as the first where the stream is read in full.
    let is_comparable =
        !outcome.schedule.is_incremental && !outcome.schedule.tracks_bookings && outcome.schedule.changes_percent == 0;
    let after_the_faults = |attempt: &&Attempt| attempt.is_complete && attempt.first_request >= calm_from;
    for attempt in outcome.attempts.iter().filter(after_the_faults).filter(|_| is_comparable) {
        let (took, clean) = (attempt.took.as_secs_f64(), clean.took.as_secs_f64());
        if took > clean * SLOWER + AFTERMATH_S {
            faults.push(format!("an attempt after the faults took {took:.0} s, a clean one {clean:.0} s"));
        }
    }
    for attempt in &outcome.attempts {
        let most = MAX_OVER_THE_LIMIT + attempt.requests / 5;
        if attempt.over_the_limit > most {
            faults.push(format!("{} of {} requests went over the limit", attempt.over_the_limit, attempt.requests));
        }
    }
    let (requests, over_the_limit) = outcome.together;
    let processes = if outcome.schedule.shares_limit { 2 } else { 1 };
    let attempts = outcome.attempts.len() as u64;
    if over_the_limit > MAX_OVER_THE_LIMIT * processes * attempts + requests / 5 {
        faults.push(format!("{over_the_limit} of {requests} requests of all processes went over the limit"));
    }
    // Streams of one family that lie at different places are read apart.
    let rows = outcome.versions.len() as u64 * outcome.schedule.chosen.len() as u64;
    for attempt in &outcome.attempts {
        let most =
            3 * (rows + 400) + outcome.schedule.bursts.iter().map(|burst| 20 * (burst.to - burst.from)).sum::<u64>();
        if attempt.requests > most {
            faults.push(format!("an attempt took {} requests for {rows} rows", attempt.requests));
        }
    }
}

static VALIDATORS: LazyLock<HashMap<&'static str, Validator>> = LazyLock::new(|| {
    let validator = |(name, schema): (&'static str, &str)| {
        let schema: Value = serde_json::from_str(schema).expect("a schema");
        // Local times have no offset; Airbyte's types tell them apart, JSON Schema's format does not.
        let is_time = |text: &str| text.parse::<DateTime<Utc>>().is_ok() || text.parse::<NaiveDateTime>().is_ok();
        let options = jsonschema::options().should_validate_formats(true).with_format("date-time", is_time);
        (name, options.build(&schema).expect("a schema"))
    };
    let parents = streams().iter().map(|stream| (stream.name, stream.schema));
    let children = streams().iter().flat_map(|stream| stream.children).map(|child| (child.name, child.schema));
    parents.chain(children).map(validator).collect()
});

/// The stream of a record.
fn stream_of(record: &Value) -> &'static str {
    let mut names = streams().iter().flat_map(|stream| stream.names());
    names.find(|name| record["stream"] == *name).expect("a stream")
}

fn identity(stream: &str, row: &Value) -> Seen {
    let id = ["uuid", "booking_uuid", "id", "transaction_id"];
    let id = if stream == "TRANSACTION_BOOKING" { &row["transaction_id"] } else { first_of(row, &id) };
    let modified = if stream.starts_with("TRANSACTION") { millis(&row["modified_timestamp"]) } else { 0 };
    (id.as_str().expect("a record has its key").to_owned(), modified)
}

fn first_of<'a>(row: &'a Value, fields: &[&str]) -> &'a Value {
    fields.iter().map(|field| &row[field]).find(|value| value.is_string()).unwrap_or(&Value::Null)
}

/// Which of the rows in a row a record is.
fn place_in_row(row: &Value) -> String {
    let what = if row["_ab_cdc_deleted_at"].is_string() { "gone" } else { "" };
    format!(
        "{what} {} {}",
        row["index"],
        if row["transaction_id"].is_string() { &row["booking_uuid"] } else { &Value::Null }
    )
}

fn as_seen(version: &Version) -> Seen {
    let modified = if matches!(version.table, Table::Transactions(_)) { version.time } else { 0 };
    (version.id.clone(), modified)
}

fn millis(time: &Value) -> i64 {
    time.as_str().and_then(|text| text.parse::<DateTime<Utc>>().ok()).map_or(0, |time| time.timestamp_millis())
}

/// What a state says, by place: everything of that place before a time is written.
fn positions(stream: &str, state: &Value) -> BTreeMap<Place, i64> {
    let mut positions = BTreeMap::new();
    let mut put = |kind: Option<&String>, time: &Value| {
        if time.is_string() {
            positions.insert((stream.to_owned(), kind.cloned()), millis(time));
        }
    };
    put(None, &state["next_created_from"]);
    if state["__ab_full_refresh_sync_complete"] == true {
        put(None, &state["read_at"]);
    }
    for (kind, through) in state["types"].as_object().into_iter().flatten() {
        put(Some(kind), &through["synced_through"]);
    }
    positions
}

fn covers((stream, kind): &Place, position: i64, version: &Version) -> bool {
    let is_of = match version.table {
        Table::Transactions(of) => kind.as_ref().is_none_or(|kind| *kind == of.path()),
        _ => true,
    };
    is_of && version.streams.contains(&stream.as_str()) && version.time < position
}

/// Whether the row was there, as it is, since the sync began. A full refresh promises no more; of an incremental one every
/// change before the time in its state is to be written.
fn was_there(outcome: &Outcome, attempt: &Attempt, version: &Version) -> bool {
    let of_sync = outcome.attempts.iter().find(|other| other.sync == attempt.sync).expect("itself");
    let is_incremental = outcome.schedule.is_incremental && matches!(version.table, Table::Transactions(_));
    is_incremental || version.from < of_sync.began
}

/// Whether the log says that rows of the stream may be missing.
fn is_explained(outcome: &Outcome, attempt: &Attempt, version: &Version) -> bool {
    let said = |all: &[&str]| attempt.warnings.iter().any(|warning| all.iter().all(|words| warning.contains(words)));
    // What the streams of a read have in common is said in the name of one of them.
    let said_of_stream = |words: &[&str]| {
        let family = outcome.schedule.chosen.iter().filter(|name| name.starts_with(version.table.stream()));
        family.into_iter().any(|name| said(&[&[format!("{name}:").as_str()], words].concat()))
    };
    match version.table {
        Table::Users | Table::Bookings => said_of_stream(&["Navan reports", "passes"]),
        Table::Transactions(kind) => {
            let of_type = |words| said(&[kind.path(), words]);
            of_type("it was skipped")
                || of_type("could not be seen")
                || of_type("could not be looked at again")
                || said_of_stream(&["rows went on changing"])
        }
    }
}

/// Whether a state says itself that rows of those days may be missing, so that the next read looks for them.
fn is_unsure(state: &Value, version: &Version) -> bool {
    let Table::Transactions(kind) = version.table else { return false };
    let unsure = state["types"][kind.path()]["unsure"].as_array().into_iter().flatten();
    let mut covers = unsure.map(|days| millis(&days["from"])..millis(&days["to"]) + 86_400_000);
    covers.any(|days| days.contains(&version.time))
}

fn last_state<'a>(attempt: &'a Attempt, stream: &str) -> &'a Value {
    let states = attempt.messages.iter().map(|taken| &taken.message["state"]["stream"]);
    let mut of_stream = states.rev().filter(|state| state["stream_descriptor"]["name"] == stream);
    of_stream.next().map_or(&Value::Null, |state| &state["stream_state"])
}

fn errors(attempt: &Attempt) -> Vec<&str> {
    let errors = attempt.messages.iter().map(|taken| &taken.message["trace"]["error"]["message"]);
    errors.filter_map(Value::as_str).collect()
}
