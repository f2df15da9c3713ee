//! Expense types that are not as the others, and windows of one that are not as its others.

use serde_json::{Value, json};

use crate::odd_answers::{FEES, assert_complete, assert_error, assert_rows, assert_warned, rows};
use crate::scripted::{Asked, Reply, ScriptedNavan, changes_page};

/// A server whose fees have a row a window, and whose statement payments answer so.
fn server(odd: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> ScriptedNavan {
    ScriptedNavan::start(move |asked| match asked.path.as_str() {
        FEES => Some(changes_page(&[row_of(asked)])),
        "/v1/expense/statement-payments" => Some(odd(asked)),
        _ => None,
    })
}

/// A row of the first day that is asked for.
fn row_of(asked: &Asked) -> Value {
    let day = asked.parameter("date_modified.from");
    json!({"id": format!("t-{day}"), "modified_timestamp": format!("{day}T10:00:00Z")})
}

#[test]
fn a_type_that_is_refused_in_whatever_way_is_skipped() {
    for status in [402, 406, 409, 410, 415, 451, 501, 505] {
        let server = server(move |_| Reply::new(status, r#"{"error":{"message":"not in your plan"}}"#));
        let types = json!(["statement-payments", "fees"]);
        let connector = server.connector().config("transaction_types", types).stream("TRANSACTION");
        let run = connector.config("start_date", "2026-10-01T00:00:00Z").read();
        assert_complete(&run, "TRANSACTION", 8);
        assert_warned(&run, &format!("(Navan answered {status} (not in your plan)); it was skipped"));
    }
}

#[test]
fn a_type_whose_tokens_or_requests_are_refused_for_good_costs_only_itself() {
    for status in [401, 429] {
        let server = server(move |_| Reply::new(status, "{}"));
        let types = json!(["statement-payments", "fees"]);
        let connector = server.connector().config("transaction_types", types).stream("TRANSACTION");
        let run = connector.config("start_date", "2026-09-01T00:00:00Z").read();
        assert_rows(&run, "TRANSACTION", 12);
        assert_error(&run, "transient_error", "what of statement-payments changed from");
        let last = run.states("TRANSACTION").pop().unwrap();
        assert_eq!(last["types"]["fees"]["synced_through"], "2026-11-22T10:00:00Z", "{status}");
    }
}

#[test]
fn line_items_that_are_refused_in_another_way_are_left_out() {
    for status in [403, 404, 422] {
        let server = ScriptedNavan::start(move |asked| {
            (asked.path == FEES).then(|| {
                if asked.parameter("include_field_group").contains("LINE_ITEM") {
                    return Reply::new(status, r#"{"error":{"message":"LINE_ITEM is not in your plan"}}"#);
                }
                changes_page(&rows("id", 0..3))
            })
        });
        let run = server.connector().stream("TRANSACTION").read();
        assert_complete(&run, "TRANSACTION", 3);
        assert_warned(&run, "LINE_ITEM is not in your plan");
    }
}

#[test]
fn one_refusal_does_not_cost_the_line_items() {
    for status in [400, 403, 404, 409, 422] {
        let server = ScriptedNavan::start(move |asked| {
            (asked.path == FEES).then(|| match asked.before {
                0 if asked.parameter("include_field_group").contains("LINE_ITEM") => Reply::new(status, "{}"),
                _ => changes_page(&rows("id", 0..3)),
            })
        });
        let run = server.connector().stream("TRANSACTION").read();
        assert_complete(&run, "TRANSACTION", 3);
        assert!(!run.logs("WARN").iter().any(|line| line.contains("LINE_ITEM")), "{status}: {:?}", run.logs("WARN"));
    }
}

#[test]
fn a_limit_that_holds_back_all_for_a_while_costs_no_type() {
    use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
    let refusals = AtomicU32::new(0);
    let server = ScriptedNavan::start(move |asked| {
        asked.path.starts_with("/v1/expense/").then(|| {
            if refusals.fetch_add(1, SeqCst) < 20 {
                return Reply::new(429, "{}");
            }
            changes_page(&[row_of(asked)])
        })
    });
    let types = json!(["fees", "disputes"]);
    let run = server.connector().config("transaction_types", types).stream("TRANSACTION").read();
    assert_eq!(run.status.code(), Some(0), "{:?}", run.errors());
}

#[test]
fn what_navan_says_of_requests_that_it_refuses_is_told() {
    let words = "page_size must be at most 200";
    let server = ScriptedNavan::start(move |asked| {
        (asked.path == FEES).then(|| Reply::new(400, json!({"error": {"message": words}}).to_string()))
    });
    assert_error(&server.connector().stream("TRANSACTION").read(), "config_error", words);
}

#[test]
fn the_latest_days_are_read_though_the_earliest_are_refused() {
    let server = ScriptedNavan::start(|asked| {
        (asked.path == FEES).then(|| {
            if asked.parameter("date_modified.from") < "2026-10-01" {
                return Reply::new(400, r#"{"error":{"message":"too long ago"}}"#);
            }
            changes_page(&[row_of(asked)])
        })
    });
    let run = server.connector().stream("TRANSACTION").config("start_date", "2026-09-01T00:00:00Z").read();
    assert_rows(&run, "TRANSACTION", 7);
    assert_error(&run, "system_error", "what of fees changed from 2026-09-01");
}

#[test]
fn days_that_are_not_heeded_are_noticed() {
    let server = ScriptedNavan::start(|asked| (asked.path == FEES).then(|| changes_page(&rows("id", 0..50))));
    let run = server.connector().stream("TRANSACTION").config("start_date", "2026-09-01T00:00:00Z").read();
    assert_complete(&run, "TRANSACTION", 50);
    assert_warned(&run, "Navan gives the same rows of fees whatever days it is asked for");
}

#[test]
fn versions_of_one_time_are_written_once_each() {
    let version =
        |amount: u32| json!({"id": "t-1", "modified_timestamp": "2026-11-20T10:00:00Z", "posted_amount": amount});
    let server = ScriptedNavan::start(move |asked| {
        let page = [version(1), version(2), version(1), version(2), version(3)];
        (asked.path == FEES).then(|| changes_page(&page))
    });
    let run = server.connector().stream("TRANSACTION").read();
    let amounts: Vec<_> = run.records("TRANSACTION").iter().map(|record| record["posted_amount"].clone()).collect();
    assert_eq!(amounts, [json!(1), json!(2), json!(3)]);
}

#[test]
fn a_row_that_cannot_be_read_costs_its_day_and_not_its_week() {
    let server = ScriptedNavan::start(|asked| {
        (asked.path == FEES).then(|| {
            let (from, to) = (asked.parameter("date_modified.from"), asked.parameter("date_modified.to"));
            if from <= "2026-11-11" && "2026-11-11" <= to {
                return Reply::new(200, r#"{"content":[{"id":"t-1","vendor_name":"no end}],"has_next":false}"#);
            }
            changes_page(&[row_of(asked)])
        })
    });
    let run = server.connector().stream("TRANSACTION").config("start_date", "2026-11-01T00:00:00Z").read();
    // Three windows and the six other days of the second.
    assert_rows(&run, "TRANSACTION", 3 + 6);
    assert_error(&run, "transient_error", "what of fees changed from 2026-11-11 to 2026-11-11");
}

#[test]
fn a_row_that_cannot_be_read_in_the_first_week_does_not_hold_up_the_others() {
    for status in [200, 500] {
        let server = ScriptedNavan::start(move |asked| {
            (asked.path == FEES).then(|| {
                let (from, to) = (asked.parameter("date_modified.from"), asked.parameter("date_modified.to"));
                if from <= "2026-11-02" && "2026-11-02" <= to {
                    return Reply::new(status, r#"{"content":[{"id":"t-1","vendor_name":"no end}],"has_next":false}"#);
                }
                changes_page(&[row_of(asked)])
            })
        });
        let run = server.connector().stream("TRANSACTION").config("start_date", "2026-11-01T00:00:00Z").read();
        assert_rows(&run, "TRANSACTION", 3 + 6);
        assert_error(&run, "transient_error", "what of fees changed from 2026-11-02 to 2026-11-02");
    }
}

#[test]
fn a_type_that_is_refused_and_then_fails_is_missing() {
    // The first request of each kind is refused, and from then on the server fails.
    let server = server(|asked| if asked.before == 0 { Reply::new(404, "{}") } else { Reply::new(500, "{}") });
    let types = json!(["statement-payments", "fees"]);
    let connector = server.connector().config("transaction_types", types).stream("TRANSACTION");
    let run = connector.config("start_date", "2026-11-01T00:00:00Z").read();
    assert_rows(&run, "TRANSACTION", 4);
    assert_error(&run, "transient_error", "what of statement-payments changed from");
}

#[test]
fn a_backslash_or_a_word_that_json_does_not_know_costs_nothing_else() {
    let body =
        r#"{"content":[{"id":"t-1"},{"id":"t-2","vendor_name":"C:\Users","posted_amount":None}],"has_next":false}"#;
    let server = ScriptedNavan::start(move |asked| (asked.path == FEES).then(|| Reply::new(200, body)));
    let run = server.connector().stream("TRANSACTION").read();
    assert_complete(&run, "TRANSACTION", 2);
    let row = run.records("TRANSACTION")[1];
    assert_eq!(row["vendor_name"], "C:\\Users");
    assert_eq!((&row["posted_amount"], &row["_extra"]["posted_amount"]), (&Value::Null, &json!("None")));
}

#[test]
fn times_in_digits_alone_are_dates_and_not_milliseconds() {
    for (written, right) in [
        (json!("20261120101010"), "2026-11-20T10:10:10.000Z"),
        (json!(20_261_120_101_010_u64), "2026-11-20T10:10:10.000Z"),
        (json!("202611201010"), "2026-11-20T10:10:00.000Z"),
        (json!("20261120"), "2026-11-20T00:00:00.000Z"),
        (json!(1_795_169_410_000_u64), "2026-11-20T10:10:10.000Z"),
        (json!(1_795_169_410), "2026-11-20T10:10:10.000Z"),
    ] {
        let row = json!({"id": "t-1", "modified_timestamp": written});
        let server =
            ScriptedNavan::start(move |asked| (asked.path == FEES).then(|| changes_page(std::slice::from_ref(&row))));
        let run = server.connector().stream("TRANSACTION").read();
        assert_eq!(run.records("TRANSACTION")[0]["modified_timestamp"], right, "{written}");
    }
}
