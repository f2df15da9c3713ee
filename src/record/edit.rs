//! What stands in a row's line in other words than Navan's: notes made by the scan, carried out when the line is written.

use std::borrow::Cow;
use std::ops::Range;

/// A stretch of a page's text, and what is written in its place.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Edit {
    pub(super) span: Range<usize>,
    pub(super) replacement: Replacement,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Replacement {
    /// White space between two tokens goes out if the row holds a line break, else it stays.
    WhiteSpace,
    /// This instead.
    Text(Cow<'static, str>),
    /// The same, in quotes.
    Quoted,
    /// The inside of a string.
    Unquoted,
    /// The same, with milliseconds behind so many bytes of a string's inside.
    Milliseconds(usize),
}

impl Replacement {
    pub(super) const fn text(instead: &'static str) -> Self {
        Self::Text(Cow::Borrowed(instead))
    }
}

/// The edits of a row, in the order of the text. One that takes out a whole value stands before those inside it.
#[derive(Default)]
pub(super) struct Edits {
    list: Vec<Edit>,
    /// Whether the row holds something that readers of lines take for the end of one.
    pub(super) has_line_break: bool,
}

impl Edits {
    pub(super) fn clear(&mut self) {
        self.list.clear();
        self.has_line_break = false;
    }

    pub(super) fn push(&mut self, span: Range<usize>, replacement: Replacement) {
        self.list.push(Edit { span, replacement });
    }

    /// Takes back those that begin at `start` or behind it.
    pub(super) fn truncate_at(&mut self, start: usize) {
        self.list.retain(|edit| edit.span.start < start);
    }

    /// How many there are: where one belongs that is found to be needed only later.
    pub(super) fn mark(&self) -> usize {
        self.list.len()
    }

    /// Inserts one that belongs before those that were pushed since `mark`.
    pub(super) fn insert(&mut self, mark: usize, span: Range<usize>, replacement: Replacement) {
        self.list.insert(mark, Edit { span, replacement });
    }

    /// Inserts one among those that were pushed since `mark`, before the first that does not lie before it.
    pub(super) fn insert_in_order(&mut self, mark: usize, span: Range<usize>, replacement: Replacement) {
        let before = self.list[mark..].partition_point(|edit| edit.span.start < span.start);
        self.insert(mark + before, span, replacement);
    }

    /// Writes a stretch of `text`, with the edits from `mark` on that lie in it.
    pub(super) fn write(&self, text: &[u8], span: Range<usize>, mark: usize, line: &mut Vec<u8>) {
        self.write_some(text, span, mark..self.list.len(), line);
    }

    /// The same with those of these numbers.
    pub(super) fn write_some(&self, text: &[u8], span: Range<usize>, numbers: Range<usize>, line: &mut Vec<u8>) {
        let mut from = span.start;
        for Edit { span: edited, replacement } in &self.list[numbers] {
            if edited.end > span.end {
                break;
            }
            let is_inside_another = edited.start < from;
            if is_inside_another || *replacement == Replacement::WhiteSpace && !self.has_line_break {
                continue;
            }
            line.extend_from_slice(&text[from..edited.start]);
            let (before, value, after) = match replacement {
                Replacement::WhiteSpace => ("", 0..0, ""),
                Replacement::Text(instead) => (&**instead, 0..0, ""),
                Replacement::Quoted => ("\"", edited.clone(), "\""),
                Replacement::Unquoted => ("", edited.start + 1..edited.end - 1, ""),
                Replacement::Milliseconds(at) => {
                    let (start, point) = (edited.start, edited.start + 1 + at);
                    line.extend_from_slice(&text[start..point]);
                    (".000", point..edited.end, "")
                }
            };
            line.extend_from_slice(before.as_bytes());
            line.extend_from_slice(&text[value]);
            line.extend_from_slice(after.as_bytes());
            from = edited.end;
        }
        line.extend_from_slice(&text[from..span.end]);
    }
}
