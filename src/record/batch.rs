//! Whole RECORD lines on their way from a page to the sink, with what a reader needs to know of each row.

use std::ops::Range;

use chrono::{DateTime, Utc};

use super::schema::NodeId;
use crate::buffer::Buffer;

/// The records of a page.
#[derive(Debug)]
pub struct RecordBatch {
    pub(super) lines: Buffer,
    pub(super) rows: Vec<Row>,
    /// Places in the schema where a row has another form, row by row.
    pub(super) drift: Vec<NodeId>,
}

/// What is known of a row.
#[derive(Debug)]
pub struct Row {
    /// Hash of the row's key. A row without one stands for itself: then it is the hash of the row.
    pub identity: u64,
    /// The time by which the stream is read (creation or change), if the row has one that can be read.
    pub cursor: Option<DateTime<Utc>>,
    pub(super) line: Range<usize>,
    pub(super) drift: Range<usize>,
}

impl RecordBatch {
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

    /// Leaves out the rows that are not to be kept.
    pub fn retain(&mut self, keep: impl FnMut(&Row) -> bool) {
        let before = self.rows.len();
        self.rows.retain(keep);
        if self.rows.len() < before {
            self.close_gaps();
        }
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

    /// Places in the schema where the rows have another form, once a row.
    pub(super) fn drifted(&self) -> impl Iterator<Item = NodeId> {
        self.rows.iter().flat_map(|row| &self.drift[row.drift.clone()]).copied()
    }
}
