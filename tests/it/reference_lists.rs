//! Lists of which only the path is known: in any form, and not at all.

use std::collections::BTreeMap;

use navan_sandbox::{ReferenceForm, Sandbox, Settings};
use serde_json::{Value, json};

use crate::harness::{Connector, Run, all_streams};
use crate::odd_answers::assert_error;
use crate::scripted::{Reply, ScriptedNavan};

const LISTS: [(&str, &str); 3] =
    [("CUSTOM_FIELD", "custom-fields"), ("GL_CODE", "gl-codes"), ("TAX_MAPPING", "tax-mappings")];

fn sandbox(settings: Settings) -> Sandbox {
    Sandbox::start(Settings { bookings: 5, transactions: 2, users: 5, ..settings }).unwrap()
}

fn connector(sandbox: &Sandbox, names: &[&str]) -> Connector {
    let chosen: Vec<_> = all_streams().iter().copied().filter(|(stream, _)| names.contains(stream)).collect();
    Connector::against(sandbox).streams(&chosen)
}

/// A complete read of the lists, and USER.
fn read(sandbox: &Sandbox) -> Run {
    let names: Vec<_> = LISTS.iter().map(|(stream, _)| *stream).chain(["USER"]).collect();
    let run = connector(sandbox, &names).read();
    assert_eq!(run.status.code(), Some(0), "{:?}", run.errors());
    for stream in names {
        assert_eq!(run.statuses(stream).last(), Some(&"COMPLETE"), "{stream}");
        assert_eq!(run.states(stream).last(), Some(&&json!({"__ab_no_cursor_state_message": true})), "{stream}");
    }
    run
}

#[test]
fn every_row_comes_once_in_whatever_form_the_list_has() {
    use ReferenceForm::{Array, Cursor, Data, Numbered};
    // 25 and 100 look like the bound of a server that has more.
    for form in [None, Some(Data), Some(Array), Some(Cursor), Some(Numbered)] {
        for rows in [0, 1, 8, 25, 50, 100, 130] {
            let sandbox = sandbox(Settings { reference_form: form, reference_rows: rows, ..Settings::odd() });
            let run = read(&sandbox);
            for (stream, _) in LISTS {
                let mut came: Vec<_> = run.records(stream).into_iter().map(Value::to_string).collect();
                came.sort();
                came.dedup();
                assert_eq!((came.len() as u64, run.records(stream).len() as u64), (rows, rows), "{stream}, {form:?}");
            }
        }
    }
}

#[test]
fn a_list_that_the_company_does_not_have_is_skipped_with_a_word() {
    for status in [400, 403, 404, 405] {
        let refused_types = BTreeMap::from(LISTS.map(|(_, path)| (path.to_owned(), status)));
        let sandbox = sandbox(Settings { refused_types, ..Settings::odd() });
        let run = read(&sandbox);
        assert_eq!(run.records("USER").len(), 5);
        for (stream, path) in LISTS {
            assert!(run.records(stream).is_empty());
            let warned = run.logs("WARN").into_iter().any(|line| {
                line.starts_with(&format!("{stream}: Navan has no /v1/expense/{path} for this company"))
                    && line.contains(&status.to_string())
                    && line.contains("not available for this company")
            });
            assert!(warned, "{stream}, {status}: {:?}", run.logs("WARN"));
        }
    }
}

#[test]
fn check_says_which_lists_the_company_does_not_have_and_succeeds() {
    let sandbox =
        sandbox(Settings { refused_types: BTreeMap::from([("gl-codes".to_owned(), 404)]), ..Settings::odd() });
    let run = Connector::against(&sandbox).run("check");
    assert_eq!(run.of_type("CONNECTION_STATUS")[0]["connectionStatus"]["status"], "SUCCEEDED");
    let warned = run.logs("WARN");
    assert!(
        warned.iter().any(|line| line.starts_with("GL_CODE cannot be read: Navan has no /v1/expense/gl-codes")),
        "{warned:?}"
    );
    assert!(!warned.iter().any(|line| line.starts_with("TAX_MAPPING")), "{warned:?}");
}

#[test]
fn a_list_that_says_that_more_rows_follow_and_leads_to_none_is_an_error() {
    let server = ScriptedNavan::start(|asked| {
        let page = json!({"content": [{"number": "1"}, {"number": "2"}], "has_next": true, "next_cursor": null});
        (asked.path == "/v1/expense/gl-codes").then(|| Reply::new(200, page.to_string()))
    });
    let run = server.connector().stream("GL_CODE").read();
    assert_error(&run, "system_error", "does not lead to its end");
    assert_eq!(run.records("GL_CODE").len(), 2, "what came is written");
}

#[test]
fn what_a_row_holds_beyond_what_is_guessed_stands_in_extra() {
    let sandbox = sandbox(Settings::odd());
    let run = read(&sandbox);
    let account = json!({"number": "6030", "name": "Meals", "active": true, "_extra": {"ledger": {"id": 2}}});
    assert!(run.records("GL_CODE").contains(&&account), "{:?}", run.records("GL_CODE"));
    assert!(
        run.records("TAX_MAPPING")
            .contains(&&json!({"tax_code": "GB20", "name": "VAT", "rate": 20.0, "country": "GB"}))
    );
    let field = &run.records("CUSTOM_FIELD")[1];
    assert_eq!((&field["name"], &field["required"]), (&json!("client"), &json!(false)));
}

#[test]
fn streams_without_a_known_key_declare_none() {
    let sandbox = sandbox(Settings::odd());
    let catalog = Connector::against(&sandbox).run("discover").of_type("CATALOG")[0]["catalog"].clone();
    let keys: BTreeMap<_, _> = catalog["streams"]
        .as_array()
        .unwrap()
        .iter()
        .map(|stream| (stream["name"].as_str().unwrap(), &stream["source_defined_primary_key"]))
        .collect();
    assert_eq!((keys["GL_CODE"], keys["TAX_MAPPING"]), (&json!([]), &json!([])));
    assert_eq!(keys["CUSTOM_FIELD"], &json!([["name"]]));
}
