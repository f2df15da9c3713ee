//! Lists that say too little of themselves, or something else than what is there: all rows that can be had are read, and what
//! stays in doubt is told.

use serde_json::{Value, json};

use crate::harness::state_file;
use crate::odd_answers::{
    BOOKINGS, FEES, USERS, assert_complete, assert_error, assert_rows, assert_warned, changes, numbered, rows,
};
use crate::scripted::{Asked, Reply, ScriptedNavan, changes_page, list_page};

const TRAVEL_USERS: &str = "/travel/v1/users";

/// The rows of a page, in pages of at most `cap`.
fn page_of(asked: &Asked, key: &str, there: usize, cap: usize) -> Vec<Value> {
    let (page, size) = (asked.number("page"), asked.number("size").min(cap));
    rows(key, (page * size).min(there)..((page + 1) * size).min(there))
}

fn bookings(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> ScriptedNavan {
    ScriptedNavan::start(move |asked| (asked.path == BOOKINGS).then(|| answer(asked)))
}

fn users(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> ScriptedNavan {
    ScriptedNavan::start(move |asked| (asked.path == USERS).then(|| answer(asked)))
}

fn failure() -> Reply {
    Reply::new(503, r#"{"status":503}"#)
}

#[test]
fn a_list_of_unknown_size_goes_on_behind_a_page_that_failed() {
    let server = bookings(|asked| {
        if asked.number("page") == 3 && asked.before < 2 {
            return failure();
        }
        Reply::json(&json!({"data": page_of(asked, "uuid", 700, 100)}))
    });
    assert_complete(&server.connector().stream("BOOKING").read(), "BOOKING", 700);
    let server = bookings(|asked| {
        let (page, size) = (asked.number("page"), asked.number("size"));
        if (page * size..(page + 1) * size).contains(&342) {
            return failure();
        }
        Reply::json(&json!({"data": page_of(asked, "uuid", 700, 100)}))
    });
    let run = server.connector().stream("BOOKING").read();
    assert_rows(&run, "BOOKING", 699);
    assert_error(&run, "transient_error", "rows 343 to 343");
}

#[test]
fn a_total_at_which_search_engines_stop_is_told() {
    let server = users(|asked| match asked.number("page") {
        100.. => Reply::new(400, r#"{"error":{"code":"BAD_REQUEST","message":"Result window is too large"}}"#),
        _ => numbered(asked, "id", 10_350, 10_000),
    });
    let run = server.connector().stream("USER").read();
    assert_complete(&run, "USER", 10_000);
    assert_warned(&run, "Navan reports exactly 10000 rows");
    // A page that fails a few times is no end of it.
    let server = users(|asked| match asked.number("page") {
        100 if asked.before < 3 => failure(),
        _ => numbered(asked, "id", 10_350, 10_000),
    });
    assert_complete(&server.connector().stream("USER").read(), "USER", 10_350);
}

#[test]
fn a_server_may_give_smaller_pages_than_it_is_asked_for() {
    let told: [fn(usize) -> Value; 4] = [
        |_| json!({}),
        |there| json!({"totalElements": there, "pageSize": 50}),
        |there| json!({"totalElements": there}),
        |there| json!({"totalElements": there.to_string(), "totalPages": there.div_ceil(50).to_string()}),
    ];
    for told in told {
        for there in [1, 49, 50, 350] {
            let server = bookings(move |asked| {
                Reply::json(&json!({"data": page_of(asked, "uuid", there, 50), "page": told(there)}))
            });
            assert_complete(&server.connector().stream("BOOKING").read(), "BOOKING", there);
        }
    }
}

#[test]
fn users_come_in_either_form_from_either_place() {
    let by_cursor = |asked: &Asked| {
        let start: usize = asked.parameter("cursor").parse().unwrap_or(0);
        let end = (start + 100).min(350);
        let cursor = (end < 350).then(|| end.to_string());
        Reply::json(&json!({"data": rows("id", start..end), "nextCursor": cursor}))
    };
    let server = users(by_cursor);
    assert_complete(&server.connector().stream("USER").read(), "USER", 350);
    let server = ScriptedNavan::start(|asked| match asked.path.as_str() {
        USERS => Some(Reply::new(404, "{}")),
        TRAVEL_USERS => {
            let page = asked.parameter("page").parse().unwrap_or(0);
            let told = json!({"totalPages": 4, "totalElements": 350, "currentPage": page});
            let there = (page * 100).min(350)..(page * 100 + 100).min(350);
            Some(Reply::json(&json!({"data": rows("id", there), "page": told})))
        }
        _ => None,
    });
    assert_complete(&server.connector().stream("USER").read(), "USER", 350);
}

#[test]
fn nobody_at_the_other_place_is_no_empty_company() {
    let server = ScriptedNavan::start(|asked| match asked.path.as_str() {
        USERS => Some(Reply::new(403, r#"{"error":{"code":"FORBIDDEN"}}"#)),
        TRAVEL_USERS => Some(Reply::json(&json!({"data": []}))),
        _ => None,
    });
    assert_error(&server.connector().stream("USER").read(), "config_error", "/v1/users");
}

#[test]
fn a_page_whose_parts_come_without_its_rows_is_named() {
    // The server does not heed `size`, so that the parts of page 3 lie behind the end.
    let server = bookings(|asked| {
        let page = asked.number("page");
        if page == 3 {
            return failure();
        }
        let told = json!({"totalPages": 7, "totalElements": 700});
        Reply::json(&json!({"data": rows("uuid", (page * 100).min(700)..(page * 100 + 100).min(700)), "page": told}))
    });
    let run = server.connector().stream("BOOKING").read();
    assert_rows(&run, "BOOKING", 600);
    assert_error(&run, "transient_error", "rows 301 to 400");
}

#[test]
fn versions_within_a_millisecond_are_two() {
    let row = |at: &str, amount: u32| json!({"id": "t-1", "modified_timestamp": at, "posted_amount": amount});
    let page = [row("2026-11-20T10:00:00.123400Z", 1), row("2026-11-20T10:00:00.123900Z", 2)];
    let server = ScriptedNavan::start(move |asked| (asked.path == FEES).then(|| changes_page(&page)));
    let run = server.connector().stream("TRANSACTION").read();
    let amounts: Vec<_> = run.records("TRANSACTION").iter().map(|record| record["posted_amount"].clone()).collect();
    assert_eq!(amounts, [json!(1), json!(2)]);
}

#[test]
fn a_204_for_a_whole_list_is_told() {
    let run = bookings(|_| Reply::new(204, "")).connector().stream("BOOKING").read();
    assert_complete(&run, "BOOKING", 0);
    assert_warned(&run, "Navan answers /v1/bookings with 204");
}

#[test]
fn rows_that_are_left_out_do_not_hide_that_paging_never_ends() {
    let server = ScriptedNavan::start(|asked| {
        // The same row each time, of the first day, but from before the look-back.
        let row = json!({"id": "t-1", "modified_timestamp": "2026-11-19T00:00:01Z"});
        (asked.path == FEES).then(|| changes(&[row], true, json!(format!("after {}", asked.parameter("cursor")))))
    });
    let state = json!({"types": {"fees": {"synced_through": "2026-11-20T10:00:00Z"}}});
    let connector = server.connector().stream("TRANSACTION").config("lookback_days", 1);
    let run = connector.state(state_file("TRANSACTION", &state)).read();
    assert_error(&run, "system_error", "100 pages in a row brought no new row");
    assert_warned(&run, "3 pages of fees in a row brought no new row");
}

#[test]
fn a_stray_refusal_of_a_slice_is_asked_once_more() {
    for status in [403, 404] {
        let server = bookings(move |asked| {
            if asked.number("page") == 0 && asked.before == 0 && asked.parameter("createdTo") != "1795341600" {
                return Reply::new(status, "{}");
            }
            numbered(asked, "uuid", 6_000, 6_000)
        });
        let run = server.connector().stream("BOOKING").read();
        assert_eq!(run.status.code(), Some(0), "{:?}", run.errors());
    }
}

#[test]
fn types_that_always_fail_cost_only_themselves() {
    // Many of them open the circuit breaker, and hold others that could be read.
    for dead in
        [&["statement-payments"][..], &["disputes", "repayments", "adjustments", "statement-payments", "daily-rebates"]]
    {
        let server = ScriptedNavan::start(|asked| match asked.path.as_str() {
            FEES => Some(changes_page(&rows("id", 0..5))),
            path => path.starts_with("/v1/expense/").then(|| Reply::new(500, "{}")),
        });
        let types: Vec<_> = dead.iter().copied().chain(["fees"]).collect();
        let connector = server.connector().config("transaction_types", types);
        let run = connector.config("start_date", "2026-09-01T00:00:00Z").stream("TRANSACTION").read();
        assert_error(&run, "transient_error", "what of ");
        assert_error(&run, "transient_error", "changed from 2026-");
        assert!(!run.errors().iter().any(|error| error.to_string().contains("fees")), "{:?}", run.errors());
        let last = run.states("TRANSACTION").pop().unwrap();
        assert_eq!(last["types"]["fees"]["synced_through"], "2026-11-22T10:00:00Z");
        assert!(last["types"].as_object().unwrap().keys().all(|expense_type| expense_type == "fees"));
    }
}

#[test]
fn a_filter_that_is_ignored_shows_by_the_totals_too() {
    // In another order each time, so that no two pages look alike.
    let server = bookings(|asked| {
        let (page, size) = (asked.number("page"), asked.number("size"));
        let turn = asked.parameter("createdTo").bytes().map(usize::from).sum::<usize>();
        let there = (page * size).min(6_000)..((page + 1) * size).min(6_000);
        let numbers = there.map(move |number| (number + turn * 37) % 6_000);
        Reply::json(&json!({"data": rows("uuid", numbers), "page": {"totalPages": 60, "totalElements": 6_000}}))
    });
    let run = server.connector().stream("BOOKING").config("start_date", "2020-01-01T00:00:00Z").read();
    assert_complete(&run, "BOOKING", 6_000);
    assert_warned(&run, "whatever range of creation times");
}

#[test]
fn what_stands_beside_the_rows_may_come_in_other_forms() {
    for body in [
        json!({"content": rows("id", 0..2), "has_next": "false", "content_size": "2", "error": false}),
        json!({"content": [rows("id", 0..1)[0], null, rows("id", 1..2)[0]], "has_next": false, "next_cursor": 7}),
        json!({"data": rows("id", 0..2), "page": 0, "errors": []}),
    ] {
        let text = format!("\u{feff}{body}");
        let server = ScriptedNavan::start(move |asked| (asked.path == FEES).then(|| Reply::new(200, text.clone())));
        assert_complete(&server.connector().stream("TRANSACTION").read(), "TRANSACTION", 2);
    }
}

#[test]
fn two_rows_of_one_time_are_two_versions_unless_they_are_alike() {
    let row = |amount: u32| json!({"id": "t-1", "modified_timestamp": "2026-11-20T10:00:00Z", "posted_amount": amount});
    let server = ScriptedNavan::start(move |asked| {
        (asked.path == FEES).then(|| match asked.parameter("cursor") {
            "" => changes(&[row(1), row(2), row(2)], true, json!("second")),
            _ => changes(&[row(2), row(3)], false, Value::Null),
        })
    });
    let run = server.connector().stream("TRANSACTION").read();
    let amounts: Vec<_> = run.records("TRANSACTION").iter().map(|record| record["posted_amount"].clone()).collect();
    assert_eq!(amounts, [json!(1), json!(2), json!(3)]);
}

#[test]
fn an_error_beside_rows_is_asked_about_and_told() {
    let answer = |with_error: bool| {
        let mut page = json!({"content": rows("id", 0..20), "has_next": false});
        if with_error {
            page["errors"] = json!([{"message": "three rows could not be loaded"}]);
            page["error"] = json!({"message": "the ledger is locked"});
        }
        Reply::json(&page)
    };
    let once = ScriptedNavan::start(move |asked| (asked.path == FEES).then(|| answer(asked.before == 0)));
    let run = once.connector().stream("TRANSACTION").read();
    assert_complete(&run, "TRANSACTION", 20);
    assert!(run.logs("WARN").iter().all(|line| !line.contains("error")), "{:?}", run.logs("WARN"));
    let always = ScriptedNavan::start(move |asked| (asked.path == FEES).then(|| answer(true)));
    let run = always.connector().stream("TRANSACTION").read();
    assert_complete(&run, "TRANSACTION", 20);
    assert_warned(
        &run,
        "tells of an error; it says: the ledger is locked. What came of it is written; rows may be missing",
    );
    // The same of a page that is read past a character that no JSON string may hold.
    let broken = r#"{"content":[{"id":"a	b"}],"has_next":false,"error":{"message":"the ledger is locked"}}"#
        .replace("\\t", "\t");
    let mended = ScriptedNavan::start(move |asked| (asked.path == FEES).then(|| Reply::new(200, broken.clone())));
    let run = mended.connector().stream("TRANSACTION").read();
    assert_complete(&run, "TRANSACTION", 1);
    assert_warned(&run, "tells of an error");
}

#[test]
fn line_items_at_which_navan_fails_are_left_out() {
    for (status, content_type) in [(500, "application/json"), (403, "text/html"), (400, "application/json")] {
        let server = ScriptedNavan::start(move |asked| {
            asked.path.starts_with("/v1/expense/").then(|| {
                if asked.parameter("include_field_group").contains("LINE_ITEM") {
                    return Reply::new(status, "<html>no</html>").header("content-type", content_type);
                }
                let list = format!("{} of {}", asked.path, asked.parameter("date_modified.from"));
                changes_page(&rows(&list, 0..30).into_iter().map(with_id).collect::<Vec<_>>())
            })
        });
        let types = json!(["fees", "card-transactions", "manual-transactions"]);
        let connector =
            server.connector().config("transaction_types", types).config("start_date", "2026-10-01T00:00:00Z");
        let run = connector.streams(&[("TRANSACTION", "full_refresh")]).read();
        assert_eq!(run.status.code(), Some(0), "{status}: {:?}", run.errors());
        assert_eq!(run.records("TRANSACTION").len(), 3 * 8 * 30, "{status}");
        assert_warned(&run, "LINE_ITEM; only");
    }
}

/// A row whose `id` is made of its own key, so that rows of several lists are told apart.
fn with_id(mut row: Value) -> Value {
    let id = row.as_object().unwrap().values().next().unwrap().clone();
    row["id"] = id;
    row
}

#[test]
fn users_whose_numbered_list_fails_are_read_by_their_cursor() {
    let server = ScriptedNavan::start(|asked| match asked.path.as_str() {
        USERS => Some(failure()),
        TRAVEL_USERS => Some(match asked.parameter("cursor") {
            "" => changes(&rows("id", 0..100), true, json!("second")),
            _ => changes(&rows("id", 100..130), false, Value::Null),
        }),
        _ => None,
    });
    assert_complete(&server.connector().stream("USER").read(), "USER", 130);
    let run = server.connector().run("check");
    assert!(run.logs("INFO").contains(&"USER can be read."), "{:?}", run.logs("WARN"));
}

#[test]
fn a_stray_refusal_of_a_later_page_is_asked_once_more() {
    for status in [403, 404] {
        let server = ScriptedNavan::start(move |asked| match asked.path.as_str() {
            USERS => Some(Reply::new(404, "{}")),
            TRAVEL_USERS => Some(match asked.parameter("cursor") {
                "" => changes(&rows("id", 0..100), true, json!("second")),
                _ if asked.before == 0 => Reply::new(status, "{}"),
                _ => changes(&rows("id", 100..130), false, Value::Null),
            }),
            _ => None,
        });
        assert_complete(&server.connector().stream("USER").read(), "USER", 130);
        let server = users(move |asked| match asked.before {
            // Of the second of the two sweeps.
            1 if asked.number("page") == 2 => Reply::new(status, "{}"),
            _ => numbered(asked, "id", 350, 350),
        });
        assert_complete(&server.connector().stream("USER").read(), "USER", 350);
    }
}

#[test]
fn a_403_that_says_when_to_come_again_is_asked_once_more() {
    let server = bookings(|asked| match asked.before {
        0 => Reply::new(403, r#"{"error":{"message":"too busy"}}"#).header("retry-after", 1),
        _ => numbered(asked, "uuid", 30, 30),
    });
    assert_complete(&server.connector().stream("BOOKING").read(), "BOOKING", 30);
}

#[test]
fn a_page_that_takes_itself_for_the_whole_list_is_followed_by_another() {
    for cap in [50, 75, 100] {
        let server = users(move |asked| {
            let rows = page_of(asked, "id", 340, cap);
            list_page(&rows, rows.len(), 1)
        });
        assert_rows(&server.connector().stream("USER").read(), "USER", 340);
        let server = bookings(move |asked| {
            let rows = page_of(asked, "uuid", 340, cap);
            list_page(&rows, rows.len(), 1)
        });
        assert_rows(&server.connector().stream("BOOKING").read(), "BOOKING", 340);
    }
}

#[test]
fn one_type_that_answers_with_a_page_for_people_costs_only_itself() {
    let server = ScriptedNavan::start(|asked| match asked.path.as_str() {
        FEES => Some(Reply::new(200, "<html>maintenance</html>").header("content-type", "text/html")),
        _ => Some(changes_page(&rows("id", 0..30))).filter(|_| asked.path.starts_with("/v1/expense/")),
    });
    let connector = server.connector().config("transaction_types", json!(["fees", "disputes"]));
    let run = connector.stream("TRANSACTION").read();
    assert_rows(&run, "TRANSACTION", 30);
    assert_error(&run, "transient_error", "what of fees changed from");
    let last = run.states("TRANSACTION").pop().unwrap();
    assert_eq!(last["types"]["disputes"]["synced_through"], "2026-11-22T10:00:00Z");
    assert!(last["types"]["fees"].is_null(), "{last}");
}

#[test]
fn a_page_that_stays_refused_is_named_and_the_rest_is_read() {
    for status in [400, 403, 404] {
        let server = bookings(move |asked| match asked.number("page") {
            3 => Reply::new(status, "{}"),
            _ => numbered(asked, "uuid", 700, 700),
        });
        let run = server.connector().stream("BOOKING").read();
        assert_rows(&run, "BOOKING", 600);
        assert_error(&run, "transient_error", "rows 301 to 400");
    }
}

#[test]
fn an_element_that_is_no_row_does_not_cost_the_page() {
    for odd in [json!(7), json!("a row"), json!([1, {"a": 2}]), json!(true)] {
        let value = odd.clone();
        let server = bookings(move |_| {
            let mut page = rows("uuid", 0..10);
            page.insert(4, odd.clone());
            list_page(&page, 11, 1)
        });
        let run = server.connector().stream("BOOKING").read();
        assert_eq!(run.status.code(), Some(0), "{:?}", run.errors());
        let records = run.records("BOOKING");
        assert_eq!((records.len(), records[4]), (11, &json!({"uuid": "", "_extra": {"row": value}})));
        assert_warned(&run, "BOOKING");
    }
}

#[test]
fn rows_without_a_key_that_come_for_ever_are_noticed() {
    let page = || [rows("id", 0..3), rows("other", 0..97)].concat();
    let server = users(move |_| Reply::json(&json!({"data": page()})));
    let run = server.connector().stream("USER").read();
    assert_error(&run, "transient_error", "the same rows come whatever page is asked for");
    assert!(run.records("USER").len() <= 3 + 4 * 97, "{}", run.records("USER").len());
    let server = ScriptedNavan::start(move |asked| {
        let cursor = json!(format!("after {}", asked.parameter("cursor")));
        (asked.path == FEES).then(|| changes(&rows("other", 0..10), true, cursor))
    });
    let run = server.connector().stream("TRANSACTION").read();
    assert_error(&run, "system_error", "100 pages in a row brought no new row");
}

#[test]
fn a_refusal_ends_a_list_of_unknown_size_only_at_the_same_place_twice() {
    let untold = |asked: &Asked| Reply::json(&json!({"data": page_of(asked, "uuid", 430, 100)}));
    // Navan's way of saying that there is no such page.
    let server = bookings(move |asked| if asked.number("page") > 4 { Reply::new(404, "{}") } else { untold(asked) });
    assert_complete(&server.connector().stream("BOOKING").read(), "BOOKING", 430);
    // And a mistake that passes.
    let server = bookings(move |asked| match (asked.number("page"), asked.before) {
        (2, 0..2) => Reply::new(404, "{}"),
        _ => untold(asked),
    });
    assert_complete(&server.connector().stream("BOOKING").read(), "BOOKING", 430);
}
