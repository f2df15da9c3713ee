//! What a stream's rows promise to look like: its JSON Schema, compiled once for the scan.

use serde_json::Value;

use super::field_index::FieldIndex;
use super::scanner::ValueKind;
use super::timestamp;
use crate::error::Error;

/// Number of a place in the schema.
pub(super) type NodeId = u16;

/// What a stream's rows look like.
pub struct RowSchema {
    pub(super) root: SchemaNode,
    /// As a person would name each place: `segments[].departure.city`.
    paths: Vec<String>,
    pub(super) key: NodeId,
}

/// One place in the schema.
pub(super) struct SchemaNode {
    pub(super) id: NodeId,
    /// A bit for each promised [`ValueKind`].
    kinds: u8,
    pub(super) format: Format,
    pub(super) role: FieldRole,
    pub(super) fields: FieldIndex<SchemaNode>,
    pub(super) items: Option<Box<SchemaNode>>,
}

/// What a top-level field is to the stream.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum FieldRole {
    Plain,
    /// It identifies the row.
    Key,
    /// It tells the time by which the stream is read.
    Cursor,
    /// It comes in two forms, and gets the promised one.
    Coerced,
}

/// What a string promises to hold.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Any,
    Date,
    /// With an offset.
    DateTime,
    /// Without one.
    LocalDateTime,
}

impl RowSchema {
    /// Compiles a stream's JSON Schema. `key` and `cursor` are the fields that identify a row and by which the stream is read,
    /// `coerced` the top-level fields that are known to come in two forms.
    ///
    /// # Errors
    /// A `system_error` if the schema was broken when the binary was built.
    pub fn compile(schema: &str, key: &str, cursor: Option<&str>, coerced: &[&str]) -> Result<Self, Error> {
        let schema: Value = serde_json::from_str(schema)
            .map_err(|e| Error::system("The connector was built with a broken schema.").with_cause(e))?;
        let mut paths = Vec::new();
        let mut root = SchemaNode::compile(&schema, "", &mut paths);
        let roles = coerced.iter().map(|name| (*name, FieldRole::Coerced));
        let roles = roles.chain([(key, FieldRole::Key)]).chain(cursor.map(|name| (name, FieldRole::Cursor)));
        for (name, role) in roles {
            if let Some(field) = root.fields.get_mut(name) {
                field.role = role;
            }
        }
        let key = root.fields.get_mut(key).map_or(root.id, |field| field.id);
        Ok(Self { root, paths, key })
    }

    /// As a person would name that place.
    pub(super) fn path(&self, node: NodeId) -> &str {
        self.paths.get(usize::from(node)).map_or("", String::as_str)
    }
}

impl SchemaNode {
    fn compile(schema: &Value, path: &str, paths: &mut Vec<String>) -> Self {
        #[allow(clippy::cast_possible_truncation)] // a schema has a few hundred places
        let id = paths.len() as NodeId;
        paths.push(path.to_owned());
        let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        let fields = schema["properties"].as_object().into_iter().flatten();
        let fields = fields.map(|(name, field)| (name.as_str(), Self::compile(field, &below(name), paths))).collect();
        let items = schema.get("items").map(|items| Box::new(Self::compile(items, &format!("{path}[]"), paths)));
        Self { id, kinds: promised_kinds(schema), format: Format::of(schema), role: FieldRole::Plain, fields, items }
    }

    /// Whether a value of that kind is as promised.
    #[inline]
    pub(super) fn promises(&self, kind: ValueKind) -> bool {
        self.kinds & (1 << kind as u8) != 0
    }
}

/// A schema without types promises nothing, and so allows all.
fn promised_kinds(schema: &Value) -> u8 {
    let types: Vec<_> = match &schema["type"] {
        Value::String(one) => vec![one.as_str()],
        several => several.as_array().into_iter().flatten().filter_map(Value::as_str).collect(),
    };
    if types.is_empty() {
        return u8::MAX;
    }
    let kind = |name: &str| match name {
        "null" => Some(ValueKind::Null),
        "boolean" => Some(ValueKind::Boolean),
        "number" | "integer" => Some(ValueKind::Number),
        "string" => Some(ValueKind::String),
        "array" => Some(ValueKind::Array),
        "object" => Some(ValueKind::Object),
        _ => None,
    };
    types.into_iter().filter_map(kind).fold(0, |kinds, kind| kinds | 1 << kind as u8)
}

impl Format {
    fn of(schema: &Value) -> Self {
        match schema["format"].as_str() {
            Some("date") => Self::Date,
            Some("date-time") if schema["airbyte_type"] == "timestamp_without_timezone" => Self::LocalDateTime,
            Some("date-time") => Self::DateTime,
            _ => Self::Any,
        }
    }

    /// Whether the inside of a string is of the format.
    #[inline]
    pub(super) fn is_met_by(self, text: &[u8]) -> bool {
        match self {
            Self::Any => true,
            Self::Date => timestamp::is_date(text),
            Self::DateTime => timestamp::is_date_time(text, true),
            Self::LocalDateTime => timestamp::is_date_time(text, false),
        }
    }
}
