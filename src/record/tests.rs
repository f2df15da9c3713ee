//! Rows as they come, and the lines that they become.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn format() -> RecordFormat {
    let schema = r#"{"type":"object","properties":{
        "id":{"type":"string"}, "at":{"type":"string","format":"date-time"}, "words":{"type":["null","string"]},
        "list":{"type":["null","array"],"items":{"type":["null","string"]}}, "day":{"type":["null","string"],"format":"date"},
        "open":{"type":["null","object"]},
        "parts":{"type":["null","array"],"items":{"type":"object","properties":{
            "n":{"type":["null","number"]},"local":{"type":"string","format":"date-time","airbyte_type":"timestamp_without_timezone"}}}}}}"#;
    let schema = RowSchema::compile(schema, "id", Some("at"), &["words", "list", "day"]).unwrap();
    RecordFormat::new(schema, "S", None)
}

/// The batch of an array of rows.
fn scan(rows: &str) -> Result<RecordBatch, Malformed> {
    let mut scanner = Scanner::new(rows.as_bytes());
    let batch = format().scan(&mut scanner)?;
    scanner.end().map(|()| batch)
}

/// What the lines hold of each row.
pub(super) fn written(batch: &RecordBatch) -> Vec<String> {
    let lines = str::from_utf8(batch.lines()).unwrap();
    let data = |line: &str| line.split_once(r#""data":"#).unwrap().1.strip_suffix("}}").unwrap().to_owned();
    lines.lines().map(data).collect()
}

/// What becomes of one row, and where it has another form.
fn conformed(row: &str) -> (String, Vec<String>) {
    let batch = scan(&format!("[{row}]")).unwrap();
    let drift = format().drift(&batch).map(str::to_owned).collect();
    (written(&batch).remove(0), drift)
}

#[test]
fn a_row_of_the_promised_form_passes_as_it_came() {
    let row = r#"{"id":"a\"b","at":"2024-01-02T03:04:05.6Z","words":"w","list":["x",null],"day":"2024-01-02","new":[1,{"id":2}],"parts":[{"n":1.50,"local":"2024-01-02T03:04:05"},{"n":null}]}"#;
    assert_eq!(conformed(row), (row.to_owned(), vec![]));
    let batch = scan(&format!("[{row}]")).unwrap();
    assert_eq!(batch.rows[0].cursor, timestamp::parse("2024-01-02T03:04:05.6Z"));
}

#[test]
fn a_field_with_two_forms_gets_the_promised_one() {
    let row = r#"{"id":"1","words":true,"big":123456789012345678901234567890,"list":"","day":"2024-01-02T00:00:00"}"#;
    let expected = r#"{"id":"1","words":"true","big":123456789012345678901234567890,"list":[],"day":"2024-01-02"}"#;
    assert_eq!(conformed(row), (expected.to_owned(), vec![]));
}

#[test]
fn a_form_that_nobody_foresaw_passes_untouched_and_is_named() {
    for (row, field) in [
        (r#"{"id":"1","words":7}"#, "words"),
        (r#"{"id":"1","list":"text"}"#, "list"),
        (r#"{"id":"1","day":"soon"}"#, "day"),
        (r#"{"id":"1","at":"2024-01-02T03:04:05"}"#, "at"),
        (r#"{"id":"1","open":[{}]}"#, "open"),
        (r#"{"id":"1","parts":[{"n":"1"}]}"#, "parts[].n"),
        (r#"{"id":"1","parts":[{"local":"2024-01-02T03:04:05Z"}]}"#, "parts[].local"),
        (r#"{"id":null}"#, "id"),
        ("{}", "id"),
    ] {
        let (written, drift) = conformed(row);
        assert_eq!(written, row);
        assert!(drift.contains(&field.to_owned()), "{row}: {drift:?}");
    }
}

#[test]
fn a_key_identifies_a_row_in_whatever_form_it_stands() {
    let batch = scan(r#"[{"id":1},{"id":"1"},{"id":"2"},{"id":null},{"id":null,"n":1},{"n":1,"id":"2"}]"#).unwrap();
    let of = |number: usize| batch.rows[number].identity;
    assert!(of(0) == of(1) && of(2) == of(5));
    assert!(of(1) != of(2) && of(3) != of(4));
}

#[test]
fn rows_that_are_left_out_leave_the_lines_of_the_others_whole() {
    let mut batch = scan(r#"[{"id":"1"},{"id":"22","words":7},{"id":"333"},{"id":"4","list":"x"}]"#).unwrap();
    let mut number = 0;
    batch.retain(|_| {
        number += 1;
        number % 2 == 0
    });
    assert_eq!(written(&batch), [r#"{"id":"22","words":7}"#, r#"{"id":"4","list":"x"}"#]);
    assert_eq!(format().drift(&batch).collect::<Vec<_>>(), ["words", "list"]);
}

#[test]
fn a_page_whose_rows_are_no_objects_is_refused() {
    assert_eq!(scan("[1]").unwrap_err(), Malformed::Shape("a row is not an object"));
    for text in ["", "[", "[{}", "[{},]", "[{}] x", "{}", r#"[{"a":01}]"#, "[{\"a\":\"\t\"}]", r#"[{"a":NaN}]"#] {
        assert!(scan(text).is_err(), "{text}");
    }
    assert!(scan(&format!("[{{\"a\":{}{}}}]", "[".repeat(100_000), "]".repeat(100_000))).is_ok());
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[ -~\\n\\t\"\\\\é\u{85}\u{2028}\u{2029}{}\\[\\],:]*".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 64, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map("[a-z\"\\\\{ ]{0,6}", inner, 0..6).prop_map(Value::from_iter),
        ]
    })
}

proptest! {
    #[test]
    fn a_row_of_a_server_that_breaks_lines_is_one_line_for_every_reader(
        row in prop::collection::btree_map("[a-z{\"\\\\]{0,5}", json(), 1..8),
    ) {
        let row = Value::from_iter(row);
        let batch = scan(&format!("[{}]", serde_json::to_string_pretty(&row).unwrap())).unwrap();
        let line = written(&batch).remove(0);
        let breaks_line = line.contains(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']);
        prop_assert!(!breaks_line);
        let compact = serde_json::to_string(&row).unwrap();
        let escaped = ["\u{85}", "\u{2028}", "\u{2029}"].into_iter().zip(["\\u0085", "\\u2028", "\\u2029"]);
        prop_assert_eq!(&line, &escaped.fold(compact, |text, (raw, escape)| text.replace(raw, escape)));
        prop_assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), row);
    }
}
