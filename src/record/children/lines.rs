//! The RECORD lines of the child streams, written when the row that they are in has ended.

use std::io::Write as _;
use std::ops::Range;

use serde_json::json;

use super::capture::{Captured, Captures};
use super::declaration::Elements;
use super::format::{CarriedColumn, Children, INDEX, ListFormat, Target};
use crate::record::batch::ChildLines;
use crate::record::edit::Edits;
use crate::record::extra::{self, Extra};
use crate::record::scanner::ValueKind;
use crate::record::schema::with_indices;

/// What a row has, as the scan has left it.
#[derive(Clone, Copy)]
pub(crate) struct RowParts<'a> {
    pub(crate) text: &'a [u8],
    pub(crate) edits: &'a Edits,
    pub(crate) extras: &'a [Extra],
    pub(crate) captures: &'a Captures,
    /// What no column holds is left out.
    pub(crate) drops_undeclared: bool,
}

/// Writes the rows that are in the rows of a page.
pub(crate) struct ChildWriter<'f> {
    children: &'f Children,
    /// Each child's line up to its columns.
    heads: Vec<Vec<u8>>,
    lines: Vec<ChildLines>,
    row: RowNotes,
}

/// What is known of the row under way; kept from row to row for its memory. Values are told by their numbers.
#[derive(Default)]
struct RowNotes {
    /// The value in each of the places that rows carry.
    carried: Vec<Option<usize>>,
    /// The whole value of each list.
    lists: Vec<Option<usize>>,
    /// What the rows of the children carry, by the set that they have in common; empty before it is needed.
    prefixes: Vec<Vec<u8>>,
    /// What each child that is told apart by its values has of the row already.
    seen: Vec<Vec<Range<usize>>>,
}

/// A row of a child stream.
struct ChildRow<'a> {
    list: &'a ListFormat,
    index: usize,
    /// What it comes from.
    span: Range<usize>,
    content: Content<'a>,
}

/// What stands in a child's row but for what it carries.
enum Content<'a> {
    /// Its columns.
    Columns(&'a [Captured]),
    /// One value: this stretch of the text, whose edits begin there, in quotes if it is a part of a text.
    Value { span: Range<usize>, mark: usize, is_part: bool },
    /// Nothing: what came can only stand in `_extra`.
    Stray,
}

