//! Rows with personal data, and what becomes of them.

use aws_lc_rs::hmac;

use super::PersonalData;
use crate::config::Config;
use crate::record::tests::{scan_with, written};
use crate::record::{RecordFormat, RowSchema, Scanner};

const PERSONAL: &str = r#"{"type":"object","properties":{
    "id":{"type":"string"}, "mail":{"type":["null","string"],"x-personal-data":true}, "n":{"type":["null","number"]},
    "people":{"type":["null","string"],"x-personal-data":"list"}, "city":{"type":["null","string"]},
    "born":{"type":["null","string"],"format":"date","x-personal-data":true},
    "tickets":{"type":["null","array"],"items":{"type":["null","string"],"x-personal-data":true}},
    "who":{"type":["null","object"],"properties":{"name":{"type":["null","string"],"x-personal-data":true},
        "unit":{"type":["null","string"]}}},
    "open":{"type":["null","object"]},
    "homes":{"type":["null","array"],"items":{"type":["null","object"],"x-personal-data":true}},
    "_extra":{"type":["null","object"]}}}"#;

/// What becomes of a row whose personal data is treated so; `<text>` stands for the hash of a text.
fn treated(rules: &str, row: &str) -> String {
    let config =
        format!(r#"{{"client_id":"i","client_secret":"s","personal_data_key":"a key of some length",{rules}}}"#);
    let config = Config::parse(&config).unwrap();
    let schema = RowSchema::compile(PERSONAL, "id", None, &[]).unwrap();
    let format = RecordFormat::new(schema.with_personal_data(PersonalData::of(&config, "S")), "S", None);
    let rows = format!("[{row}]");
    let batch = scan_with(&format, Scanner::new(rows.as_bytes()))
        .or_else(|_| scan_with(&format, Scanner::lenient(rows.as_bytes())));
    let mut data = written(&batch.unwrap()).remove(0).0;
    for text in ["ann@x.org", "bob@x.org", "Ann", "Bob", "Zoë", "7", "true", "b\u{fffd}"] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"a key of some length");
        let hash: String = hmac::sign(&key, text.as_bytes())
            .as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<Vec<_>>()
            .concat();
        data = data.replace(&hash, &format!("<{text}>"));
    }
    data
}

#[test]
fn personal_data_becomes_hashes_by_which_tables_can_be_joined() {
    let hashed = |row| treated(r#""personal_data":"hash""#, row);
    let cases = [
        (
            r#"{"id":"a","mail":"Ann@X.org","city":"Bob","n":"1"}"#,
            r#"{"id":"a","mail":"<ann@x.org>","city":"Bob","n":1}"#,
        ),
        (
            r#"{"id":"a","mail":"","who":{"name":null,"unit":"Ann"}}"#,
            r#"{"id":"a","mail":"","who":{"name":null,"unit":"Ann"}}"#,
        ),
        // However it is written, and in whatever form it comes.
        (r#"{"id":"a","mail":"Zo\u00eb","who":{"name":"Zoë"}}"#, r#"{"id":"a","mail":"<Zoë>","who":{"name":"<Zoë>"}}"#),
        (r#"{"id":"a","mail":7,"who":{"name":true}}"#, r#"{"id":"a","mail":"<7>","who":{"name":"<true>"}}"#),
        (r#"{"id":"a","mail":"b\ud800","n":1}"#, "{\"id\":\"a\",\"mail\":\"<b\u{fffd}>\",\"n\":1}"),
        // A list item by item, with its commas.
        (r#"{"id":"a","people":"Ann, Bob ,,Bob@x.org"}"#, r#"{"id":"a","people":"<Ann>, <Bob> ,,<bob@x.org>"}"#),
        (r#"{"id":"a","tickets":["Ann",null,""]}"#, r#"{"id":"a","tickets":["<Ann>",null,""]}"#),
        (r#"{"id":"a","tickets":"Ann,Bob"}"#, r#"{"id":"a","tickets":["<Ann>,<Bob>"]}"#),
        // What is no text, or has a format, has no hash.
        (
            r#"{"id":"a","mail":{"first":"Ann"},"who":{"name":["Ann"]},"born":"1990-01-01"}"#,
            r#"{"id":"a","mail":null,"who":{"name":null},"born":null}"#,
        ),
        (r#"{"id":"a","people":"Ann,\nBob"}"#, r#"{"id":"a","people":"<Ann>,<Bob>"}"#),
        // What no schema declares can be anything.
        (r#"{"id":"a","open":{"x":["Ann",7]}}"#, r#"{"id":"a","open":{"x":["<Ann>",7]}}"#),
        (
            r#"{"id":"a","file_path":"Ann","file_error":"Bob"}"#,
            r#"{"id":"a","_extra":{"file_path":"<Ann>","file_error":"<Bob>"}}"#,
        ),
        (
            r#"{"new":{"x":["Ann",7,{"Bob":"Bob"}]},"id":"a","who":{"age":"Ann","unit":"Bob"},"n":"Ann"}"#,
            r#"{"id":"a","who":{"age":"<Ann>","unit":"Bob"},"n":null,"_extra":{"new":{"x":["<Ann>",7,{"Bob":"<Bob>"}]},"n":"<Ann>"}}"#,
        ),
        (
            r#"{"id":"a","homes":[{"street":"Ann","no":7}],"city":["Ann"]}"#,
            r#"{"id":"a","homes":[{"street":"<Ann>","no":7}],"city":null,"_extra":{"city":["<Ann>"]}}"#,
        ),
    ];
    for (row, expected) in cases {
        assert_eq!(hashed(row), expected, "{row}");
    }
}

#[test]
fn personal_data_that_is_left_out_leaves_nothing() {
    let dropped = |row| treated(r#""personal_data":"drop""#, row);
    let cases = [
        (
            r#"{"id":"a","mail":"Ann@X.org","people":"Ann","tickets":["Ann"],"born":"1990-01-01"}"#,
            r#"{"id":"a","mail":null,"people":null,"tickets":[null],"born":null}"#,
        ),
        (
            r#"{"id":"a","tickets":"Ann","who":{"name":"Ann","unit":"Bob","age":7}}"#,
            r#"{"id":"a","tickets":[],"who":{"name":null,"unit":"Bob","age":null}}"#,
        ),
        (r#"{"id":"a","open":{"x":"Ann"},"file_path":"Ann"}"#, r#"{"id":"a","open":null}"#),
        (r#"{"id":"a","new":"Ann","homes":[{"street":"Ann"}],"n":"Ann"}"#, r#"{"id":"a","homes":[null],"n":null}"#),
    ];
    for (row, expected) in cases {
        assert_eq!(dropped(row), expected, "{row}");
    }
}

#[test]
fn exceptions_pass_with_all_that_lies_below_them() {
    let rules = r#""personal_data":"hash","personal_data_exceptions":["S.who","S._extra","S.tickets","T.mail"]"#;
    let row = r#"{"id":"a","mail":"Ann","who":{"name":"Ann"},"tickets":["Bob"],"new":"Ann"}"#;
    assert_eq!(
        treated(rules, row),
        r#"{"id":"a","mail":"<Ann>","who":{"name":"Ann"},"tickets":["Bob"],"_extra":{"new":"Ann"}}"#
    );
    assert_eq!(
        treated(r#""personal_data":"pass""#, row),
        r#"{"id":"a","mail":"Ann","who":{"name":"Ann"},"tickets":["Bob"],"_extra":{"new":"Ann"}}"#
    );
}
