//! The rows in rows against another reading: what the parent's own line says that its lists hold, of pages that are mutated at random.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{ChildList, ChildRows};
use crate::record::differential::{SCHEMA, has_repeated, page};
use crate::record::schema::RowSchema;
use crate::record::{ChildRecords, RecordFormat, Scanner};

const CARRIED: &[(&str, &str)] = &[("id", "row_id"), ("at", "at")];
static PARTS: ChildRows = ChildRows { carried: CARRIED, lists: &[ChildList::objects("parts")] };
static TEXTS: ChildRows = ChildRows {
    carried: CARRIED,
    lists: &[
        ChildList::texts("list", "text").labelled("of", "list").beside(&[("n", "n")]),
        ChildList::value("words", "text").labelled("of", "words"),
    ],
};

/// The two children, of which the second is told apart by a label and an index as well.
fn format() -> RecordFormat {
    let schema = RowSchema::compile(SCHEMA, "id", Some("at"), &["words", "yes"]).unwrap();
    let child = |stream, key, rows| ChildRecords { stream, namespace: None, key, rows };
    RecordFormat::new(schema, "S", None).with_children([
        child("S_PART", &["row_id", "index"], &PARTS),
        child("S_TEXT", &["row_id", "of", "index"], &TEXTS),
    ])
}

/// What a line holds of its row.
fn data(line: &str) -> Map<String, Value> {
    let line: Value = serde_json::from_str(line).unwrap();
    line["record"]["data"].as_object().unwrap().clone()
}

/// What of `_extra` lies at `path`, and below it with the paths that it has there.
fn extras_at(row: &Map<String, Value>, path: &str) -> (Option<Value>, BTreeMap<String, Value>) {
    let extras = row.get("_extra").and_then(Value::as_object).into_iter().flatten();
    let below = extras.clone().filter_map(|(name, value)| {
        Some((name.strip_prefix(path)?.strip_prefix('.')?.replace("place.", "place_"), value.clone()))
    });
    (extras.clone().find(|(name, _)| *name == path).map(|(_, value)| value.clone()), below.collect())
}

fn carried(row: &Map<String, Value>) -> Map<String, Value> {
    let fields = CARRIED.iter().filter_map(|(field, column)| Some(((*column).to_owned(), row.get(*field)?.clone())));
    fields.collect()
}

fn with(mut row: Map<String, Value>, fields: impl IntoIterator<Item = (&'static str, Value)>) -> Map<String, Value> {
    row.extend(fields.into_iter().map(|(name, value)| (name.to_owned(), value)));
    row
}

/// The rows of the first child.
fn parts(row: &Map<String, Value>) -> Vec<Map<String, Value>> {
    if let (Some(stray), _) = extras_at(row, "parts") {
        return vec![with(carried(row), [("index", json!(0)), ("_extra", json!({"row": stray}))])];
    }
    let parts = row.get("parts").and_then(Value::as_array).into_iter().flatten().enumerate();
    let part = |(index, part): (usize, &Value)| {
        let (stray, mut extra) = extras_at(row, &format!("parts[{index}]"));
        let mut child = with(carried(row), [("index", json!(index))]);
        match part {
            Value::Object(members) => {
                for (name, value) in members {
                    match (name.as_str(), value) {
                        ("n" | "local", value) => drop(child.insert(name.clone(), value.clone())),
                        ("place", Value::Object(place)) => {
                            for (name, value) in place {
                                let column = format!("place_{name}");
                                if name == "city" {
                                    child.insert(column, value.clone());
                                } else {
                                    extra.insert(column, value.clone());
                                }
                            }
                        }
                        ("place", _) => {}
                        (_, value) => drop(extra.insert(name.clone(), value.clone())),
                    }
                }
            }
            _ => extra = BTreeMap::from([("row".to_owned(), stray?)]),
        }
        Some(if extra.is_empty() { child } else { with(child, [("_extra", json!(extra))]) })
    };
    parts.filter_map(part).collect()
}

/// Those of the second one: how many there are, and the values of those that have one.
fn texts(row: &Map<String, Value>) -> Vec<Value> {
    let is_blank = |value: &&Value| value.is_null() || value.as_str().is_some_and(|text| text.trim_ascii().is_empty());
    let list = row.get("list").and_then(Value::as_array).into_iter().flatten();
    list.chain(row.get("words")).filter(|value| !is_blank(value)).cloned().collect()
}

fn sorted(texts: Vec<Value>) -> Vec<String> {
    let text = |text: Value| text.as_str().map_or_else(|| text.to_string(), |text| text.trim_ascii().to_owned());
    let mut texts: Vec<_> = texts.into_iter().map(text).collect();
    texts.sort();
    texts
}

#[test]
fn the_rows_in_a_row_are_what_the_row_itself_says_that_it_holds() {
    let documents = std::env::var("SOURCE_NAVAN_FUZZ_DOCUMENTS").map_or(100_000, |number| number.parse().unwrap());
    let mut random = fastrand::Rng::with_seed(12);
    let (mut compared, mut format) = (0, format());
    for number in 0..documents {
        // A format tells a thousand undeclared fields apart, and mutations make more.
        if number % 200 == 0 {
            format = self::format();
        }
        let page = page(&mut random);
        let mut scanner = Scanner::new(&page);
        let batch = format.scan(&mut scanner).and_then(|batch| scanner.end().map(|()| batch));
        let Ok(batch) = batch else { continue };
        // Of a name that comes twice in an object, readers of the line take the last one; what it held is no matter here.
        if has_repeated(&page) {
            continue;
        }
        let shown = String::from_utf8_lossy(&page).into_owned();
        let (own, children) = batch.into_lines();
        let rows: Vec<_> = str::from_utf8(own.as_bytes()).unwrap().lines().map(data).collect();
        let children: Vec<Vec<_>> = children
            .iter()
            .map(|lines| str::from_utf8(lines.as_bytes()).unwrap().lines().map(data).collect())
            .collect();
        assert_eq!(children[0], rows.iter().flat_map(parts).collect::<Vec<_>>(), "{shown}");
        // What commas divide here is in the parent's line a list of one text.
        let expected: Vec<_> = rows.iter().flat_map(texts).collect();
        if !expected.iter().any(|text| text.as_str().is_some_and(|text| text.contains(','))) {
            let whole = children[1].iter().filter(|row| !row.contains_key("_extra")).map(|row| row["text"].clone());
            assert_eq!(sorted(whole.collect()), sorted(expected), "{shown}");
        }
        compared += 1;
    }
    assert!(compared > documents / 20, "{compared} of {documents} pages were compared");
}
