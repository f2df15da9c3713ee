//! A record's data, taken apart into the columns of its table. Nothing is copied: a cell is the JSON that stands in the record.

use std::borrow::Cow;
use std::io;

use serde_json::Value;

use super::column::{Column, Columns, Members, Place};
use crate::record::{Malformed, Scanner};

/// A row of a table.
pub(super) struct Row<'a> {
    columns: &'a Columns,
    cells: Vec<Option<&'a str>>,
    /// What has no column, or does not fit in its own, by its path.
    extra: Vec<(String, &'a str)>,
}

impl<'a> Row<'a> {
    /// Takes a record's data apart.
    pub(super) fn new(columns: &'a Columns, data: &'a str) -> io::Result<Self> {
        let mut row = Self { columns, cells: vec![None; columns.list.len()], extra: Vec::new() };
        let mut scanner = Scanner::new(data.as_bytes());
        let broken = |_| io::Error::new(io::ErrorKind::InvalidData, "a record is no JSON object");
        row.take(&columns.root, data, &mut scanner).map_err(broken)?;
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

    /// Takes the object that comes next, member by member.
    fn take(&mut self, members: &Members, data: &'a str, scanner: &mut Scanner<'a>) -> Result<(), Malformed> {
        let mut places = members.in_order();
        let mut is_more = scanner.open(b'{', b'}')?;
        while is_more {
            let mut name = Cow::Borrowed(&data[scanner.name()?]);
            let mut place = places.next(&name);
            if place.is_none() && name.contains('\\') {
                name = text(&format!("\"{name}\"")).into_owned().into();
                place = places.next(&name);
            }
            if let (Some(Place::Object(members)), b'{') = (place, scanner.peek()) {
                self.take(members, data, scanner)?;
            } else {
                let json = &data[scanner.skip()?];
                match place {
                    _ if json == "null" => {}
                    Some(Place::Unwanted) => {}
                    Some(Place::Column(number)) => self.cells[*number] = Some(json),
                    Some(Place::Object(members)) => self.extra.push((members.path.clone(), json)),
                    None => self.extra.push((members.path_of(&name), json)),
                }
            }
            is_more = scanner.more(b'}')?;
        }
        Ok(())
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
