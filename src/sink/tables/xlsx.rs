//! An Excel workbook with a sheet for each table, written row by row, so that it need not be held in memory.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveDateTime, Timelike as _};
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook, Worksheet, XlsxError};

use super::BUFFER;
use super::column::{Column, ColumnKind};
use super::format::{Table, TableWriter};
use super::number::significant_digits;
use super::row::{text, word};
use crate::record::Record;

/// Rows that Excel has in a sheet.
const MAX_ROWS: u32 = 1_048_576;
/// Characters of a cell, in UTF-16's units.
const MAX_CHARACTERS: usize = 32_767;
/// Digits that a number of Excel's has for certain; one with more is written as text.
const MAX_DIGITS: u32 = 15;
/// The first year that Excel's calendar has.
const MIN_YEAR: i32 = 1900;

pub(super) struct XlsxWriter {
    workbook: Workbook,
    file: File,
    sheets: Vec<Sheets>,
    formats: Formats,
    /// Rows of a sheet, its first with the columns' names.
    max_rows: u32,
}

/// The sheets of a table, of which the last is written to.
struct Sheets {
    table: Table,
    /// The number of the last in the workbook.
    last: usize,
    count: usize,
    next_row: u32,
    /// Cells that were longer than Excel's.
    cut: u64,
}

struct Formats {
    header: Format,
    date: Format,
    time: Format,
}

impl XlsxWriter {
    pub(super) fn new(file: File, tables: Vec<Table>, directory: &Path) -> io::Result<Self> {
        let mut workbook = Workbook::new();
        workbook.set_tempdir(directory).map_err(failed)?;
        let formats = Formats {
            header: Format::new().set_bold(),
            date: Format::new().set_num_format("yyyy-mm-dd"),
            time: Format::new().set_num_format("yyyy-mm-dd hh:mm:ss"),
        };
        let sheets = tables.into_iter().map(|table| Sheets { table, last: 0, count: 0, next_row: 0, cut: 0 });
        let mut sheets: Vec<_> = sheets.collect();
        for (number, sheets) in sheets.iter_mut().enumerate() {
            sheets.begin(&mut workbook, number, &formats).map_err(failed)?;
        }
        Ok(Self { workbook, file, sheets, formats, max_rows: MAX_ROWS })
    }
}

impl Sheets {
    /// Begins a sheet, which will be the workbook's `number`th.
    fn begin(&mut self, workbook: &mut Workbook, number: usize, formats: &Formats) -> Result<(), XlsxError> {
        self.count += 1;
        let name = match self.count {
            1 => self.table.name.clone(),
            count => format!("{} ({count})", self.table.name),
        };
        let sheet = workbook.add_worksheet_with_constant_memory()?;
        sheet.set_name(name)?;
        sheet.set_freeze_panes(1, 0)?;
        for (number, column) in (0..).zip(&self.table.columns.list) {
            sheet.write_string_with_format(0, number, &column.name, &formats.header)?;
        }
        (self.last, self.next_row) = (number, 1);
        Ok(())
    }

    fn write(&mut self, sheet: &mut Worksheet, record: &Record<'_>, formats: &Formats) -> io::Result<()> {
        let row = self.next_row;
        for (number, (column, cell)) in (0..).zip(self.table.row(record)?.cells()) {
            let Some(cell) = cell else { continue };
            let (text, format) = match value(column, cell) {
                Value::Number(value) => {
                    sheet.write_number(row, number, value).map_err(failed)?;
                    continue;
                }
                Value::Boolean(value) => {
                    sheet.write_boolean(row, number, value).map_err(failed)?;
                    continue;
                }
                Value::Day(value) => (value, &formats.date),
                Value::Time(value) => (value, &formats.time),
                Value::Text(text) => {
                    let fitting = fitting(&text);
                    self.cut += u64::from(fitting.len() < text.len());
                    sheet.write_string(row, number, fitting).map_err(failed)?;
                    continue;
                }
            };
            sheet.write_datetime_with_format(row, number, &text, format).map_err(failed)?;
        }
        self.next_row += 1;
        Ok(())
    }
}

impl TableWriter for XlsxWriter {
    fn write(&mut self, table: usize, record: &Record<'_>) -> io::Result<()> {
        let next = self.sheets.iter().map(|sheets| sheets.count).sum();
        let sheets = &mut self.sheets[table];
        if sheets.next_row == self.max_rows {
            sheets.begin(&mut self.workbook, next, &self.formats).map_err(failed)?;
        }
        let sheet = self.workbook.worksheet_from_index(sheets.last).map_err(failed)?;
        sheets.write(sheet, record, &self.formats)
    }

