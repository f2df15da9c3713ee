//! The scan against another reading of the same pages, by `serde_json` and in many passes: both must accept and refuse the
//! same texts, and make the same of what they accept. `SOURCE_NAVAN_FUZZ_DOCUMENTS` says how many pages are tried.

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::*;

const SCHEMA: &str = r#"{"type":"object","properties":{
    "id":{"type":"string"}, "at":{"type":["null","string"],"format":"date-time"}, "words":{"type":["null","string"]},
    "list":{"type":["null","array"],"items":{"type":["null","string"]}}, "day":{"type":["null","string"],"format":"date"},
    "open":{"type":["null","object"]}, "any":{}, "yes":{"type":"boolean"}, "n":{"type":["null","number"]},
    "a_name_beyond_sixteen":{"type":["null","string"]}, "a_name_between_sixteen":{"type":["null","number"]},
    "parts":{"type":["null","array"],"items":{"type":"object","properties":{
        "n":{"type":["null","number"]},"local":{"type":"string","format":"date-time","airbyte_type":"timestamp_without_timezone"},
        "place":{"type":["null","object"],"properties":{"city":{"type":["null","string"]}}}}}}}}"#;

const COERCED: [&str; 4] = ["words", "list", "day", "yes"];

/// Rows to begin with: all kinds of values, in the promised form and in others.
const ROWS: [&str; 8] = [
    r#"{"id":"a-1","at":"2024-01-02T03:04:05.678Z","words":"w","list":["x",null],"day":"2024-01-02","n":-1.50e+3,"yes":true}"#,
    r#"{"id":7,"words":true,"list":"","day":"2024-01-02T00:00:00","open":{"a":[{},[],0]},"any":[1,{"b":null}],"at":null}"#,
    r#"{"id":"é€😀","parts":[{"n":1,"local":"2024-01-02T03:04:05","place":{"city":"Zoë"}},{"n":"2","place":{"city":3}}]}"#,
    r#"{"day":"2024-01-02 10:00","a_name_beyond_sixteen":"x","a_name_between_sixteen":"y","words":"\u00e9\ud83d\"\\/"}"#,
    "{ \"id\" : \"spaced\" ,\t\"n\": 0 , \"list\" : [ \"a\" , \"b\" ] }",
    "{\n  \"id\": \"broken\",\n  \"day\": \"2024-01-02T03\",\n  \"yes\": \"no\",\n  \"open\": {}\n}",
    "{\"id\":\"u\u{2028}\u{85}\u{2029}\",\"day\":\"2024-01-02T\u{2028}\",\"words\":false,\"list\":\"text\"}",
    r#"{"id":"1","id":null,"words":null,"words":12345678901234567890.123,"unknown":{"deep":[[[{"x":"y"}]]]},"yes":"true"}"#,
];

/// What a mutation puts in.
const TOKENS: [&[u8]; 22] = [
    b"\"",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\n",
    b" ",
    b"\t",
    b"0",
    b"-",
    b"e",
    b".",
    b"null",
    b"true",
    b"\\u12",
    b"\xc3",
    b"\xe2\x80\xa8",
    b"\xed\xa0\x80",
    b"\x01",
];

/// A row as the other reading sees it: each member, in order.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                // Names stay as they are written, as the scan compares them.
                while let Some(name) = map.next_key::<&RawValue>()? {
                    let name = name.get();
                    members.push((name[1..name.len() - 1].to_owned(), map.next_value()?));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

/// What becomes of a row: its text in the line, its key, its time, where it has another form.
#[derive(Debug, PartialEq)]
struct Expected {
    written: String,
    key: String,
    cursor: Option<chrono::DateTime<chrono::Utc>>,
    drift: Vec<String>,
}

fn kind(raw: &str) -> &'static str {
    match raw.as_bytes()[0] {
        b'"' => "string",
        b'{' => "object",
        b'[' => "array",
        b't' | b'f' => "boolean",
        b'n' => "null",
        _ => "number",
    }
}

