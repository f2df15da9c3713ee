//! CSV after RFC 4180, in UTF-8, with the columns' names in the first line.
//!
//! Most cells are written as they stand in the record. A JSON string without an escape is a field between quotes, as CSV has it: its own
//! quotes and line breaks would be escaped. Numbers, and texts of which the schema says that they are times, need no quotes. A writer that
//! must look at each byte again took as long as all the rest of an export. An empty text is told from a null by its quotes.

use std::fs::File;
use std::io::{self, Write as _};

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

pub(super) struct CsvWriter {
    file: File,
    tables: Vec<Table>,
    excel: bool,
    /// Lines that are to be written.
    lines: Vec<u8>,
}

impl CsvWriter {
    pub(super) fn new(file: File, tables: Vec<Table>, excel: bool) -> Self {
        let mut lines = Vec::with_capacity(BUFFER + BUFFER / 8);
        if excel {
            lines.extend_from_slice(BYTE_ORDER_MARK);
        }
        for table in &tables {
            for column in &table.columns.list {
                // The names in a schema need no quotes.
                lines.extend_from_slice(column.name.as_bytes());
                lines.push(b',');
            }
            end_line(&mut lines);
        }
        Self { file, tables, excel, lines }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.write_all(&self.lines)?;
        self.lines.clear();
        Ok(())
    }
}

impl TableWriter for CsvWriter {
    fn write(&mut self, table: usize, record: &Record<'_>) -> io::Result<()> {
        let (table, lines, excel) = (&self.tables[table], &mut self.lines, self.excel);
        // Looked for once, and not in each cell.
        let has_escapes = memchr(b'\\', record.data).is_some();
        let start = lines.len();
        for (column, cell) in table.row(record)?.cells() {
            if let Some(cell) = cell {
                push_cell(lines, column.kind, cell, has_escapes, excel);
            }
            lines.push(b',');
        }
        if lines.len() == start + 1 {
            // Many readers pass over a line with nothing in it.
            lines.splice(start..start, *b"\"\"");
        }
        end_line(lines);
        if lines.len() < BUFFER { Ok(()) } else { self.flush() }
    }

    fn finish(mut self: Box<Self>) -> io::Result<(File, Vec<String>)> {
        self.flush()?;
        Ok((self.file, Vec::new()))
    }
}

/// Puts the end of the line, such as most files of this kind have, where the comma behind its last cell is.
fn end_line(lines: &mut Vec<u8>) {
    lines.pop();
    lines.push(b'\n');
}

#[inline]
fn push_cell(lines: &mut Vec<u8>, kind: ColumnKind, cell: &[u8], has_escapes: bool, excel: bool) {
    match cell {
        [b'"', content @ .., b'"'] if kind.is_time() => lines.extend_from_slice(content),
        [b'"', content @ .., b'"'] if kind == ColumnKind::Text => {
            if !excel && (!has_escapes || memchr(b'\\', content).is_none()) {
                lines.extend_from_slice(cell);
                return;
            }
            let text = text(cell);
            if excel && text.starts_with(FORMULA_STARTS) {
                push_quoted(lines, format!("'{text}").as_bytes());
            } else {
                push_quoted(lines, text.as_bytes());
            }
        }
        [b'"' | b'[' | b'{', ..] => push_quoted(lines, cell),
        _ => lines.extend_from_slice(cell),
    }
}

fn push_quoted(lines: &mut Vec<u8>, field: &[u8]) {
    lines.push(b'"');
    let mut rest = field;
    // JSON has a quote each few bytes: eight of them are copied at once, and those behind a quote taken back.
    while let Some(bytes) = rest.first_chunk::<8>() {
        let before_quote = first_quote(*bytes);
        lines.extend_from_slice(bytes);
        if before_quote < bytes.len() {
            lines.truncate(lines.len() - bytes.len() + before_quote + 1);
            lines.push(b'"');
        }
        rest = &rest[bytes.len().min(before_quote + 1)..];
    }
    for &byte in rest {
        lines.push(byte);
        if byte == b'"' {
            lines.push(byte);
        }
    }
    lines.push(b'"');
}

/// How many of these bytes stand before the first quote; all, if there is none.
fn first_quote(bytes: [u8; 8]) -> usize {
    const LOWEST: u64 = 0x0101_0101_0101_0101;
    // A byte that is a quote becomes 0, and the lowest of those borrows from its highest bit.
    let others = u64::from_le_bytes(bytes) ^ u64::from_le_bytes([b'"'; 8]);
    let zeros = others.wrapping_sub(LOWEST) & !others & (LOWEST << 7);
    zeros.trailing_zeros() as usize / 8
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
        let mut writer = Box::new(CsvWriter::new(file, vec![table], excel));
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
    fn each_quote_is_written_twice_wherever_it_stands() {
        let mut random = fastrand::Rng::with_seed(4);
        for _ in 0..2_000 {
            let field: String =
                (0..random.usize(0..40)).map(|_| random.choice(['"', '#', '!', 'é', '\u{a2}']).unwrap()).collect();
            let mut lines = b"before".to_vec();
            push_quoted(&mut lines, field.as_bytes());
            assert_eq!(String::from_utf8(lines).unwrap(), format!("before\"{}\"", field.replace('"', "\"\"")));
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
