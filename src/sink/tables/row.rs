//! A record's data, taken apart into the columns of its table. Nothing is copied: a cell is the JSON that stands in the record.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::column::{Column, Columns, Members, Place};

/// A row of a table.
pub(super) struct Row<'a> {
    columns: &'a Columns,
    cells: Vec<Option<&'a str>>,
    /// What has no column, or does not fit in its own, by its path.
    extra: Vec<(String, &'a str)>,
}

impl<'a> Row<'a> {
    /// Takes a record's data apart.
    pub(super) fn new(columns: &'a Columns, data: &'a str) -> serde_json::Result<Self> {
        let mut row = Self { columns, cells: vec![None; columns.list.len()], extra: Vec::new() };
        row.take(&columns.root, data)?;
        Ok(row)
    }

    /// The columns with their cells, JSON each; `None` for null, and for what is not there.
    pub(super) fn cells(&self) -> impl Iterator<Item = (&'a Column, Option<Cow<'a, str>>)> {
        let cells = self.columns.list.iter().zip(&self.cells).enumerate();
        cells.map(|(number, (column, cell))| {
            let is_extra = self.columns.extra == Some(number);
            let cell = if is_extra { self.all_extra(*cell) } else { cell.map(Cow::Borrowed) };
            (column, cell)
        })
    }

    /// Hands over each column's number with its cell. What `write` says of a cell is whether the column holds all of it; else it stands
    /// in `_extra` as well, which comes last.
    pub(super) fn write_each(&mut self, mut write: impl FnMut(usize, Option<&str>) -> bool) {
        for (number, column) in
            self.columns.list.iter().enumerate().filter(|(number, _)| self.columns.extra != Some(*number))
        {
            let cell = self.cells[number];
            if !write(number, cell)
                && let Some(cell) = cell
            {
                self.extra.push((column.path.join("."), cell));
            }
        }
        if let Some(extra) = self.columns.extra {
            write(extra, self.all_extra(self.cells[extra]).as_deref());
        }
    }

    /// What the record has in `_extra`, with what has no place in the table.
    fn all_extra(&self, own: Option<&'a str>) -> Option<Cow<'a, str>> {
        if self.extra.is_empty() {
            return own.map(Cow::Borrowed);
        }
        // Its text goes on, since a tree would round its numbers. Paths are no names that it has: what stands there has no column.
        let mut text = own.and_then(|own| own.trim_end().strip_suffix('}')).unwrap_or("{").to_owned();
        for (path, json) in &self.extra {
            let comma = if text.ends_with('{') { "" } else { "," };
            text.extend([comma, &Value::from(path.as_str()).to_string(), ":", json]);
        }
        text.push('}');
        Some(Cow::Owned(text))
    }

    fn take(&mut self, members: &Members, object: &'a str) -> serde_json::Result<()> {
        MembersOf { row: self, members }.deserialize(&mut serde_json::Deserializer::from_str(object))
    }

    fn put(&mut self, place: &Place, json: &'a str) -> serde_json::Result<()> {
        match place {
            Place::Unwanted => {}
            Place::Column(number) => self.cells[*number] = Some(json),
            Place::Object(members) if json.starts_with('{') => self.take(members, json)?,
            Place::Object(members) => self.extra.push((members.path.clone(), json)),
        }
        Ok(())
    }
}

/// Takes an object's members one by one.
struct MembersOf<'r, 'm, 'a> {
    row: &'r mut Row<'a>,
    members: &'m Members,
}

impl<'a> DeserializeSeed<'a> for MembersOf<'_, '_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for MembersOf<'_, '_, 'a> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(place) = map.next_key_seed(MemberName(self.members))? {
            let json = map.next_value::<&RawValue>()?.get();
            match place {
                _ if json == "null" => {}
                Ok(place) => self.row.put(place, json).map_err(A::Error::custom)?,
                Err(unknown) => self.row.extra.push((self.members.path_of(&unknown), json)),
            }
        }
        Ok(())
    }
}

/// Finds a member's place by its name; without one, the name is all there is.
struct MemberName<'m>(&'m Members);

impl<'a, 'm> DeserializeSeed<'a> for MemberName<'m> {
    type Value = Result<&'m Place, String>;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'m> Visitor<'_> for MemberName<'m> {
    type Value = Result<&'m Place, String>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.get(name).ok_or_else(|| name.to_owned()))
    }
}

/// What a JSON text says; JSON that is none as it is.
pub(super) fn text(json: &str) -> Cow<'_, str> {
    match json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        Some(plain) if !plain.contains('\\') => Cow::Borrowed(plain),
        Some(_) => serde_json::from_str(json).map_or(Cow::Borrowed(json), Cow::Owned),
        None => Cow::Borrowed(json),
    }
}
