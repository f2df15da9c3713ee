//! JSON Lines: what a record holds, as it is.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};

use super::BUFFER;
use super::format::{Table, TableWriter};
use crate::record::Record;

pub(super) struct JsonlWriter {
    output: BufWriter<File>,
    tables: Vec<Table>,
}

impl JsonlWriter {
    pub(super) fn new(file: File, tables: Vec<Table>) -> Self {
        Self { output: BufWriter::with_capacity(BUFFER, file), tables }
    }

    /// The columns that are wanted, as members of an object.
    fn chosen(&mut self, table: usize, record: &Record<'_>) -> io::Result<()> {
        let row = self.tables[table].row(record)?;
        let present = row.cells().filter_map(|(column, cell)| Some((column, cell?)));
        self.output.write_all(b"{")?;
        for (number, (column, cell)) in present.enumerate() {
            if number > 0 {
                self.output.write_all(b",")?;
            }
            serde_json::to_writer(&mut self.output, &column.name)?;
            self.output.write_all(b":")?;
            self.output.write_all(cell)?;
        }
        self.output.write_all(b"}")
    }
}

impl TableWriter for JsonlWriter {
    fn write(&mut self, table: usize, record: &Record<'_>) -> io::Result<()> {
        if self.tables[table].columns.is_whole {
            self.output.write_all(record.data)?;
        } else {
            self.chosen(table, record)?;
        }
        self.output.write_all(b"\n")
    }

    fn finish(self: Box<Self>) -> io::Result<(File, Vec<String>)> {
        Ok((self.output.into_inner()?, Vec::new()))
    }
}