impl<'f> ChildWriter<'f> {
    /// For a page whose records are emitted then.
    pub(crate) fn new(children: &'f Children, emitted_at: &str) -> Self {
        let head = |head: &String| format!(r#"{head}{emitted_at},"data":{{"#).into_bytes();
        Self {
            children,
            heads: children.formats.iter().map(|format| head(&format.head)).collect(),
            lines: children.formats.iter().map(|_| ChildLines::take()).collect(),
            row: RowNotes::default(),
        }
    }

    /// The lines of each child.
    pub(crate) fn finish(self) -> Vec<ChildLines> {
        self.lines
    }

    /// Writes the rows that are in a row of the parent.
    pub(crate) fn write_row(&mut self, row: RowParts<'_>) {
        self.row.begin(self.children);
        let values = &row.captures.values;
        // A field can stand in a row more than once; the last one counts.
        for (number, value) in values.iter().enumerate() {
            match self.children.target(value) {
                Target::List(list) => self.row.lists[list] = Some(number),
                Target::None => {}
                _ => continue,
            }
            if let Some(slot) = self.children.carried.iter().position(|place| *place == value.node) {
                self.row.carried[slot] = Some(number);
            }
        }
        // The columns of an element stand in front of it.
        let mut first_column = 0;
        for (number, value) in values.iter().enumerate() {
            match self.children.target(value) {
                Target::Element(list) => {
                    let whole = self.row.lists[list].map(|number| &values[number]);
                    if whole.is_some_and(|whole| whole.holds(&value.span)) {
                        self.write_element(row, &self.children.lists[list], value, &values[first_column..number]);
                    }
                    first_column = number + 1;
                }
                Target::List(list) => {
                    if self.row.lists[list] == Some(number) {
                        self.write_whole(row, &self.children.lists[list], value);
                    }
                    first_column = number + 1;
                }
                Target::None => first_column = number + 1,
                Target::Column | Target::Group => {}
            }
        }
        for lines in &mut self.lines {
            lines.end_row();
        }
    }

    fn write_element(&mut self, row: RowParts<'_>, list: &'f ListFormat, element: &Captured, columns: &[Captured]) {
        let content = match (list.elements, element.kind) {
            (_, ValueKind::Null) => return,
            (Elements::Objects, ValueKind::Object) => Content::Columns(columns),
            (Elements::Objects, ValueKind::String) if row.is_blank(element) => return,
            (Elements::Objects, _) => Content::Stray,
            _ if row.is_misfit(element) => Content::Stray,
            _ if row.is_blank(element) => return,
            _ => Content::Value { span: element.span.clone(), mark: element.mark, is_part: false },
        };
        self.write(row, &ChildRow { list, index: element.index, span: element.span.clone(), content });
    }

    /// Writes what a list holds that came in another form than an array.
    fn write_whole(&mut self, row: RowParts<'_>, list: &'f ListFormat, value: &Captured) {
        let content = match value.kind {
            ValueKind::Array if !row.is_misfit(value) => return,
            ValueKind::Null => return,
            ValueKind::String if row.is_blank(value) => return,
            ValueKind::String if matches!(list.elements, Elements::Texts(_)) => {
                return self.write_texts(row, list, value);
            }
            _ if list.elements == Elements::Objects || row.is_misfit(value) => Content::Stray,
            _ => Content::Value { span: value.span.clone(), mark: value.mark, is_part: false },
        };
        self.write(row, &ChildRow { list, index: 0, span: value.span.clone(), content });
    }

    /// Writes what commas divide.
    fn write_texts(&mut self, row: RowParts<'_>, list: &'f ListFormat, value: &Captured) {
        let mut start = value.span.start + 1;
        for (index, part) in row.text[start..value.span.end - 1].split(|byte| *byte == b',').enumerate() {
            let blank = part.len() - part.trim_ascii_start().len();
            let span = start + blank..start + blank + part.trim_ascii().len();
            start += part.len() + 1;
            if !span.is_empty() {
                let content = if list.is_dropped {
                    Content::Stray
                } else {
                    Content::Value { span, mark: value.mark, is_part: true }
                };
                self.write(row, &ChildRow { list, index, span: value.span.clone(), content });
            }
        }
    }

    fn write(&mut self, row: RowParts<'_>, child_row: &ChildRow<'_>) {
        let list = child_row.list;
        let format = &self.children.formats[list.child];
        if format.is_by_value && self.is_repeated(row, child_row) {
            return;
        }
        let prefix = &mut self.row.prefixes[format.carried];
        if prefix.is_empty() {
            write_carried(row, &self.children.carried_sets[format.carried], &self.row.carried, prefix);
        }
        let line = self.lines[list.child].next_record();
        line.extend_from_slice(&self.heads[list.child]);
        // Nothing stands before it but what opens the row.
        line.extend_from_slice(prefix.strip_prefix(b",").unwrap_or(prefix));
        write_carried(row, &list.beside, &self.row.carried, line);
        line.extend_from_slice(&list.label);
        if format.has_index {
            // Writing to memory cannot fail.
            let _ = write!(line, ",\"{INDEX}\":{}", child_row.index);
        }
        match &child_row.content {
            Content::Columns(columns) => self.children.write_columns(row, columns, line),
            Content::Value { span, mark, is_part } => {
                let quote: &[u8] = if *is_part { b"\"" } else { b"" };
                line.extend_from_slice(&list.column);
                line.extend_from_slice(quote);
                row.edits.write(row.text, span.clone(), *mark, line);
                line.extend_from_slice(quote);
            }
            Content::Stray if list.column.is_empty() => {}
            Content::Stray => {
                line.extend_from_slice(&list.column);
                line.extend_from_slice(if format.is_by_value { b"\"\"" } else { b"null" });
            }
        }
        if row.extras.is_empty() && row.captures.undeclared.is_empty() {
            line.extend_from_slice(b"}}}\n");
        } else {
            self.children.write_extra(row, child_row, line);
        }
    }

    /// Whether the child has the value already; a row that has none is never taken for another.
    fn is_repeated(&mut self, row: RowParts<'_>, child_row: &ChildRow<'_>) -> bool {
        let Content::Value { span, is_part, .. } = &child_row.content else { return false };
        let is_quoted = !is_part && row.text[span.start] == b'"';
        let span = if is_quoted { span.start + 1..span.end - 1 } else { span.clone() };
        let seen = &mut self.row.seen[child_row.list.child];
        let is_repeated = seen.iter().any(|other| row.text[other.clone()] == row.text[span.clone()]);
        if !is_repeated {
            seen.push(span);
        }
        is_repeated
    }
}

impl RowNotes {
    fn begin(&mut self, children: &Children) {
        self.carried.clear();
        self.carried.resize(children.carried.len(), None);
        self.lists.clear();
        self.lists.resize(children.lists.len(), None);
        self.prefixes.resize_with(children.carried_sets.len(), Vec::new);
        self.prefixes.iter_mut().for_each(Vec::clear);
        self.seen.resize_with(children.formats.len(), Vec::new);
        self.seen.iter_mut().for_each(Vec::clear);
    }
}

impl RowParts<'_> {
    /// Whether its column could not hold the value.
    fn is_misfit(&self, value: &Captured) -> bool {
        self.extras.iter().any(|extra| extra.misfit.is_some() && extra.span == value.span)
    }

