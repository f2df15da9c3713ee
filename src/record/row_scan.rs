//! The rows of a page, scanned along the stream's schema, and written as RECORD lines on the way.

use std::cell::RefCell;
use std::ops::Range;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::batch::{Identity, RecordBatch, RecordLines, Row};
use super::cells::{Cell, CellColumns, CellNotes};
use super::children::capture::Captures;
use super::children::{ChildOutput, ChildRows, ChildWriter, Children, Owner, RowParts};
use super::coerce::{self, Coercion};
use super::edit::Replacement;
use super::escapes::unescaped;
use super::extension::{self, ExtensionColumns, ExtensionValue};
use super::extra::{self, Extra, Misfit};
use super::finding::{Finding, FindingKind};
use super::personal_data::{PersonalMark, Treatment, as_written};
use super::scanner::{Malformed, Scanner, ValueKind};
use super::schema::{Capture, FieldRole, RowSchema, SchemaNode};
use super::timestamp;
use super::undeclared::UndeclaredFields;
use crate::buffer::Buffer;
use crate::clock;
use crate::hash::hash;

/// The end of a line, and of the record in it.
const AFTER_DATA: &[u8] = b"}}\n";

/// How many rows of a page show how long its lines will be.
const ROWS_BEFORE_ESTIMATE: usize = 16;

/// How the rows of one stream become RECORD lines.
pub struct RecordFormat {
    pub(super) schema: RowSchema,
    /// The line up to the time of emission.
    head: String,
    children: Children,
    /// Those whose cells are noted, if any are.
    cells: Option<CellColumns>,
    undeclared: RefCell<UndeclaredFields>,
}

/// What the scan of one row has found, and what it needs on the way.
#[derive(Default)]
pub(super) struct RowScan {
    /// The key's text, without quotes, if it is one.
    key: Option<Range<usize>>,
    /// The cursor, and whether it says where that is.
    cursor: Option<(DateTime<Utc>, bool)>,
    /// The time of creation, and the same of it.
    created: Option<(DateTime<Utc>, bool)>,
    has_key_member: bool,
    extras: Vec<Extra>,
    /// Which elements of the arrays around it a value is in.
    indices: Vec<usize>,
    /// How many members stay in the row.
    kept: usize,
    findings: Vec<Finding>,
    captures: Captures,
    cells: CellNotes,
    /// The columns that its extensions have.
    pub(super) extension: Vec<ExtensionValue>,
}

/// Where a member of the row ends that stays or was taken out, and which edits were noted up to there.
struct EndOfMember {
    at: usize,
    mark: usize,
}

/// A child stream whose records are wanted.
pub struct ChildRecords {
    /// Its name.
    pub stream: &'static str,
    /// The namespace that the catalog gave it, if any.
    pub namespace: Option<String>,
    /// Its key's columns.
    pub key: &'static [&'static str],
    /// Where its rows are.
    pub rows: &'static ChildRows,
}

impl RecordFormat {
    /// For records of a stream, under the namespace that the catalog gave it, if any.
    pub fn new(schema: RowSchema, stream: &str, namespace: Option<&str>) -> Self {
        Self {
            schema,
            head: line_head(stream, namespace),
            children: Children::default(),
            cells: None,
            undeclared: RefCell::default(),
        }
    }

    /// With the rows of child streams, of which the lists are in the stream's own rows.
    #[must_use]
    pub fn with_children(mut self, children: impl IntoIterator<Item = ChildRecords>) -> Self {
        let output = |ChildRecords { stream, namespace, key, rows }: ChildRecords| ChildOutput {
            head: line_head(stream, namespace.as_deref()),
            rows,
            key,
        };
        self.children = Children::compile(&mut self.schema, children.into_iter().map(output).collect());
        self
    }

    /// With a note of where the cells of a table stand in each record, `paths` being those of its columns, by their numbers.
    #[must_use]
    pub fn with_cells(mut self, paths: &[Vec<String>]) -> Self {
        self.cells = Some(CellColumns::mark(&mut self.schema, paths));
        self
    }

