//! CSV after RFC 4180, in UTF-8, with the columns' names in the first line.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Write as _};

use super::BUFFER;
use super::column::ColumnKind;
use super::format::{Table, TableWriter};
use super::row::text;

/// By this Excel knows UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// With these at its start Excel takes a text for a formula, so that what a traveler typed would be run where it is opened
/// (OWASP, "CSV injection"); the last four are what some systems make of the first.
const FORMULA_STARTS: [char; 12] = ['=', '+', '-', '@', '\t', '\r', '\n', '\0', '＝', '＋', '－', '＠'];

pub(super) struct CsvWriter {
    output: ::csv::Writer<File>,
    tables: Vec<Table>,
    excel: bool,
}

impl CsvWriter {
    pub(super) fn new(mut file: File, tables: Vec<Table>, excel: bool) -> io::Result<Self> {
        if excel {
            file.write_all(BYTE_ORDER_MARK)?;
        }
        let mut output = ::csv::WriterBuilder::new().buffer_capacity(BUFFER).from_writer(file);
        for table in &tables {
            output.write_record(table.columns.list.iter().map(|column| &column.name))?;
        }
        Ok(Self { output, tables, excel })
    }
}

impl TableWriter for CsvWriter {
    fn write(&mut self, table: usize, data: &[u8]) -> io::Result<()> {
        for (column, cell) in self.tables[table].row(data)?.cells() {
            let cell = cell.unwrap_or_default();
            let field = match column.kind {
                ColumnKind::Text => {
                    let text = text(&cell);
                    if self.excel && text.starts_with(FORMULA_STARTS) { format!("'{text}").into() } else { text }
                }
                ColumnKind::Date | ColumnKind::Timestamp | ColumnKind::LocalTimestamp => text(&cell),
                _ => Cow::Borrowed(&*cell),
            };
            self.output.write_field(field.as_bytes())?;
        }
        Ok(self.output.write_record(None::<&[u8]>)?)
    }

    fn finish(self: Box<Self>) -> io::Result<(File, Vec<String>)> {
        let file = self.output.into_inner().map_err(|e| io::Error::other(e.to_string()))?;
        Ok((file, Vec::new()))
    }
}