    fn finish(mut self: Box<Self>) -> io::Result<(File, Vec<String>)> {
        self.workbook.save_to_writer(BufWriter::with_capacity(BUFFER, &self.file)).map_err(failed)?;
        let mut notes = Vec::new();
        for Sheets { table, count, cut, .. } in &self.sheets {
            if *count > 1 {
                notes.push(format!(
                    "{}: a sheet of Excel's has no room for so many rows, so they are in {count} sheets.",
                    table.name
                ));
            }
            if *cut > 0 {
                notes.push(format!(
                    "{}: texts longer than the {MAX_CHARACTERS} characters of an Excel cell were cut there (cells: {cut}); csv, jsonl and parquet hold all of them.",
                    table.name
                ));
            }
        }
        Ok((self.file, notes))
    }
}

/// A cell's value, as Excel knows it.
enum Value<'a> {
    Number(f64),
    Boolean(bool),
    Day(ExcelDateTime),
    Time(ExcelDateTime),
    Text(Cow<'a, str>),
}

/// What Excel has no value for is text: digits that it would round, days before its calendar.
fn value<'a>(column: &Column, cell: &'a [u8]) -> Value<'a> {
    let known = match column.kind {
        ColumnKind::Number | ColumnKind::Integer => word(cell)
            .filter(|number| significant_digits(number) <= MAX_DIGITS)
            .and_then(|number| number.parse().ok().map(Value::Number)),
        ColumnKind::Boolean => word(cell).and_then(|word| word.parse().ok().map(Value::Boolean)),
        ColumnKind::Date => {
            text(cell).parse().ok().and_then(|day: NaiveDate| Some(Value::Day(moment(day.and_time(<_>::default()))?)))
        }
        ColumnKind::Timestamp => {
            DateTime::parse_from_rfc3339(&text(cell)).ok().and_then(|at| Some(Value::Time(moment(at.naive_utc())?)))
        }
        ColumnKind::LocalTimestamp => {
            text(cell).parse().ok().and_then(|at: NaiveDateTime| Some(Value::Time(moment(at)?)))
        }
        _ => None,
    };
    known.unwrap_or_else(|| Value::Text(text(cell)))
}

fn moment(at: NaiveDateTime) -> Option<ExcelDateTime> {
    if at.year() < MIN_YEAR {
        return None;
    }
    let day =
        ExcelDateTime::from_ymd(u16::try_from(at.year()).ok()?, at.month().try_into().ok()?, at.day().try_into().ok()?);
    let millisecond = u16::try_from(at.nanosecond() / 1_000_000).ok()?.min(999);
    let (hour, minute, second) = (at.hour(), at.minute(), at.second());
    day.ok()?.and_hms_milli(hour.try_into().ok()?, minute.try_into().ok()?, second.try_into().ok()?, millisecond).ok()
}

/// As much of a text as a cell holds.
fn fitting(text: &str) -> &str {
    let mut units = 0;
    let end = text.char_indices().find(|(_, character)| {
        units += character.len_utf16();
        units > MAX_CHARACTERS
    });
    &text[..end.map_or(text.len(), |(at, _)| at)]
}

fn failed(error: XlsxError) -> io::Error {
    match error {
        XlsxError::IoError(error) => error,
        other => io::Error::other(other),
    }
}

#[cfg(test)]
mod tests {
    use super::super::column::Columns;
    use super::*;

    #[test]
    fn what_a_sheet_has_no_room_for_goes_on_in_the_next_and_both_are_told() {
        let schema = r#"{"properties":{"id":{"type":"integer"},"note":{"type":"string"}}}"#;
        let table = Table { name: "users".to_owned(), columns: Columns::new(schema, None, false).unwrap() };
        let directory = tempfile::tempdir().unwrap();
        let file = tempfile::tempfile().unwrap();
        let mut writer = Box::new(XlsxWriter::new(file, vec![table], directory.path()).unwrap());
        writer.max_rows = 3;
        for id in 0..5 {
            let row = format!(r#"{{"id":{id}}}"#);
            writer.write(0, &Record { data: row.as_bytes(), cells: None }).unwrap();
        }
        let long = format!(r#"{{"note":"{}"}}"#, "\u{1f600}".repeat(MAX_CHARACTERS / 2 + 1));
        writer.write(0, &Record { data: long.as_bytes(), cells: None }).unwrap();
        let (file, notes) = writer.finish().unwrap();
        assert!(file.metadata().unwrap().len() > 1000);
        assert!(notes[0].ends_with("so they are in 3 sheets.") && notes[1].contains("(cells: 1)"), "{notes:?}");
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(fitting(&"a".repeat(MAX_CHARACTERS + 1)).len(), MAX_CHARACTERS);
        assert_eq!(fitting(&"\u{1f600}".repeat(MAX_CHARACTERS)).chars().count(), MAX_CHARACTERS / 2);
    }
}
