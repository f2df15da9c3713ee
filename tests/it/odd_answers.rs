//! Answers that contradict themselves, or that say nothing: a read is complete, or says what is missing.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::{Connector, Run, state_file};
use crate::scripted::{Asked, Reply, ScriptedNavan, changes_page, list_page};

pub(crate) const FEES: &str = "/v1/expense/fees";
const CARDS: &str = "/v1/expense/card-transactions";
pub(crate) const BOOKINGS: &str = "/v1/bookings";
pub(crate) const USERS: &str = "/v1/users";

pub(crate) fn rows(key: &str, numbers: impl IntoIterator<Item = usize>) -> Vec<Value> {
    let when = "2026-11-20T10:00:00Z";
    numbers
        .into_iter()
        .map(|n| json!({key: format!("{key}-{n}"), "created": when, "modified_timestamp": when}))
        .collect()
}

pub(crate) fn changes(rows: &[Value], has_next: bool, next_cursor: Value) -> Reply {
    Reply::json(&json!({"content": rows, "has_next": has_next, "next_cursor": next_cursor}))
}

/// A page of a list of so many rows, which says that there are `told`.
pub(crate) fn numbered(asked: &Asked, key: &str, rows_there: usize, told: usize) -> Reply {
    let (page, size) = (asked.number("page"), asked.number("size"));
    let there = (page * size).min(rows_there)..((page + 1) * size).min(rows_there);
    list_page(&rows(key, there), told, told.div_ceil(size))
}

pub(crate) fn assert_complete(run: &Run, stream: &str, rows: usize) {
    assert_eq!(run.status.code(), Some(0), "{:?}", run.errors());
    assert_rows(run, stream, rows);
}

pub(crate) fn assert_rows(run: &Run, stream: &str, rows: usize) {
    let keys = run.keys(stream);
    assert_eq!((keys.len(), keys.iter().collect::<BTreeSet<_>>().len()), (rows, rows));
}

/// The one error of a read, which says this.
pub(crate) fn assert_error(run: &Run, kind: &str, says: &str) {
    assert_eq!(run.status.code(), Some(1));
    let errors = run.errors();
    assert_eq!(errors.len(), 1, "{errors:?}");
    let message = errors[0]["message"].as_str().unwrap();
    assert!(errors[0]["failure_type"] == kind && message.contains(says), "{errors:?}");
}

pub(crate) fn assert_warned(run: &Run, says: &str) {
    assert!(run.logs("WARN").iter().any(|line| line.contains(says)), "{:?}", run.logs("WARN"));
}

#[test]
fn a_page_that_has_a_next_one_without_saying_where_is_asked_again() {
    let server = ScriptedNavan::start(|asked| {
        (asked.path == FEES).then(|| match asked.parameter("cursor") {
            "" if asked.before == 0 => changes(&rows("id", 0..500), true, Value::Null),
            "" => changes(&rows("id", 0..500), true, json!("second")),
            _ => changes(&rows("id", 500..700), false, Value::Null),
        })
    });
    assert_complete(&server.connector().stream("TRANSACTION").read(), "TRANSACTION", 700);
}

#[test]
fn a_page_that_never_says_where_the_next_one_is_ends_the_stream_as_incomplete() {
    for cursor in [Value::Null, json!("")] {
        let server = ScriptedNavan::start(move |asked| {
            (asked.path == FEES).then(|| changes(&rows("id", 0..500), true, cursor.clone()))
        });
        let run = server.connector().stream("TRANSACTION").read();
        assert_error(&run, "system_error", "`next_cursor` is missing");
        assert_rows(&run, "TRANSACTION", 500);
        let states = run.states("TRANSACTION");
        assert!(states.iter().all(|state| state["types"]["fees"].is_null()), "{states:?}");
    }
}

/// Two types of which one is refused for one window, so many times.
fn refused_once_in_a_while(times: usize) -> ScriptedNavan {
    ScriptedNavan::start(move |asked| {
        let window = asked.parameter("date_modified.from").to_owned();
        (asked.path == CARDS).then(|| {
            if window == "2026-11-09" && asked.before < times {
                return Reply::new(403, "<html>blocked</html>").header("content-type", "text/html");
            }
            let number: usize = window[8..].parse().unwrap();
            changes_page(&rows("id", number * 10..number * 10 + 10))
        })
    })
}

