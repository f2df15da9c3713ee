//! What a stream's rows promise to look like: its JSON Schema, compiled once for the scan.

use std::ops::Range;

use serde_json::Value;

use super::escapes::unescaped;
use super::extension::ExtensionColumns;
use super::field_index::FieldIndex;
use super::personal_data::{PersonalData, PersonalMark};
use super::scanner::ValueKind;
use crate::error::Error;

/// The column of what the schema has no place for.
pub const EXTRA: &str = "_extra";

/// The columns that tell what became of a row's file.
pub const PATH_COLUMN: &str = "file_path";
/// Why there is none.
pub const ERROR_COLUMN: &str = "file_error";

/// The column of when a row was deleted, in streams whose deletions are found.
pub const DELETED_COLUMN: &str = "_ab_cdc_deleted_at";

/// Columns that are ours: what Navan sends by these names is a field that nobody declared.
const OURS: [&str; 4] = [EXTRA, PATH_COLUMN, ERROR_COLUMN, DELETED_COLUMN];

/// Number of a place in the schema.
pub(super) type NodeId = u16;

/// What a stream's rows look like.
pub struct RowSchema {
    pub(super) root: SchemaNode,
    /// As a person would name each place: `segments[].departure.city`.
    paths: Vec<String>,
    /// The place of the key, if the stream has one.
    pub(super) key: Option<NodeId>,
    /// Whether it is known of each row which UUID it has.
    pub(super) tracks_keys: bool,
    /// The columns that come from extensions, if the stream's rows have any.
    pub(super) extension: Option<ExtensionColumns>,
    pub(super) personal: PersonalData,
}

/// One place in the schema. What is looked at for each value comes first, near to the field's name.
#[repr(C)]
pub(super) struct SchemaNode {
    pub(super) id: NodeId,
    /// A bit for each promised [`ValueKind`].
    kinds: u16,
    pub(super) format: StringFormat,
    pub(super) role: FieldRole,
    /// Whether any string is as promised.
    pub(super) takes_any_string: bool,
    pub(super) capture: Capture,
    /// Whether it holds personal data that is not to pass as it is.
    pub(super) personal: PersonalMark,
    /// The number of the column whose cell it is, if those are noted.
    pub(super) cell: Option<u16>,
    pub(super) fields: FieldIndex<SchemaNode>,
    pub(super) items: Option<Box<SchemaNode>>,
    /// It is known to come in other forms than the promised one, so that none of them is worth a word.
    pub(super) is_coerced: bool,
}

/// What the scan notes of a place.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Capture {
    None,
    /// Where its value stands, for a table alone.
    Cell,
    /// The same for the child streams.
    Value,
    /// The same of an object, and of those of its members that the schema does not declare.
    Group,
}

/// What a top-level field is to the stream.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum FieldRole {
    Plain,
    /// It identifies the row.
    Key,
    /// It tells when the row was last changed.
    Cursor,
    /// It tells when it was created.
    Created,
}

/// What a string promises to hold.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum StringFormat {
    Any,
    Date,
    /// With an offset.
    DateTime,
    /// Without one.
    LocalDateTime,
}

