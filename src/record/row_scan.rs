//! The rows of a page, scanned along the stream's schema, and written as RECORD lines on the way.

use std::hash::{DefaultHasher, Hasher as _};
use std::ops::Range;

use chrono::{DateTime, Utc};
use serde_json::json;

use super::batch::{RecordBatch, Row};
use super::coerce::coercion;
use super::edit::{Edit, write_row};
use super::scanner::{Malformed, Scanner, ValueKind};
use super::schema::{FieldRole, Format, NodeId, RowSchema, SchemaNode};
use super::timestamp;
use crate::buffer::Buffer;

/// How the rows of one stream become RECORD lines.
pub struct RecordFormat {
    schema: RowSchema,
    /// The line up to the time of emission.
    head: String,
}

/// What the scan of one row has found.
#[derive(Default)]
struct RowScan {
    /// Where the key stands, without quotes; `None` if it is absent or null.
    key: Option<Range<usize>>,
    cursor: Option<Range<usize>>,
}

impl RecordFormat {
    /// For records of a stream, under the namespace that the catalog gave it, if any.
    pub fn new(schema: RowSchema, stream: &str, namespace: Option<&str>) -> Self {
        let namespace = namespace.map(|name| format!(r#""namespace":{},"#, json!(name))).unwrap_or_default();
        let head = format!(r#"{{"type":"RECORD","record":{{{namespace}"stream":{},"emitted_at":"#, json!(stream));
        Self { schema, head }
    }

    /// Scans an array of rows.
    ///
    /// # Errors
    /// If it is not an array of objects.
    pub fn scan(&self, scanner: &mut Scanner<'_>) -> Result<RecordBatch, Malformed> {
        let before_row = format!(r#"{}{},"data":"#, self.head, Utc::now().timestamp_millis());
        let mut batch = RecordBatch { lines: Buffer::take(), rows: Vec::new(), drift: Vec::new() };
        // About what the lines will need: the rest of the page, and some more for each row.
        let rest = scanner.text().len() - scanner.at();
        batch.lines.reserve(rest + rest / 16);
        let mut more = scanner.open(b'[', b']')?;
        while more {
            self.scan_row(scanner, &before_row, &mut batch)?;
            more = scanner.more(b']')?;
        }
        Ok(batch)
    }

    /// The places in the schema where the records of a batch have another form, once a record and place.
    pub fn drift<'a>(&'a self, batch: &RecordBatch) -> impl Iterator<Item = &'a str> {
        batch.drifted().map(|node| self.schema.path(node))
    }

    fn scan_row(&self, scanner: &mut Scanner<'_>, before_row: &str, batch: &mut RecordBatch) -> Result<(), Malformed> {
        if scanner.peek() != b'{' {
            scanner.skip_value()?;
            return Err(Malformed::Shape("a row is not an object"));
        }
        scanner.edits.clear();
        scanner.has_line_break = false;
        let (start, drift_start) = (scanner.at(), batch.drift.len());
        let found = scanner.row(&self.schema, &mut batch.drift)?;
        let (text, row) = (scanner.text(), start..scanner.at());
        let line_start = batch.lines.len();
        batch.lines.extend_from_slice(before_row.as_bytes());
        write_row(text, row.clone(), &scanner.edits, scanner.has_line_break, &mut batch.lines);
        batch.lines.extend_from_slice(b"}}\n");
        batch.rows.push(Row {
            identity: hash(&text[found.key.unwrap_or(row)]),
            cursor: found.cursor.and_then(|span| time_at(text, span)),
            line: line_start..batch.lines.len(),
            drift: drift_start..batch.drift.len(),
        });
        Ok(())
    }
}

/// A strong hash: two keys of one slice that met in it would be taken for one row.
pub(super) fn hash(key: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(key);
    hasher.finish()
}

fn time_at(text: &[u8], span: Range<usize>) -> Option<DateTime<Utc>> {
    timestamp::parse(str::from_utf8(&text[span]).ok()?)
}

impl Scanner<'_> {
    /// Scans a row along its schema; `drift` gets the places where it has another form.
    fn row(&mut self, schema: &RowSchema, drift: &mut Vec<NodeId>) -> Result<RowScan, Malformed> {
        let mut found = RowScan::default();
        let mut more = self.open(b'{', b'}')?;
        while more {
            match self.field(&schema.root)? {
                Some(node) if node.role == FieldRole::Plain => {
                    self.value(node, drift)?;
                }
                Some(node) => self.special_field(node, &mut found, drift)?,
                None => self.skip_value()?,
            }
            more = self.more(b'}')?;
        }
        if found.key.is_none() {
            drift.push(schema.key);
        }
        Ok(found)
    }

    /// Scans a field that is key or cursor, or comes in two forms.
    fn special_field(
        &mut self,
        node: &SchemaNode,
        found: &mut RowScan,
        drift: &mut Vec<NodeId>,
    ) -> Result<(), Malformed> {
        self.peek();
        let (start, drift_start) = (self.at(), drift.len());
        let kind = self.value(node, drift)?;
        let span = start..self.at();
        let inside = if kind == ValueKind::String { start + 1..self.at() - 1 } else { span.clone() };
        match node.role {
            FieldRole::Key if kind != ValueKind::Null => found.key = Some(inside),
            FieldRole::Cursor if kind == ValueKind::String => found.cursor = Some(inside),
            FieldRole::Coerced => {
                if let Some(replacement) = coercion(node, kind, &self.text()[span.clone()]) {
                    // The value is written anew as a whole, so what was noted inside it no longer counts.
                    drift.truncate(drift_start);
                    while self.edits.last().is_some_and(|edit| edit.span.start >= start) {
                        self.edits.pop();
                    }
                    self.edits.push(Edit { span, replacement });
                }
            }
            FieldRole::Plain | FieldRole::Key | FieldRole::Cursor => {}
        }
        Ok(())
    }

    /// Steps over a member's name; the place of that name below `node`.
    #[inline]
    fn field<'s>(&mut self, node: &'s SchemaNode) -> Result<Option<&'s SchemaNode>, Malformed> {
        let name = self.name()?;
        Ok(node.fields.get(&self.text()[name]))
    }

    /// Scans a value along its place in the schema.
    fn value(&mut self, node: &SchemaNode, drift: &mut Vec<NodeId>) -> Result<ValueKind, Malformed> {
        let drift_start = drift.len();
        let kind = match self.peek() {
            b'"' => {
                let inside = self.string()?;
                if node.format != Format::Any && !node.format.is_met_by(&self.text()[inside]) {
                    drift.push(node.id);
                }
                ValueKind::String
            }
            b'{' => {
                self.object(node, drift)?;
                ValueKind::Object
            }
            b'[' => {
                self.array(node, drift)?;
                ValueKind::Array
            }
            _ => self.scalar()?,
        };
        // What lies deeper says it more exactly.
        if !node.promises(kind) && drift.len() == drift_start {
            drift.push(node.id);
        }
        Ok(kind)
    }

    fn object(&mut self, node: &SchemaNode, drift: &mut Vec<NodeId>) -> Result<(), Malformed> {
        if node.fields.is_empty() {
            return self.skip_value();
        }
        let mut more = self.open(b'{', b'}')?;
        while more {
            match self.field(node)? {
                Some(field) => {
                    self.value(field, drift)?;
                }
                None => self.skip_value()?,
            }
            more = self.more(b'}')?;
        }
        Ok(())
    }

    fn array(&mut self, node: &SchemaNode, drift: &mut Vec<NodeId>) -> Result<(), Malformed> {
        let Some(items) = &node.items else { return self.skip_value() };
        let mut more = self.open(b'[', b']')?;
        while more {
            self.value(items, drift)?;
            more = self.more(b']')?;
        }
        Ok(())
    }
}
