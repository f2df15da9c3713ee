//! The scan against another reading of the same pages, by `serde_json` and in many passes: both must accept and refuse the
//! same texts, and make the same of what they accept. `SOURCE_NAVAN_FUZZ_DOCUMENTS` says how many pages are tried.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::schema::StringFormat;
use super::timestamp::Formatted;
use super::*;
use crate::hash::hash;

pub(crate) const SCHEMA: &str = r#"{"type":"object","properties":{
    "id":{"type":"string"}, "at":{"type":["null","string"],"format":"date-time"}, "words":{"type":["null","string"]},
    "list":{"type":["null","array"],"items":{"type":["null","string"]}}, "day":{"type":["null","string"],"format":"date"},
    "open":{"type":["null","object"]}, "any":{}, "yes":{"type":["null","boolean"]}, "n":{"type":["null","number"]},
    "whole":{"type":["null","integer"]},
    "a_name_beyond_sixteen":{"type":["null","string"]}, "a_name_between_sixteen":{"type":["null","number"]},
    "parts":{"type":["null","array"],"items":{"type":["null","object"],"properties":{
        "n":{"type":["null","number"]},
        "local":{"type":["null","string"],"format":"date-time","airbyte_type":"timestamp_without_timezone"},
        "place":{"type":["null","object"],"properties":{"city":{"type":["null","string"]}}}}}}}}"#;

/// What is known to come in two forms, and so is no finding.
const COERCED: [&str; 2] = ["words", "yes"];

/// Rows to begin with: all kinds of values, in the promised form and in others.
const ROWS: [&str; 11] = [
    r#"{"id":"a-1","at":"2024-01-02T03:04:05.678Z","words":"w","list":["x",null],"day":"2024-01-02","n":-1.50e+3,"yes":true}"#,
    r#"{"id":7,"words":true,"list":"","day":"2024-01-02T00:00:00","open":{"a":[{},[],0]},"any":[1,{"b":null}],"at":null}"#,
    r#"{"id":"é€😀","parts":[{"n":1,"local":"2024-01-02T03:04:05","place":{"city":"Zoë"}},{"n":"2","place":{"city":3}}]}"#,
    r#"{"day":"2024-01-02 10:00","a_name_beyond_sixteen":"x","a_name_between_sixteen":"y","words":"\u00e9\ud83d\"\\/"}"#,
    "{ \"id\" : \"spaced\" ,\t\"n\": 0 , \"list\" : [ \"a\" , \"b\" ] }",
    "{\n  \"id\": \"broken\",\n  \"day\": \"2024-01-02T03\",\n  \"yes\": \"no\",\n  \"open\": {}\n}",
    "{\"id\":\"u\u{2028}\u{85}\u{2029}\",\"day\":\"2024-01-02T\u{2028}\",\"words\":false,\"list\":\"text\"}",
    r#"{"id":"1","id":null,"words":null,"words":12345678901234567890.123,"unknown":{"deep":[[[{"x":"y"}]]]},"yes":"true"}"#,
    r#"{"new":"\ud83d","n":"12.50","whole":3.0,"yes":"NO","id":"x","other":[1e400],"at":"2024-01-02 03:04+0100","n\u0065w":1}"#,
    r#"{"id":"","n":"N/A","whole":"7.5","list":[1,{"a":[]},"\udc00"],"at":1763805600000,"day":1763805600,"parts":"p"}"#,
    r#"{"list":"a\ud83db","words":{"a":1},"parts":[[],{"n":1e99,"local":"2024-01-02T03:04:05.25+01:00"}],"open":1e999,"id":9}"#,
];

