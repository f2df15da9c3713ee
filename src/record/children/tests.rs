//! What the lists in a row become.

use serde_json::{Value, json};

use super::format::snake_case;
use super::{ChildList, ChildRows};
use crate::record::schema::RowSchema;
use crate::record::{ChildRecords, FindingKind, RecordBatch, RecordFormat, Scanner};

const SCHEMA: &str = r#"{"type":"object","properties":{
    "id":{"type":"string"}, "at":{"type":["null","string"],"format":"date-time"}, "word":{"type":["null","string"]},
    "words":{"type":["null","array"],"items":{"type":["null","string"]}},
    "more":{"type":["null","object"],"properties":{"words":{"type":["null","string"]}}},
    "parts":{"type":["null","array"],"items":{"type":["null","object"],"properties":{
        "n":{"type":["null","number"]},
        "who":{"type":["null","object"],"properties":{"firstName":{"type":["null","string"]},"born":{"type":["null","string"],"format":"date"}}},
        "codes":{"type":["null","array"],"items":{"type":["null","integer"]}},"open":{"type":["null","object"]}}}}}}"#;

static PARTS: ChildRows = ChildRows { carried: CARRIED, lists: &[ChildList::objects("parts")] };
static WORDS: ChildRows = ChildRows {
    carried: CARRIED,
    lists: &[
        ChildList::texts("words", "text").labelled("list", "words").beside(&[("word", "word")]),
        ChildList::value("word", "text").labelled("list", "word"),
    ],
};
static NAMES: ChildRows =
    ChildRows { carried: CARRIED, lists: &[ChildList::texts("words", "name"), ChildList::texts("more.words", "name")] };
const CARRIED: &[(&str, &str)] = &[("id", "row_id"), ("at", "at")];

const INDEXED: &[&str] = &["row_id", "index"];