    /// Whether it is a text with nothing in it.
    fn is_blank(&self, value: &Captured) -> bool {
        let Range { start, end } = value.span;
        value.kind == ValueKind::String && self.text[start + 1..end - 1].trim_ascii().is_empty()
    }
}

/// Writes fields of the parent's row, a comma before each.
fn write_carried(row: RowParts<'_>, columns: &[CarriedColumn], carried: &[Option<usize>], line: &mut Vec<u8>) {
    for CarriedColumn { slot, name, is_key } in columns {
        match carried[*slot].map(|number| &row.captures.values[number]) {
            Some(Captured { span, mark, .. }) => {
                line.extend_from_slice(name);
                row.edits.write(row.text, span.clone(), *mark, line);
            }
            None if *is_key => {
                line.extend_from_slice(name);
                line.extend_from_slice(b"\"\"");
            }
            None => {}
        }
    }
}

impl Children {
    fn target(&self, value: &Captured) -> Target {
        self.targets[usize::from(value.node)]
    }

    fn write_columns(&self, row: RowParts<'_>, columns: &[Captured], line: &mut Vec<u8>) {
        for column in columns.iter().filter(|column| self.target(column) == Target::Column) {
            line.extend_from_slice(&self.columns[usize::from(column.node)]);
            row.edits.write(row.text, column.span.clone(), column.mark, line);
        }
    }

    /// Writes what no column can hold, and the end of the line.
    #[cold]
    fn write_extra(&self, row: RowParts<'_>, child_row: &ChildRow<'_>, line: &mut Vec<u8>) {
        let is_inside = |span: &Range<usize>| child_row.span.start <= span.start && span.end <= child_row.span.end;
        let (mut nulled, mut before) = (Vec::new(), r#","_extra":{"#);
        for Extra { misfit, span, mark } in row.extras.iter().filter(|extra| is_inside(&extra.span)) {
            let Some(misfit) = misfit else { continue };
            let node = usize::from(misfit.node);
            // The first number is that of the element itself.
            let path = with_indices(&self.paths[node], misfit.indices.get(1..).unwrap_or_default());
            if !row.drops_undeclared {
                line.extend_from_slice(before.as_bytes());
                line.extend_from_slice(json!(path).to_string().as_bytes());
                line.push(b':');
                row.edits.write(row.text, span.clone(), *mark, line);
                before = ",";
            }
            let is_column = match self.targets[node] {
                Target::Group => false,
                Target::List(_) | Target::Element(_) => !child_row.list.column.is_empty(),
                _ => true,
            };
            if is_column {
                nulled.push(path);
            }
        }
        let undeclared = row.captures.undeclared.iter().filter(|_| !row.drops_undeclared);
        for member in undeclared.filter(|member| is_inside(&member.span)) {
            line.extend_from_slice(before.as_bytes());
            line.push(b'"');
            if self.targets[usize::from(member.node)] == Target::Group {
                line.extend_from_slice(self.paths[usize::from(member.node)].as_bytes());
                line.push(b'_');
            }
            row.edits.write(row.text, member.span.start + 1..member.span.end, member.mark, line);
            before = ",";
        }
        if before == "," {
            line.push(b'}');
        }
        line.push(b'}');
        extra::write_changes(nulled.iter().map(String::as_str), line);
        line.extend_from_slice(b"}}\n");
    }
}
