//! BOOKING incrementally: every change and every deletion, each once, whatever Navan's filter by change does.

use std::collections::BTreeSet;
use std::time::Duration;

use navan_sandbox::{Sandbox, Settings, UpdatedFilter};
use serde_json::{Value, json};

use crate::harness::{Connector, Run, at, state_file, text_field};

const DAY: Duration = Duration::from_secs(86_400);

fn sandbox(settings: Settings) -> Sandbox {
    let now = Some(at("2026-11-22T10:00:00Z"));
    // Each of them is young enough to be read again.
    let first_booking = settings.first_booking.or(Some(at("2025-11-22T10:00:00Z")));
    Sandbox::start(Settings { bookings: 900, transactions: 0, users: 5, now, first_booking, ..settings }).unwrap()
}

fn connector(sandbox: &Sandbox) -> Connector {
    Connector::against(sandbox).streams(&[("BOOKING", "incremental")])
}

fn complete(connector: &Connector) -> Run {
    let run = connector.read();
    assert_eq!(run.status.code(), Some(0), "{:?}", run.errors());
    assert_eq!(run.statuses("BOOKING").last(), Some(&"COMPLETE"));
    run
}

/// The next read, from where `before` was.
fn next(sandbox: &Sandbox, before: &Run) -> Run {
    complete(&connector(sandbox).state(before.last_states()))
}

fn state(run: &Run) -> Value {
    (*run.states("BOOKING").last().unwrap()).clone()
}

/// The keys of all that was written, each once, but for deletions; and those of the deletions.
fn written(run: &Run) -> (BTreeSet<String>, BTreeSet<String>) {
    let (deleted, others): (Vec<_>, Vec<_>) =
        run.records("BOOKING").into_iter().partition(|row| row.get("_ab_cdc_deleted_at").is_some());
    let keys = |rows: Vec<&Value>| {
        let keys: BTreeSet<_> = rows.iter().map(|row| row["uuid"].as_str().unwrap().to_owned()).collect();
        assert_eq!(keys.len(), rows.len(), "a row came twice");
        keys
    };
    (keys(others), keys(deleted))
}

fn keys(sandbox: &Sandbox) -> Vec<String> {
    sandbox.bookings().map(|row| text_field(&row, "uuid").to_owned()).collect()
}

/// Of all bookings 100 old ones change, ten are added, seven go: which they are.
fn change(sandbox: &Sandbox) -> (BTreeSet<String>, BTreeSet<String>) {
    let before = keys(sandbox);
    let touched = (0..100).map(|number| number * 7 + 3);
    let gone = [0, 50, 111, 300, 555, 600, 880];
    let mut changed: BTreeSet<_> = touched.clone().map(|index: usize| before[index].clone()).collect();
    for index in touched {
        assert!(sandbox.touch_booking(index as u64));
    }
    let inserted = sandbox.insert_bookings(10);
    assert_eq!(inserted.len(), 10);
    let deleted: BTreeSet<_> = gone.iter().map(|index| before[*index].clone()).collect();
    for index in &gone {
        assert!(sandbox.delete_booking(*index as u64));
    }
    let known: BTreeSet<_> = before.into_iter().collect();
    changed.extend(keys(sandbox).into_iter().filter(|key| !known.contains(key)));
    changed.retain(|key| !deleted.contains(key));
    (changed, deleted)
}

fn requests(sandbox: &Sandbox, has: &str) -> usize {
    let log = sandbox.counts().log;
    log.iter().filter(|request| request.target.starts_with("/v1/bookings") && request.target.contains(has)).count()
}

/// Whatever the filter does, and whether or not a booking can be asked for by its key.
fn moods() -> Vec<Settings> {
    use UpdatedFilter::{ByCreation, Ignored, Iso, Seconds, Unchanged};
    let moods = [Ignored, Seconds, Iso, ByCreation, Unchanged].into_iter().flat_map(|updated_filter| {
        [true, false].map(|finds_by_uuid| Settings { updated_filter, finds_by_uuid, ..Settings::odd() })
    });
    moods.collect()
}