fn promises(schema: &Value, kind: &str) -> bool {
    match &schema["type"] {
        Value::Null => true,
        Value::String(one) => one == kind,
        several => several.as_array().unwrap().iter().any(|one| one == kind),
    }
}

fn is_date(text: &str) -> bool {
    text.len() >= 10
        && text
            .bytes()
            .take(10)
            .enumerate()
            .all(|(at, b)| if at == 4 || at == 7 { b == b'-' } else { b.is_ascii_digit() })
}

fn has_format(schema: &Value, text: &str) -> bool {
    let is_time = || {
        let bytes = text.as_bytes();
        is_date(text) && text.len() >= 16 && bytes[10] == b'T' && bytes[11].is_ascii_digit() && bytes[13] == b':'
    };
    let has_offset = || text.ends_with('Z') || text.as_bytes()[11..].iter().any(|b| matches!(b, b'+' | b'-'));
    match schema["format"].as_str() {
        Some("date") => text.len() == 10 && is_date(text),
        Some(_) => is_time() && has_offset() == schema["airbyte_type"].is_null(),
        None => true,
    }
}

fn drift(schema: &Value, path: &str, raw: &RawValue, found: &mut Vec<String>) {
    let (raw, before) = (raw.get(), found.len());
    match kind(raw) {
        "object" if schema["properties"].is_object() => {
            for (name, value) in serde_json::from_str::<Members<'_>>(raw).unwrap().0 {
                if let Some(field) = schema["properties"].get(&name) {
                    drift(field, &format!("{path}.{name}"), value, found);
                }
            }
        }
        "array" if schema.get("items").is_some() => {
            for item in serde_json::from_str::<Vec<&RawValue>>(raw).unwrap() {
                drift(&schema["items"], &format!("{path}[]"), item, found);
            }
        }
        "string" if !has_format(schema, &raw[1..raw.len() - 1]) => found.push(path.to_owned()),
        _ => {}
    }
    if !promises(schema, kind(raw)) && found.len() == before {
        found.push(path.to_owned());
    }
}

fn coerced(schema: &Value, raw: &str) -> Option<String> {
    let inside = raw.get(1..raw.len() - 1).unwrap_or_default();
    match kind(raw) {
        "string" if raw == "\"\"" && promises(schema, "array") => Some("[]".to_owned()),
        "boolean" if !promises(schema, "boolean") && promises(schema, "string") => Some(format!("\"{raw}\"")),
        "string" if schema["format"] == "date" && inside.len() > 10 && is_date(inside) => {
            matches!(inside.as_bytes()[10], b'T' | b' ').then(|| format!("\"{}\"", &inside[..10]))
        }
        _ => None,
    }
}

/// Without white space between tokens, and with the line breaks of Unicode as escapes.
fn one_line(text: &str) -> String {
    let (mut line, mut inside, mut escaped) = (String::new(), false, false);
    for character in text.chars() {
        match character {
            '"' if !escaped => inside = !inside,
            ' ' | '\t' | '\n' | '\r' if !inside => continue,
            _ => {}
        }
        escaped = inside && character == '\\' && !escaped;
        match character {
            '\u{85}' => line.push_str("\\u0085"),
            '\u{2028}' => line.push_str("\\u2028"),
            '\u{2029}' => line.push_str("\\u2029"),
            other => line.push(other),
        }
    }
    line
}

fn expected(page: &[u8]) -> Option<Vec<Expected>> {
    let rows: Vec<&RawValue> = serde_json::from_str(str::from_utf8(page).ok()?).ok()?;
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    rows.into_iter().map(|row| expected_row(&schema, row.get())).collect()
}

