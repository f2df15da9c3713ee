//! The RECORD lines of the child streams, written when the row that they are in has ended.

use std::ops::Range;

use serde_json::json;

use super::capture::{Captured, Captures};
use super::{CarriedColumn, ChildFormat, Children, Elements, ListFormat, Target};
use crate::record::batch::ChildLines;
use crate::record::edit::Edits;
use crate::record::extra::{self, Extra};
use crate::record::scanner::ValueKind;
use crate::record::schema::with_indices;

/// What a row has, as the scan has left it.
pub(crate) struct RowParts<'a> {
    pub(crate) text: &'a [u8],
    pub(crate) edits: &'a Edits,
    pub(crate) extras: &'a [Extra],
    pub(crate) captures: &'a Captures,
    /// The time of emission, as it is written.
    pub(crate) emitted_at: &'a str,
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
    Columns(&'a [&'a Captured]),
    /// One value: this stretch of the text, whose edits begin there, in quotes if it is a part of a text.
    Value { span: Range<usize>, mark: usize, is_part: bool },
    /// Nothing: what came can only stand in `_extra`.
    Stray,
}

impl Children {
    /// Writes the rows that are in a row of the parent, each to its child's lines.
    pub(in crate::record) fn write(&self, row: &RowParts<'_>, children: &mut [ChildLines]) {
        let mut carried: Vec<Option<&Captured>> = vec![None; self.carried.len()];
        // A field can stand in a row more than once; the last one counts.
        let mut whole: Vec<Option<&Captured>> = vec![None; self.lists.len()];
        for value in &row.captures.values {
            match self.target(value) {
                Target::List(list) => whole[list] = Some(value),
                Target::None => {}
                _ => continue,
            }
            if let Some(slot) = self.carried.iter().position(|place| *place == value.node) {
                carried[slot] = Some(value);
            }
        }
        let mut writer =
            ChildWriter { children: self, row, carried, seen: vec![Vec::new(); self.formats.len()], out: children };
        let mut columns = Vec::new();
        for value in &row.captures.values {
            match self.target(value) {
                Target::Column => columns.push(value),
                Target::Element(list) => {
                    if whole[list].is_some_and(|whole| whole.holds(&value.span)) {
                        writer.element(&self.lists[list], value, &columns);
                    }
                    columns.clear();
                }
                Target::List(list) if whole[list].is_some_and(|whole| whole.span == value.span) => {
                    writer.whole(&self.lists[list], value);
                }
                _ => {}
            }
        }
        for lines in children {
            lines.end_row();
        }
    }

    fn target(&self, value: &Captured) -> Target {
        self.targets[usize::from(value.node)]
    }
}

struct ChildWriter<'a> {
    children: &'a Children,
    row: &'a RowParts<'a>,
    carried: Vec<Option<&'a Captured>>,
    /// What each child that is told apart by its values has of the row already.
    seen: Vec<Vec<&'a [u8]>>,
    out: &'a mut [ChildLines],
}

impl<'a> ChildWriter<'a> {
    /// Writes an element of a list.
    fn element(&mut self, list: &'a ListFormat, element: &Captured, columns: &[&Captured]) {
        let content = match (list.elements, element.kind) {
            (_, ValueKind::Null) => return,
            (Elements::Objects, ValueKind::Object) => Content::Columns(columns),
            (Elements::Objects, _) => Content::Stray,
            _ if self.is_misfit(element) => Content::Stray,
            _ if self.is_blank(element) => return,
            _ => Content::Value { span: element.span.clone(), mark: element.mark, is_part: false },
        };
        self.write(&ChildRow { list, index: element.index, span: element.span.clone(), content });
    }

    /// Writes what a list holds that came in another form than an array.
    fn whole(&mut self, list: &'a ListFormat, value: &Captured) {
        match value.kind {
            ValueKind::Array if !self.is_misfit(value) => {}
            ValueKind::Null => {}
            ValueKind::String if self.is_blank(value) => {}
            ValueKind::String if matches!(list.elements, Elements::Texts(_)) => self.texts(list, value),
            _ if list.elements == Elements::Objects || self.is_misfit(value) => {
                self.write(&ChildRow { list, index: 0, span: value.span.clone(), content: Content::Stray });
            }
            _ => {
                let content = Content::Value { span: value.span.clone(), mark: value.mark, is_part: false };
                self.write(&ChildRow { list, index: 0, span: value.span.clone(), content });
            }
        }
    }

    /// Writes what commas divide.
    fn texts(&mut self, list: &'a ListFormat, value: &Captured) {
        let mut start = value.span.start + 1;
        for (index, part) in self.row.text[start..value.span.end - 1].split(|byte| *byte == b',').enumerate() {
            let end = start + part.len();
            let blank = part.len() - part.trim_ascii_start().len();
            let span = start + blank..start + blank + part.trim_ascii().len();
            start = end + 1;
            if !span.is_empty() {
                let content = Content::Value { span, mark: value.mark, is_part: true };
                self.write(&ChildRow { list, index, span: value.span.clone(), content });
            }
        }
    }

    /// Whether its column could not hold it.
    fn is_misfit(&self, value: &Captured) -> bool {
        self.row.extras.iter().any(|extra| extra.misfit.is_some() && extra.span == value.span)
    }

    /// Whether it is a text with nothing in it.
    fn is_blank(&self, value: &Captured) -> bool {
        value.kind == ValueKind::String
            && self.row.text[value.span.start + 1..value.span.end - 1].trim_ascii().is_empty()
    }