fn cards(server: &ScriptedNavan) -> Connector {
    let types = json!(["card-transactions"]);
    server
        .connector()
        .config("transaction_types", types)
        .config("start_date", "2026-10-26T00:00:00Z")
        .config("max_concurrency", 1)
}

#[test]
fn a_refusal_in_the_middle_of_a_type_is_asked_once_more() {
    let run = cards(&refused_once_in_a_while(1)).streams(&[("TRANSACTION", "full_refresh")]).read();
    assert_complete(&run, "TRANSACTION", 40);
}

#[test]
fn a_window_that_stays_refused_is_named_and_the_rest_is_read() {
    let server = refused_once_in_a_while(usize::MAX);
    let run = cards(&server).streams(&[("TRANSACTION", "full_refresh")]).read();
    assert_error(&run, "transient_error", "card-transactions changed from 2026-11-09 to 2026-11-15");
    assert_rows(&run, "TRANSACTION", 30);
    assert!(run.states("TRANSACTION").is_empty(), "no completed marker");
    let run = cards(&server).stream("TRANSACTION").read();
    assert_rows(&run, "TRANSACTION", 30);
    let last = run.states("TRANSACTION").pop().unwrap();
    assert_eq!(last["types"]["card-transactions"]["synced_through"], "2026-11-09T00:00:00Z");
}

#[test]
fn a_type_that_was_read_before_and_is_refused_now_is_an_error() {
    let server = ScriptedNavan::start(|asked| (asked.path == FEES).then(|| Reply::new(403, "{}")));
    let types = json!(["fees", "disputes"]);
    let connector = server.connector().config("transaction_types", types).stream("TRANSACTION");
    let through = json!({"synced_through": "2026-11-20T00:00:00Z"});
    let run =
        connector.state(state_file("TRANSACTION", &json!({"types": {"fees": through, "disputes": through}}))).read();
    assert_error(&run, "config_error", "fees (Navan answered 403)");
    let last = run.states("TRANSACTION").pop().unwrap();
    assert_eq!(last["types"]["fees"]["synced_through"], "2026-11-20T00:00:00Z");
    assert_eq!(last["types"]["disputes"]["synced_through"], "2026-11-22T10:00:00Z");
}

#[test]
fn a_list_is_read_on_while_its_last_page_is_full() {
    for (there, told) in [(10_350, 10_000), (350, 100), (400, 200), (400, 400), (300, 0)] {
        let server =
            ScriptedNavan::start(move |asked| (asked.path == USERS).then(|| numbered(asked, "id", there, told)));
        let run = server.connector().stream("USER").read();
        assert_complete(&run, "USER", there);
        // Twice, since it is a list of users, and no more often.
        assert!(server.asked(USERS).len() <= 2 * (there / 100 + 2), "{}", server.asked(USERS).len());
        if there > told {
            assert_warned(&run, &format!("Navan reports {told} rows, but gave {there}"));
        }
    }
}

#[test]
fn a_list_without_a_total_is_read_to_its_end() {
    for there in [0, 1, 100, 350] {
        let server = ScriptedNavan::start(move |asked| {
            (asked.path == USERS).then(|| {
                let (page, size) = (asked.number("page"), asked.number("size"));
                Reply::json(&json!({"data": rows("id", (page * size).min(there)..((page + 1) * size).min(there))}))
            })
        });
        assert_complete(&server.connector().stream("USER").read(), "USER", there);
    }
}

#[test]
fn a_list_without_a_total_may_refuse_the_page_behind_its_last() {
    let server = ScriptedNavan::start(|asked| {
        (asked.path == USERS).then(|| match asked.number("page") {
            page @ 0..2 => Reply::json(&json!({"data": rows("id", page * 100..(page + 1) * 100)})),
            _ => Reply::new(404, "{}"),
        })
    });
    assert_complete(&server.connector().stream("USER").read(), "USER", 200);
}

