//! What stands in a row's line in other words than Navan's: notes made by the scan, carried out when the line is written.

use std::borrow::Cow;
use std::ops::Range;

/// What is written in the place of a stretch of a page's text.
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
    /// The texts that were made for this row, one after the other.
    texts: String,
    /// Whether the row holds something that readers of lines take for the end of one.
    pub(super) has_line_break: bool,
}

/// A stretch of a page's text, and what is written in its place. There are a dozen in each row, so that it owns nothing: all
/// of them are forgotten at once.
struct Edit {
    span: Range<usize>,
    instead: Instead,
}

/// A [`Replacement`], as it is kept.
enum Instead {
    WhiteSpace,
    Text(&'static str),
    /// What stands there among the texts.
    Made(Range<usize>),
    Quoted,
    Unquoted,
    Milliseconds(usize),
}

impl Edits {
    pub(super) fn clear(&mut self) {
        self.list.clear();
        self.texts.clear();
        self.has_line_break = false;
    }

    pub(super) fn push(&mut self, span: Range<usize>, replacement: Replacement) {
        self.insert(self.list.len(), span, replacement);
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
        let instead = match replacement {
            Replacement::WhiteSpace => Instead::WhiteSpace,
            Replacement::Text(Cow::Borrowed(text)) => Instead::Text(text),
            Replacement::Text(Cow::Owned(text)) => {
                let start = self.texts.len();
                self.texts.push_str(&text);
                Instead::Made(start..self.texts.len())
            }
            Replacement::Quoted => Instead::Quoted,
            Replacement::Unquoted => Instead::Unquoted,
            Replacement::Milliseconds(at) => Instead::Milliseconds(at),
        };
        self.list.insert(mark, Edit { span, instead });
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
        for Edit { span: edited, instead } in &self.list[numbers] {
            if edited.end > span.end {
                break;
            }
            let is_inside_another = edited.start < from;
            if is_inside_another || matches!(instead, Instead::WhiteSpace) && !self.has_line_break {
                continue;
            }
            line.extend_from_slice(&text[from..edited.start]);
            match instead {
                Instead::WhiteSpace => {}
                Instead::Text(text) => line.extend_from_slice(text.as_bytes()),
                Instead::Made(place) => line.extend_from_slice(self.texts[place.clone()].as_bytes()),
                Instead::Quoted => {
                    line.push(b'"');
                    line.extend_from_slice(&text[edited.clone()]);
                    line.push(b'"');
                }
                Instead::Unquoted => line.extend_from_slice(&text[edited.start + 1..edited.end - 1]),
                Instead::Milliseconds(at) => {
                    let point = edited.start + 1 + at;
                    line.extend_from_slice(&text[edited.start..point]);
                    line.extend_from_slice(b".000");
                    line.extend_from_slice(&text[point..edited.end]);
                }
            }
            from = edited.end;
        }
        line.extend_from_slice(&text[from..span.end]);
    }
}
