//! The columns of a table, as a stream's schema has them: an object whose members are declared gives a column for each of these.

use std::collections::HashMap;

use serde_json::Value;

use crate::error::Error;
use crate::record::EXTRA;

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name, the members of its path with `_` between them: `destination_city`.
    pub name: String,
    /// Where its value is in a row.
    pub path: Vec<String>,
    /// What it holds.
    pub kind: ColumnKind,
}

/// What a column holds, by the schema's type and format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// Text.
    Text,
    /// A number, with all its digits.
    Number,
    /// A whole number of 64 bits.
    Integer,
    /// True or false.
    Boolean,
    /// A day.
    Date,
    /// A moment, RFC 3339 with an offset.
    Timestamp,
    /// A time at the place, without an offset.
    LocalTimestamp,
    /// A list of texts.
    TextList,
    /// Any other list, or an object whose members nobody declared: JSON.
    Json,
}

/// The columns of a table, and which of them a row's members belong to.
pub(super) struct Columns {
    pub(super) list: Vec<Column>,
    /// The number of the column of what no other has a place for, if it is wanted.
    pub(super) extra: Option<usize>,
    /// Whether all are wanted.
    pub(super) is_whole: bool,
    pub(super) root: Members,
}

/// The members of an object.
pub(super) struct Members {
    /// The object's path: empty for the row itself.
    pub(super) path: String,
    /// By name, as JSON has it: none of a schema's is escaped.
    places: HashMap<Vec<u8>, ColumnPlace, foldhash::fast::RandomState>,
}

/// Where a member belongs.
pub(super) enum ColumnPlace {
    /// In the column of that number.
    Column(u16),
    /// Its own members have places.
    Object(Members),
    /// Its column is not wanted.
    Unwanted,
}

impl ColumnKind {
    /// Whether a time stands in it, as ISO 8601 has it.
    pub(super) fn is_time(self) -> bool {
        matches!(self, Self::Date | Self::Timestamp | Self::LocalTimestamp)
    }
}

impl Columns {
    /// All columns that a schema has, or those that are wanted, in that order. Whoever wants an object by its name gets all that is in it.
    /// `are_nested`: the format has objects.
    ///
    /// # Errors
    /// A `system_error` if the schema was broken when the binary was built.
    pub(super) fn new(schema: &str, wanted: Option<&[String]>, are_nested: bool) -> Result<Self, Error> {
        let all = all(schema)?;
        let list = match wanted {
            None => all.clone(),
            Some(wanted) => chosen(&all, wanted, are_nested),
        };
        let mut root = Members::at(String::new());
        for column in &all {
            let number = (0..).zip(&list).find_map(|(number, chosen)| (chosen.path == column.path).then_some(number));
            root.put(&column.path, number);
        }
        Ok(Self { is_whole: wanted.is_none(), extra: list.iter().position(|column| column.name == EXTRA), list, root })
    }
}

impl Members {
    fn at(path: String) -> Self {
        Self { path, places: HashMap::default() }
    }

    pub(super) fn get(&self, name: &[u8]) -> Option<&ColumnPlace> {
        self.places.get(name)
    }

    /// The path of a member.
    pub(super) fn path_of(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    fn put(&mut self, path: &[String], column: Option<u16>) {
        match path {
            [] => {}
            [name] => {
                self.places
                    .insert(name.clone().into_bytes(), column.map_or(ColumnPlace::Unwanted, ColumnPlace::Column));
            }
            [name, rest @ ..] => {
                let path = self.path_of(name);
                let place =
                    self.places.entry(name.clone().into_bytes()).or_insert_with(|| ColumnPlace::Object(Self::at(path)));
                if let ColumnPlace::Object(members) = place {
                    members.put(rest, column);
                }
            }
        }
    }
}

/// Each once, in the order in which they are named; where objects are nested, those of one stand side by side.
fn chosen(all: &[Column], wanted: &[String], are_nested: bool) -> Vec<Column> {
    let named: Vec<_> = wanted.iter().flat_map(|name| named(all, name)).collect();
    let first = |is_it: &dyn Fn(&Column) -> bool| named.iter().position(|other| is_it(other));
    let mut chosen: Vec<_> = all.iter().filter(|column| named.contains(column)).cloned().collect();
    if are_nested {
        chosen.sort_by_key(|column| first(&|other| other.path[0] == column.path[0]));
    } else {
        chosen.sort_by_key(|column| first(&|other| other == column));
    }
    chosen
}

/// The columns that a name stands for: one, or those of an object.
pub fn named<'a>(columns: &'a [Column], name: &'a str) -> impl Iterator<Item = &'a Column> {
    let is = |other: &str| other.eq_ignore_ascii_case(name);
    columns.iter().filter(move |column| is(&column.name) || column.path.first().is_some_and(|first| is(first)))
}

/// All columns of a schema.
///
/// # Errors
/// A `system_error` if the schema was broken when the binary was built.
pub fn all(schema: &str) -> Result<Vec<Column>, Error> {
    let schema: Value = serde_json::from_str(schema)
        .map_err(|e| Error::system("The connector was built with a broken schema.").with_cause(e))?;
    let mut columns = Vec::new();
    collect(&schema, &mut Vec::new(), &mut columns);
    Ok(columns)
}

fn collect(schema: &Value, path: &mut Vec<String>, columns: &mut Vec<Column>) {
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        path.push(name.clone());
        if schema["properties"].is_object() {
            collect(schema, path, columns);
        } else {
            columns.push(Column { name: path.join("_"), path: path.clone(), kind: kind(schema) });
        }
        path.pop();
    }
}

fn kind(schema: &Value) -> ColumnKind {
    let is = |schema: &Value, kind: &str| match &schema["type"] {
        Value::Array(kinds) => kinds.iter().any(|other| other == kind),
        other => other == kind,
    };
    match schema["format"].as_str() {
        Some("date") => ColumnKind::Date,
        Some("date-time") if schema["airbyte_type"] == "timestamp_without_timezone" => ColumnKind::LocalTimestamp,
        Some("date-time") => ColumnKind::Timestamp,
        _ if is(schema, "string") => ColumnKind::Text,
        _ if is(schema, "number") => ColumnKind::Number,
        _ if is(schema, "integer") => ColumnKind::Integer,
        _ if is(schema, "boolean") => ColumnKind::Boolean,
        _ if is(schema, "array") && is(&schema["items"], "string") => ColumnKind::TextList,
        _ => ColumnKind::Json,
    }
}
