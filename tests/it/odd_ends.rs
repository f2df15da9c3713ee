//! Where a list ends, when it does not say so, says too much, or says something else each time.

use serde_json::{Value, json};

use crate::odd_answers::{
    BOOKINGS, FEES, USERS, assert_complete, assert_error, assert_rows, assert_warned, changes, rows,
};
use crate::scripted::{Asked, Reply, ScriptedNavan, changes_page};

const ROWS: usize = 350;

/// A server whose list at that path is answered so.
fn server(path: &'static str, answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> ScriptedNavan {
    ScriptedNavan::start(move |asked| (asked.path == path).then(|| answer(asked)))
}

/// A page of which nothing is said but its rows.
fn untold(page: &[Value]) -> Reply {
    Reply::json(&json!({"data": page}))
}

/// The page `number` of a list of [`ROWS`], in hundreds.
fn hundred(number: usize) -> Vec<Value> {
    rows("uuid", (number * 100).min(ROWS)..((number + 1) * 100).min(ROWS))
}

/// What of the same list a cursor leads to, and the cursor behind it.
fn by_cursor(asked: &Asked, key: &str) -> (Vec<Value>, Value) {
    let from = asked.parameter("cursor").parse().unwrap_or(0);
    let to = (from + 100).min(ROWS);
    (rows(key, from..to), if to < ROWS { json!(to.to_string()) } else { Value::Null })
}

#[test]
fn pages_that_are_counted_from_1_lose_none() {
    let server = server(BOOKINGS, |asked| untold(&hundred(asked.number("page").max(1) - 1)));
    assert_complete(&server.connector().stream("BOOKING").read(), "BOOKING", ROWS);
}

#[test]
fn a_list_that_gives_one_page_whatever_is_asked_for_is_not_complete() {
    for (path, stream, key) in [(BOOKINGS, "BOOKING", "uuid"), (USERS, "USER", "id")] {
        let server = server(path, move |_| untold(&rows(key, 0..100)));
        let run = server.connector().stream(stream).read();
        assert_rows(&run, stream, 100);
        assert_error(&run, "transient_error", "the same rows come whatever page is asked for");
    }
    // A page that is not full can well be all.
    let server = server(BOOKINGS, |_| untold(&rows("uuid", 0..7)));
    assert_complete(&server.connector().stream("BOOKING").read(), "BOOKING", 7);
}

#[test]
fn an_empty_page_ends_a_list_only_if_nothing_follows() {
    type Odd = fn(&Asked) -> bool;
    let once: Odd = |asked| asked.number("page") == 1 && asked.before == 0;
    let always: Odd = |asked| asked.number("page") == 1;
    for (odd, given, rows_of_it) in [(once, 0, ROWS), (once, 100, ROWS), (always, 0, 250)] {
        let answer = move |asked: &Asked| {
            if odd(asked) { untold(&hundred(0)[..given]) } else { untold(&hundred(asked.number("page"))) }
        };
        let run = server(BOOKINGS, answer).connector().stream("BOOKING").read();
        assert_rows(&run, "BOOKING", rows_of_it);
        if rows_of_it < ROWS {
            assert_error(&run, "transient_error", "rows 101 to 200");
        } else {
            assert_eq!(run.status.code(), Some(0), "{:?}", run.errors());
        }
    }
}

#[test]
fn a_page_without_rows_in_front_of_others_is_missing() {
    let told = |page: &[Value]| Reply::json(&json!({"data": page, "page": {"totalPages": 4, "totalElements": ROWS}}));
    let answer = move |asked: &Asked| match asked.number("page") {
        1 => told(&[]),
        number => told(&hundred(number)),
    };
    let run = server(BOOKINGS, answer).connector().stream("BOOKING").read();
    assert_rows(&run, "BOOKING", 250);
    assert_error(&run, "transient_error", "rows 101 to 200");
}