/// What a mutation puts in.
const TOKENS: [&[u8]; 24] = [
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
    b"\\ud83d",
    b"e99",
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

/// What becomes of a row: its text in the line without white space between tokens, what tells it from others, its time, what is
/// found.
#[derive(Debug, PartialEq)]
struct Expected {
    written: String,
    identity: Identity,
    cursor: Option<DateTime<Utc>>,
    findings: BTreeSet<(FindingKind, String)>,
}

/// What is gathered on the way through a row.
#[derive(Default)]
struct Gathered {
    extras: Vec<String>,
    findings: BTreeSet<(FindingKind, String)>,
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

fn format_of(schema: &Value) -> Option<StringFormat> {
    match schema["format"].as_str()? {
        "date" => Some(StringFormat::Date),
        _ if schema["airbyte_type"].is_null() => Some(StringFormat::DateTime),
        _ => Some(StringFormat::LocalDateTime),
    }
}

/// A name or a text as a reader understands it, half a surrogate pair as U+FFFD.
fn decoded(inside: &str) -> String {
    serde_json::from_str(&format!("\"{}\"", mended(inside, &mut Gathered::default()))).unwrap()
}

/// The inside of a string as it is written.
fn mended(inside: &str, gathered: &mut Gathered) -> String {
    let unit = |at: usize| u32::from_str_radix(inside.get(at..)?.strip_prefix("\\u")?.get(..4)?, 16).ok();
    let (mut text, mut at) = (String::new(), 0);
    while let Some(character) = inside[at..].chars().next() {
        let (length, written) = match (character, unit(at)) {
            ('\\', Some(0xd800..0xdc00)) if matches!(unit(at + 6), Some(0xdc00..0xe000)) => (12, None),
            ('\\', Some(0xd800..0xe000)) => {
                gathered.findings.insert((FindingKind::Mended, String::new()));
                (6, Some("\\ufffd"))
            }
            ('\\', _) => (2, None),
            ('\u{85}', _) => (2, Some("\\u0085")),
            ('\u{2028}', _) => (3, Some("\\u2028")),
            ('\u{2029}', _) => (3, Some("\\u2029")),
            (other, _) => (other.len_utf8(), None),
        };
        text += written.unwrap_or(&inside[at..at + length]);
        at += length;
    }
    text
}

/// A value that nothing is promised of.
fn open(raw: &str, gathered: &mut Gathered) -> String {
    match kind(raw) {
        "object" => {
            let members = serde_json::from_str::<Members<'_>>(raw).unwrap().0;
            let member = |(name, value): (String, &RawValue)| {
                format!("\"{}\":{}", mended(&name, gathered), open(value.get(), gathered))
            };
            format!("{{{}}}", members.into_iter().map(member).collect::<Vec<_>>().join(","))
        }
        "array" => {
            let items = serde_json::from_str::<Vec<&RawValue>>(raw).unwrap();
            format!("[{}]", items.into_iter().map(|item| open(item.get(), gathered)).collect::<Vec<_>>().join(","))
        }
        "string" => format!("\"{}\"", mended(&raw[1..raw.len() - 1], gathered)),
        "number" if !number::is_readable(raw.as_bytes()) => format!("\"{raw}\""),
        _ => raw.to_owned(),
    }
}

/// A value at a place of the schema, which `place` names, and `path` with the numbers of elements.
fn conformed(schema: &Value, place: &str, path: &str, raw: &str, gathered: &mut Gathered) -> String {
    match kind(raw) {
        "object" if promises(schema, "object") => {
            let mut members = Vec::new();
            for (name, value) in serde_json::from_str::<Members<'_>>(raw).unwrap().0 {
                let value = match schema["properties"].get(decoded(&name)) {
                    Some(field) => {
                        let below = |base: &str| format!("{base}.{}", decoded(&name));
                        conformed(field, &below(place), &below(path), value.get(), gathered)
                    }
                    None => open(value.get(), gathered),
                };
                members.push(format!("\"{}\":{value}", mended(&name, gathered)));
            }
            format!("{{{}}}", members.join(","))
        }
        "array" if promises(schema, "array") => {
            let items = serde_json::from_str::<Vec<&RawValue>>(raw).unwrap().into_iter().enumerate();
            let item = |(at, item): (usize, &RawValue)| match schema.get("items") {
                Some(items) => conformed(items, &format!("{place}[]"), &format!("{path}[{at}]"), item.get(), gathered),
                None => open(item.get(), gathered),
            };
            format!("[{}]", items.map(item).collect::<Vec<_>>().join(","))
        }
        "null" if place == "id" => "\"\"".to_owned(),
        "null" => raw.to_owned(),
        _ => {
            let (written, is_told) = repaired(schema, raw, gathered).unwrap_or_else(|| {
                let kept = open(raw, gathered);
                gathered.extras.push(format!("{}:{kept}", Value::from(path)));
                gathered.findings.insert((FindingKind::Nulled, place.to_owned()));
                (if place == "id" { "\"\"" } else { "null" }.to_owned(), false)
            });
            if is_told && !COERCED.contains(&place) {
                gathered.findings.insert((FindingKind::Repaired, place.to_owned()));
            }
            written
        }
    }
}

/// A value in the promised form, and whether that is worth a word; `None` if there is none.
fn repaired(schema: &Value, raw: &str, gathered: &mut Gathered) -> Option<(String, bool)> {
    let (kind, format) = (kind(raw), format_of(schema));
    if promises(schema, kind) && format.is_none() && (kind != "number" || !promises(schema, "integer")) {
        let fits = kind != "number" || schema["type"].is_null() || number::fits(raw.as_bytes());
        return fits.then(|| (open(raw, gathered), false));
    }
    let text = decoded(raw.get(1..raw.len() - 1).filter(|_| kind == "string").unwrap_or_default());
    let of_strings = promises(schema, "array") && schema["items"]["type"] == serde_json::json!(["null", "string"]);
    match kind {
        "string" if raw == "\"\"" => Some((if of_strings { "[]" } else { "null" }.to_owned(), false)),
        "string" if format.is_some() => match timestamp::in_format(text.as_bytes(), format?) {
            Formatted::AsItIs => Some((format!("\"{text}\""), raw.contains('\\'))),
            Formatted::LacksMilliseconds(at) => {
                Some((format!("\"{}.000{}\"", &text[..at], &text[at..]), raw.contains('\\')))
            }
            Formatted::Rewritten { text, only_precision } => Some((format!("\"{text}\""), !only_precision)),
            Formatted::NotATime => None,
        },
        "string" if promises(schema, "boolean") => {
            let word = match text.trim_ascii().to_lowercase().as_str() {
                "true" | "yes" | "y" => "true",
                "false" | "no" | "n" => "false",
                _ => return None,
            };
            Some((word.to_owned(), true))
        }
        "string" if promises(schema, "integer") => {
            let number = number::in_text(&text)?;
            Some((number::integer(number.as_bytes())?.into_owned(), true))
        }
        "string" if promises(schema, "number") => {
            let number = number::in_text(&text)?;
            number::fits(number.as_bytes()).then(|| (number.into_owned(), true))
        }
        "string" if of_strings => Some((format!("[{}]", open(raw, gathered)), true)),
        "number" if promises(schema, "integer") => Some((number::integer(raw.as_bytes())?.into_owned(), false)),
        "number" if format.is_some() => {
            timestamp::epoch_in_format(raw.as_bytes(), format?).map(|time| (format!("\"{time}\""), true))
        }
        "number" | "boolean" if promises(schema, "string") && format.is_none() => Some((format!("\"{raw}\""), true)),
        _ => None,
    }
}

/// Without white space between tokens.
fn minified(text: &str) -> String {
    let (mut line, mut inside, mut escaped) = (String::new(), false, false);
    for character in text.chars() {
        match character {
            '"' if !escaped => inside = !inside,
            ' ' | '\t' if !inside => continue,
            _ => {}
        }
        escaped = inside && character == '\\' && !escaped;
        line.push(character);
    }
    line
}

fn expected(page: &[u8]) -> Option<Vec<Expected>> {
    let rows: Vec<&RawValue> = serde_json::from_str(str::from_utf8(page).ok()?).ok()?;
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    // A gap in the list is no row.
    let rows = rows.into_iter().filter(|row| row.get() != "null");
    rows.map(|row| expected_row(&schema, row.get())).collect()
}

fn expected_row(schema: &Value, row: &str) -> Option<Expected> {
    let Members(members) = row.starts_with('{').then(|| serde_json::from_str(row).unwrap())?;
    let mut gathered = Gathered::default();
    let (mut kept, mut key, mut cursor, mut has_key) = (Vec::new(), None, None, false);
    for (written_name, raw) in members {
        let (name, raw) = (decoded(&written_name), raw.get());
        // A text with half a character is compared as it is written, since two of them are not the same for having one.
        let text = match kind(raw) {
            "string" => serde_json::from_str(raw).unwrap_or_else(|_| raw[1..raw.len() - 1].to_owned()),
            _ => raw.to_owned(),
        };
        if let Some(field) = schema["properties"].get(&name) {
            let value = conformed(field, &name, &name, raw, &mut gathered);
            kept.push(format!("\"{}\":{value}", mended(&written_name, &mut gathered)));
        } else {
            gathered.findings.insert((FindingKind::Undeclared, name.clone()));
            let field = format!("\"{}\":{}", mended(&written_name, &mut gathered), open(raw, &mut gathered));
            gathered.extras.push(field);
        }
        if name == "id" {
            has_key = true;
            key = Some(text).filter(|text| !text.is_empty() && matches!(kind(raw), "string" | "number" | "boolean"));
        } else if name == "at" {
            cursor = match kind(raw) {
                "string" => timestamp::parse(&text),
                "number" => timestamp::parse_number(raw.as_bytes()),
                _ => None,
            };
        }
    }
    if !has_key {
        kept.push("\"id\":\"\"".to_owned());
    }
    if !gathered.extras.is_empty() {
        kept.push(format!("\"_extra\":{{{}}}", gathered.extras.join(",")));
    }
    if key.is_none() {
        gathered.findings.insert((FindingKind::NoKey, "id".to_owned()));
    }
    let identity = match &key {
        Some(key) => Identity::Key(hash(key.as_bytes())),
        None => Identity::Content(hash(row.as_bytes())),
    };
    Some(Expected { written: format!("{{{}}}", kept.join(",")), identity, cursor, findings: gathered.findings })
}

/// Whether some object of a whole page has a name twice.
pub(super) fn has_repeated(page: &[u8]) -> bool {
    fn in_value(raw: &RawValue) -> bool {
        let text = raw.get();
        match text.as_bytes()[0] {
            b'{' => {
                let Members(members) = serde_json::from_str(text).unwrap();
                let mut names = BTreeSet::new();
                let unescaped = |name: &str| serde_json::from_str::<String>(&format!("\"{name}\"")).unwrap_or_default();
                members.iter().any(|(name, value)| !names.insert(unescaped(name)) || in_value(value))
            }
            b'[' => serde_json::from_str::<Vec<&RawValue>>(text).unwrap().into_iter().any(in_value),
            _ => false,
        }
    }
    serde_json::from_slice::<&RawValue>(page).is_ok_and(in_value)
}

/// A page of some rows, changed in some places.
pub(crate) fn page(random: &mut fastrand::Rng) -> Vec<u8> {
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
    let new_format = || RecordFormat::new(RowSchema::compile(SCHEMA, "id", Some("at"), &COERCED).unwrap(), "S", None);
    let mut format = new_format();
    let mut random = fastrand::Rng::with_seed(10);
    let mut accepted = 0;
    for number in 0..documents {
        // A format tells a thousand undeclared fields apart, and mutations make more.
        if number % 200 == 0 {
            format = new_format();
        }
        let page = page(&mut random);
        let mut scanner = Scanner::new(&page);
        let batch = format.scan(&mut scanner).and_then(|batch| scanner.end().map(|()| batch)).ok();
        let (expected, shown) = (expected(&page), String::from_utf8_lossy(&page));
        assert_eq!(batch.is_some(), expected.is_some(), "{shown}");
        let (Some(batch), Some(expected)) = (batch, expected) else { continue };
        accepted += 1;
        assert_eq!(batch.rows.len(), expected.len(), "{shown}");
        for ((row, expected), (data, _)) in batch.rows.iter().zip(expected).zip(tests::written(&batch)) {
            assert!(!data.contains(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']), "{shown}");
            let findings = batch.findings[row.findings.clone()].iter();
            let findings = findings.map(|finding| (finding.kind, format.place(*finding))).collect();
            let found = Expected { written: minified(&data), identity: row.identity, cursor: row.cursor, findings };
            assert_eq!(found, expected, "{shown}");
        }
    }
    assert!(accepted > documents / 10 && accepted < documents, "{accepted} of {documents} pages were whole");
}