#[test]
fn scim_paging_follows_the_count_of_the_answers() {
    for first in [0, 1] {
        let server = ScriptedNavan::start(move |asked| {
            (asked.path == USERS).then(|| {
                let start = asked.parameter("startIndex").parse().unwrap_or(first).max(first) - first;
                let page = rows("id", start..(start + 100).min(300));
                Reply::json(
                    &json!({"totalResults": 300, "startIndex": start + first, "itemsPerPage": 100, "Resources": page}),
                )
            })
        });
        assert_complete(&server.connector().stream("USER").read(), "USER", 300);
    }
}

/// Bookings of which some pages cannot be read.
fn bookings_with_broken_pages(is_broken: fn(usize, usize) -> bool) -> ScriptedNavan {
    ScriptedNavan::start(move |asked| {
        (asked.path == BOOKINGS).then(|| {
            let (page, size) = (asked.number("page"), asked.number("size"));
            if is_broken(page, size) {
                return Reply::new(500, r#"{"status":500}"#);
            }
            numbered(asked, "uuid", 650, 650)
        })
    })
}

#[test]
fn a_page_that_fails_for_good_costs_its_rows_only() {
    for (is_broken, rows_read, named) in [
        // The page as it is asked for; in smaller pages all of it can be read.
        ((|page, size| (page, size) == (3, 100)) as fn(usize, usize) -> bool, 650, None),
        ((|page, size| (page, size) == (0, 100)) as fn(usize, usize) -> bool, 650, None),
        // One row of it, in whatever page it is.
        (|page, size| (page * size..(page + 1) * size).contains(&342), 649, Some("rows 343 to 343")),
        (|page, size| (page * size..(page + 1) * size).contains(&0), 649, Some("rows 1 to 1")),
    ] {
        let run = bookings_with_broken_pages(is_broken).connector().stream("BOOKING").read();
        assert_rows(&run, "BOOKING", rows_read);
        match named {
            None => assert_complete(&run, "BOOKING", rows_read),
            Some(named) => {
                assert_error(&run, "transient_error", named);
                assert!(run.states("BOOKING").is_empty(), "{:?}", run.states("BOOKING"));
            }
        }
    }
}

#[test]
fn what_says_nothing_is_no_row_of_a_type_and_ends_no_other() {
    let nothing: [fn() -> Reply; 5] = [
        || Reply::new(204, ""),
        || Reply::new(200, ""),
        || Reply::new(200, "null"),
        || Reply::new(200, "[]"),
        || Reply::new(200, r#"{"content":null,"has_next":false,"next_cursor":null,"content_size":0}"#),
    ];
    for nothing in nothing {
        let server = ScriptedNavan::start(move |asked| match asked.path.as_str() {
            "/v1/expense/adjustments" => Some(nothing()),
            FEES => Some(changes_page(&rows("id", 0..5))),
            _ => None,
        });
        let types = json!(["adjustments", "fees"]);
        let run = server.connector().config("transaction_types", types).stream("TRANSACTION").read();
        assert_complete(&run, "TRANSACTION", 5);
    }
}

#[test]
fn nothing_from_an_endpoint_that_never_answered_properly_is_no_empty_list() {
    for nothing in ["null", "", "[]"] {
        let server = ScriptedNavan::start(move |asked| (asked.path == BOOKINGS).then(|| Reply::new(200, nothing)));
        let run = server.connector().stream("BOOKING").read();
        assert_error(&run, "transient_error", "it says nothing");
    }
}

#[test]
fn nothing_behind_the_first_page_is_no_end() {
    let server = ScriptedNavan::start(|asked| match asked.path.as_str() {
        FEES if asked.parameter("cursor").is_empty() => Some(changes(&rows("id", 0..5), true, json!("next"))),
        BOOKINGS if asked.number("page") == 0 => Some(numbered(asked, "uuid", 250, 250)),
        FEES | BOOKINGS => Some(Reply::new(204, "")),
        _ => None,
    });
    let run = server.connector().stream("TRANSACTION").read();
    assert_error(&run, "transient_error", "it says nothing");
    let run = server.connector().stream("BOOKING").read();
    assert_error(&run, "transient_error", "it says nothing");
}

#[test]
fn paging_that_never_ends_is_noticed() {
    for with_rows in [false, true] {
        let server = ScriptedNavan::start(move |asked| {
            (asked.path == FEES).then(|| {
                let next = asked.parameter("cursor").parse().unwrap_or(0) + 1;
                changes(&rows("id", 0..usize::from(with_rows)), true, json!(next.to_string()))
            })
        });
        let run = server.connector().stream("TRANSACTION").read();
        assert_warned(&run, "3 pages of fees in a row brought no new row");
        assert_error(&run, "system_error", "it does not end");
        assert!(server.asked(FEES).len() < 110, "{}", server.asked(FEES).len());
    }
    let server = ScriptedNavan::start(|asked| {
        (asked.path == USERS).then(|| list_page(&rows("id", 0..100), 100_000_000_000_000, 1_000_000_000_000))
    });
    let run = server.connector().stream("USER").read();
    assert_error(&run, "system_error", "does not end");
    assert!(server.asked(USERS).len() < 150, "{}", server.asked(USERS).len());
}

#[test]
fn a_filter_that_is_ignored_is_noticed_and_the_list_read_once() {
    let server = ScriptedNavan::start(|asked| (asked.path == BOOKINGS).then(|| numbered(asked, "uuid", 6_000, 6_000)));
    let run = server.connector().stream("BOOKING").config("start_date", "2020-01-01T00:00:00Z").read();
    assert_complete(&run, "BOOKING", 6_000);
    assert_warned(&run, "whatever range of creation times");
    assert!(server.asked(BOOKINGS).len() < 80, "{}", server.asked(BOOKINGS).len());
}

#[test]
fn a_list_that_loses_its_last_page_while_it_is_read_is_read_again() {
    let server = ScriptedNavan::start(|asked| {
        (asked.path == BOOKINGS).then(|| match (asked.number("page"), asked.before) {
            (0, 0) => numbered(asked, "uuid", 250, 250),
            (2, _) => Reply::new(404, "{}"),
            _ => numbered(asked, "uuid", 180, 180),
        })
    });
    let run = server.connector().stream("BOOKING").read();
    assert_complete(&run, "BOOKING", 180);
    let server = ScriptedNavan::start(|asked| {
        (asked.path == BOOKINGS).then(|| match asked.number("page") {
            2 => Reply::new(404, "{}"),
            _ => numbered(asked, "uuid", 250, 250),
        })
    });
    let run = server.connector().stream("BOOKING").read();
    assert_rows(&run, "BOOKING", 200);
    assert_error(&run, "transient_error", "rows 201 to 300");
}

#[test]
fn groups_of_fields_that_are_refused_are_left_out() {
    let server = ScriptedNavan::start(|asked| {
        asked.path.starts_with("/v1/expense/").then(|| {
            if asked.parameter("include_field_group").contains("LINE_ITEM") {
                return Reply::new(400, r#"{"error":{"code":"BAD_REQUEST","message":"unknown group"}}"#);
            }
            changes_page(&rows("id", 0..3))
        })
    });
    let run = server
        .connector()
        .stream("TRANSACTION")
        .config("start_date", "2026-10-26T00:00:00Z")
        .config("max_concurrency", 1)
        .read();
    assert_eq!(run.status.code(), Some(0), "{:?}", run.errors());
    assert_warned(&run, "does not give the groups of fields");
    assert_eq!(run.logs("WARN").iter().filter(|line| line.contains("groups of fields")).count(), 1);
    let refused =
        server.asked(FEES).iter().filter(|asked| asked.parameter("include_field_group").contains("LINE_ITEM")).count();
    assert_eq!(refused, 2, "asked once more, and left out from then on");
}

/// Reads a company of which one type is not known to Navan, which says so with this status.
fn read_beside_unknown_type(status: u16, says: fn(u16) -> Reply) -> ScriptedNavan {
    let server = ScriptedNavan::start(move |asked| match asked.path.as_str() {
        "/v1/expense/statement-payments" => Some(says(status)),
        FEES => Some(changes_page(&rows("id", 0..5))),
        _ => None,
    });
    let types = json!(["statement-payments", "fees"]);
    let run = server.connector().config("transaction_types", types).stream("TRANSACTION").read();
    assert_complete(&run, "TRANSACTION", 5);
    assert_warned(&run, &format!("statement-payments cannot be read with this credential (Navan answered {status})"));
    server
}

#[test]
fn a_type_that_is_not_known_to_navan_is_skipped() {
    for status in [400, 403, 404, 405, 422] {
        read_beside_unknown_type(status, |status| Reply::new(status, "{}"));
    }
}

/// As most servers say of a path that they do not know.
fn not_found(status: u16) -> Reply {
    Reply::new(status, "<html><title>Not Found</title>").header("content-type", "text/html")
}

#[test]
fn so_is_one_of_which_a_page_for_people_says_it() {
    for status in [400, 404, 405, 422] {
        let server = read_beside_unknown_type(status, not_found);
        let types = json!(["statement-payments", "fees"]);
        let check = server.connector().config("transaction_types", types).run("check");
        assert_eq!(check.of_type("CONNECTION_STATUS")[0]["connectionStatus"]["status"], "SUCCEEDED");
    }
}

#[test]
fn a_page_for_people_in_place_of_every_type_is_a_firewalls() {
    let server = ScriptedNavan::start(|asked| asked.path.contains("/expense/").then(|| not_found(404)));
    let run = server.connector().stream("TRANSACTION").read();
    assert_error(&run, "config_error", "A page for people came with status 404");
}

#[test]
fn a_refusal_by_a_firewall_is_none_of_navans() {
    let server = ScriptedNavan::start(|asked| match asked.path.as_str() {
        "/v1/expense/disputes" => Some(not_found(403)),
        FEES => Some(changes_page(&rows("id", 0..5))),
        _ => None,
    });
    let run = server.connector().config("transaction_types", json!(["disputes", "fees"])).stream("TRANSACTION").read();
    assert_error(&run, "config_error", "A page for people came with status 403");
    assert_rows(&run, "TRANSACTION", 5);
}

#[test]
fn a_day_that_has_not_begun_for_navan_is_left_to_the_next_read() {
    let server = ScriptedNavan::start(|asked| {
        (asked.path == FEES).then(|| {
            if asked.parameter("date_modified.to") > "2026-11-21" {
                return Reply::new(400, r#"{"error":{"code":"BAD_REQUEST","message":"date in the future"}}"#);
            }
            let number: usize = asked.parameter("date_modified.from")[8..].parse().unwrap();
            changes_page(&rows("id", number * 10..number * 10 + 10))
        })
    });
    let run = server.connector().stream("TRANSACTION").config("start_date", "2026-11-10T00:00:00Z").read();
    assert_complete(&run, "TRANSACTION", 20);
    assert_warned(&run, "2026-11-22 yet");
    let last = run.states("TRANSACTION").pop().unwrap();
    assert_eq!(last["types"]["fees"]["synced_through"], "2026-11-22T00:00:00Z");
}

#[test]
fn users_that_are_not_at_the_numbered_path_are_followed_by_their_cursor() {
    for (rows, cursor) in [("data", "nextCursor"), ("content", "next_cursor")] {
        let server = ScriptedNavan::start(move |asked| match asked.path.as_str() {
            "/v1/users" => Some(Reply::new(404, r#"{"error":"not found"}"#)),
            "/travel/v1/users" => Some(match asked.parameter("cursor") {
                "" => Reply::json(&json!({rows: [{"id": "1"}, {"id": "2"}], cursor: "to the second"})),
                "to the second" => Reply::json(&json!({rows: [{"id": "2"}, {"id": "3"}], cursor: null})),
                other => panic!("{other}"),
            }),
            _ => None,
        });
        let connector = server.connector().stream("USER");
        assert_eq!(connector.read().keys("USER"), ["1", "2", "3"]);
        let check = connector.run("check");
        assert!(check.logs("INFO").iter().any(|line| line.contains("USER can be read")), "{}", check.stdout);
    }
    // Where they are at neither, the first refusal counts.
    let server = ScriptedNavan::start(|asked| {
        asked.path.ends_with("/v1/users").then(|| Reply::new(403, r#"{"error":"forbidden"}"#))
    });
    let run = server.connector().stream("USER").read();
    assert!(run.errors()[0]["message"].as_str().unwrap().contains("users:read"), "{:?}", run.errors());
}
