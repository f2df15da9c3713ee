//! `TRANSACTION_RECEIPT`: read by the days that are asked for, since its rows do not tell when they changed.

use std::collections::{BTreeMap, BTreeSet};

use navan_sandbox::{ExpenseType, Sandbox, Settings};
use serde_json::{Value, json};

use crate::harness::{Connector, Run, at, state_file};
use crate::odd_answers::assert_error;
use crate::scripted::{Asked, Reply, ScriptedNavan, changes_page};

const PATH: &str = "/v1/expense/transactions/receipts";
const ALL: &str = "TRANSACTIONS,CONNECT,MANUAL_TRANSACTIONS,REPAYMENTS,FEES,ADJUSTMENTS,DAILY_REBATE,DISPUTE";

fn sandbox(transactions: u64) -> Sandbox {
    let now = Some(at("2026-11-22T10:00:00Z"));
    Sandbox::start(Settings { bookings: 5, transactions, users: 5, now, ..Settings::odd() }).unwrap()
}

fn connector(sandbox: &Sandbox) -> Connector {
    Connector::against(sandbox).streams(&[("TRANSACTION_RECEIPT", "incremental")])
}

fn complete(connector: &Connector) -> Run {
    let run = connector.read();
    assert_eq!(run.status.code(), Some(0), "{:?}", run.errors());
    assert_eq!(run.statuses("TRANSACTION_RECEIPT").last(), Some(&"COMPLETE"));
    run
}

fn transactions(run: &Run) -> Vec<String> {
    let rows = run.records("TRANSACTION_RECEIPT");
    rows.into_iter().map(|row| row["transaction_id"].as_str().unwrap().to_owned()).collect()
}

fn distinct(run: &Run) -> usize {
    transactions(run).into_iter().collect::<BTreeSet<_>>().len()
}

fn synced_through(run: &Run) -> Value {
    run.states("TRANSACTION_RECEIPT").last().unwrap()["types"].clone()
}

#[test]
fn each_comes_once_by_days_and_the_next_read_brings_the_last_days() {
    let sandbox = sandbox(300);
    let first = complete(&connector(&sandbox));
    let all = sandbox.ground_truth().others["TRANSACTION_RECEIPT"].rows;
    assert_eq!((transactions(&first).len() as u64, distinct(&first) as u64), (all, all));
    let asked: Vec<_> = sandbox.counts().log.into_iter().filter(|request| request.target.starts_with(PATH)).collect();
    // A request a day: 30 + 31 + 22.
    assert_eq!(asked.len(), 83);
    assert!(asked.iter().all(|request| request.target.contains("type=TRANSACTIONS&type=CONNECT&")));
    assert_eq!(synced_through(&first), json!({ALL: {"synced_through": "2026-11-22T10:00:00Z"}}));

    sandbox.touch_transaction(ExpenseType::Fees, 0);
    let second = complete(&connector(&sandbox).state(first.last_states()));
    assert!((1..100).contains(&distinct(&second)), "{}", distinct(&second));
    let log = sandbox.counts().log;
    assert_eq!(log.into_iter().filter(|request| request.target.starts_with(PATH)).count(), 83 + 2);
}

#[test]
fn only_receipts_of_the_chosen_types_are_read_and_a_new_type_brings_all_of_it() {
    let sandbox = sandbox(40);
    let fees = complete(&connector(&sandbox).config("transaction_types", vec!["fees"]));
    // Four of five have one.
    assert_eq!((transactions(&fees).len(), distinct(&fees)), (32, 32));
    let both = connector(&sandbox).config("transaction_types", vec!["fees", "card-transactions"]);
    let both = complete(&both.state(fees.last_states()));
    assert_eq!(distinct(&both), 64);
    assert_eq!(synced_through(&both)["TRANSACTIONS,FEES"]["synced_through"], "2026-11-22T10:00:00Z");
    // Nobody is known to have asked for receipts of these.
    let none = complete(&connector(&sandbox).config("transaction_types", vec!["statement-payments"]));
    assert_eq!((distinct(&none), none.states("TRANSACTION_RECEIPT").len()), (0, 1));
}

