//! A record's data, taken apart into the columns of its table. Nothing is copied: a cell is the JSON that stands in the record.

use std::borrow::Cow;
use std::io;

use memchr::memchr;
use serde_json::Value;

use super::column::{Column, ColumnPlace, Columns, Members};
use crate::record::{Cell, Malformed, Scanner};

/// A row of a table.
pub(super) struct TableRow<'a> {
    columns: &'a Columns,
    data: &'a [u8],
    cells: Cow<'a, [Cell]>,
    /// By column, the number of its cell, counted from 1; 0 where there is none.
    numbers: Vec<u32>,
    /// What has no column, or does not fit in its own, by its path.
    extra: Vec<(String, &'a [u8])>,
    /// The cell of `_extra` with that, if there is any.
    whole_extra: Option<Vec<u8>>,
}

impl<'a> TableRow<'a> {
    fn new(columns: &'a Columns, data: &'a [u8], cells: Cow<'a, [Cell]>) -> Self {
        let mut numbers = vec![0; columns.list.len()];
        for (number, cell) in (1..).zip(&*cells) {
            // A cell is JSON: no other begins like null.
            if cell.of(data).first() != Some(&b'n') {
                numbers[usize::from(cell.column)] = number;
            }
        }
        Self { columns, data, cells, numbers, extra: Vec::new(), whole_extra: None }
    }

    /// Of a record that was taken apart when it was made.
    pub(super) fn of_cells(columns: &'a Columns, data: &'a [u8], cells: &'a [Cell]) -> Self {
        Self::new(columns, data, Cow::Borrowed(cells))
    }

    /// Takes a record's data, which is an object, apart.
    pub(super) fn of_data(columns: &'a Columns, data: &'a [u8]) -> io::Result<Self> {
        let (mut cells, mut extra) = (Vec::new(), Vec::new());
        let broken = |_| io::Error::new(io::ErrorKind::InvalidData, "a record is no JSON object");
        take(&columns.root, &mut Scanner::new(data), &mut cells, &mut extra).map_err(broken)?;
        let mut row = Self { extra, ..Self::new(columns, data, Cow::Owned(cells)) };
        if let Some(column) = columns.extra.filter(|_| !row.extra.is_empty()) {
            row.whole_extra = row.all_extra(row.cell(column)).map(Cow::into_owned);
        }
        Ok(row)
    }

    /// The columns with their cells, JSON each; `None` for null, and for what is not there.
    pub(super) fn cells(&self) -> impl Iterator<Item = (&'a Column, Option<&[u8]>)> {
        self.columns.list.iter().enumerate().map(|(number, column)| {
            let is_extra = self.columns.extra == Some(number);
            (column, self.whole_extra.as_deref().filter(|_| is_extra).or_else(|| self.cell(number)))
        })
    }

    /// The cell of a column, if the record has one.
    fn cell(&self, column: usize) -> Option<&'a [u8]> {
        let before = self.numbers[column].checked_sub(1)?;
        Some(self.cells[before as usize].of(self.data))
    }

    /// Hands over each column's number with its cell. What `write` says of a cell is whether the column holds all of it; else it stands
    /// in `_extra` as well, which comes last.
    pub(super) fn write_each(&mut self, mut write: impl FnMut(usize, Option<&[u8]>) -> bool) {
        for (number, column) in
            self.columns.list.iter().enumerate().filter(|(number, _)| self.columns.extra != Some(*number))
        {
            let cell = self.cell(number);
            if !write(number, cell)
                && let Some(cell) = cell
            {
                self.extra.push((column.path.join("."), cell));
            }
        }
        if let Some(extra) = self.columns.extra {
            write(extra, self.all_extra(self.cell(extra)).as_deref());
        }
    }

    /// What the record has in `_extra`, with what has no place in the table.
    fn all_extra(&self, own: Option<&'a [u8]>) -> Option<Cow<'a, [u8]>> {
        if self.extra.is_empty() {
            return own.map(Cow::Borrowed);
        }
        // Its text goes on, since a tree would round its numbers. Paths are no names that it has: what stands there has no column.
        let mut text = own.and_then(|own| own.strip_suffix(b"}")).unwrap_or(b"{").to_owned();
        for (path, json) in &self.extra {
            let comma = if text.ends_with(b"{") { "" } else { "," };
            text.extend_from_slice(format!("{comma}{}:", Value::from(path.as_str())).as_bytes());
            text.extend_from_slice(json);
        }
        text.push(b'}');
        Some(Cow::Owned(text))
    }
}