fn format_with(rows: &'static ChildRows, key: &'static [&'static str]) -> RecordFormat {
    let schema = RowSchema::compile(SCHEMA, "id", Some("at"), &[]).unwrap();
    let child = ChildRecords { stream: "S_CHILD", namespace: Some("ns".to_owned()), key, rows };
    RecordFormat::new(schema, "S", None).with_children([child])
}

fn scan(format: &RecordFormat, rows: &str) -> RecordBatch {
    let mut scanner = Scanner::lenient(rows.as_bytes());
    let batch = format.scan(&mut scanner).unwrap();
    scanner.end().unwrap();
    batch
}

/// What each line holds, without what is the same in all of them.
fn lines(batch: RecordBatch) -> Vec<String> {
    let children = batch.into_lines().1.remove(0);
    let text = str::from_utf8(children.as_bytes()).unwrap().to_owned();
    assert_eq!(text.lines().count() as u64, children.count);
    let line = |line: &str| {
        let whole: Value = serde_json::from_str(line).unwrap();
        let record = &whole["record"];
        assert_eq!((&record["stream"], &record["namespace"]), (&json!("S_CHILD"), &json!("ns")));
        assert!(record["emitted_at"].is_i64(), "{line}");
        let (_, data) = line.split_once(r#""data":"#).unwrap();
        data.strip_suffix("}}").unwrap().to_owned()
    };
    text.lines().map(line).collect()
}

fn parts_of(row: &str) -> Vec<String> {
    lines(scan(&format_with(&PARTS, INDEXED), &format!("[{row}]")))
}

fn words_of(row: &str) -> Vec<String> {
    lines(scan(&format_with(&WORDS, &["row_id", "list", "index"]), &format!("[{row}]")))
}

fn names_of(row: &str) -> Vec<String> {
    lines(scan(&format_with(&NAMES, &["row_id", "name"]), &format!("[{row}]")))
}

#[test]
fn each_element_is_a_row_wherever_the_fields_that_it_carries_stand() {
    let row = r#"{"parts":[{"n":1.50,"who":{"firstName":"A","born":"2000-01-02"},"codes":[1,2],"open":{"a":1}},null,{},""],"id":"x","at":"2024-01-02T03:04:05Z"}"#;
    assert_eq!(
        parts_of(row),
        [
            r#"{"row_id":"x","at":"2024-01-02T03:04:05.000Z","index":0,"n":1.50,"who_first_name":"A","who_born":"2000-01-02","codes":[1,2],"open":{"a":1}}"#,
            r#"{"row_id":"x","at":"2024-01-02T03:04:05.000Z","index":2}"#,
        ]
    );
    for none in [r#"{"id":"x"}"#, r#"{"id":"x","parts":[]}"#, r#"{"id":"x","parts":null}"#, r#"{"id":"x","parts":""}"#]
    {
        assert!(parts_of(none).is_empty(), "{none}");
    }
}

#[test]
fn a_value_is_in_its_column_what_it_is_in_the_parents() {
    for (part, expected) in [
        (r#"{"n":"1.50"}"#, r#""n":1.50"#),
        (r#"{"n":""}"#, r#""n":null"#),
        (r#"{"who":{"born":"2000-01-02T00:00:00Z"}}"#, r#""who_born":"2000-01-02""#),
        ("{\"who\":{\"firstName\":\"a\tb\\ud800\"}}", r#""who_first_name":"a\tb\ufffd""#),
        (r#"{ "n" : 7 , "who" : { "firstName" : 5 } }"#, r#""n":7,"who_first_name":"5""#),
    ] {
        let row = format!(r#"{{"id":"x","parts":[{part}]}}"#);
        assert_eq!(parts_of(&row), [format!(r#"{{"row_id":"x","index":0,{expected}}}"#)]);
    }
}

#[test]
fn what_no_column_can_hold_stands_in_extra() {
    let changed = |field: &str| {
        format!(
            r#","meta":{{"changes":[{{"field":"{field}","change":"NULLED","reason":"SOURCE_SERIALIZATION_ERROR"}}]}}"#
        )
    };
    for (part, expected) in [
        (r#"{"n":"many"}"#, format!(r#","n":null,"_extra":{{"n":"many"}}}}{}"#, changed("n"))),
        (
            r#"{"who":{"born":"soon"}}"#,
            format!(r#","who_born":null,"_extra":{{"who_born":"soon"}}}}{}"#, changed("who_born")),
        ),
        (
            r#"{"codes":[1,"x",3]}"#,
            format!(r#","codes":[1,null,3],"_extra":{{"codes[1]":"x"}}}}{}"#, changed("codes[1]")),
        ),
        (r#"{"who":"Bob"}"#, r#","_extra":{"who":"Bob"}}"#.to_owned()),
        (r#"{"new":[1],"n":2}"#, r#","n":2,"_extra":{"new":[1]}}"#.to_owned()),
        (r#"{"who":{"nick\u0041":"B"}}"#, r#","_extra":{"who_nick\u0041":"B"}}"#.to_owned()),
        ("5", r#","_extra":{"row":5}}"#.to_owned()),
        (r#"[{"n":1}]"#, r#","_extra":{"row":[{"n":1}]}}"#.to_owned()),
    ] {
        let row = format!(r#"{{"id":"x","parts":[{{"n":1}},{part}]}}"#);
        assert_eq!(parts_of(&row)[1], format!(r#"{{"row_id":"x","index":1{expected}"#), "{part}");
    }
    // In the place of a list.
    assert_eq!(parts_of(r#"{"id":"x","parts":{"n":1}}"#), [r#"{"row_id":"x","index":0,"_extra":{"row":{"n":1}}}"#]);
    assert_eq!(parts_of(r#"{"id":"x","parts":"none"}"#), [r#"{"row_id":"x","index":0,"_extra":{"row":"none"}}"#]);
    // Another row's misfits are none of this one's.
    let rows = r#"[{"id":"x","parts":[{"n":"many"}]},{"id":"y","parts":[{"n":1}]}]"#;
    assert_eq!(lines(scan(&format_with(&PARTS, INDEXED), rows))[1], r#"{"row_id":"y","index":0,"n":1}"#);
}

#[test]
fn members_that_nobody_declared_are_told_by_their_path() {
    let format = format_with(&PARTS, INDEXED);
    let batch = scan(&format, r#"[{"id":"x","parts":[{"new":1,"who":{"new":2}},{"new":3}],"more":{"new":4}}]"#);
    let told: Vec<_> = batch.findings().map(|finding| (finding.kind, format.place(finding))).collect();
    let member = |path: &str| (FindingKind::UndeclaredMember, path.to_owned());
    assert_eq!(told, [member("parts[].new"), member("parts[].who.new")]);
}

#[test]
fn the_rows_of_a_row_without_a_key_have_an_empty_one() {
    assert_eq!(parts_of(r#"{"parts":[{}]}"#), [r#"{"row_id":"","index":0}"#]);
    assert_eq!(parts_of(r#"{"id":null,"parts":[{}]}"#), [r#"{"row_id":"","index":0}"#]);
    assert_eq!(parts_of(r#"{"id":17,"parts":[{}],"at":null}"#), [r#"{"row_id":"17","at":null,"index":0}"#]);
}

#[test]
fn texts_come_as_a_list_or_as_one_text_with_commas() {
    let row = |text: &str, index: u32| format!(r#"{{"row_id":"x","list":"words","index":{index},"text":"{text}"}}"#);
    assert_eq!(words_of(r#"{"id":"x","words":["a, b",null,"","c"]}"#), [row("a, b", 0), row("c", 3)]);
    assert_eq!(words_of(r#"{"id":"x","words":"a, b \u00e4,,c"}"#), [row("a", 0), row("b \\u00e4", 1), row("c", 3)]);
    assert_eq!(words_of(r#"{"id":"x","words":[5,true]}"#), [row("5", 0), row("true", 1)]);
    let misfit = words_of(r#"{"id":"x","words":[{"a":1}]}"#);
    assert!(
        misfit[0].starts_with(r#"{"row_id":"x","list":"words","index":0,"text":null,"_extra":{"text":{"a":1}}}"#),
        "{misfit:?}"
    );
    let misfit = words_of(r#"{"id":"x","words":7}"#);
    assert!(
        misfit[0].starts_with(r#"{"row_id":"x","list":"words","index":0,"text":null,"_extra":{"text":7}}"#),
        "{misfit:?}"
    );
}

#[test]
fn a_single_value_is_a_list_of_one_and_may_stand_beside_another() {
    let all = words_of(r#"{"id":"x","words":["a"],"word":"b,c"}"#);
    assert_eq!(
        all,
        [
            r#"{"row_id":"x","word":"b,c","list":"words","index":0,"text":"a"}"#,
            r#"{"row_id":"x","list":"word","index":0,"text":"b,c"}"#,
        ]
    );
    assert!(words_of(r#"{"id":"x","word":""}"#).is_empty());
}

#[test]
fn rows_that_are_told_apart_by_their_value_come_once() {
    let name = |name: &str| format!(r#"{{"row_id":"x","name":"{name}"}}"#);
    assert_eq!(
        names_of(r#"{"id":"x","words":["a","b","a"],"more":{"words":"b, c,a"}}"#),
        [name("a"), name("b"), name("c")]
    );
    let misfits = names_of(r#"{"id":"x","words":[[1],[2]]}"#);
    assert_eq!(misfits.len(), 2);
    assert!(misfits[0].starts_with(r#"{"row_id":"x","name":"","_extra":{"name":[1]}}"#), "{misfits:?}");
}

#[test]
fn of_a_list_that_stands_in_a_row_twice_the_last_one_counts() {
    assert_eq!(
        parts_of(r#"{"id":"x","parts":[{"n":1},{"n":2}],"parts":[{"n":3}]}"#),
        [r#"{"row_id":"x","index":0,"n":3}"#]
    );
    assert!(parts_of(r#"{"id":"x","parts":[{"n":1}],"parts":null}"#).is_empty());
    assert_eq!(parts_of(r#"{"id":"x","parts":[{}],"id":"y"}"#), [r#"{"row_id":"y","index":0}"#]);
}

#[test]
fn with_a_row_that_is_left_out_go_the_rows_in_it() {
    let rows = r#"[{"id":"a","parts":[{"n":1},{"n":2}]},{"id":"b"},{"id":"c","parts":[{"n":3}]},{"id":"d","parts":[{"n":4},{"n":5}]}]"#;
    for (left_out, expected) in [("a", "345"), ("b", "12345"), ("c", "1245"), ("d", "123"), ("", "12345"), ("abcd", "")]
    {
        let mut batch = scan(&format_with(&PARTS, INDEXED), rows);
        let key = |data: &[u8]| data[7];
        batch.retain(|_, data| !left_out.as_bytes().contains(&key(data)));
        // Once more, of what is left.
        batch.retain(|_, _| true);
        let lines = lines(batch);
        let numbers: String =
            lines.iter().map(|line| line.split(r#""n":"#).nth(1).unwrap().trim_end_matches('}')).collect();
        assert_eq!(numbers, expected, "without {left_out}");
    }
}

#[test]
fn names_become_those_of_columns() {
    for (name, column) in [
        ("countryCode", "country_code"),
        ("uuid", "uuid"),
        ("startLocalDateTime", "start_local_date_time"),
        ("gl_code", "gl_code"),
    ] {
        assert_eq!(snake_case(name), column);
    }
}