    /// Scans an array of rows.
    ///
    /// # Errors
    /// If it is not an array of objects.
    pub fn scan(&self, scanner: &mut Scanner<'_>) -> Result<RecordBatch, Malformed> {
        let emitted_at = clock::now().timestamp_millis().to_string();
        let before_row = format!(r#"{}{emitted_at},"data":"#, self.head);
        let mut batch = RecordBatch { head: before_row.len(), lines: Buffer::take(), ..RecordBatch::empty() };
        let mut children = ChildWriter::new(&self.children, &emitted_at);
        let mut found = RowScan::default();
        let mut more = scanner.open(b'[', b']')?;
        let begin = scanner.at();
        while more {
            if scanner.peek() == b'n' {
                // A gap in the list is no row, and costs none.
                batch.gaps += 1;
                scanner.skip_value()?;
                more = scanner.more(b']')?;
                continue;
            }
            self.scan_row(scanner, &mut found, before_row.as_bytes(), &mut batch)?;
            if !self.children.is_empty() {
                let RowScan { extras, captures, .. } = &found;
                let (text, edits) = (scanner.text(), &scanner.edits);
                let drops_undeclared = self.drops_undeclared();
                children.write_row(RowParts { text, edits, extras, captures, drops_undeclared });
            }
            if batch.rows.len() == ROWS_BEFORE_ESTIMATE {
                // Rows of a page are alike, and a buffer that grows while they come is copied.
                let (done, rest) = (scanner.at() - begin, scanner.text().len() - scanner.at());
                let (lines, cells) = (batch.lines.len(), batch.cells.len());
                batch.lines.make_room((rest * lines / done * 17 / 16).min(2 * rest));
                batch.cells.reserve((rest * cells / done).min(rest / 16));
            }
            more = scanner.more(b']')?;
        }
        batch.children = children.finish();
        Ok(batch)
    }

    /// A record with these columns, at this moment.
    pub fn record(&self, data: &Value) -> RecordLines {
        let emitted_at = clock::now().timestamp_millis();
        RecordLines::one(format!("{}{emitted_at},\"data\":{data}}}}}\n", self.head).as_bytes())
    }

    /// What a finding is about: the path of a place in the schema, or the name of a field that no schema declares.
    pub fn place(&self, finding: Finding) -> String {
        let number = usize::from(finding.place);
        match finding.kind {
            FindingKind::Undeclared | FindingKind::UndeclaredMember => self.undeclared.borrow().name(number),
            _ => self.schema.path(finding.place).to_owned(),
        }
    }

    /// In whose rows it is.
    pub fn owner(&self, finding: Finding) -> Owner {
        match finding.kind {
            FindingKind::Undeclared => Owner::Parent,
            FindingKind::UndeclaredMember => {
                let object = self.undeclared.borrow().object(usize::from(finding.place));
                object.map_or(Owner::Parent, |object| self.children.owner(object))
            }
            FindingKind::Mended => Owner::All,
            FindingKind::Nulled | FindingKind::Repaired | FindingKind::NoKey => self.children.owner(finding.place),
        }
    }

    fn scan_row(
        &self,
        scanner: &mut Scanner<'_>,
        found: &mut RowScan,
        before_row: &[u8],
        batch: &mut RecordBatch,
    ) -> Result<(), Malformed> {
        let is_object = scanner.peek() == b'{';
        scanner.edits.clear();
        scanner.is_mended = false;
        found.clear();
        let start = scanner.at();
        if is_object {
            self.members(scanner, found)?;
        } else {
            self.undeclared_value(scanner)?;
            if !scanner.is_lenient {
                return Err(Malformed::Shape("a row is not an object"));
            }
            scanner.is_mended = true;
        }
        if scanner.is_mended {
            found.findings.push(Finding { kind: FindingKind::Mended, place: self.schema.root.id });
        }
        if found.key.is_none()
            && let Some(place) = self.schema.key
        {
            found.findings.push(Finding { kind: FindingKind::NoKey, place });
        }
        let (text, row) = (scanner.text(), start..scanner.at());
        let (line_start, findings_start) = (batch.lines.len(), batch.findings.len());
        let cells_start = batch.cells.len();
        batch.lines.extend_from_slice(before_row);
        let data_end = if is_object {
            self.write_row(scanner, found, row.clone(), batch)
        } else {
            self.write_stray(scanner, row.clone(), &mut batch.lines)
        };
        let has_cells = self.cells.is_some() && is_object && found.cells.is_whole();
        batch.findings.append(&mut found.findings);
        batch.rows.push(Row {
            identity: match &found.key {
                Some(key) => Identity::Key(hash(&unescaped(&text[key.clone()]))),
                None => Identity::Content(hash(&text[row])),
            },
            cursor: found.cursor.map(|(time, _)| time),
            is_zoned: found.cursor.is_some_and(|(_, is_zoned)| is_zoned),
            created: found.created.filter(|(_, is_zoned)| *is_zoned).map(|(time, _)| time),
            uuid: found.key.clone().filter(|_| self.schema.tracks_keys).and_then(|key| uuid_in(&text[key])),
            line: line_start..batch.lines.len(),
            data_end: data_end - line_start,
            findings: findings_start..batch.findings.len(),
            cells: has_cells.then_some(cells_start..batch.cells.len()),
        });
        Ok(())
    }

    /// Writes the row and the end of its line; where the row ends in it.
    #[inline(never)]
    fn write_row(
        &self,
        scanner: &Scanner<'_>,
        found: &mut RowScan,
        row: Range<usize>,
        batch: &mut RecordBatch,
    ) -> usize {
        let (text, line) = (scanner.text(), &mut *batch.lines);
        let (start, row) = (line.len(), row.start..row.end - 1);
        if self.cells.is_some() {
            found.cells.write(text, row, &scanner.edits, line, &mut batch.cells);
        } else {
            scanner.edits.write(text, row, 0, line);
        }
        let mut comma = if found.kept > 0 { "," } else { "" };
        if let Some(key) = self.schema.key.filter(|_| !found.has_key_member) {
            line.extend_from_slice(format!("{comma}{}:\"\"", json!(self.schema.path(key))).as_bytes());
            comma = ",";
            found.cells.miss();
        }
        if !found.extension.is_empty() {
            let name = |node| self.schema.path(node);
            found.cells.miss();
            comma = extension::write_columns(text, &found.extension, &scanner.edits, name, comma, line);
        }
        if !found.extras.is_empty() && !self.drops_undeclared() {
            line.extend_from_slice(comma.as_bytes());
            let extra = extra::write_column(text, &found.extras, &scanner.edits, &self.schema, line);
            if let Some(column) = self.cells.as_ref().and_then(|columns| columns.extra) {
                batch.cells.push(Cell::new(column, extra.start - start..extra.end - start));
            }
        }
        line.push(b'}');
        let end = line.len();
        let nulled: Vec<_> = found.extras.iter().filter_map(|extra| extra.misfit.as_ref()).collect();
        if !nulled.is_empty() {
            let paths: Vec<_> = nulled.iter().map(|misfit| misfit.path(&self.schema)).collect();
            extra::write_changes(paths.iter().map(String::as_str), line);
        }
        line.extend_from_slice(AFTER_DATA);
        end
    }

    /// The same of an element of the list that is no row: no column can hold it.
    #[cold]
    fn write_stray(&self, scanner: &Scanner<'_>, value: Range<usize>, line: &mut Vec<u8>) -> usize {
        let key = self.schema.key.map(|key| format!("{}:\"\"", json!(self.schema.path(key)))).unwrap_or_default();
        if self.drops_undeclared() {
            line.extend_from_slice(format!("{{{key}}}}}}}\n").as_bytes());
            return line.len() - AFTER_DATA.len();
        }
        let comma = if key.is_empty() { "" } else { "," };
        line.extend_from_slice(format!(r#"{{{key}{comma}"_extra":{{"row":"#).as_bytes());
        scanner.edits.write(scanner.text(), value, 0, line);
        line.extend_from_slice(b"}}}}\n");
        line.len() - AFTER_DATA.len()
    }

    /// Scans the members of a row along the schema; those that it does not declare are taken out.
    #[inline(always)]
    fn members(&self, scanner: &mut Scanner<'_>, found: &mut RowScan) -> Result<(), Malformed> {
        let mut more = scanner.open(b'{', b'}')?;
        let mut before = EndOfMember { at: scanner.at(), mark: scanner.edits.mark() };
        while more {
            scanner.peek();
            let (start, name_mark) = (scanner.at(), scanner.edits.mark());
            let name = scanner.name()?;
            let Some(node) = self.schema.root.field(scanner.text(), &name) else {
                more = self.undeclared_member(scanner, start, name, name_mark, &mut before, found)?;
                continue;
            };
            if node.role == FieldRole::Plain {
                self.value(scanner, node, found)?;
            } else {
                self.value_with_role(scanner, node, found)?;
            }
            found.kept += 1;
            before = EndOfMember { at: scanner.at(), mark: scanner.edits.mark() };
            more = scanner.more(b'}')?;
        }
        Ok(())
    }

    /// Takes out a member that begins at `start`, and whose name was read; whether another follows.
    #[inline(never)]
    fn undeclared_member(
        &self,
        scanner: &mut Scanner<'_>,
        start: usize,
        name: Range<usize>,
        name_mark: usize,
        before: &mut EndOfMember,
        found: &mut RowScan,
    ) -> Result<bool, Malformed> {
        let (extras, values) = (found.extras.len(), found.extension.len());
        let is_taken = match &self.schema.extension {
            Some(columns) if ExtensionColumns::is_extension(scanner.text(), &name) => {
                self.extension(scanner, columns, found)?
            }
            _ => {
                self.undeclared_value(scanner)?;
                false
            }
        };
        let field = start..scanner.at();
        let next_mark = scanner.edits.mark() + 1;
        let more = scanner.more(b'}')?;
        // It goes with the comma before it, or with the one behind it as long as no member stays.
        let (gap, mark_before) = match found.kept {
            0 if more => (start..scanner.at(), name_mark),
            0 => (field.clone(), name_mark),
            _ => (before.at..field.end, before.mark),
        };
        if !is_taken {
            let place = self.undeclared.borrow_mut().number(scanner, (self.schema.root.id, ""), name, name_mark);
            found.note(Finding { kind: FindingKind::Undeclared, place });
        }
        scanner.edits.insert(mark_before, gap, Replacement::text(""));
        *before = EndOfMember { at: field.end, mark: next_mark };
        // The edit that takes it out stands before those inside it.
        found.extras[extras..].iter_mut().for_each(|extra| extra.mark += 1);
        found.extension[values..].iter_mut().for_each(|value| value.mark += 1);
        if !is_taken {
            found.extras.push(Extra { misfit: None, span: field, mark: mark_before + 1 });
        }
        Ok(more)
    }

    /// The same as [`Self::value`] for one of the few fields that mean something to the stream.
    #[inline(never)]
    fn value_with_role(
        &self,
        scanner: &mut Scanner<'_>,
        node: &SchemaNode,
        found: &mut RowScan,
    ) -> Result<(), Malformed> {
        match node.role {
            FieldRole::Key => self.key(scanner, node, found)?,
            FieldRole::Cursor => found.cursor = self.time(scanner, node, found)?,
            FieldRole::Created => found.created = self.time(scanner, node, found)?,
            FieldRole::Plain => _ = self.called_value(scanner, node, found)?,
        }
        Ok(())
    }

    fn key(&self, scanner: &mut Scanner<'_>, node: &SchemaNode, found: &mut RowScan) -> Result<(), Malformed> {
        found.has_key_member = true;
        let (kind, span) = self.called_value(scanner, node, found)?;
        let text = if kind == ValueKind::String { span.start + 1..span.end - 1 } else { span };
        let is_text =
            matches!(kind, ValueKind::String | ValueKind::Boolean | ValueKind::NotANumber) || kind.is_number();
        found.key = Some(text).filter(|text| is_text && !text.is_empty());
        Ok(())
    }

    /// The time that a field tells, and whether it says where that is.
    fn time(
        &self,
        scanner: &mut Scanner<'_>,
        node: &SchemaNode,
        found: &mut RowScan,
    ) -> Result<Option<(DateTime<Utc>, bool)>, Malformed> {
        let (kind, span) = self.called_value(scanner, node, found)?;
        Ok(match kind {
            ValueKind::String => {
                let inside = &scanner.text()[span.start + 1..span.end - 1];
                timestamp::parse_zoned(inside).or_else(|| timestamp::parse_zoned(&unescaped(inside)))
            }
            kind if kind.is_number() => timestamp::parse_number(&scanner.text()[span]).map(|time| (time, true)),
            _ => None,
        })
    }

    /// Scans a value along its place in the schema; what it is, and where it stands. Its steps are in each of the loops that need
    /// them; all else is called, so that these loops stay in the processor's nearest cache.
    #[inline(always)]
    fn value(
        &self,
        scanner: &mut Scanner<'_>,
        node: &SchemaNode,
        found: &mut RowScan,
    ) -> Result<(ValueKind, Range<usize>), Malformed> {
        if node.capture == Capture::None {
            self.plain_value(scanner, node, found)
        } else {
            self.captured_value(scanner, node, found)
        }
    }

    /// The same, as a call.
    #[inline(never)]
    pub(super) fn called_value(
        &self,
        scanner: &mut Scanner<'_>,
        node: &SchemaNode,
        found: &mut RowScan,
    ) -> Result<(ValueKind, Range<usize>), Malformed> {
        self.value(scanner, node, found)
    }

    /// The same, of a place that matters to a child stream or is a cell.
    #[inline(never)]
    fn captured_value(
        &self,
        scanner: &mut Scanner<'_>,
        node: &SchemaNode,
        found: &mut RowScan,
    ) -> Result<(ValueKind, Range<usize>), Malformed> {
        scanner.peek(); // white space before the value is none of it
        let mark = scanner.edits.mark();
        let (kind, span) = self.plain_value(scanner, node, found)?;
        if let Some(column) = node.cell {
            found.cells.push(column, span.clone(), mark..scanner.edits.mark());
        }
        if node.capture != Capture::Cell {
            let index = found.indices.last().copied().unwrap_or(0);
            found.captures.value(node.id, kind, span.clone(), mark, index);
        }
        Ok((kind, span))
    }

    #[inline(always)]
    fn plain_value(
        &self,
        scanner: &mut Scanner<'_>,
        node: &SchemaNode,
        found: &mut RowScan,
    ) -> Result<(ValueKind, Range<usize>), Malformed> {
        let first = scanner.peek();
        let start = scanner.at();
        match first {
            b'"' if node.takes_any_string => {
                scanner.string()?;
                Ok((ValueKind::String, start..scanner.at()))
            }
            b'"' | b'{' | b'[' => self.other_value(first, scanner, node, found),
            _ => {
                let mark = scanner.edits.mark();
                let kind = scanner.scalar()?;
                let span = start..scanner.at();
                if !node.promises(kind) {
                    self.unpromised_scalar(kind, node, span.clone(), mark, scanner, found);
                }
                Ok((kind, span))
            }
        }
    }

    #[inline(never)]
    fn unpromised_scalar(
        &self,
        kind: ValueKind,
        node: &SchemaNode,
        span: Range<usize>,
        mark: usize,
        scanner: &mut Scanner<'_>,
        found: &mut RowScan,
    ) {
        let text = &scanner.text()[span.clone()];
        let coercion = match node.personal {
            PersonalMark::None => coerce::scalar(node, kind, text),
            _ => self.personal_text(node, text),
        };
        self.apply(coercion, node, span, mark, scanner, found);
    }

    /// A value that holds others, or a string that promises to be something.
    fn other_value(
        &self,
        first: u8,
        scanner: &mut Scanner<'_>,
        node: &SchemaNode,
        found: &mut RowScan,
    ) -> Result<(ValueKind, Range<usize>), Malformed> {
        let (start, mark) = (scanner.at(), scanner.edits.mark());
        let (kind, coercion) = match first {
            b'"' => {
                let inside = scanner.string()?;
                let coercion = match PersonalMark::of_text_at(node) {
                    PersonalMark::None => coerce::string(node, &scanner.text()[inside]),
                    personal => self.personal_string(scanner, node, personal, inside, mark),
                };
                (ValueKind::String, coercion)
            }
            _ if node.personal != PersonalMark::None => self.personal_container(first, scanner, node)?,
            b'{' if node.promises(ValueKind::Object) => {
                self.object(scanner, node, found)?;
                (ValueKind::Object, Coercion::Keep)
            }
            b'[' if node.promises(ValueKind::Array) => {
                self.array(scanner, node, found)?;
                (ValueKind::Array, Coercion::Keep)
            }
            _ => {
                self.undeclared_value(scanner)?;
                (container_kind(first), Coercion::Misfit)
            }
        };
        let span = start..scanner.at();
        if coercion != Coercion::Keep {
            self.apply(coercion, node, span.clone(), mark, scanner, found);
        }
        Ok((kind, span))
    }

    /// Notes what becomes of a value; `mark` is where its edits begin.
    fn apply(
        &self,
        coercion: Coercion,
        node: &SchemaNode,
        span: Range<usize>,
        mark: usize,
        scanner: &mut Scanner<'_>,
        found: &mut RowScan,
    ) {
        let (kind, is_told) = match coercion {
            Coercion::Misfit => (FindingKind::Nulled, true),
            Coercion::Repair(_) | Coercion::Wrap => (FindingKind::Repaired, !node.is_coerced),
            Coercion::Keep | Coercion::Write(_) => (FindingKind::Repaired, false),
        };
        if is_told {
            found.note(Finding { kind, place: node.id });
        }
        match coercion {
            Coercion::Keep => {}
            Coercion::Write(instead) | Coercion::Repair(instead) => scanner.edits.insert(mark, span, instead),
            Coercion::Wrap => {
                scanner.edits.insert(mark, span.start..span.start, Replacement::text("["));
                scanner.edits.push(span.end..span.end, Replacement::text("]"));
            }
            Coercion::Misfit => {
                // In `_extra`, as which it goes on, it may be anything.
                if let Treatment::Hash(hash) = self.schema.personal.of_undeclared()
                    && scanner.text()[span.start] == b'"'
                {
                    let hashed = hash.quoted(&as_written(scanner, span.start + 1..span.end - 1, mark)).into();
                    scanner.edits.insert(mark, span.clone(), Replacement::Text(hashed));
                }
                let misfit = Some(Misfit { node: node.id, indices: found.indices[..].into() });
                found.extras.push(Extra { misfit, span: span.clone(), mark: mark + 1 });
                let instead = if node.role == FieldRole::Key { "\"\"" } else { "null" };
                scanner.edits.insert(mark, span, Replacement::text(instead));
            }
        }
    }

    fn object(&self, scanner: &mut Scanner<'_>, node: &SchemaNode, found: &mut RowScan) -> Result<(), Malformed> {
        if node.fields.is_empty() {
            return scanner.skip_value();
        }
        let mut more = scanner.open(b'{', b'}')?;
        while more {
            let mark = scanner.edits.mark();
            let name = scanner.name()?;
            match node.field(scanner.text(), &name) {
                Some(field) => {
                    self.value(scanner, field, found)?;
                }
                None if node.capture == Capture::Group => {
                    found.cells.miss();
                    self.undeclared_value(scanner)?;
                    found.captures.undeclared(node.id, name.start - 1..scanner.at(), mark);
                    let object = (node.id, self.schema.path(node.id));
                    let place = self.undeclared.borrow_mut().number(scanner, object, name, mark);
                    found.note(Finding { kind: FindingKind::UndeclaredMember, place });
                }
                None => {
                    found.cells.miss();
                    self.undeclared_value(scanner)?;
                }
            }
            more = scanner.more(b'}')?;
        }
        Ok(())
    }

    fn array(&self, scanner: &mut Scanner<'_>, node: &SchemaNode, found: &mut RowScan) -> Result<(), Malformed> {
        let Some(items) = &node.items else { return scanner.skip_value() };
        let mut more = scanner.open(b'[', b']')?;
        found.indices.push(0);
        while more {
            self.value(scanner, items, found)?;
            more = scanner.more(b']')?;
            if let Some(index) = found.indices.last_mut() {
                *index += 1;
            }
        }
        found.indices.pop();
        Ok(())
    }
}

impl RowScan {
    fn clear(&mut self) {
        self.key = None;
        self.cursor = None;
        self.created = None;
        self.has_key_member = false;
        self.extras.clear();
        self.indices.clear();
        self.kept = 0;
        self.findings.clear();
        self.captures.clear();
        self.cells.clear();
        self.extension.clear();
    }

    /// Takes note, once a row.
    fn note(&mut self, finding: Finding) {
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }
}

/// The UUID that is written so, if it is one and would be written in the same way again.
fn uuid_in(text: &[u8]) -> Option<u128> {
    let uuid = Uuid::try_parse_ascii(text).ok()?;
    let is_usual = text == uuid.as_hyphenated().encode_lower(&mut Uuid::encode_buffer()).as_bytes();
    is_usual.then(|| uuid.as_u128())
}

/// What a value is that begins so, and holds others.
pub(super) fn container_kind(first: u8) -> ValueKind {
    if first == b'{' { ValueKind::Object } else { ValueKind::Array }
}

/// The line of a stream's record up to the time of emission.
fn line_head(stream: &str, namespace: Option<&str>) -> String {
    let namespace = namespace.map(|name| format!(r#""namespace":{},"#, json!(name))).unwrap_or_default();
    format!(r#"{{"type":"RECORD","record":{{{namespace}"stream":{},"emitted_at":"#, json!(stream))
}