fn expected_row(schema: &Value, row: &str) -> Option<Expected> {
    let Members(members) = row.starts_with('{').then(|| serde_json::from_str(row).unwrap())?;
    let (mut written, mut from) = (String::new(), 0);
    let (mut key, mut cursor, mut found) = (None, None, Vec::new());
    for (name, raw) in members {
        let Some(field) = schema["properties"].get(&name) else { continue };
        let (text, before) = (raw.get(), found.len());
        drift(field, &name, raw, &mut found);
        let inside = if kind(text) == "string" { &text[1..text.len() - 1] } else { text };
        if name == "id" && kind(text) != "null" {
            key = Some(inside.to_owned());
        }
        if name == "at" && kind(text) == "string" {
            cursor = Some(inside);
        }
        if COERCED.contains(&name.as_str())
            && let Some(to) = coerced(field, text)
        {
            found.truncate(before);
            let start = text.as_ptr() as usize - row.as_ptr() as usize;
            written += &row[from..start];
            written += &to;
            from = start + text.len();
        }
    }
    written += &row[from..];
    if key.is_none() {
        found.push("id".to_owned());
    }
    if row.contains(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']) {
        written = one_line(&written);
    }
    let key = key.unwrap_or_else(|| row.to_owned());
    Some(Expected { written, key, cursor: cursor.and_then(timestamp::parse), drift: found })
}

/// A page of some rows, changed in some places.
fn page(random: &mut fastrand::Rng) -> Vec<u8> {
    let rows: Vec<_> = (0..random.usize(0..4)).map(|_| ROWS[random.usize(0..ROWS.len())]).collect();
    let mut page = format!("[{}]", rows.join(if random.bool() { "," } else { " ,\r\n" })).into_bytes();
    for _ in 0..random.usize(0..4) {
        let at = random.usize(0..=page.len());
        let token = TOKENS[random.usize(0..TOKENS.len())].to_vec();
        match random.u8(0..5) {
            0 => drop(page.splice(at..at, token)),
            1 => drop(page.splice(at..(at + token.len()).min(page.len()), token)),
            2 => drop(page.drain(at..(at + random.usize(0..6)).min(page.len()))),
            3 => {
                let from = random.usize(0..=at);
                let copy = page[from..at].to_vec();
                drop(page.splice(at..at, copy));
            }
            _ => page.truncate(at.max(1)),
        }
    }
    page
}

#[test]
fn the_scan_makes_of_a_page_what_a_parser_and_many_passes_make_of_it() {
    let documents = std::env::var("SOURCE_NAVAN_FUZZ_DOCUMENTS").map_or(100_000, |number| number.parse().unwrap());
    let schema = RowSchema::compile(SCHEMA, "id", Some("at"), &COERCED).unwrap();
    let format = RecordFormat::new(schema, "S", None);
    let mut random = fastrand::Rng::with_seed(10);
    let mut accepted = 0;
    for _ in 0..documents {
        let page = page(&mut random);
        let mut scanner = Scanner::new(&page);
        let batch = format.scan(&mut scanner).and_then(|batch| scanner.end().map(|()| batch)).ok();
        let (expected, shown) = (expected(&page), String::from_utf8_lossy(&page));
        assert_eq!(batch.is_some(), expected.is_some(), "{shown}");
        let (Some(batch), Some(expected)) = (batch, expected) else { continue };
        accepted += 1;
        let written = tests::written(&batch);
        let rows: Vec<_> = expected.iter().map(|row| row.written.clone()).collect();
        assert_eq!(written, rows, "{shown}");
        for (row, expected) in batch.rows.iter().zip(&expected) {
            assert_eq!(row.identity, row_scan::hash(expected.key.as_bytes()), "{shown}");
            assert_eq!(row.cursor, expected.cursor, "{shown}");
        }
        let drift: Vec<_> = format.drift(&batch).map(str::to_owned).collect();
        assert_eq!(drift, expected.into_iter().flat_map(|row| row.drift).collect::<Vec<_>>(), "{shown}");
    }
    assert!(accepted > documents / 10 && accepted < documents, "{accepted} of {documents} pages were whole");
}
