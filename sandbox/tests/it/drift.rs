//! Rows that move while they are read.

use std::collections::{BTreeSet, HashSet};
use std::time::Duration;

use navan_sandbox::{Faults, PagedStream, RowDrift, Sandbox, Settings};

use crate::client::{BOOKINGS, Client, sandbox};

/// The keys of one read of all pages, in order, and all totals that were told.
fn read(client: &Client, target: &str, key: &str) -> (Vec<String>, HashSet<u64>) {
    let (mut keys, mut totals) = (Vec::new(), HashSet::new());
    for page in 0.. {
        let answer = client.json(&format!("{target}&page={page}"));
        let rows = answer["data"].as_array().unwrap();
        totals.insert(answer["page"]["totalElements"].as_u64().unwrap());
        keys.extend(rows.iter().map(|row| row[key].as_str().unwrap().to_owned()));
        if rows.is_empty() {
            break;
        }
    }
    (keys, totals)
}

fn drift(stream: PagedStream, insert: u64, delete: u64) -> Faults {
    Faults { drift: Some(RowDrift { stream, every_pages: 2, insert, touch: 1, delete, max: 3 }), ..Faults::default() }
}

#[test]
fn rows_put_in_repeat_others_and_then_rest() {
    for (stream, target, key) in
        [(PagedStream::Booking, BOOKINGS, "uuid"), (PagedStream::User, "/v1/users?size=100", "id")]
    {
        let sandbox = sandbox(|settings| (settings.bookings, settings.users) = (950, 950));
        let client = Client::new(&sandbox);
        sandbox.set_faults(drift(stream, 4, 0));
        let (keys, totals) = read(&client, target, key);
        let distinct: HashSet<_> = keys.iter().collect();
        assert!(distinct.len() < keys.len());
        assert!(totals.len() > 1);
        let (keys, totals) = read(&client, target, key);
        let distinct: HashSet<_> = keys.iter().collect();
        assert_eq!((distinct.len(), keys.len(), totals), (962, 962, HashSet::from([962])));
    }
}

#[test]
fn rows_taken_out_hide_others() {
    let sandbox = sandbox(|settings| settings.bookings = 950);
    let client = Client::new(&sandbox);
    sandbox.set_faults(drift(PagedStream::Booking, 0, 5));
    let (first, _) = read(&client, BOOKINGS, "uuid");
    let (second, totals) = read(&client, BOOKINGS, "uuid");
    assert_eq!((second.len(), totals), (935, HashSet::from([935])));
    let first: HashSet<_> = first.into_iter().collect();
    assert!(second.iter().any(|key| !first.contains(key)));
}

#[test]
fn on_each_day_that_passes_some_bookings_change_and_one_goes() {
    let settings = Settings {
        bookings: 200,
        changes_a_day: 3,
        now: Some("2026-11-22T10:00:00Z".parse().unwrap()),
        ..Settings::default()
    };
    let sandbox = Sandbox::start(settings).unwrap();
    let rows = |sandbox: &Sandbox| sandbox.bookings().collect::<BTreeSet<_>>();
    let before = rows(&sandbox);
    sandbox.advance(Duration::from_secs(3_600));
    assert_eq!(rows(&sandbox), before);
    sandbox.advance(Duration::from_secs(4 * 86_400));
    let after = rows(&sandbox);
    assert_eq!(after.len(), 196);
    let changed = after.difference(&before).count();
    assert!((8..=12).contains(&changed), "{changed}");
}
