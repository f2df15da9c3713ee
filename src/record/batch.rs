//! Whole RECORD lines on their way from a page to the sink, with what a reader needs to know of each row.

use std::ops::Range;

use chrono::{DateTime, Utc};
use serde_json::value::RawValue;

use super::cells::Cell;
use super::finding::Finding;
use crate::buffer::Buffer;

/// The records of a page.
#[derive(Debug)]
pub struct RecordBatch {
    /// How much of each line stands before its row.
    pub(super) head: usize,
    pub(super) lines: Buffer,
    pub(super) rows: Vec<Row>,
    /// How many elements of the list were null.
    pub gaps: usize,
    /// What is worth a word, row by row.
    pub(super) findings: Vec<Finding>,
    /// Row by row, if they are noted.
    pub(super) cells: Vec<Cell>,
    /// What the rows hold of each child stream.
    pub(super) children: Vec<ChildLines>,
}

/// RECORD lines of one stream, each with its end.
#[derive(Debug)]
pub struct RecordLines {
    text: Buffer,
    /// How many there are.
    pub count: u64,
    cells: Option<RecordCells>,
}

/// What one of them holds.
pub struct Record<'a> {
    /// As it is written.
    pub data: &'a [u8],
    /// Where it has a table's cells, if all that is in it is in these.
    pub cells: Option<&'a [Cell]>,
}

/// Where the cells of all of them are.
#[derive(Debug)]
struct RecordCells {
    /// Where the data of each record is, and which cells are its own, if all that is in it is in these.
    records: Vec<(Range<usize>, Option<Range<usize>>)>,
    cells: Vec<Cell>,
}

/// Before the name of a line's stream.
const BEFORE_STREAM: &[u8] = br#""stream":""#;
/// Before what a record holds.
const BEFORE_DATA: &[u8] = br#","data":"#;
/// Before what is told of it, if anything is; what `meta` begins with, and its end with those of the record and the line.
const BEFORE_CHANGES: &[u8] = br#","meta":{"changes":"#;
const AFTER_CHANGES: &[u8] = b"}}}";

/// What stands behind the first such part; nothing, if there is none.
fn after<'a>(line: &'a [u8], part: &[u8]) -> &'a [u8] {
    memchr::memmem::find(line, part).map_or(&[], |at| &line[at + part.len()..])
}

/// What the record of a line holds. Its own bytes may look like what follows it, so that is proved to be there.
fn data_of(line: &[u8]) -> &[u8] {
    let start = line.len() - after(line, BEFORE_DATA).len();
    let data = line.get(start..line.len().saturating_sub(2)).unwrap_or_default();
    if !line.ends_with(b"]}}}") {
        return data;
    }
    // Forwards, since the search from behind goes byte by byte.
    let changes = memchr::memmem::find_iter(data, BEFORE_CHANGES).last();
    let is_told = |at: &usize| {
        let changes = &line[start + at + BEFORE_CHANGES.len()..];
        changes.strip_suffix(AFTER_CHANGES).is_some_and(|list| serde_json::from_slice::<Vec<&RawValue>>(list).is_ok())
    };
    changes.filter(is_told).map_or(data, |end| &data[..end])
}

/// The lines of a child stream, by the rows that they are in.
#[derive(Debug)]
pub(super) struct ChildLines {
    text: Buffer,
    count: u64,
    /// Where the lines of each row end, and how many there are up to there.
    ends: Vec<(usize, u64)>,
}

/// What is known of a row.
#[derive(Debug)]
pub struct Row {
    /// What tells it from others.
    pub identity: Identity,
    /// When it was last changed, if the stream is read by that, and the row has a time that can be read.
    pub cursor: Option<DateTime<Utc>>,
    /// Whether that time came with an offset. Without one it is taken for UTC, and may be half a day off.
    pub is_zoned: bool,
    /// When it was created, if its list is asked for by that, and the row has a time with an offset.
    pub created: Option<DateTime<Utc>>,
    /// Its key, if keys are tracked and it is a UUID in the usual form.
    pub uuid: Option<u128>,
    pub(super) line: Range<usize>,
    /// Where in the line what it holds ends.
    pub(super) data_end: usize,
    pub(super) findings: Range<usize>,
    /// If all that is in it is in cells.
    pub(super) cells: Option<Range<usize>>,
}

/// What tells a row from others, as a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Identity {
    /// Of its key.
    Key(u64),
    /// Of all of it, since it has no key: nothing says of two such rows that they are one.
    Content(u64),
}

impl RecordBatch {
    /// One without records.
    pub fn empty() -> Self {
        Self {
            head: 0,
            lines: Buffer::empty(),
            rows: Vec::new(),
            gaps: 0,
            findings: Vec::new(),
            cells: Vec::new(),
            children: Vec::new(),
        }
    }

    /// How many records it holds.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The lines, each with its end.
    pub fn lines(&self) -> &[u8] {
        &self.lines
    }

    /// What is known of the rows, in order.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// What a row holds, as it is written: the same for the same row.
    pub fn data(&self, row: &Row) -> &[u8] {
        &self.lines[row.line.start + self.head..row.line.end]
    }

    /// Leaves out the rows that are not to be kept. What they hold is given too, as it is written: the same for the same row.
    pub fn retain(&mut self, mut keep: impl FnMut(&Row, &[u8]) -> bool) {
        let before = self.rows.len();
        let Self { head, lines, rows, children, .. } = self;
        let mut kept = Vec::new();
        rows.retain(|row| {
            let is_kept = keep(row, &lines[row.line.start + *head..row.line.end]);
            if !children.is_empty() {
                kept.push(is_kept);
            }
            is_kept
        });
        if self.rows.len() < before {
            self.close_gaps();
            for child in &mut self.children {
                child.retain(&kept);
            }
        }
    }

