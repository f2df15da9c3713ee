//! Where the cells of a table stand in the records, for a sink that takes them apart: the scan has just been at each of them.

use std::ops::Range;

use super::edit::Edits;
use super::schema::{Capture, EXTRA, RowSchema};

/// A cell of a record.
#[derive(Clone, Copy, Debug)]
pub struct Cell {
    /// The number of its column.
    pub column: u16,
    start: u32,
    end: u32,
}

/// The columns whose cells are noted.
#[derive(Default)]
pub(super) struct CellColumns {
    /// The number of that of what the schema has no place for.
    pub(super) extra: Option<u16>,
}

/// What the scan of a row notes for its cells.
#[derive(Default)]
pub(super) struct CellNotes {
    cells: Vec<NotedCell>,
    /// The row holds something that has no cell, and yet a place in the table.
    is_partial: bool,
}

/// A cell in the text of a page.
struct NotedCell {
    column: u16,
    span: Range<usize>,
    /// The numbers of its edits.
    edits: Range<usize>,
}

impl Cell {
    /// That of a column, which stands there in its record's data.
    // A page is smaller than 2^28 bytes, and a schema has a few hundred places.
    #[allow(clippy::cast_possible_truncation)]
    pub fn new(column: u16, span: Range<usize>) -> Self {
        Self { column, start: span.start as u32, end: span.end as u32 }
    }

    /// Its JSON, which stands in its record's data.
    pub fn of<'a>(&self, data: &'a [u8]) -> &'a [u8] {
        &data[self.start as usize..self.end as usize]
    }
}

impl CellColumns {
    /// Marks the places of the schema whose cells are to be noted, `paths` being those of the columns, by their numbers.
    #[allow(clippy::cast_possible_truncation)]
    pub(super) fn mark(schema: &mut RowSchema, paths: &[Vec<String>]) -> Self {
        let mut columns = Self::default();
        for (number, path) in paths.iter().enumerate() {
            let path = path.join(".");
            if path == EXTRA {
                columns.extra = Some(number as u16);
            } else if let Some(node) = schema.root.at_mut(&path) {
                node.cell = Some(number as u16);
                if node.capture == Capture::None {
                    node.capture = Capture::Cell;
                }
            }
        }
        columns
    }
}

impl CellNotes {
    pub(super) fn clear(&mut self) {
        self.cells.clear();
        self.is_partial = false;
    }

    /// Takes note of a cell.
    pub(super) fn push(&mut self, column: u16, span: Range<usize>, edits: Range<usize>) {
        self.cells.push(NotedCell { column, span, edits });
    }

    /// Says that the row holds something that is in no cell.
    pub(super) fn miss(&mut self) {
        self.is_partial = true;
    }

    /// Whether all that the row holds is in cells.
    pub(super) fn is_whole(&self) -> bool {
        !self.is_partial
    }

    /// Writes a row with its edits, and adds where its cells stand in what is written.
    pub(super) fn write(
        &self,
        text: &[u8],
        row: Range<usize>,
        edits: &Edits,
        line: &mut Vec<u8>,
        cells: &mut Vec<Cell>,
    ) {
        let start = line.len();
        // Up to where the text is written, and with which edits; what follows is written at once, as far as it has none.
        let (mut from, mut mark) = (row.start, 0);
        for NotedCell { column, span, edits: own } in &self.cells {
            if own.start > mark {
                edits.write_some(text, from..span.start, mark..own.start, line);
                (from, mark) = (span.start, own.start);
            }
            let cell_start = line.len() - start + span.start - from;
            if !own.is_empty() {
                line.extend_from_slice(&text[from..span.start]);
                edits.write_some(text, span.clone(), own.clone(), line);
                (from, mark) = (span.end, own.end);
            }
            cells.push(Cell::new(*column, cell_start..line.len() - start + span.end - from));
        }
        edits.write(text, from..row.end, mark, line);
    }
}