/// Takes the object that comes next, member by member: into cells, and what has no column, or does not fit in its own, by its path.
fn take<'a>(
    members: &Members,
    scanner: &mut Scanner<'a>,
    cells: &mut Vec<Cell>,
    extra: &mut Vec<(String, &'a [u8])>,
) -> Result<(), Malformed> {
    let mut is_more = scanner.open(b'{', b'}')?;
    while is_more {
        let name = scanner.name()?;
        let quoted = &scanner.text()[name.start - 1..=name.end];
        let place = members.get(&scanner.text()[name]).or_else(|| members.get(text(quoted).as_bytes()));
        match (place, scanner.peek()) {
            (Some(ColumnPlace::Object(members)), b'{') => take(members, scanner, cells, extra)?,
            (Some(ColumnPlace::Unwanted), _) | (_, b'n') => {
                scanner.skip()?;
            }
            (Some(ColumnPlace::Column(number)), _) => cells.push(Cell::new(*number, scanner.skip()?)),
            (Some(ColumnPlace::Object(members)), _) => extra.push((members.path.clone(), json(scanner)?)),
            (None, _) => extra.push((members.path_of(&text(quoted)), json(scanner)?)),
        }
        is_more = scanner.more(b'}')?;
    }
    Ok(())
}

/// The value that comes next.
fn json<'a>(scanner: &mut Scanner<'a>) -> Result<&'a [u8], Malformed> {
    let place = scanner.skip()?;
    Ok(&scanner.text()[place])
}

/// What a JSON text says; JSON that is none as it is.
pub(super) fn text(json: &[u8]) -> Cow<'_, str> {
    match json {
        [b'"', plain @ .., b'"'] if memchr(b'\\', plain).is_none() => as_text(plain),
        [b'"', ..] => serde_json::from_slice(json).map_or_else(|_| as_text(json), Cow::Owned),
        _ => as_text(json),
    }
}

/// What almost always is UTF-8, which is found out faster than what is wrong with it.
fn as_text(bytes: &[u8]) -> Cow<'_, str> {
    str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

/// What stands there without quotes: a number, `true`, `false`.
pub(super) fn word(json: &[u8]) -> Option<&str> {
    std::str::from_utf8(json).ok()
}

#[cfg(test)]
mod tests {
    use super::super::column::Columns;
    use super::*;
    use crate::record::{RecordFormat, RowSchema, differential};

    const OBJECT: &str = r#""place":{"type":["null","object"],"properties":{
        "city":{"type":["null","string"]},"n":{"type":["null","number"]}}},"_extra":{"type":["null","object"]}}}"#;

    /// What a row's columns hold, and what is in none.
    type Taken = (Vec<Option<Vec<u8>>>, Vec<(String, Vec<u8>)>);

    fn taken(row: &TableRow<'_>) -> Taken {
        let cells = (0..row.columns.list.len()).map(|column| row.cell(column).map(<[u8]>::to_vec)).collect();
        (cells, row.extra.iter().map(|(path, json)| (path.clone(), json.to_vec())).collect())
    }

    #[test]
    fn cells_that_were_noted_are_those_that_a_second_scan_finds() {
        // The schema of the scan's own test, with an object beside.
        let schema = format!("{},{OBJECT}", differential::SCHEMA.strip_suffix("}}").unwrap());
        let objects = [r#""city":"é\u0041""#, r#""city":7, "n":"1.50""#, r#""n":1,"n":null"#, r#""new":[1]"#, ""];
        let mut random = fastrand::Rng::with_seed(14);
        let (mut noted, mut unnoted) = (0, 0);
        for chosen in [None, Some(&["place", "_extra", "list"][..]), Some(&["n", "id"][..])] {
            let chosen = chosen.map(|names| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
            let columns = Columns::new(&schema, chosen.as_deref(), false).unwrap();
            let paths: Vec<_> = columns.list.iter().map(|column| column.path.clone()).collect();
            for _ in 0..100 {
                let compiled = RowSchema::compile(&schema, "id", Some("at"), &[]).unwrap();
                let format = RecordFormat::new(compiled, "S", None).with_cells(&paths);
                for _ in 0..200 {
                    let object = format!(r#"{{"place":{{{}}},"#, objects[random.usize(0..objects.len())]);
                    let page = String::from_utf8_lossy(&differential::page(&mut random)).replacen('{', &object, 1);
                    let Ok(mut batch) = format.scan(&mut Scanner::new(page.as_bytes())) else { continue };
                    batch.retain(|_, _| random.u8(0..4) > 0);
                    for record in batch.into_lines().0.records() {
                        let Some(cells) = record.cells else {
                            unnoted += 1;
                            continue;
                        };
                        noted += 1;
                        let row = TableRow::of_cells(&columns, record.data, cells);
                        let scanned = TableRow::of_data(&columns, record.data).unwrap();
                        assert!(serde_json::from_slice::<Value>(record.data).is_ok(), "{page}");
                        assert_eq!(taken(&row), taken(&scanned), "{page}");
                    }
                }
            }
        }
        assert!(noted > unnoted && unnoted > 1000, "{noted} and {unnoted}");
    }
}
