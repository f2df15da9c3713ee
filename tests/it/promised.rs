//! A row that the sandbox sends as the schemas promise it: what a record must hold, made in another way than by the connector.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::harness::streams;

/// More digits before the point than a column of numbers holds.
const TOO_MANY_DIGITS: usize = 30;

static SCHEMAS: LazyLock<BTreeMap<&'static str, Value>> = LazyLock::new(|| {
    let schema = |stream: &str| std::fs::read_to_string(format!("schemas/{}.json", stream.to_lowercase())).unwrap();
    streams().iter().map(|(stream, _)| (*stream, serde_json::from_str(&schema(stream)).unwrap())).collect()
});

/// The members of an object, in order, as they are written.
struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

/// The row as its record must hold it, byte for byte.
pub(crate) fn promised(stream: &str, row: &str) -> String {
    let row = with_milliseconds(row);
    let Members(members) = serde_json::from_str(&row).unwrap();
    let (mut kept, mut extra) = (Vec::new(), Vec::new());
    for (name, value) in members {
        let schema = &SCHEMAS[stream]["properties"][&name];
        let raw = value.get();
        match column(schema, raw) {
            _ if schema.is_null() => extra.push(format!("\"{name}\":{raw}")),
            Some(value) => kept.push(format!("\"{name}\":{value}")),
            None => {
                kept.push(format!("\"{name}\":null"));
                extra.push(format!("\"{name}\":{raw}"));
            }
        }
    }
    if !extra.is_empty() {
        kept.push(format!("\"_extra\":{{{}}}", extra.join(",")));
    }
    format!("{{{}}}", kept.join(","))
}

/// An element of a list, each of whose members its own schema can hold.
fn part(schema: &Value, Members(members): Members) -> String {
    let member = |(name, value): (String, Box<RawValue>)| {
        let raw = value.get();
        let held = column(&schema["properties"][&name], raw).unwrap_or_else(|| raw.to_owned());
        format!("\"{name}\":{held}")
    };
    format!("{{{}}}", members.into_iter().map(member).collect::<Vec<_>>().join(","))
}

/// What its column holds of a value, if it can.
fn column(schema: &Value, raw: &str) -> Option<String> {
    let promises =
        |name: &str| schema["type"] == name || schema["type"].as_array().is_some_and(|t| t.contains(&name.into()));
    if schema["items"]["properties"].is_object() && raw.starts_with('[') {
        let elements: Vec<Members> = serde_json::from_str(raw).unwrap();
        let elements: Vec<_> = elements.into_iter().map(|element| part(&schema["items"], element)).collect();
        return Some(format!("[{}]", elements.join(",")));
    }
    let is_number = promises("number") || promises("integer");
    let inside = raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"'));
    let is_boolean = matches!(raw, "true" | "false");
    Some(match inside {
        Some("") if promises("array") => "[]".to_owned(),
        Some("") if !promises("string") => "null".to_owned(),
        Some(text) if is_number => text.to_owned(),
        Some("YES" | "true") if promises("boolean") => "true".to_owned(),
        Some("NO" | "false") if promises("boolean") => "false".to_owned(),
        Some(text) if schema["format"] == "date" => format!("\"{}\"", &text[..10]),
        None if is_boolean && promises("string") => format!("\"{raw}\""),
        None if is_number && raw.bytes().take_while(u8::is_ascii_digit).count() >= TOO_MANY_DIGITS => return None,
        _ => raw.to_owned(),
    })
}

/// All times to the millisecond.
fn with_milliseconds(row: &str) -> String {
    const SECONDS: &str = "\"dddd-dd-ddTdd:dd:dd";
    let is_time = |text: &[u8]| {
        let matches = |(byte, like): (&u8, u8)| if like == b'd' { byte.is_ascii_digit() } else { *byte == like };
        text.len() > SECONDS.len()
            && text.iter().zip(SECONDS.bytes()).all(matches)
            && matches!(text[SECONDS.len()..], [b'"', ..] | [b'Z', b'"', ..])
    };
    let (mut whole, mut from) = (String::new(), 0);
    for (at, _) in row.match_indices('"') {
        if is_time(&row.as_bytes()[at..]) {
            whole += &row[from..at + SECONDS.len()];
            whole += ".000";
            from = at + SECONDS.len();
        }
    }
    whole + &row[from..]
}
