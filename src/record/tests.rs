//! Rows as they come, and the lines that they become.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const SCHEMA: &str = r#"{"type":"object","properties":{
    "id":{"type":"string"}, "at":{"type":["null","string"],"format":"date-time"}, "words":{"type":["null","string"]},
    "list":{"type":["null","array"],"items":{"type":["null","string"]}}, "day":{"type":["null","string"],"format":"date"},
    "open":{"type":["null","object"]}, "n":{"type":["null","number"]}, "count":{"type":["null","integer"]},
    "yes":{"type":["null","boolean"]}, "known":{"type":["null","boolean"]}, "any":{},
    "_extra":{"type":["null","object"]},
    "parts":{"type":["null","array"],"items":{"type":["null","object"],"properties":{
        "n":{"type":["null","number"]},"when":{"type":["null","string"],"format":"date-time","airbyte_type":"timestamp_without_timezone"},
        "list":{"type":["null","array"],"items":{"type":["null","string"]}}}}}}}"#;

fn format() -> RecordFormat {
    RecordFormat::new(RowSchema::compile(SCHEMA, "id", Some("at"), &["known"]).unwrap(), "S", None)
}

#[test]
fn what_extensions_of_a_row_hold_stands_in_columns_of_it() {
    let columns = [("count", "count"), ("boss.when", "at"), ("boss.name", "words"), ("yes", "yes")];
    let schema = RowSchema::compile(SCHEMA, "id", None, &[]).unwrap().with_extension(&columns);
    let format = RecordFormat::new(schema, "S", None);
    let become_of =
        |row: &str| written(&scan_with(&format, Scanner::new(format!("[{row}]").as_bytes())).unwrap()).remove(0);
    let cases = [
        // Whole, before, between and behind other members; in another form than promised.
        (
            r#"{"id":"a","urn:x":{"count": 7,"boss":{"when":"2026-01-02 03:04:05Z","name":"b"}},"n":1}"#,
            r#"{"id":"a","n":1,"count":7,"at":"2026-01-02T03:04:05.000Z","words":"b"}"#,
        ),
        (r#"{"urn:x":{"count":7},"id":"a"}"#, r#"{"id":"a","count":7}"#),
        (
            r#"{"id":"a","n":"1","urn:x":{"yes":"YES"},"urn:y":{"count":"7"}}"#,
            r#"{"id":"a","n":1,"yes":true,"count":7}"#,
        ),
        (r#"{"urn:x":{"count":7}}"#, r#"{"id":"","count":7}"#),
        (r#"{"id":"a","urn:x":{},"urn:y":null,"urn:z":{"count":null,"boss":null}}"#, r#"{"id":"a"}"#),
        // What has no column of its own, or one that is taken, stands in `_extra` as well.
        (
            r#"{"id":"a","urn:x":{"count":7,"seat":"window"},"new":1}"#,
            r#"{"id":"a","count":7,"_extra":{"urn:x":{"count":7,"seat":"window"},"new":1}}"#,
        ),
        (
            r#"{"id":"a","urn:x":{"count":7},"urn:y":{"count":8}}"#,
            r#"{"id":"a","count":7,"_extra":{"urn:y":{"count":8}}}"#,
        ),
        (
            r#"{"id":"a","urn:x":{"boss":{"age":1}},"urn:y":"text","urn:z":{"boss":"b"}}"#,
            r#"{"id":"a","_extra":{"urn:x":{"boss":{"age":1}},"urn:y":"text","urn:z":{"boss":"b"}}}"#,
        ),
        // Only an extension has them.
        (r#"{"id":"a","count":7}"#, r#"{"id":"a","_extra":{"count":7}}"#),
    ];
    for (row, expected) in cases {
        assert_eq!(become_of(row), (expected.to_owned(), vec![]), "{row}");
    }
    let misfit = become_of(r#"{"new":"1","id":"a","urn:x":{"count":"many","yes":"YES"}}"#);
    let expected = r#"{"id":"a","count":null,"yes":true,"_extra":{"new":"1","count":"many"}}"#;
    assert_eq!(misfit, (expected.to_owned(), vec!["count".to_owned()]));
}

/// The batch of an array of rows.
pub(super) fn scan_with(format: &RecordFormat, mut scanner: Scanner<'_>) -> Result<RecordBatch, Malformed> {
    let batch = format.scan(&mut scanner)?;
    scanner.end().map(|()| batch)
}

fn scan(rows: &str) -> Result<RecordBatch, Malformed> {
    scan_with(&format(), Scanner::new(rows.as_bytes()))
}

/// What the lines hold of each row, and which columns they say were made null.
pub(super) fn written(batch: &RecordBatch) -> Vec<(String, Vec<String>)> {
    let lines = str::from_utf8(batch.lines()).unwrap().lines();
    let row = |line: &str| {
        let whole: Value = serde_json::from_str(line).unwrap();
        let rest = line.split_once(r#""data":"#).unwrap().1;
        let changes = whole["record"]["meta"]["changes"].as_array().cloned().unwrap_or_default();
        let data = match rest.rsplit_once(r#","meta":{"changes":"#).filter(|_| !changes.is_empty()) {
            Some((data, _)) => data,
            None => rest.strip_suffix("}}").unwrap(),
        };
        let field = |change: Value| {
            assert_eq!(change["change"], "NULLED");
            assert_eq!(change["reason"], "SOURCE_SERIALIZATION_ERROR");
            change["field"].as_str().unwrap().to_owned()
        };
        (data.to_owned(), changes.into_iter().map(field).collect())
    };
    lines.map(row).collect()
}

/// What becomes of one row, which columns are made null, and what is found.
fn become_of(row: &str) -> (String, Vec<String>, Vec<(FindingKind, String)>) {
    let format = format();
    let batch = scan_with(&format, Scanner::new(format!("[{row}]").as_bytes())).unwrap();
    let findings = batch.findings().map(|finding| (finding.kind, format.place(finding))).collect();
    let (data, nulled) = written(&batch).remove(0);
    (data, nulled, findings)
}

#[test]
fn a_row_of_the_promised_form_passes_as_it_came() {
    let row = r#"{"id":"a\"b","at":"2024-01-02T03:04:05.678Z","words":"w","list":["x",null],"day":"2024-01-02","n":-1.50e+3,"count":7,"yes":true,"any":[1,{"id":2}],"parts":[{"n":1.50,"when":"2024-01-02T03:04:05.000","new":1},{"n":null}],"open":{"a":{}}}"#;
    assert_eq!(become_of(row), (row.to_owned(), vec![], vec![]));
}

#[test]
fn a_value_in_another_form_gets_the_promised_one_where_nothing_is_lost() {
    use FindingKind::Repaired;
    for (field, value, expected, is_told) in [
        ("n", r#""""#, "null", false),
        ("count", r#""""#, "null", false),
        ("yes", r#""""#, "null", false),
        ("day", r#""""#, "null", false),
        ("at", r#""""#, "null", false),
        ("open", r#""""#, "null", false),
        ("parts", r#""""#, "null", false),
        ("list", r#""""#, "[]", false),
        ("words", r#""""#, r#""""#, false),
        ("at", r#""2024-01-02T03:04:05Z""#, r#""2024-01-02T03:04:05.000Z""#, false),
        ("at", r#""2024-01-02T03:04:05.6Z""#, r#""2024-01-02T03:04:05.600Z""#, false),
        ("at", r#""2024-01-02T03:04:05.678901Z""#, r#""2024-01-02T03:04:05.678901Z""#, false),
        ("at", r#""2024-01-02 03:04+0200""#, r#""2024-01-02T03:04:00.000+02:00""#, true),
        ("at", r#""2024-01-02T03:04:05\u002b00:00""#, r#""2024-01-02T03:04:05.000Z""#, true),
        ("at", r#""2026-01-02T03\u003a04:05Z""#, r#""2026-01-02T03:04:05.000Z""#, true),
        ("at", r#""2026-01-02T03\u003a04:05.678Z""#, r#""2026-01-02T03:04:05.678Z""#, true),
        ("day", r#""2026\u002d01-02""#, r#""2026-01-02""#, true),
        ("at", "1763805600000", r#""2025-11-22T10:00:00.000Z""#, true),
        ("day", r#""2024-01-02T23:04:05-05:00""#, r#""2024-01-02""#, true),
        ("day", "1763805600000", r#""2025-11-22""#, true),
        ("n", r#""12.50""#, "12.50", true),
        ("n", r#""-0.00""#, "-0.00", true),
        ("n", r#""12345678901234567890.123456789""#, "12345678901234567890.123456789", true),
        ("n", "12345678901234567890.123456789", "12345678901234567890.123456789", false),
        ("count", "3.0", "3", false),
        ("count", r#""12""#, "12", true),
        ("words", "12.5", r#""12.5""#, true),
        ("words", "true", r#""true""#, true),
        ("words", "1e400", r#""1e400""#, true),
        ("yes", r#""true""#, "true", true),
        ("yes", r#""NO""#, "false", true),
        ("known", r#""YES""#, "true", false),
        ("list", r#""Price above limit""#, r#"["Price above limit"]"#, true),
        ("list", r#"[1,true,"x"]"#, r#"["1","true","x"]"#, true),
        ("open", r#"{"big":1e400}"#, r#"{"big":"1e400"}"#, false),
    ] {
        let (data, nulled, findings) = become_of(&format!(r#"{{"id":"1","{field}":{value}}}"#));
        assert_eq!(data, format!(r#"{{"id":"1","{field}":{expected}}}"#), "{field}: {value}");
        assert_eq!(nulled, Vec::<String>::new(), "{field}: {value}");
        assert_eq!(!findings.is_empty(), is_told, "{field}: {value}: {findings:?}");
        assert!(findings.iter().all(|(kind, _)| *kind == Repaired), "{field}: {value}: {findings:?}");
    }
}

#[test]
fn a_value_that_cannot_be_brought_there_is_null_and_kept() {
    for (field, value) in [
        ("n", r#""N/A""#),
        ("n", r#""1,234.50""#),
        ("n", "true"),
        ("n", "1e29"),
        ("n", "[1]"),
        ("count", "3.5"),
        ("count", "9223372036854775808"),
        ("yes", r#""maybe""#),
        ("yes", "1"),
        ("day", r#""soon""#),
        ("day", r#""2024-02-30""#),
        ("day", "7"),
        ("at", "false"),
        ("at", r#""2016-12-31T23:59:60Z""#),
        ("words", r#"{"a":[1]}"#),
        ("open", "[{}]"),
        ("open", r#""text""#),
        ("list", r#"{"a":1}"#),
        ("parts", r#""text""#),
    ] {
        let (data, nulled, findings) = become_of(&format!(r#"{{"id":"1","{field}":{value},"any":0}}"#));
        assert_eq!(data, format!(r#"{{"id":"1","{field}":null,"any":0,"_extra":{{"{field}":{value}}}}}"#));
        assert_eq!(nulled, [field], "{value}");
        assert_eq!(findings, [(FindingKind::Nulled, field.to_owned())], "{value}");
    }
}

#[test]
fn a_value_deep_in_a_row_is_kept_under_its_path() {
    let row = r#"{"id":"1","parts":[{"n":1},{"n":"x","when":"y","list":["a",["b"],{}]},7]}"#;
    let expected = r#"{"id":"1","parts":[{"n":1},{"n":null,"when":null,"list":["a",null,null]},null],"_extra":{"parts[1].n":"x","parts[1].when":"y","parts[1].list[1]":["b"],"parts[1].list[2]":{},"parts[2]":7}}"#;
    let paths = ["parts[1].n", "parts[1].when", "parts[1].list[1]", "parts[1].list[2]", "parts[2]"];
    let (data, nulled, findings) = become_of(row);
    assert_eq!((data.as_str(), nulled), (expected, paths.map(str::to_owned).to_vec()));
    let places: Vec<_> = findings.iter().map(|(_, place)| place.as_str()).collect();
    assert_eq!(places, ["parts[].n", "parts[].when", "parts[].list[]", "parts[]"]);
}

#[test]
fn a_field_that_nobody_declared_goes_into_the_extra_column() {
    for (row, expected) in [
        (r#"{"id":"1","new":{"a":1}}"#, r#"{"id":"1","_extra":{"new":{"a":1}}}"#),
        (r#"{"new":1,"id":"1"}"#, r#"{"id":"1","_extra":{"new":1}}"#),
        (
            r#"{"a":1,"b":[2],"id":"1","c":3,"d":4,"n":5,"e":6}"#,
            r#"{"id":"1","n":5,"_extra":{"a":1,"b":[2],"c":3,"d":4,"e":6}}"#,
        ),
        ("{ \"a\" : 1 , \"id\" : \"1\" , \"b\" : 2 }", "{  \"id\" : \"1\" ,\"_extra\":{\"a\" : 1,\"b\" : 2}}"),
        (r#"{"id":"1","_extra":7}"#, r#"{"id":"1","_extra":{"_extra":7}}"#),
        (r#"{"id":"1","\u006e":2}"#, r#"{"id":"1","\u006e":2}"#),
        (r#"{"id":"1","x\ud83d":"\ud83dy"}"#, r#"{"id":"1","_extra":{"x\ufffd":"\ufffdy"}}"#),
        ("{\"id\":\"1\",\n\"new\": [ 1,\n2 ]\n}", r#"{"id":"1","_extra":{"new":[1,2]}}"#),
        (r#"{"new":"only"}"#, r#"{"id":"","_extra":{"new":"only"}}"#),
    ] {
        let (data, nulled, _) = become_of(row);
        assert_eq!((data.as_str(), nulled), (expected, vec![]), "{row}");
    }
    let (_, _, findings) = become_of(r#"{"id":"1","new":1,"new":2,"n\u0065wer":3}"#);
    assert_eq!(findings, ["new", "newer"].map(|name| (FindingKind::Undeclared, name.to_owned())));
}

#[test]
fn half_a_surrogate_pair_is_replaced_wherever_it_stands() {
    for (row, expected) in [
        (r#"{"id":"1","words":"Offsite \ud83d"}"#, r#"{"id":"1","words":"Offsite \ufffd"}"#),
        (r#"{"id":"1","words":"\udc00\ud83d\ud83d\ude00"}"#, r#"{"id":"1","words":"\ufffd\ufffd\ud83d\ude00"}"#),
        (r#"{"id":"1","open":{"\ud83d":["\ud83d"]}}"#, r#"{"id":"1","open":{"\ufffd":["\ufffd"]}}"#),
        (r#"{"id":"1","list":"\ud83d"}"#, r#"{"id":"1","list":["\ufffd"]}"#),
        (r#"{"id":"1","n":"\ud83d"}"#, r#"{"id":"1","n":null,"_extra":{"n":"\ufffd"}}"#),
    ] {
        let (data, _, findings) = become_of(row);
        assert_eq!(data, expected);
        assert!(findings.contains(&(FindingKind::Mended, String::new())), "{row}: {findings:?}");
    }
}

#[test]
fn a_key_becomes_text_and_is_never_null() {
    use FindingKind::{NoKey, Nulled, Repaired};
    for (row, expected, kinds) in [
        (r#"{"id":1}"#, r#"{"id":"1"}"#, vec![Repaired]),
        (r#"{"id":null}"#, r#"{"id":""}"#, vec![NoKey]),
        (r#"{"id":""}"#, r#"{"id":""}"#, vec![NoKey]),
        (r#"{"n":1}"#, r#"{"n":1,"id":""}"#, vec![NoKey]),
        ("{}", r#"{"id":""}"#, vec![NoKey]),
        (r#"{"id":[1]}"#, r#"{"id":"","_extra":{"id":[1]}}"#, vec![Nulled, NoKey]),
    ] {
        let (data, _, findings) = become_of(row);
        assert_eq!(data, expected);
        assert_eq!(findings.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(), kinds, "{row}");
    }
}

#[test]
fn rows_are_one_only_by_a_key_of_the_same_text() {
    let rows =
        r#"[{"id":1},{"id":"1"},{"id":"2"},{"id":null},{"id":"","n":1},{"n":1,"id":"2"},{"id":"\u0032"},{"id":null}]"#;
    let batch = scan(rows).unwrap();
    let of = |number: usize| batch.rows[number].identity;
    assert!(of(0) == of(1) && of(2) == of(5) && of(5) == of(6));
    assert!(of(1) != of(2) && of(3) != of(4));
    assert!((0..3).all(|number| matches!(of(number), Identity::Key(_))));
    assert!([3, 4, 7].into_iter().all(|number| matches!(of(number), Identity::Content(_))));
}

#[test]
fn the_cursor_is_read_in_each_form() {
    let rows = r#"[{"at":"2026-11-22T10:00:00.000+0000"},{"at":"2026-11-22 10:00:00"},{"at":1795341600},{"at":"1795341600000"},{"at":"soon"},{"at":null}]"#;
    let batch = scan(rows).unwrap();
    let times: Vec<_> = batch.rows.iter().map(|row| row.cursor).collect();
    let ten = timestamp::parse("2026-11-22T10:00:00Z");
    assert_eq!(times[..3], [ten; 3]);
    assert_eq!(times[4..], [None; 2]);
}

#[test]
fn rows_that_are_left_out_leave_the_lines_of_the_others_whole() {
    let format = format();
    let rows = r#"[{"id":"1"},{"id":"22","words":7},{"id":"333"},{"id":"4","list":"x"}]"#;
    let mut batch = scan_with(&format, Scanner::new(rows.as_bytes())).unwrap();
    let mut number = 0;
    batch.retain(|_, _| {
        number += 1;
        number % 2 == 0
    });
    let data: Vec<_> = written(&batch).into_iter().map(|(data, _)| data).collect();
    assert_eq!(data, [r#"{"id":"22","words":"7"}"#, r#"{"id":"4","list":["x"]}"#]);
    assert_eq!(batch.findings().map(|finding| format.place(finding)).collect::<Vec<_>>(), ["words", "list"]);
}

#[test]
fn a_page_whose_rows_are_no_objects_is_refused() {
    assert_eq!(scan("[1]").unwrap_err(), Malformed::Shape("a row is not an object"));
    for text in ["", "[", "[{}", "[{},]", "[{}] x", "{}", r#"[{"a":01}]"#, "[{\"a\":\"\t\"}]", r#"[{"a":NaN}]"#] {
        assert!(scan(text).is_err(), "{text}");
    }
    assert!(scan(&format!("[{{\"a\":{}{}}}]", "[".repeat(100_000), "]".repeat(100_000))).is_ok());
}

#[test]
fn a_lenient_scan_mends_what_lies_inside_values() {
    for (row, expected) in [
        (&b"{\"id\":\"1\",\"words\":\"a\tb\x01\n\"}"[..], r#"{"id":"1","words":"a\tb\u0001\n"}"#),
        (b"{\"id\":\"1\",\"words\":\"caf\xe9\"}", r#"{"id":"1","words":"caf\ufffd"}"#),
        (b"{\"id\":\"1\",\"new\xff\":\"\xc3\"}", r#"{"id":"1","_extra":{"new\ufffd":"\ufffd"}}"#),
        (b"{\"id\":\"1\",\"n\":NaN}", r#"{"id":"1","n":null,"_extra":{"n":"NaN"}}"#),
        (b"{\"id\":\"1\",\"n\":-Infinity}", r#"{"id":"1","n":null,"_extra":{"n":"-Infinity"}}"#),
        (b"{\"id\":\"1\",\"open\":{\"x\":[Infinity]}}", r#"{"id":"1","open":{"x":["Infinity"]}}"#),
        (b"{\"id\":\"1\",\"n\":.5}", r#"{"id":"1","n":null,"_extra":{"n":".5"}}"#),
        (b"{\"id\":\"1\",\"n\":007}", r#"{"id":"1","n":null,"_extra":{"n":"007"}}"#),
        (b"{\"id\":\"1\",\"n\":+5,\"words\":\"x\"}", r#"{"id":"1","n":null,"words":"x","_extra":{"n":"+5"}}"#),
        (b"{\"id\":\"1\",\"n\":None}", r#"{"id":"1","n":null,"_extra":{"n":"None"}}"#),
        (b"{\"id\":NaN}", r#"{"id":"NaN"}"#),
        (b"{\"id\":\"1\",\"words\":\"C:\\Users\\u12\"}", r#"{"id":"1","words":"C:\\Users\\u12"}"#),
    ] {
        let format = format();
        let page = [b"[", row, b"]"].concat();
        assert!(scan_with(&format, Scanner::new(&page)).is_err(), "{expected}");
        let batch = scan_with(&format, Scanner::lenient(&page)).unwrap();
        assert_eq!(written(&batch)[0].0, expected);
        assert!(batch.findings().any(|finding| finding.kind == FindingKind::Mended), "{expected}");
    }
    for broken in ["[{\"id\":\"1\"", "[{\"id\":'1'}]", "[{\"id\":}]", "[{\"id\":\"\\\"}]", "[{id:1}]"] {
        assert!(scan_with(&format(), Scanner::lenient(broken.as_bytes())).is_err(), "{broken}");
    }
}

#[test]
fn there_is_an_end_to_the_names_that_are_told_apart() {
    let format = format();
    let rows: Vec<_> = (0..1_500).map(|number| json!({"id": "1", format!("new {number}"): 1}).to_string()).collect();
    let batch = scan_with(&format, Scanner::new(format!("[{}]", rows.join(",")).as_bytes())).unwrap();
    let names: std::collections::BTreeSet<_> = batch.findings().map(|finding| format.place(finding)).collect();
    assert_eq!(names.len(), 1_001);
    assert!(names.contains("(others)") && names.contains("new 999"));
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
        let row = json!({"id": "1", "open": Value::from_iter(row)});
        let batch = scan(&format!("[{}]", serde_json::to_string_pretty(&row).unwrap())).unwrap();
        let (line, _) = written(&batch).remove(0);
        let breaks_line = line.contains(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']);
        prop_assert!(!breaks_line);
        let compact = serde_json::to_string(&row).unwrap();
        let escaped = ["\u{85}", "\u{2028}", "\u{2029}"].into_iter().zip(["\\u0085", "\\u2028", "\\u2029"]);
        prop_assert_eq!(&line, &escaped.fold(compact, |text, (raw, escape)| text.replace(raw, escape)));
        prop_assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), row);
    }
}
