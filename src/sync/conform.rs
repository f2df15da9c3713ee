//! Bringing a row into the form that its schema promises, byte by byte only where it must be.
//!
//! The stream's schema is compiled once into [`Shape`]s. Each row is walked along them: on the way its key and cursor are
//! picked up, a field known to waver gets its promised form by an [`Edit`], and a form that nobody foresaw is noted,
//! and passes untouched. A row without edits is written as the bytes that came.

use std::ops::Range;

use serde_json::Value;

use super::fields::Fields;

use super::json::{Kind, Walk};
use crate::error::Error;

/// What a stream's rows look like.
pub struct Schema {
    root: Shape,
    key: &'static str,
}

/// One place in the schema.
struct Shape {
    /// As a person would name it: `segments[].departure.city`.
    path: String,
    /// Whether each [`Kind`] is promised.
    kinds: [bool; 6],
    format: Format,
    role: Role,
    fields: Fields<Shape>,
    items: Option<Box<Shape>>,
}

/// What a top-level field is to the stream.
#[derive(Clone, Copy)]
enum Role {
    Plain,
    /// It identifies the row.
    Key,
    /// It tells the time by which the stream goes.
    Time,
    /// It is known to waver between the promised form and another.
    Wavers,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Any,
    Date,
    /// With an offset.
    DateTime,
    /// Without one.
    LocalDateTime,
}

/// What was found in a row.
#[derive(Debug, Default)]
pub struct Found<'a> {
    /// The key as written, without quotes; `None` if it is absent or null.
    pub key: Option<&'a str>,
    /// The time by which the stream goes (creation or change), as written.
    pub time: Option<&'a str>,
    /// What to write in place of what, in order.
    pub edits: Vec<Edit>,
    /// Fields in a form that nobody foresaw.
    pub unforeseen: Vec<&'a str>,
}

/// A value in another form.
#[derive(Debug, PartialEq, Eq)]
pub struct Edit {
    /// Where the value stands in the row.
    pub span: Range<usize>,
    /// What is written there.
    pub to: String,
}

impl Schema {
    /// Compiles a stream's JSON Schema; `time` is the field by which the stream goes, `wavering` the top-level fields
    /// that are known to come in two forms.
    ///
    /// # Errors
    /// A `system_error` if the schema was broken when the binary was built.
    pub fn compile(schema: &str, key: &'static str, time: &'static str, wavering: &[&str]) -> Result<Self, Error> {
        let schema: Value = serde_json::from_str(schema)
            .map_err(|e| Error::system("The connector was built with a broken schema.").because(e))?;
        let mut root = Shape::compile(&schema, String::new());
        let roles = wavering.iter().map(|name| (*name, Role::Wavers)).chain([(key, Role::Key), (time, Role::Time)]);
        for (name, role) in roles {
            if let Some(field) = root.fields.get_mut(name) {
                field.role = role;
            }
        }
        Ok(Self { root, key })
    }

    /// Walks over a row.
    pub fn look<'a>(&'a self, row: &'a str) -> Found<'a> {
        let mut found = Found::default();
        let mut walk = Walk::new(row.as_bytes());
        walk.enter();
        let mut before = None;
        while walk.member() {
            let Some(shape) = self.root.fields.step(&mut walk, &mut before) else {
                walk.skip();
                continue;
            };
            let kind = walk.kind();
            let start = walk.at();
            shape.look(&mut walk, kind, &mut found.unforeseen);
            let span = start..walk.at();
            match shape.role {
                Role::Wavers => shape.settle(row, span, kind, &mut found),
                Role::Key if kind != Kind::Null => found.key = Some(unquoted(&row[span])),
                Role::Time if kind == Kind::String => found.time = Some(unquoted(&row[span])),
                Role::Plain | Role::Key | Role::Time => {}
            }
        }
        if found.key.is_none() {
            found.unforeseen.push(self.key);
        }
        found
    }
}

impl Shape {
    fn compile(schema: &Value, path: String) -> Self {
        let types = match &schema["type"] {
            Value::String(one) => vec![one.as_str()],
            several => several.as_array().into_iter().flatten().filter_map(Value::as_str).collect(),
        };
        let promised = |names: &[&str]| types.is_empty() || types.iter().any(|t| names.contains(t));
        let local = schema["airbyte_type"] == "timestamp_without_timezone";
        let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        let fields = schema["properties"].as_object().into_iter().flatten();
        Self {
            kinds: [
                promised(&["null"]),
                promised(&["boolean"]),
                promised(&["number", "integer"]),
                promised(&["string"]),
                promised(&["array"]),
                promised(&["object"]),
            ],
            format: match schema["format"].as_str() {
                Some("date") => Format::Date,
                Some("date-time") if local => Format::LocalDateTime,
                Some("date-time") => Format::DateTime,
                _ => Format::Any,
            },
            role: Role::Plain,
            fields: fields.map(|(name, s)| (name.as_str(), Self::compile(s, below(name)))).collect(),
            items: schema.get("items").map(|items| Box::new(Self::compile(items, format!("{path}[]")))),
            path,
        }
    }