#[test]
fn a_full_refresh_brings_what_the_retention_leaves() {
    let sandbox = sandbox(40);
    let run = complete(&Connector::against(&sandbox).streams(&[("TRANSACTION_RECEIPT", "full_refresh")]));
    assert_eq!(distinct(&run) as u64, sandbox.ground_truth().others["TRANSACTION_RECEIPT"].rows);
    assert_eq!(run.states("TRANSACTION_RECEIPT").last().unwrap()["__ab_full_refresh_sync_complete"], true);
}

#[test]
fn a_company_that_has_none_is_told_what_to_do_and_loses_nothing_else() {
    let refused_types = BTreeMap::from([("receipts".to_owned(), 403)]);
    let sandbox = Sandbox::start(Settings { transactions: 2, users: 5, refused_types, ..Settings::odd() }).unwrap();
    let run = Connector::against(&sandbox)
        .streams(&[("TRANSACTION_RECEIPT", "incremental"), ("USER", "full_refresh")])
        .read();
    assert_error(&run, "config_error", "read no receipts");
    assert_eq!((run.records("USER").len(), run.statuses("USER").last()), (5, Some(&"COMPLETE")));
}

/// Of one day, two pages; in the first look a row slips from the second page to the first, where it is not seen.
fn with_a_row_that_slips_away(asked: &Asked) -> Option<Reply> {
    let row =
        |id: &str| json!({"transaction_id": id, "receipt_url": format!("https://a.example/{id}/{}", asked.before)});
    let page = |rows: &[&str], next: Option<&str>| {
        let rows: Vec<_> = rows.iter().map(|id| row(id)).collect();
        Some(Reply::json(&json!({"content": rows, "next_cursor": next, "has_next": next.is_some()})))
    };
    match (asked.path.as_str(), asked.parameter("date_modified.from"), asked.parameter("cursor")) {
        (PATH, "2026-11-20", "") if asked.before == 0 => page(&["a", "b"], Some("more")),
        (PATH, "2026-11-20", "") => page(&["b", "c"], Some("more")),
        (PATH, "2026-11-20", "more") => page(&["d"], None),
        (PATH, ..) => Some(changes_page(&[])),
        _ => None,
    }
}

#[test]
fn a_day_of_several_pages_is_read_until_it_has_the_same_rows_twice() {
    let server = ScriptedNavan::start(with_a_row_that_slips_away);
    let run = complete(&server.connector().streams(&[("TRANSACTION_RECEIPT", "incremental")]));
    assert_eq!(transactions(&run).into_iter().collect::<BTreeSet<_>>(), ["a", "b", "c", "d"].map(str::to_owned).into());
    let first_pages = server
        .asked(PATH)
        .into_iter()
        .filter(|asked| asked.parameter("date_modified.from") == "2026-11-20" && asked.parameter("cursor").is_empty());
    assert_eq!(first_pages.count(), 3);
    assert!(run.logs("WARN").is_empty(), "{:?}", run.logs("WARN"));
}

#[test]
fn an_interrupted_read_goes_on_from_its_days() {
    let server = ScriptedNavan::start(|asked| (asked.path == PATH).then(|| changes_page(&[])));
    let through = json!({"synced_through": "2026-11-20T00:00:00Z", "types": {"FEES": {"synced_through": "2026-11-20T00:00:00Z"}}});
    let connector = server.connector().streams(&[("TRANSACTION_RECEIPT", "incremental")]);
    complete(&connector.state(state_file("TRANSACTION_RECEIPT", &through)));
    let asked = server.asked(PATH);
    let days: BTreeSet<_> = asked.iter().map(|asked| asked.parameter("date_modified.from")).collect();
    assert_eq!(days, ["2026-11-19", "2026-11-20", "2026-11-21", "2026-11-22"].into());
}