#[test]
fn a_read_brings_what_changed_and_a_sweep_what_is_gone() {
    for settings in moods() {
        let mood = (settings.updated_filter, settings.finds_by_uuid);
        let works = matches!(settings.updated_filter, UpdatedFilter::Seconds | UpdatedFilter::Iso);
        let sandbox = sandbox(settings);
        let first = complete(&connector(&sandbox));
        assert_eq!(written(&first).0.len(), 900, "{mood:?}");
        let form = state(&first)["updated_filter"]["form"].clone();
        assert_eq!(form.is_string(), works, "{mood:?}: {form}");

        let quiet = next(&sandbox, &first);
        assert!(quiet.records("BOOKING").is_empty(), "{mood:?}: {:?}", written(&quiet));

        let (changed, deleted) = change(&sandbox);
        sandbox.advance(DAY);
        let before = requests(&sandbox, "");
        let second = next(&sandbox, &quiet);
        assert_eq!(written(&second), (changed, BTreeSet::new()), "{mood:?}");
        if works {
            // Two pages, of those that changed.
            assert!(requests(&sandbox, "") - before <= 3, "{mood:?}: {}", requests(&sandbox, "") - before);
        }

        sandbox.advance(7 * DAY);
        let third = next(&sandbox, &second);
        assert_eq!(written(&third), (BTreeSet::new(), deleted), "{mood:?}: {:?}", third.logs("WARN"));
        // Of times in a form that it does not take, Navan says only that it fails.
        let told: Vec<_> = third.logs("WARN").into_iter().filter(|line| !line.contains("requests failed")).collect();
        assert!(told.is_empty(), "{mood:?}: {told:?}");
        sandbox.advance(8 * DAY);
        let fourth = next(&sandbox, &third);
        assert!(fourth.records("BOOKING").is_empty(), "{mood:?}: {:?}", written(&fourth));
    }
}

#[test]
fn a_change_in_what_is_too_old_to_be_read_again_is_found_by_the_sweep() {
    let first_booking = Some(at("2020-11-22T10:00:00Z"));
    let sandbox = sandbox(Settings { first_booking, ..Settings::default() });
    let before = keys(&sandbox);
    let first = complete(&connector(&sandbox));
    sandbox.advance(2 * DAY);
    assert!(sandbox.touch_booking(10) && sandbox.touch_booking(880));
    sandbox.advance(DAY);
    let second = next(&sandbox, &first);
    assert_eq!(written(&second).0, [before[880].clone()].into());
    sandbox.advance(2 * DAY);
    // By now one more is too old, of which all changes are written.
    let third = next(&sandbox, &second);
    assert!(third.records("BOOKING").is_empty());
    sandbox.advance(4 * DAY);
    let sweep = next(&sandbox, &third);
    assert_eq!(written(&sweep), ([before[10].clone()].into(), BTreeSet::new()));
    assert_eq!(state(&sweep).get("arrears"), None);
}

#[test]
fn a_deletion_is_a_record_that_beats_the_stored_row() {
    let sandbox = sandbox(Settings::default());
    let first = complete(&connector(&sandbox));
    let (_, deleted) = change(&sandbox);
    sandbox.advance(8 * DAY);
    let streams = [("BOOKING", "incremental"), ("BOOKING_SEGMENT", "incremental")];
    let children = state_file("BOOKING", &state(&first));
    let run = connector(&sandbox).streams(&streams).state(children).read();
    assert_eq!(run.status.code(), Some(0), "{:?}", run.errors());
    let found = run.records("BOOKING").into_iter().filter(|row| row.get("_ab_cdc_deleted_at").is_some());
    let found: Vec<_> = found.collect();
    assert_eq!(found.len(), deleted.len());
    for row in found {
        assert_eq!(row["lastModified"], row["_ab_cdc_deleted_at"]);
        assert!(at(row["lastModified"].as_str().unwrap()) >= at("2026-11-30T10:00:00Z"), "{row}");
        assert!(at(row["created"].as_str().unwrap()) < at("2026-11-22T10:00:00Z"), "{row}");
        assert_eq!(row.as_object().unwrap().len(), 4);
    }
}

#[test]
fn what_was_made_and_deleted_between_two_sweeps_is_found_if_it_was_written() {
    for updated_filter in [UpdatedFilter::Ignored, UpdatedFilter::Seconds] {
        let sandbox = sandbox(Settings { updated_filter, ..Settings::default() });
        let first = complete(&connector(&sandbox));
        sandbox.advance(DAY);
        let known: BTreeSet<_> = keys(&sandbox).into_iter().collect();
        let inserted = sandbox.insert_bookings(60);
        let new: Vec<_> = keys(&sandbox).into_iter().filter(|key| !known.contains(key)).collect();
        sandbox.advance(Duration::from_secs(60));
        let second = next(&sandbox, &first);
        assert_eq!(written(&second).0.len(), 60);
        // One changes once more, which must not count it twice; two go.
        sandbox.advance(DAY);
        sandbox.touch_booking(inserted[5]);
        let third = next(&sandbox, &second);
        assert_eq!(written(&third).0.len(), 1);
        assert!(sandbox.delete_booking(inserted[3]) && sandbox.delete_booking(inserted[40]));
        sandbox.advance(7 * DAY);
        let sweep = next(&sandbox, &third);
        let gone: BTreeSet<_> = keys(&sandbox).into_iter().collect();
        let gone: BTreeSet<_> = new.into_iter().filter(|key| !gone.contains(key)).collect();
        assert_eq!(written(&sweep), (BTreeSet::new(), gone), "{updated_filter:?}: {:?}", sweep.logs("WARN"));
    }
}

