//! Values in other words: what stands for them in the line of a row.
//!
//! Bytes change only where they must: a value that Navan is known to send in two forms gets the one that the schema promises,
//! and nothing may stand in a line that some reader takes for its end.

use std::ops::Range;

use super::scanner::ValueKind;
use super::schema::{Format, SchemaNode};
use super::timestamp;

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

/// What a field that comes in two forms is written as; `None` if it has the promised form, or one that nobody foresaw.
pub(super) fn coercion(node: &SchemaNode, kind: ValueKind, value: &[u8]) -> Option<Replacement> {
    match kind {
        ValueKind::String if value == b"\"\"" && node.promises(ValueKind::Array) => Some(Replacement::Text("[]")),
        ValueKind::Boolean if !node.promises(kind) && node.promises(ValueKind::String) => Some(Replacement::Quoted),
        ValueKind::String
            if node.format == Format::Date && timestamp::is_longer_than_a_date(&value[1..value.len() - 1]) =>
        {
            Some(Replacement::Date)
        }
        _ => None,
    }
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
                line.extend_from_slice(&text[span.start..span.start + 1 + timestamp::DATE_LENGTH]);
                line.push(b'"');
            }
        }
        from = span.end;
    }
    line.extend_from_slice(&text[from..row.end]);
}
