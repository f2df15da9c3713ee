//! docs/streams.md, made from the declarations and schemas of the streams.

use std::fmt::Write as _;

use serde_json::Value;

use super::{STREAMS, Stream, tests::file};

const PATH: &str = "docs/streams.md";

const INTRODUCTION: &str = "# Streams

Every stream and every column, made from [schemas/](../schemas) by a test. What the types mean, and what becomes of a value in another form,
says [data-types.md](data-types.md); where the facts come from, [navan-api.md](navan-api.md). What is marked as personal data can be
[hashed or left out](personal-data.md).

[![The streams, their keys and how they join](erd.svg)](erd.svg)
";

/// What a user calls the type of a column.
pub(super) fn type_of(schema: &Value) -> String {
    let types: Vec<_> = match &schema["type"] {
        Value::String(one) => vec![one.as_str()],
        several => several.as_array().into_iter().flatten().filter_map(Value::as_str).collect(),
    };
    let kind = types.iter().find(|kind| **kind != "null").copied().unwrap_or("anything");
    match (kind, schema["format"].as_str()) {
        ("string", Some("date")) => "date".to_owned(),
        ("string", Some("date-time")) if schema["airbyte_type"] == "timestamp_without_timezone" => {
            "local date-time".to_owned()
        }
        ("string", Some(format)) => format.to_owned(),
        ("array", _) => match &schema["items"] {
            Value::Null => "array".to_owned(),
            items => format!("array of {}s", type_of(items)),
        },
        (kind, _) => kind.to_owned(),
    }
}

/// The rows of a table for the columns of an object, those of objects in it behind them.
fn columns(schema: &Value, prefix: &str, out: &mut String) {
    for (name, column) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{prefix}{name}");
        let words = column["description"].as_str().unwrap_or_default();
        let is_personal = [column, &column["items"]].iter().any(|place| !place["x-personal-data"].is_null());
        let words = format!("{words}{}", if is_personal { " *Personal data.*" } else { "" });
        writeln!(out, "| `{path}` | {} | {words} |", type_of(column)).unwrap();
        columns(column, &format!("{path}."), out);
        columns(&column["items"], &format!("{path}[]."), out);
    }
}

fn stream(name: &str, schema: &str, key: &[&str], parent: Option<&str>, modes: &str, out: &mut String) {
    let schema: Value = serde_json::from_str(schema).unwrap();
    let key: Vec<_> = key.iter().map(|column| format!("`{column}`")).collect();
    let key = if key.is_empty() { "No key".to_owned() } else { format!("Key {}", key.join(", ")) };
    let read =
        parent.map_or_else(|| format!("read by {modes}"), |parent| format!("read with `{parent}`, in the same modes"));
    let words = |field: &str| schema[field].as_str().unwrap_or_else(|| panic!("{name} has no {field}"));
    let (description, source) = (words("description"), words("$comment"));
    write!(out, "\n## <a id=\"{}\"></a>{name}\n\n{description} {key}; {read}.\n\n", name.to_lowercase()).unwrap();
    write!(out, "{source}\n\n| column | type | meaning |\n|---|---|---|\n").unwrap();
    columns(&schema, "", out);
}

/// How a stream can be read, in words.
fn modes(stream: &Stream) -> String {
    let modes = stream.strategy.modes().sync_modes.iter().map(|mode| serde_json::to_value(mode).unwrap());
    let modes: Vec<_> = modes.map(|mode| mode.as_str().unwrap().replace('_', " ")).collect();
    modes.join(" or ")
}

/// All streams in a table.
fn overview(out: &mut String) {
    out.push_str("\n| stream | key | read by |\n|---|---|---|\n");
    let mut row = |name: &str, key: &[&str], modes: &str| {
        let key: Vec<_> = key.iter().map(|column| format!("`{column}`")).collect();
        let key = if key.is_empty() { "none is known".to_owned() } else { key.join(", ") };
        writeln!(out, "| `{name}` | {key} | {modes} |").unwrap();
    };
    for parent in STREAMS {
        row(parent.name, parent.key.as_slice(), &modes(parent));
        for child in parent.children {
            row(child.name, child.key, &format!("the same, out of the rows of `{}`", parent.name));
        }
    }
}

fn page() -> String {
    let mut out = INTRODUCTION.to_owned();
    overview(&mut out);
    for parent in STREAMS {
        stream(parent.name, parent.schema, parent.key.as_slice(), None, &modes(parent), &mut out);
        for child in parent.children {
            stream(child.name, child.schema, child.key, Some(parent.name), "", &mut out);
        }
    }
    out
}

/// Compares a file with what it should be. With `UPDATE_DOCS=1` it writes the file instead.
pub(crate) fn assert_up_to_date(path: &str, right: &str) {
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(path), right).unwrap();
        return;
    }
    let written = file(path);
    let differs = written
        .lines()
        .zip(right.lines())
        .find(|(written, right)| written != right)
        .map_or_else(|| "one of them is longer".to_owned(), |(_, right)| right.to_owned());
    assert!(
        written == right,
        "{path} is not up to date: UPDATE_DOCS=1 cargo test --lib writes it anew. First difference: {differs:?}"
    );
}

#[test]
fn the_page_of_streams_says_what_their_schemas_say() {
    assert_up_to_date(PATH, &page());
}
