//! CSV after RFC 4180, in UTF-8, with the columns' names in the first line.
//!
//! Most cells are written as they stand in the record. A JSON string without an escape is a field between quotes, as CSV has it: its own
//! quotes and line breaks would be escaped. Numbers, and texts of which the schema says that they are times, need no quotes. A writer that
//! must look at each byte again took as long as all the rest of an export. An empty text is told from a null by its quotes.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use memchr::memchr;

use super::BUFFER;
use super::column::ColumnKind;
use super::format::{Table, TableWriter};
use super::row::text;
use crate::record::Record;

/// By this Excel knows UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// With these at its start Excel takes a text for a formula, so that what a traveler typed would be run where it is opened
/// (OWASP, "CSV injection"); the last four are what some systems make of the first.
const FORMULA_STARTS: [char; 12] = ['=', '+', '-', '@', '\t', '\r', '\n', '\0', '＝', '＋', '－', '＠'];

/// As most files of this kind have it.
const LINE_END: &[u8] = b"\n";

pub(super) struct CsvWriter {
    output: BufWriter<File>,
    tables: Vec<Table>,
    excel: bool,
}

impl CsvWriter {
    pub(super) fn new(file: File, tables: Vec<Table>, excel: bool) -> io::Result<Self> {
        let mut output = BufWriter::with_capacity(BUFFER, file);
        if excel {
            output.write_all(BYTE_ORDER_MARK)?;
        }
        for table in &tables {
            for (number, column) in table.columns.list.iter().enumerate() {
                write_delimiter(&mut output, number)?;
                // The names in a schema need no quotes.
                output.write_all(column.name.as_bytes())?;
            }
            output.write_all(LINE_END)?;
        }
        Ok(Self { output, tables, excel })
    }
}

impl TableWriter for CsvWriter {
    fn write(&mut self, table: usize, record: &Record<'_>) -> io::Result<()> {
        let table = &self.tables[table];
        let mut is_blank = true;
        for (number, (column, cell)) in table.row(record)?.cells().enumerate() {
            write_delimiter(&mut self.output, number)?;
            if let Some(cell) = cell {
                is_blank = false;
                write_cell(&mut self.output, column.kind, &cell, self.excel)?;
            }
        }
        if is_blank && table.columns.list.len() == 1 {
            // Many readers pass over a line with nothing in it.
            write_quoted(&mut self.output, b"")?;
        }
        self.output.write_all(LINE_END)
    }

    fn finish(self: Box<Self>) -> io::Result<(File, Vec<String>)> {
        Ok((self.output.into_inner()?, Vec::new()))
    }
}

#[inline]
fn write_delimiter(output: &mut impl Write, number: usize) -> io::Result<()> {
    if number > 0 { output.write_all(b",") } else { Ok(()) }
}

#[inline]
fn write_cell(output: &mut impl Write, kind: ColumnKind, cell: &[u8], excel: bool) -> io::Result<()> {
    match cell {
        [b'"', content @ .., b'"'] if kind.is_time() => output.write_all(content),
        [b'"', content @ .., b'"'] if kind == ColumnKind::Text => {
            if !excel && memchr(b'\\', content).is_none() {
                return output.write_all(cell);
            }
            let text = text(cell);
            if excel && text.starts_with(FORMULA_STARTS) {
                return write_quoted(output, format!("'{text}").as_bytes());
            }
            write_quoted(output, text.as_bytes())
        }
        [b'"' | b'[' | b'{', ..] => write_quoted(output, cell),
        _ => output.write_all(cell),
    }
}

fn write_quoted(output: &mut impl Write, mut field: &[u8]) -> io::Result<()> {
    output.write_all(b"\"")?;
    while let Some(at) = memchr(b'"', field) {
        output.write_all(&field[..=at])?;
        output.write_all(b"\"")?;
        field = &field[at + 1..];
    }
    output.write_all(field)?;
    output.write_all(b"\"")
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Seek as _};

    use super::super::column::Columns;
    use super::*;

    const SCHEMA: &str = r#"{"properties":{
        "a":{"type":["string","null"]},
        "b":{"type":["object","null"],"properties":{"c":{"type":["number","null"]}}},
        "d":{"type":["array","null"],"items":{"type":["string","null"]}},
        "t":{"type":["string","null"],"format":"date-time"},
        "_extra":{"type":["object","null"]}}}"#;

    /// What becomes of rows, without the line of names.
    fn written(columns: Option<&[&str]>, excel: bool, rows: &[&str]) -> String {
        let wanted: Option<Vec<_>> = columns.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
        let columns = Columns::new(SCHEMA, wanted.as_deref(), false).unwrap();
        let file = tempfile::tempfile().unwrap();
        let table = Table { name: "table".to_owned(), columns };
        let mut writer = Box::new(CsvWriter::new(file, vec![table], excel).unwrap());
        for row in rows {
            writer.write(0, &Record { data: row.as_bytes(), cells: None }).unwrap();
        }
        let (mut file, mut text) = (writer.finish().unwrap().0, String::new());
        file.rewind().unwrap();
        file.read_to_string(&mut text).unwrap();
        text.split_once('\n').unwrap().1.to_owned()
    }

    #[test]
    fn what_a_reader_would_take_for_more_stands_between_quotes() {
        for (row, line) in [
            (r#"{"a":"plain","b":{"c":-1.50},"d":[],"_extra":{}}"#, r#""plain",-1.50,"[]",,"{}""#),
            (r#"{"a":"a, b","t":"2026-01-02T03:04:05Z"}"#, r#""a, b",,,2026-01-02T03:04:05Z,"#),
            (r#"{"a":""}"#, r#""",,,,"#),
            (r#"{"a":"\"a\""}"#, r#""""a""",,,,"#),
            (r#"{"a":"two\nlines\r"}"#, "\"two\nlines\r\",,,,"),
            (r#"{"a":"back\\slash \u00e9é"}"#, r#""back\slash éé",,,,"#),
            (r#"{"d":["x","y"]}"#, r#",,"[""x"",""y""]",,"#),
            (r#"{"\u0061":"by another spelling"}"#, r#""by another spelling",,,,"#),
            (r#"{"e":1,"b":7,"_extra":{"f":2}}"#, r#",,,,"{""f"":2,""e"":1,""b"":7}""#),
            (r#"{"a":null,"b":null}"#, ",,,,"),
        ] {
            assert_eq!(written(None, false, &[row]), format!("{line}\n"), "{row}");
        }
    }

    #[test]
    fn a_line_of_one_column_is_never_blank() {
        assert_eq!(written(Some(&["a"]), false, &["{}", r#"{"a":""}"#, r#"{"a":"x"}"#]), "\"\"\n\"\"\n\"x\"\n");
    }

    #[test]
    fn for_excel_no_text_is_a_formula() {
        let rows = [r#"{"a":"=1+1","b":{"c":-1}}"#, r#"{"a":"\t=1"}"#, r#"{"a":"a=1"}"#];
        assert_eq!(written(None, true, &rows), "\"'=1+1\",-1,,,\n\"'\t=1\",,,,\n\"a=1\",,,,\n");
    }
}