#[test]
fn too_many_that_are_gone_are_told_and_deleted_nowhere() {
    let sandbox = sandbox(Settings::default());
    let first = complete(&connector(&sandbox));
    for index in 0..60 {
        assert!(sandbox.delete_booking(index));
    }
    sandbox.advance(8 * DAY);
    let sweep = next(&sandbox, &first);
    // Which of those that are there are new cannot be told either.
    assert_eq!((written(&sweep).0.len(), written(&sweep).1.len()), (840, 0));
    let warned = sweep.logs("WARN");
    assert!(warned.iter().any(|line| line.contains("full refresh")), "{warned:?}");
    for index in 60..900 {
        assert!(sandbox.delete_booking(index));
    }
    sandbox.advance(8 * DAY);
    let none = next(&sandbox, &sweep);
    assert!(none.records("BOOKING").is_empty());
    assert!(none.logs("WARN").iter().any(|line| line.contains("none is there any more")));
}

#[test]
fn a_range_that_is_no_longer_asked_for_deletes_nothing_and_an_earlier_start_brings_what_it_adds() {
    let sandbox = sandbox(Settings::default());
    let start = "2026-01-01T00:00:00Z";
    let since = |time: &str| {
        let created = |row: &String| at(text_field(row, "created")) >= at(time);
        sandbox.bookings().filter(created).count()
    };
    let first = complete(&connector(&sandbox).config("start_date", start));
    assert_eq!(written(&first).0.len(), since(start));
    let (later, earlier) = ("2026-06-01T00:00:00Z", "2025-12-01T00:00:00Z");
    sandbox.advance(8 * DAY);
    let narrowed = complete(&connector(&sandbox).config("start_date", later).state(first.last_states()));
    assert!(written(&narrowed).1.is_empty());
    let widened = complete(&connector(&sandbox).config("start_date", earlier).state(narrowed.last_states()));
    let (rows, deleted) = written(&widened);
    assert!(rows.len() >= since(earlier) - since(later) && deleted.is_empty(), "{}", rows.len());
    // And all of it is tracked.
    let before = keys(&sandbox);
    assert!(sandbox.delete_booking(899) && sandbox.delete_booking(880));
    sandbox.advance(8 * DAY);
    let swept = complete(&connector(&sandbox).config("start_date", earlier).state(widened.last_states()));
    assert_eq!(written(&swept).1, [before[899].clone(), before[880].clone()].into(), "{:?}", swept.logs("WARN"));
}

#[test]
fn a_state_of_the_other_mode_begins_anew_in_both_directions() {
    let sandbox = sandbox(Settings::default());
    let full = Connector::against(&sandbox).streams(&[("BOOKING", "full_refresh")]);
    let marker = complete(&full);
    assert_eq!(written(&next(&sandbox, &marker)).0.len(), 900);
    let checkpoint = state_file("BOOKING", &json!({"next_created_from": "2026-06-01T00:00:00Z"}));
    assert_eq!(written(&complete(&connector(&sandbox).state(checkpoint))).0.len(), 900);
    let changes = complete(&connector(&sandbox));
    assert_eq!(written(&complete(&full.state(changes.last_states()))).0.len(), 900);
}

#[test]
fn a_state_ahead_of_navans_clock_is_told_and_kept() {
    let sandbox = sandbox(Settings::default());
    let mut ahead = state(&complete(&connector(&sandbox)));
    ahead["lastModified"] = json!("2099-01-01T00:00:00Z");
    let run = complete(&connector(&sandbox).state(state_file("BOOKING", &ahead)));
    assert!(run.records("BOOKING").is_empty());
    assert_eq!(state(&run), ahead);
    assert!(run.logs("WARN").iter().any(|line| line.contains("2099-01-01")));
}