    /// Steps over a value of `kind`, noting what is not as promised.
    fn look<'a>(&'a self, walk: &mut Walk<'_>, kind: Kind, unforeseen: &mut Vec<&'a str>) {
        let before = unforeseen.len();
        match kind {
            Kind::Object if !self.fields.is_empty() => {
                walk.enter();
                let mut before = None;
                while walk.member() {
                    if let Some(shape) = self.fields.step(walk, &mut before) {
                        let kind = walk.kind();
                        shape.look(walk, kind, unforeseen);
                    } else {
                        walk.skip();
                    }
                }
            }
            Kind::Array if let Some(items) = &self.items => {
                walk.enter();
                while walk.element() {
                    let kind = walk.kind();
                    items.look(walk, kind, unforeseen);
                }
            }
            Kind::String if self.format != Format::Any => {
                if !self.format.is_met_by(walk.string()) {
                    unforeseen.push(&self.path);
                }
            }
            _ => {
                walk.skip();
            }
        }
        if !self.kinds[kind as usize] && unforeseen.len() == before {
            unforeseen.push(&self.path);
        }
    }

    /// Gives a wavering value its promised form, if that is known how.
    fn settle<'a>(&'a self, row: &str, span: Range<usize>, kind: Kind, found: &mut Found<'a>) {
        let value = &row[span.clone()];
        let to = match kind {
            Kind::String if value == "\"\"" && self.kinds[Kind::Array as usize] => "[]".to_owned(),
            Kind::Boolean if !self.kinds[kind as usize] && self.kinds[Kind::String as usize] => format!("\"{value}\""),
            Kind::String if self.format == Format::Date => match date_of(unquoted(value)) {
                Some(date) => format!("\"{date}\""),
                None => return,
            },
            _ => return,
        };
        // It was noted as unforeseen on the way, as the last one.
        if found.unforeseen.last() == Some(&self.path.as_str()) {
            found.unforeseen.pop();
        }
        found.edits.push(Edit { span, to });
    }
}

impl Format {
    fn is_met_by(self, text: &[u8]) -> bool {
        match self {
            Self::Any => true,
            Self::Date => text.len() == 10 && is_date(text),
            Self::DateTime => is_time(text) && has_offset(text),
            Self::LocalDateTime => is_time(text) && !has_offset(text),
        }
    }
}

/// `YYYY-MM-DD` at the start.
fn is_date(text: &[u8]) -> bool {
    text.len() >= 10
        && text[..10].iter().enumerate().all(|(at, b)| if at == 4 || at == 7 { *b == b'-' } else { b.is_ascii_digit() })
}

/// A date, `T`, and a time at least to the minute.
fn is_time(text: &[u8]) -> bool {
    is_date(text) && text.len() >= 16 && text[10] == b'T' && text[11].is_ascii_digit() && text[13] == b':'
}

fn has_offset(text: &[u8]) -> bool {
    text.ends_with(b"Z") || text[11..].iter().any(|b| matches!(b, b'+' | b'-'))
}

/// The date of a date-time; `None` if it is a date already, or something else.
fn date_of(text: &str) -> Option<&str> {
    (text.len() > 10 && is_date(text.as_bytes()) && matches!(text.as_bytes()[10], b'T' | b' ')).then(|| &text[..10])
}

fn unquoted(value: &str) -> &str {
    value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).unwrap_or(value)
}

/// Writes `row` with its edits.
pub fn write_edited(row: &str, edits: &[Edit], into: &mut Vec<u8>) {
    let mut from = 0;
    for edit in edits {
        into.extend_from_slice(&row.as_bytes()[from..edit.span.start]);
        into.extend_from_slice(edit.to.as_bytes());
        from = edit.span.end;
    }
    into.extend_from_slice(&row.as_bytes()[from..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema() -> Schema {
        let text = r#"{"type":"object","properties":{
            "id":{"type":"string"}, "at":{"type":"string","format":"date-time"}, "words":{"type":["null","string"]},
            "list":{"type":["null","array"],"items":{"type":["null","string"]}}, "day":{"type":["null","string"],"format":"date"},
            "open":{"type":["null","object"]},
            "parts":{"type":["null","array"],"items":{"type":"object","properties":{
                "n":{"type":["null","number"]},"local":{"type":"string","format":"date-time","airbyte_type":"timestamp_without_timezone"}}}}}}"#;
        Schema::compile(text, "id", "at", &["words", "list", "day"]).unwrap()
    }

    fn conformed(row: &str) -> (String, Vec<String>) {
        let schema = schema();
        let found = schema.look(row);
        let mut written = Vec::new();
        write_edited(row, &found.edits, &mut written);
        (String::from_utf8(written).unwrap(), found.unforeseen.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_row_of_the_promised_form_passes_as_it_came() {
        let row = r#"{"id":"a\"b","at":"2024-01-02T03:04:05.6Z","words":"w","list":["x",null],"day":"2024-01-02","new":[1,{"id":2}],"parts":[{"n":1.50,"local":"2024-01-02T03:04:05"},{"n":null}]}"#;
        assert_eq!(conformed(row), (row.to_owned(), vec![]));
        let schema = schema();
        let found = schema.look(row);
        assert_eq!((found.key, found.time), (Some(r#"a\"b"#), Some("2024-01-02T03:04:05.6Z")));
    }

    #[test]
    fn wavering_values_get_the_promised_form() {
        let row =
            r#"{"id":"1","words":true,"big":123456789012345678901234567890,"list":"","day":"2024-01-02T00:00:00"}"#;
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
            let (written, unforeseen) = conformed(row);
            assert_eq!(written, row);
            assert!(unforeseen.contains(&field.to_owned()), "{row}: {unforeseen:?}");
        }
    }
}
