//! `SCIM_USER`: a server and a token of its own, and a count of its own.

use navan_sandbox::{Sandbox, Settings};
use serde_json::{Value, json};

use crate::harness::{Connector, Run, assert_distinct};
use crate::odd_answers::assert_error;

fn sandbox(settings: Settings) -> Sandbox {
    Sandbox::start(Settings { bookings: 5, transactions: 2, ..settings }).unwrap()
}

fn connector(sandbox: &Sandbox) -> Connector {
    Connector::against(sandbox)
        .config("scim_url", format!("{}/scim/v2", sandbox.url()))
        .config("scim_token", sandbox.settings().scim_token.clone())
}

fn read(sandbox: &Sandbox) -> Run {
    let run = connector(sandbox).streams(&[("SCIM_USER", "full_refresh")]).read();
    assert_eq!(run.status.code(), Some(0), "{:?}", run.errors());
    assert_eq!(run.states("SCIM_USER").last(), Some(&&json!({"__ab_no_cursor_state_message": true})));
    run
}

#[test]
fn every_user_comes_once_however_the_server_counts() {
    for scim_first_index in [0, 1] {
        for users in [0, 1, 100, 200, 235] {
            let sandbox = sandbox(Settings { users, scim_first_index, ..Settings::odd() });
            let run = read(&sandbox);
            assert_eq!(assert_distinct(&run.keys("SCIM_USER")).len() as u64, users, "from {scim_first_index}");
        }
    }
}

#[test]
fn extensions_are_columns_and_people_are_those_of_the_other_tables() {
    let sandbox = sandbox(Settings { users: 20, ..Settings::odd() });
    let run = read(&sandbox);
    let users = run.records("SCIM_USER");
    let ids: Vec<_> = users.iter().map(|user| &user["id"]).collect();
    for (number, user) in users.iter().enumerate() {
        for column in ["employee_number", "department", "cost_center", "region"] {
            assert!(user[column].is_string(), "{column}: {user}");
        }
        // The head of the company has no manager.
        assert!(if number == 0 { user["manager_id"].is_null() } else { ids.contains(&&user["manager_id"]) });
        assert!(!user.as_object().unwrap().keys().any(|name| name.starts_with("urn:")));
        // What has no column came with every ninth.
        assert_eq!(user["_extra"].is_object(), number % 9 == 0, "{user}");
    }
    let of_list: Vec<Value> = sandbox.users().map(|row| serde_json::from_str(&row).unwrap()).collect();
    assert_eq!(of_list.iter().map(|user| &user["id"]).collect::<Vec<_>>(), ids);
}

#[test]
fn the_stream_is_offered_where_a_server_is_configured() {
    let sandbox = sandbox(Settings::odd());
    let names = |connector: Connector| {
        let run = connector.run("discover");
        let streams = run.of_type("CATALOG")[0]["catalog"]["streams"].as_array().unwrap().clone();
        streams.into_iter().map(|stream| stream["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let (without, with) = (names(Connector::against(&sandbox)), names(connector(&sandbox)));
    assert_eq!((without.len(), with.len()), (16, 17));
    assert!(!without.contains(&"SCIM_USER".to_owned()) && with.contains(&"SCIM_USER".to_owned()));
    let run = Connector::against(&sandbox).streams(&[("SCIM_USER", "full_refresh")]).read();
    assert_error(&run, "config_error", "give `scim_url` and `scim_token`");
}

#[test]
fn the_token_goes_to_the_server_only_and_a_wrong_one_is_told() {
    let sandbox = sandbox(Settings::odd());
    let wrong = connector(&sandbox).config("scim_token", "not-the-token").streams(&[("SCIM_USER", "full_refresh")]);
    let run = wrong.read();
    assert_error(&run, "config_error", "check `scim_url`");
    let log = sandbox.counts().log;
    // Navan's own token is not even fetched, and a token that cannot be renewed is not tried twice.
    assert_eq!(log.len(), 1, "{log:?}");
    assert!(!run.stdout.contains("not-the-token"));
    let status = wrong.run("check");
    let status = &status.of_type("CONNECTION_STATUS")[0]["connectionStatus"];
    assert!(status["status"] == "FAILED" && status["message"].as_str().unwrap().contains("`scim_token`"), "{status}");
    let good = connector(&sandbox).run("check");
    assert!(good.logs("INFO").contains(&"SCIM_USER can be read."), "{:?}", good.logs("INFO"));
}

#[test]
fn one_of_both_is_not_enough() {
    let sandbox = sandbox(Settings::odd());
    for (given, value) in [("scim_url", sandbox.url()), ("scim_token", "a token".to_owned())] {
        let run = Connector::against(&sandbox).config(given, value).run("discover");
        assert_error(&run, "config_error", "give both");
    }
    let far = connector(&sandbox).config("scim_url", "http://scim.example/v2").run("discover");
    assert_error(&far, "config_error", "`scim_url` would send the secret unencrypted");
}