#[test]
fn a_cursor_is_followed_wherever_it_stands() {
    let bookings = server(BOOKINGS, |asked| {
        let (page, next) = by_cursor(asked, "uuid");
        Reply::json(&json!({"data": page, "nextCursor": next}))
    });
    assert_complete(&bookings.connector().stream("BOOKING").read(), "BOOKING", ROWS);
    let users = server(USERS, |asked| {
        let (page, next) = by_cursor(asked, "id");
        Reply::json(&json!({"data": page, "nextCursor": next, "page": {"totalElements": ROWS}}))
    });
    assert_complete(&users.connector().stream("USER").read(), "USER", ROWS);
    // A page that comes without rows once is asked for again.
    let stray = server(BOOKINGS, |asked| {
        let (page, next) = by_cursor(asked, "uuid");
        if asked.parameter("cursor") == "100" && asked.before == 0 {
            return untold(&[]);
        }
        Reply::json(&json!({"data": page, "nextCursor": next}))
    });
    assert_complete(&stray.connector().stream("BOOKING").read(), "BOOKING", ROWS);
}

#[test]
fn a_cursor_that_leads_nowhere_does_not_keep_from_reading_by_number() {
    for (total, behind) in
        [(json!({"totalPages": 4, "totalElements": ROWS}), 200), (json!({}), 200), (json!({}), 500), (json!({}), 400)]
    {
        for same in [true, false] {
            let total = total.clone();
            let server = server(BOOKINGS, move |asked| {
                if asked.parameter("cursor").is_empty() {
                    let page = hundred(asked.number("page"));
                    return Reply::json(&json!({"data": page, "nextCursor": "?", "page": total}));
                }
                Reply::new(behind, json!({"data": if same { hundred(0) } else { vec![] }}).to_string())
            });
            assert_complete(&server.connector().stream("BOOKING").read(), "BOOKING", ROWS);
        }
    }
}

#[test]
fn a_list_that_heeds_neither_number_nor_size_is_whole() {
    for rows_there in [150, 200, 350] {
        let server = server(BOOKINGS, move |_| untold(&rows("uuid", 0..rows_there)));
        assert_complete(&server.connector().stream("BOOKING").read(), "BOOKING", rows_there);
    }
}

#[test]
fn a_total_that_pages_do_not_bring_is_missing() {
    let answer =
        |_: &Asked| Reply::json(&json!({"data": hundred(0), "page": {"totalPages": 4, "totalElements": ROWS}}));
    let run = server(BOOKINGS, answer).connector().stream("BOOKING").read();
    assert_rows(&run, "BOOKING", 100);
    assert_error(&run, "transient_error", "pages that came before in the place of others");
}

#[test]
fn two_rows_of_one_key_on_a_page_are_both_written() {
    let row = |total: u32| json!({"uuid": "u-1", "created": "2026-11-20T10:00:00Z", "grandTotal": total});
    let two = server(BOOKINGS, move |_| {
        Reply::json(&json!({"data": [row(1), row(2), row(2)], "page": {"totalPages": 1, "totalElements": 3}}))
    });
    let run = two.connector().stream("BOOKING").read();
    assert_eq!(run.status.code(), Some(0), "{:?}", run.errors());
    let totals: Vec<_> = run.records("BOOKING").iter().map(|record| record["grandTotal"].clone()).collect();
    assert_eq!(totals, [json!(1), json!(2)]);
}

#[test]
fn a_full_page_of_changes_that_says_nothing_of_others_is_not_the_end() {
    let page = || rows("id", 0..500);
    for paging in [
        json!({}),
        json!({"has_next": 1, "next_cursor": null}),
        json!({"has_next": "yes"}),
        json!({"page": {"totalElements": 4_500}}),
    ] {
        let said = paging.clone();
        let server = server(FEES, move |_| {
            let mut answer = said.clone();
            answer["content"] = json!(page());
            Reply::json(&answer)
        });
        let run = server.connector().stream("TRANSACTION").read();
        assert_rows(&run, "TRANSACTION", 500);
        assert_error(&run, "system_error", "what of fees changed from");
        assert!(run.states("TRANSACTION").pop().unwrap()["types"]["fees"].is_null(), "{paging}");
    }
    // What is no full page says enough by that.
    let short = server(FEES, |_| Reply::json(&json!({"content": rows("id", 0..7)})));
    assert_complete(&short.connector().stream("TRANSACTION").read(), "TRANSACTION", 7);
    let odd = server(FEES, |_| Reply::json(&json!({"content": rows("id", 0..7), "page": {"totalElements": 9}})));
    let run = odd.connector().stream("TRANSACTION").read();
    assert_complete(&run, "TRANSACTION", 7);
    assert_warned(&run, "Navan reports 9 rows, but gave 7");
}

