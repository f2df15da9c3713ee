//! What stands in a row's line in other words than Navan's: notes made by the scan, carried out when the line is written.

use std::ops::Range;

use super::timestamp::DATE_LENGTH;

/// A stretch of a page's text, and what is written in its place.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Edit {
    pub(super) span: Range<usize>,
    pub(super) replacement: Replacement,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Replacement {
    /// White space between two tokens goes out if the row holds a line break, else it stays.
    WhiteSpace,
    /// This instead.
    Text(&'static str),
    /// The same, in quotes.
    Quoted,
    /// Of a date-time in quotes, the date.
    Date,
}

/// Writes the row at `row` of `text` with its edits.
pub(super) fn write_row(text: &[u8], row: Range<usize>, edits: &[Edit], has_line_break: bool, line: &mut Vec<u8>) {
    let mut from = row.start;
    for Edit { span, replacement } in edits {
        if *replacement == Replacement::WhiteSpace && !has_line_break {
            continue;
        }
        line.extend_from_slice(&text[from..span.start]);
        match replacement {
            Replacement::WhiteSpace => {}
            Replacement::Text(instead) => line.extend_from_slice(instead.as_bytes()),
            Replacement::Quoted => {
                line.push(b'"');
                line.extend_from_slice(&text[span.clone()]);
                line.push(b'"');
            }
            Replacement::Date => {
                line.extend_from_slice(&text[span.start..span.start + 1 + DATE_LENGTH]);
                line.push(b'"');
            }
        }
        from = span.end;
    }
    line.extend_from_slice(&text[from..row.end]);
}