impl RowSchema {
    /// Compiles a stream's JSON Schema. `key` and `cursor` are the fields that identify a row and by which the stream is read,
    /// `coerced` the paths of those that are known to come in two forms.
    ///
    /// # Errors
    /// A `system_error` if the schema was broken when the binary was built.
    pub fn compile<'a>(
        schema: &str,
        key: impl Into<Option<&'a str>>,
        cursor: Option<&'a str>,
        coerced: &[&str],
    ) -> Result<Self, Error> {
        let key = key.into();
        let schema: Value = serde_json::from_str(schema)
            .map_err(|e| Error::system("The connector was built with a broken schema.").with_cause(e))?;
        let mut paths = Vec::new();
        let mut root = SchemaNode::compile(&schema, "", &mut paths);
        let roles = [key.map(|name| (name, FieldRole::Key)), cursor.map(|name| (name, FieldRole::Cursor))];
        for (name, role) in roles.into_iter().flatten() {
            if let Some(field) = root.fields.get_mut(name) {
                field.role = role;
            }
        }
        for name in coerced {
            if let Some(field) = root.at_mut(name) {
                field.is_coerced = true;
            }
        }
        let key = key.and_then(|key| root.fields.get_mut(key)).map(|field| field.id);
        Ok(Self { root, paths, key, tracks_keys: false, extension: None, personal: PersonalData::default() })
    }

    /// With the field that tells when a row was created.
    #[must_use]
    pub fn with_created(mut self, created: Option<&str>) -> Self {
        if let Some(field) = created.and_then(|name| self.root.fields.get_mut(name)) {
            field.role = FieldRole::Created;
        }
        self
    }

    /// With keys by which it is known later which rows there were.
    #[must_use]
    pub fn tracking_keys(self, tracks_keys: bool) -> Self {
        Self { tracks_keys, ..self }
    }

    /// With the columns that come from the extensions of a row: each by its path there. A row has none of them itself.
    #[must_use]
    pub fn with_extension(mut self, columns: &[(&'static str, &'static str)]) -> Self {
        let fields = &mut self.root.fields;
        let taken: Vec<_> = columns.iter().filter_map(|(path, column)| Some((*path, fields.remove(column)?))).collect();
        self.extension = (!taken.is_empty()).then(|| ExtensionColumns::new(taken));
        self
    }

    /// With what becomes of personal data in its rows.
    #[must_use]
    pub fn with_personal_data(mut self, personal: PersonalData) -> Self {
        let Self { root, paths, extension, .. } = &mut self;
        let path = |node: &SchemaNode| paths[usize::from(node.id)].clone();
        personal.apply(root, &path);
        if let Some(extension) = extension {
            extension.columns_mut().for_each(|column| personal.apply(column, &path));
        }
        self.personal = personal;
        self
    }

    /// Whether there is a place of that path.
    pub fn has_place(&self, path: &str) -> bool {
        path == EXTRA || self.paths.iter().any(|known| known == path && !known.is_empty())
    }

    /// How many places there are.
    pub(super) fn places(&self) -> usize {
        self.paths.len()
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
        let fields = fields.filter(|(name, _)| !OURS.contains(&name.as_str()));
        let fields = fields.map(|(name, field)| (name.as_str(), Self::compile(field, &below(name), paths))).collect();
        let items = schema.get("items").map(|items| Box::new(Self::compile(items, &format!("{path}[]"), paths)));
        let (kinds, format) = (promised_kinds(schema), StringFormat::of(schema));
        let takes_any_string = format == StringFormat::Any && kinds & (1 << ValueKind::String as u16) != 0;
        let (role, capture) = (FieldRole::Plain, Capture::None);
        let personal = match &schema["x-personal-data"] {
            Value::Null => PersonalMark::None,
            Value::String(list) if list == "list" => PersonalMark::List,
            _ => PersonalMark::Value,
        };
        Self {
            id,
            kinds,
            format,
            role,
            takes_any_string,
            capture,
            personal,
            cell: None,
            fields,
            items,
            is_coerced: false,
        }
    }

    /// The place at a path below this one: `line_items[].amount`.
    pub(super) fn at_mut(&mut self, path: &str) -> Option<&mut Self> {
        path.split('.').try_fold(self, |node, name| match name.strip_suffix("[]") {
            Some(name) => node.fields.get_mut(name)?.items.as_deref_mut(),
            None => node.fields.get_mut(name),
        })
    }

    /// Whether a value of that kind is as promised.
    #[inline(always)]
    pub(super) fn promises(&self, kind: ValueKind) -> bool {
        self.kinds & (1 << kind as u16) != 0
    }

    /// The field whose name stands at `name` in `text`.
    #[inline(always)]
    pub(super) fn field(&self, text: &[u8], name: &Range<usize>) -> Option<&Self> {
        self.fields.get(text, name).or_else(|| self.field_in_escapes(&text[name.clone()]))
    }

    #[cold]
    fn field_in_escapes(&self, name: &[u8]) -> Option<&Self> {
        let name = name.contains(&b'\\').then(|| unescaped(name))?;
        self.fields.get(&name, &(0..name.len()))
    }

    /// Whether it is an array of strings of any form.
    pub(super) fn holds_strings(&self) -> bool {
        let items = self.items.as_ref().filter(|_| self.promises(ValueKind::Array));
        items.is_some_and(|items| items.promises(ValueKind::String) && items.format == StringFormat::Any)
    }
}

/// A schema without types promises nothing, and so allows all.
fn promised_kinds(schema: &Value) -> u16 {
    let types: Vec<_> = match &schema["type"] {
        Value::String(one) => vec![one.as_str()],
        several => several.as_array().into_iter().flatten().filter_map(Value::as_str).collect(),
    };
    if types.is_empty() {
        return u16::MAX;
    }
    let kinds = |name: &str| -> &[ValueKind] {
        match name {
            "null" => &[ValueKind::Null],
            "boolean" => &[ValueKind::Boolean],
            "integer" => &[ValueKind::Integer],
            "number" => &[ValueKind::Integer, ValueKind::Number],
            "string" => &[ValueKind::String],
            "array" => &[ValueKind::Array],
            "object" => &[ValueKind::Object],
            _ => &[],
        }
    };
    types.into_iter().flat_map(kinds).fold(0, |promised, kind| promised | 1 << *kind as u16)
}

impl StringFormat {
    fn of(schema: &Value) -> Self {
        match schema["format"].as_str() {
            Some("date") => Self::Date,
            Some("date-time") if schema["airbyte_type"] == "timestamp_without_timezone" => Self::LocalDateTime,
            Some("date-time") => Self::DateTime,
            _ => Self::Any,
        }
    }
}

/// A path with the numbers of the elements: `segments[].fareClass` becomes `segments[1].fareClass`.
pub(super) fn with_indices(path: &str, indices: &[usize]) -> String {
    let mut indices = indices.iter();
    let mut parts = path.split("[]").peekable();
    let mut written = String::with_capacity(path.len());
    while let Some(part) = parts.next() {
        written.push_str(part);
        if parts.peek().is_some() {
            written.push_str(&indices.next().map_or_else(|| "[]".to_owned(), |index| format!("[{index}]")));
        }
    }
    written
}