#[test]
fn a_full_page_that_is_said_to_be_the_last_and_leads_on_is_followed() {
    for behind in [true, false] {
        let server = server(FEES, move |asked| match asked.parameter("cursor") {
            "" => changes(&rows("id", 0..500), false, json!("second")),
            _ if behind => changes_page(&rows("id", 500..510)),
            _ => Reply::new(400, "{}"),
        });
        let run = server.connector().stream("TRANSACTION").read();
        assert_complete(&run, "TRANSACTION", if behind { 510 } else { 500 });
    }
    // Wherever it leads but on, that is the end.
    for behind in [Reply::new(500, "{}"), changes_page(&[]), changes(&rows("id", 0..500), false, json!("first"))] {
        let server = server(FEES, move |asked| match asked.parameter("cursor") {
            "" => changes(&rows("id", 0..500), false, json!("first")),
            _ => behind.clone(),
        });
        let run = server.connector().stream("TRANSACTION").read();
        assert_complete(&run, "TRANSACTION", 500);
        assert!(run.states("TRANSACTION").pop().unwrap()["types"]["fees"]["unsure"].is_null());
    }
}

#[test]
fn a_page_that_says_more_than_it_gives_is_asked_for_again() {
    let empty = server(FEES, |_| Reply::json(&json!({"content": [], "has_next": false, "content_size": 500})));
    let run = empty.connector().stream("TRANSACTION").read();
    assert_complete(&run, "TRANSACTION", 0);
    assert_warned(&run, "it says that it has more rows than it gives");
    let once = server(FEES, |asked| match asked.before {
        0 => Reply::json(&json!({"content": [], "has_next": false, "message": "Service degraded"})),
        _ => changes_page(&rows("id", 0..5)),
    });
    assert_complete(&once.connector().stream("TRANSACTION").read(), "TRANSACTION", 5);
    let always = json!({"content": [], "has_next": false, "message": "Service degraded"});
    let always = server(FEES, move |_| Reply::json(&always));
    let run = always.connector().stream("TRANSACTION").read();
    assert_complete(&run, "TRANSACTION", 0);
    assert_warned(&run, "it has no rows, but a message; it says: Service degraded");
}

#[test]
fn a_page_of_changes_that_comes_in_the_place_of_another_is_noticed() {
    for is_once in [true, false] {
        let server = server(FEES, move |asked| match asked.parameter("cursor") {
            "" => changes(&rows("id", 0..500), true, json!("second")),
            "second" if !is_once || asked.before == 0 => changes(&rows("id", 0..500), true, json!("third")),
            "second" => changes(&rows("id", 500..1_000), true, json!("third")),
            _ => changes_page(&rows("id", 1_000..1_200)),
        });
        let run = server.connector().stream("TRANSACTION").read();
        if is_once {
            assert_complete(&run, "TRANSACTION", 1_200);
        } else {
            assert_error(&run, "system_error", "a page came twice, in the place of another");
        }
    }
}

#[test]
fn a_row_that_fails_costs_itself_whatever_the_size_of_pages() {
    const BAD: usize = 80;
    for own_size in [25, 20, 7] {
        for is_told in [true, false] {
            // A server with a bound of its own, which heeds smaller sizes.
            let server = server(BOOKINGS, move |asked| {
                let size = asked.number("size").min(own_size);
                let (from, to) = (asked.number("page") * size, ((asked.number("page") + 1) * size).min(100));
                if (from..to).contains(&BAD) {
                    return Reply::new(500, "{}");
                }
                let page = if is_told {
                    json!({"totalPages": 100_usize.div_ceil(size), "totalElements": 100, "size": size})
                } else {
                    json!({})
                };
                Reply::json(&json!({"data": rows("uuid", from.min(to)..to), "page": page}))
            });
            let run = server.connector().stream("BOOKING").read();
            assert_error(&run, "transient_error", "rows 81 to 81");
            assert_rows(&run, "BOOKING", 99);
        }
    }
}