    fn write(&mut self, child_row: &ChildRow<'_>) {
        let row = self.row;
        let ListFormat { child, label, beside, .. } = child_row.list;
        let format = &self.children.formats[*child];
        if format.is_by_value && self.is_repeated(*child, child_row) {
            return;
        }
        let line = self.out[*child].next_record();
        line.extend_from_slice(format.head.as_bytes());
        line.extend_from_slice(row.emitted_at.as_bytes());
        line.extend_from_slice(br#","data":{"#);
        self.write_carried(format, beside, *child);
        let line = self.out[*child].line();
        line.extend_from_slice(label);
        if format.has_index {
            line.extend_from_slice(format!(r#","index":{}"#, child_row.index).as_bytes());
        }
        self.write_content(child_row, *child);
    }

    /// Whether the child has the value already; a row that has none is never taken for another.
    fn is_repeated(&mut self, child: usize, child_row: &ChildRow<'_>) -> bool {
        let Content::Value { span, is_part, .. } = &child_row.content else { return false };
        let text = &self.row.text[span.clone()];
        let text = if *is_part { text } else { text.strip_prefix(b"\"").unwrap_or(text) };
        let text = if *is_part { text } else { text.strip_suffix(b"\"").unwrap_or(text) };
        let is_repeated = self.seen[child].contains(&text);
        if !is_repeated {
            self.seen[child].push(text);
        }
        is_repeated
    }

    fn write_carried(&mut self, format: &ChildFormat, beside: &[CarriedColumn], child: usize) {
        let line = self.out[child].line();
        let mut comma = "";
        for CarriedColumn { slot, name, is_key } in format.carried.iter().chain(beside) {
            let value = self.carried[*slot];
            if value.is_none() && !is_key {
                continue;
            }
            line.extend_from_slice(comma.as_bytes());
            line.extend_from_slice(name);
            match value {
                Some(Captured { span, mark, .. }) => self.row.edits.write(self.row.text, span.clone(), *mark, line),
                None => line.extend_from_slice(b"\"\""),
            }
            comma = ",";
        }
    }

    /// Writes the columns, and the end of the line.
    fn write_content(&mut self, child_row: &ChildRow<'_>, child: usize) {
        let RowParts { text, edits, .. } = *self.row;
        let line = self.out[child].line();
        let list = child_row.list;
        match &child_row.content {
            Content::Columns(columns) => {
                for Captured { node, span, mark, .. } in *columns {
                    let name = list.paths.get(node).map_or("", String::as_str);
                    line.extend_from_slice(b",\"");
                    line.extend_from_slice(name.as_bytes());
                    line.extend_from_slice(b"\":");
                    edits.write(text, span.clone(), *mark, line);
                }
            }
            Content::Value { span, mark, is_part } => {
                let quote: &[u8] = if *is_part { b"\"" } else { b"" };
                line.extend_from_slice(format!(",{}:", json!(list.elements.column())).as_bytes());
                line.extend_from_slice(quote);
                edits.write(text, span.clone(), *mark, line);
                line.extend_from_slice(quote);
            }
            Content::Stray => {
                if let Some(column) = list.elements.column() {
                    let is_in_key = self.children.formats[child].is_by_value;
                    line.extend_from_slice(
                        format!(",{}:{}", json!(column), if is_in_key { "\"\"" } else { "null" }).as_bytes(),
                    );
                }
            }
        }
        self.write_extra(child_row, child);
    }

    fn write_extra(&mut self, child_row: &ChildRow<'_>, child: usize) {
        let RowParts { text, edits, extras, captures, .. } = *self.row;
        let (list, line) = (child_row.list, self.out[child].line());
        let is_inside = |span: &Range<usize>| child_row.span.start <= span.start && span.end <= child_row.span.end;
        let mut changed = Vec::new();
        let mut before = r#","_extra":{"#;
        for Extra { misfit, span, mark } in extras.iter().filter(|extra| is_inside(&extra.span)) {
            let Some((misfit, path)) = misfit.as_ref().and_then(|misfit| Some((misfit, list.paths.get(&misfit.node)?)))
            else {
                continue;
            };
            // The first number is that of the element itself.
            let path = with_indices(path, misfit.indices.get(1..).unwrap_or_default());
            line.extend_from_slice(before.as_bytes());
            line.extend_from_slice(json!(path).to_string().as_bytes());
            line.push(b':');
            edits.write(text, span.clone(), *mark, line);
            before = ",";
            let is_column = match self.children.targets[usize::from(misfit.node)] {
                Target::Group => false,
                Target::List(_) | Target::Element(_) => list.elements.column().is_some(),
                _ => true,
            };
            if is_column {
                changed.push(path);
            }
        }
        for member in captures.undeclared.iter().filter(|member| is_inside(&member.span)) {
            line.extend_from_slice(before.as_bytes());
            line.push(b'"');
            if self.children.targets[usize::from(member.node)] == Target::Group
                && let Some(path) = list.paths.get(&member.node)
            {
                line.extend_from_slice(path.as_bytes());
                line.push(b'_');
            }
            edits.write(text, member.span.start + 1..member.span.end, member.mark, line);
            before = ",";
        }
        if before == "," {
            line.push(b'}');
        }
        line.push(b'}');
        extra::write_changes(changed.iter().map(String::as_str), line);
        line.extend_from_slice(b"}}\n");
    }
}