    /// The lines of the rows themselves, and those of each child stream, in the order in which those were asked for.
    pub fn into_lines(self) -> (RecordLines, Vec<RecordLines>) {
        let Self { head, lines, rows, cells, children, .. } = self;
        let count = rows.len() as u64;
        let of_row = |row: Row| (row.line.start + head..row.line.start + row.data_end, row.cells);
        let cells = (!cells.is_empty()).then(|| RecordCells { records: rows.into_iter().map(of_row).collect(), cells });
        let children = children.into_iter().map(|ChildLines { text, count, .. }| RecordLines::new(text, count));
        (RecordLines { cells, ..RecordLines::new(lines, count) }, children.collect())
    }

    fn close_gaps(&mut self) {
        let mut end = 0;
        for row in &mut self.rows {
            self.lines.copy_within(row.line.clone(), end);
            row.line = end..end + row.line.len();
            end = row.line.end;
        }
        self.lines.truncate(end);
    }

    /// What is worth a word about its rows, each thing once a row.
    pub fn findings(&self) -> impl Iterator<Item = Finding> {
        self.rows.iter().flat_map(|row| &self.findings[row.findings.clone()]).copied()
    }
}

impl RecordLines {
    fn new(text: Buffer, count: u64) -> Self {
        Self { text, count, cells: None }
    }

    /// Of these, each with its end.
    pub fn joined(lines: &[Vec<u8>]) -> Self {
        let mut text = Buffer::take();
        for line in lines {
            text.extend_from_slice(line);
        }
        Self::new(text, lines.len() as u64)
    }

    /// A single one.
    pub(super) fn one(line: &[u8]) -> Self {
        let mut text = Buffer::take();
        text.extend_from_slice(line);
        Self::new(text, 1)
    }

    /// What each record holds.
    pub fn records(&self) -> impl Iterator<Item = Record<'_>> {
        let text = &self.text[..];
        let noted = self.cells.iter().flat_map(move |RecordCells { records, cells }| {
            let record = |(data, own): &(Range<usize>, Option<Range<usize>>)| Record {
                data: &text[data.clone()],
                cells: own.clone().map(|own| &cells[own]),
            };
            records.iter().map(record)
        });
        let unnoted = if self.cells.is_some() { &[] } else { text };
        let ends = memchr::memchr_iter(b'\n', unnoted);
        let lines = ends.scan(0, |start, end| Some(&unnoted[std::mem::replace(start, end + 1)..end]));
        noted.chain(lines.map(|line| Record { data: data_of(line), cells: None }))
    }

    /// The stream that they are of; empty if there are none.
    pub fn stream(&self) -> &[u8] {
        let name = after(&self.text, BEFORE_STREAM);
        name.split(|byte| *byte == b'"').next().unwrap_or_default()
    }

    /// All of them, one after the other.
    pub fn as_bytes(&self) -> &[u8] {
        &self.text
    }
}

impl ChildLines {
    /// None yet.
    pub(super) fn take() -> Self {
        Self { text: Buffer::take(), count: 0, ends: Vec::new() }
    }

    /// Begins a line.
    pub(super) fn next_record(&mut self) -> &mut Vec<u8> {
        self.count += 1;
        &mut self.text
    }

    /// A row of the parent has ended.
    pub(super) fn end_row(&mut self) {
        self.ends.push((self.text.len(), self.count));
    }

    /// Leaves out the lines of those rows of the parent that are not kept.
    fn retain(&mut self, kept: &[bool]) {
        let (mut from, mut counted) = ((0, 0), (0, 0));
        let mut ends = Vec::with_capacity(self.ends.len());
        for (&(end, count), is_kept) in self.ends.iter().zip(kept) {
            if *is_kept {
                self.text.copy_within(from.0..end, counted.0);
                counted = (counted.0 + end - from.0, counted.1 + count - from.1);
                ends.push(counted);
            }
            from = (end, count);
        }
        self.text.truncate(counted.0);
        (self.count, self.ends) = (counted.1, ends);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_record_holds_is_found_whatever_it_looks_like() {
        let head = r#"{"type":"RECORD","record":{"stream":"S","emitted_at":1,"data":"#;
        let changes = r#","meta":{"changes":[{"field":"a","change":"NULLED","reason":"r"}]}"#;
        for data in [
            r#"{"a":1}"#,
            r#"{"a":[1]}"#,
            r#"{"a":{"b":[{"c":1}]}}"#,
            r#"{"_extra":{"a":1,"meta":{"changes":[1]}},"z":[2]}"#,
            r#"{"z":[2],"_extra":{"a":1,"meta":{"changes":[1]}}}"#,
            r#"{"a":",\"data\":,\"meta\":{\"changes\":[1]}}}"}"#,
        ] {
            let lines = format!("{head}{data}}}}}\n{head}{data}{changes}}}}}\n");
            let mut text = Buffer::take();
            text.extend_from_slice(lines.as_bytes());
            let lines = RecordLines::new(text, 2);
            let found: Vec<_> = lines.records().map(|record| record.data).collect();
            assert_eq!(found, [data.as_bytes(), data.as_bytes()]);
            assert_eq!(lines.stream(), b"S");
        }
    }
}
