//! What a file of tables is written in.

use std::fs::File;
use std::io;
use std::path::Path;

use super::column::Columns;
use super::row::TableRow;
use super::{csv, jsonl, parquet, xlsx};
use crate::record::Record;

/// The formats there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Comma-separated values, UTF-8.
    Csv,
    /// A JSON object a line, as Navan's rows are written to Airbyte.
    Jsonl,
    /// Apache Parquet, with types.
    Parquet,
    /// A workbook, with a sheet a stream.
    Xlsx,
}

/// A table of a file: its name and its columns.
pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: Columns,
}

/// Writes the rows of a file's tables.
pub(super) trait TableWriter: Send {
    /// Takes a record as a row of the table of that number.
    fn write(&mut self, table: usize, record: &Record<'_>) -> io::Result<()>;

    /// Writes what is left, and hands the file back; with a sentence on each thing that is not as it was.
    fn finish(self: Box<Self>) -> io::Result<(File, Vec<String>)>;
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Csv, Self::Jsonl, Self::Parquet, Self::Xlsx];

    /// By which a file's name ends.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
            Self::Parquet => "parquet",
            Self::Xlsx => "xlsx",
        }
    }

    /// That of a file, by the end of its name.
    pub fn of(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?;
        Self::ALL.into_iter().find(|format| extension.eq_ignore_ascii_case(format.extension()))
    }

    /// Whether one file has room for several tables.
    pub const fn holds_several(self) -> bool {
        matches!(self, Self::Xlsx)
    }

    /// Whether it has objects, and not only columns side by side.
    pub(super) const fn has_objects(self) -> bool {
        matches!(self, Self::Parquet)
    }

    /// Whether records are taken apart into columns.
    pub(super) const fn takes_apart(self, columns: &Columns) -> bool {
        !(matches!(self, Self::Jsonl) && columns.is_whole)
    }

    /// Begins a file; what the format needs beside it stands in `directory` as long as it is written.
    pub(super) fn begin(
        self,
        file: File,
        tables: Vec<Table>,
        excel: bool,
        directory: &Path,
    ) -> io::Result<Box<dyn TableWriter>> {
        Ok(match self {
            Self::Csv => Box::new(csv::CsvWriter::new(file, tables, excel)),
            Self::Jsonl => Box::new(jsonl::JsonlWriter::new(file, tables)),
            Self::Parquet => Box::new(parquet::ParquetWriter::new(file, tables)?),
            Self::Xlsx => Box::new(xlsx::XlsxWriter::new(file, tables, directory)?),
        })
    }
}

impl Table {
    /// Takes a record apart.
    pub(super) fn row<'a>(&'a self, record: &Record<'a>) -> io::Result<TableRow<'a>> {
        match record.cells {
            Some(cells) => Ok(TableRow::of_cells(&self.columns, record.data, cells)),
            None => TableRow::of_data(&self.columns, record.data),
        }
    }
}