#[test]
fn a_late_change_is_found_by_the_look_back_and_a_sweep_can_be_switched_off() {
    let sandbox = sandbox(Settings { updated_filter: UpdatedFilter::Seconds, ..Settings::default() });
    let first = complete(&connector(&sandbox));
    // As if the read had been half a day later than the change that it could not see yet.
    sandbox.advance(DAY);
    sandbox.touch_booking(7);
    let mut later = state(&first);
    later["lastModified"] = json!("2026-11-23T22:00:00Z");
    sandbox.advance(DAY);
    let run = complete(&connector(&sandbox).state(state_file("BOOKING", &later)));
    assert_eq!(written(&run).0.len(), 1);
    sandbox.delete_booking(8);
    sandbox.advance(400 * DAY);
    let never = complete(&connector(&sandbox).config("booking_sweep_days", 0).state(run.last_states()));
    assert_eq!(written(&never), (BTreeSet::new(), BTreeSet::new()));
}

#[test]
fn what_was_created_in_the_second_in_which_a_read_began_is_not_taken_for_deleted() {
    for finds_by_uuid in [true, false] {
        let sandbox = sandbox(Settings { finds_by_uuid, ..Settings::default() });
        // The clock of the sandbox goes on: some of them are made in the very second of the read.
        sandbox.insert_bookings(20);
        let first = complete(&connector(&sandbox));
        sandbox.insert_bookings(20);
        sandbox.advance(DAY);
        let second = next(&sandbox, &first);
        sandbox.advance(8 * DAY);
        let sweep = next(&sandbox, &second);
        assert!(written(&sweep).1.is_empty(), "{finds_by_uuid}: {:?}", written(&sweep).1);
        assert!(sweep.logs("WARN").is_empty(), "{:?}", sweep.logs("WARN"));
        let all = written(&first).0.len() + written(&second).0.len() + written(&sweep).0.len();
        assert_eq!(all, 940);
    }
}

#[test]
fn many_bookings_are_swept_range_by_range() {
    let now = Some(at("2026-11-22T10:00:00Z"));
    let settings = Settings { bookings: 40_000, transactions: 0, users: 5, now, ..Settings::default() };
    let sandbox = Sandbox::start(settings).unwrap();
    let first = complete(&connector(&sandbox));
    assert!(state(&first)["ranges"].as_array().unwrap().len() > 2);
    for index in [0, 9_000, 17_000, 26_000, 33_000, 39_999] {
        assert!(sandbox.delete_booking(index));
    }
    sandbox.advance(8 * DAY);
    let sweep = next(&sandbox, &first);
    assert_eq!((written(&sweep).0.len(), written(&sweep).1.len()), (0, 6), "{:?}", sweep.logs("WARN"));
}

#[test]
fn an_answer_that_says_nothing_deletes_nothing() {
    use navan_sandbox::{Fault, Faults, Outage};
    // How many requests there are before the first one is asked for by its key.
    let swept = |faults: Faults| {
        let sandbox = sandbox(Settings::default());
        let first = complete(&connector(&sandbox));
        sandbox.advance(8 * DAY);
        assert!(sandbox.delete_booking(5));
        sandbox.reset_counts();
        sandbox.set_faults(faults);
        let sweep =
            connector(&sandbox).state(first.last_states()).environment("SOURCE_NAVAN_TIME_SCALE", "0.01").read();
        let log = sandbox.counts().log;
        let of_list = log.iter().filter(|request| request.target.starts_with("/v1/bookings"));
        let before = of_list.take_while(|request| !request.target.contains("bookingUuid")).count() as u64;
        (before, written(&sweep).1.len())
    };
    let (before, deleted) = swept(Faults::default());
    assert_eq!(deleted, 1);
    let (fault, endpoint) = (Fault::Status(204), Some("/v1/bookings".to_owned()));
    let outage = Outage { after_requests: before, for_requests: None, for_ms: None, fault, endpoint };
    assert_eq!(swept(Faults { outage: vec![outage], ..Faults::default() }), (before, 0));
}

#[test]
fn children_that_were_added_later_are_read_with_the_others() {
    let sandbox = sandbox(Settings { updated_filter: UpdatedFilter::Seconds, ..Settings::default() });
    let both = || connector(&sandbox).streams(&[("BOOKING", "incremental"), ("BOOKING_SEGMENT", "incremental")]);
    let first = complete(&connector(&sandbox));
    sandbox.advance(DAY);
    let added = complete(&both().state(first.last_states()));
    assert!(added.records("BOOKING").is_empty() && !added.records("BOOKING_SEGMENT").is_empty());
    sandbox.advance(DAY);
    let before = requests(&sandbox, "");
    complete(&both().state(added.last_states()));
    assert_eq!(requests(&sandbox, "") - before, 1);
}
