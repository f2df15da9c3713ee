//! Parquet, typed: an object is a struct, a list of texts a list, numbers are decimals, moments have microseconds.
//!
//! A number with more decimals than its column, or a moment with a finer fraction, is rounded there and stands in `_extra` as it came.
//!
//! Filling columns takes as long as encoding them, so that each has a thread.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use ::parquet::arrow::ArrowWriter;
use ::parquet::basic::Compression;
use ::parquet::errors::ParquetError;
use ::parquet::file::properties::{EnabledStatistics, WriterProperties};
use ::parquet::schema::types::ColumnPath;
use arrow_array::builder::{
    ArrayBuilder, BooleanBuilder, Date32Builder, Decimal128Builder, Int64Builder, ListBuilder, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow_array::{Array, ArrayRef, RecordBatch, StructArray};
use arrow_schema::{ArrowError, DataType, Field, Fields, Schema, TimeUnit};
use chrono::{DateTime, NaiveDate, Timelike as _, Utc};

use super::column::{Column, ColumnKind};
use super::format::{Table, TableWriter};
use super::number::{Decimal, PRECISION, SCALE};
use super::row::{text, word};
use crate::record::{Record, timestamp};

/// Rows that are handed on at once.
const BATCH: usize = 512;
/// How many such batches wait to be encoded.
const WAITING_BATCHES: usize = 1;
/// Bytes of a row group in memory. What is told of each group stays there to the end of the file, so that there should not be many.
const ROW_GROUP_BYTES: usize = 16 << 20;
/// Bytes of a column's different values, from which on it is written as it comes. Few columns have that many whose values come again,
/// and for those that have not, looking each up takes longer than writing it.
const DICTIONARY_BYTES: usize = 32 << 10;

pub(super) struct ParquetWriter {
    table: Table,
    schema: Arc<Schema>,
    encoder: Encoder,
    columns: Vec<ColumnBuilder>,
    rows: usize,
}

/// The thread that encodes what the columns were filled with.
struct Encoder {
    batches: SyncSender<RecordBatch>,
    /// None once it was waited for.
    thread: Option<JoinHandle<io::Result<File>>>,
}

impl ParquetWriter {
    /// Writes the first of `tables`: there is room for one.
    pub(super) fn new(file: File, tables: Vec<Table>) -> io::Result<Self> {
        let table = tables.into_iter().next().ok_or(io::ErrorKind::InvalidInput)?;
        let columns: Vec<_> = table.columns.list.iter().map(|column| ColumnBuilder::new(column.kind)).collect();
        let schema = Arc::new(Schema::new(fields(&table.columns.list, 0)));
        let mut properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_dictionary_page_size_limit(DICTIONARY_BYTES)
            // A reader skips row groups by these; what could be told of each page costs more than the rows.
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_offset_index_disabled(true);
        let is_spread = |column: &&Column| matches!(data_type(column.kind), DataType::Utf8 | DataType::Decimal128(..));
        for column in table.columns.list.iter().filter(is_spread) {
            // Every group has texts from A to Z and amounts of all sizes, so that none is skipped by them.
            let path = ColumnPath::new(column.path.clone());
            properties = properties.set_column_statistics_enabled(path, EnabledStatistics::None);
        }
        let properties = properties.build();
        let writer = ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties)).map_err(failed)?;
        let (batches, waiting) = sync_channel(WAITING_BATCHES);
        let thread = Some(thread::spawn(move || encode(writer, &waiting)));
        Ok(Self { table, schema, encoder: Encoder { batches, thread }, columns, rows: 0 })
    }

    fn write_batch(&mut self) -> io::Result<()> {
        let arrays: Vec<_> = self.columns.iter_mut().map(ColumnBuilder::finish).collect();
        let columns = nested(&self.table.columns.list, &arrays, 0).map_err(not_arrow)?;
        let batch = RecordBatch::try_new(Arc::clone(&self.schema), columns).map_err(not_arrow)?;
        self.rows = 0;
        if self.encoder.batches.send(batch).is_ok() {
            return Ok(());
        }
        // Nobody takes it, since the thread has ended with an error.
        ended(self.encoder.thread.take()).map(drop)
    }
}

impl TableWriter for ParquetWriter {
    fn write(&mut self, _table: usize, record: &Record<'_>) -> io::Result<()> {
        let mut row = self.table.row(record)?;
        row.write_each(|number, cell| self.columns[number].append(cell));
        self.rows += 1;
        if self.rows == BATCH { self.write_batch() } else { Ok(()) }
    }

    fn finish(mut self: Box<Self>) -> io::Result<(File, Vec<String>)> {
        if self.rows > 0 {
            self.write_batch()?;
        }
        let Encoder { batches, thread } = self.encoder;
        drop(batches);
        Ok((ended(thread)?, Vec::new()))
    }
}

/// What the thread has to say in the end.
fn ended(thread: Option<JoinHandle<io::Result<File>>>) -> io::Result<File> {
    let ended = thread.and_then(|thread| thread.join().ok());
    ended.unwrap_or_else(|| Err(io::Error::other("the thread that encodes rows has ended")))
}

/// Writes what comes, to the last.
fn encode(mut writer: ArrowWriter<File>, batches: &Receiver<RecordBatch>) -> io::Result<File> {
    for batch in batches {
        writer.write(&batch).map_err(failed)?;
        if writer.memory_size() > ROW_GROUP_BYTES {
            writer.flush().map_err(failed)?;
        }
    }
    writer.into_inner().map_err(failed)
}

/// What fills a column, batch by batch.
enum ColumnBuilder {
    Text(StringBuilder),
    Number(Decimal128Builder),
    Integer(Int64Builder),
    Boolean(BooleanBuilder),
    Date(Date32Builder),
    Timestamp(TimestampMicrosecondBuilder),
    LocalTimestamp(TimestampMicrosecondBuilder),
    TextList(ListBuilder<StringBuilder>),
}

impl ColumnBuilder {
    fn new(kind: ColumnKind) -> Self {
        match kind {
            ColumnKind::Text | ColumnKind::Json => Self::Text(StringBuilder::new()),
            ColumnKind::Number => Self::Number(Decimal128Builder::new().with_data_type(data_type(kind))),
            ColumnKind::Integer => Self::Integer(Int64Builder::new()),
            ColumnKind::Boolean => Self::Boolean(BooleanBuilder::new()),
            ColumnKind::Date => Self::Date(Date32Builder::new()),
            ColumnKind::Timestamp => {
                Self::Timestamp(TimestampMicrosecondBuilder::new().with_data_type(data_type(kind)))
            }
            ColumnKind::LocalTimestamp => {
                Self::LocalTimestamp(TimestampMicrosecondBuilder::new().with_data_type(data_type(kind)))
            }
            ColumnKind::TextList => Self::TextList(ListBuilder::new(StringBuilder::new())),
        }
    }

    /// Null for what the column cannot hold; whether it holds all of it.
    fn append(&mut self, cell: Option<&[u8]>) -> bool {
        let Some(cell) = cell else {
            self.append_null();
            return true;
        };
        match self {
            Self::Text(builder) => {
                builder.append_value(text(cell));
                true
            }
            Self::Number(builder) => {
                let decimal = word(cell).and_then(Decimal::parse);
                builder.append_option(decimal.as_ref().map(|decimal| decimal.units));
                decimal.is_some_and(|decimal| decimal.is_exact)
            }
            Self::Integer(builder) => {
                appended(word(cell).and_then(|word| word.parse().ok()), |whole| builder.append_option(whole))
            }
            Self::Boolean(builder) => {
                appended(word(cell).and_then(|word| word.parse().ok()), |value| builder.append_option(value))
            }
            Self::Date(builder) => appended(day(cell), |day| builder.append_option(day)),
            Self::Timestamp(builder) | Self::LocalTimestamp(builder) => {
                append_moment(builder, timestamp::parse(&text(cell)))
            }
            Self::TextList(builder) => {
                let texts = texts(cell);
                let is_held = texts.is_some();
                builder.append_option(texts);
                is_held
            }
        }
    }

    fn append_null(&mut self) {
        match self {
            Self::Text(builder) => builder.append_null(),
            Self::Number(builder) => builder.append_null(),
            Self::Integer(builder) => builder.append_null(),
            Self::Boolean(builder) => builder.append_null(),
            Self::Date(builder) => builder.append_null(),
            Self::Timestamp(builder) | Self::LocalTimestamp(builder) => builder.append_null(),
            Self::TextList(builder) => builder.append_null(),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Self::Text(builder) => ArrayBuilder::finish(builder),
            Self::Number(builder) => ArrayBuilder::finish(builder),
            Self::Integer(builder) => ArrayBuilder::finish(builder),
            Self::Boolean(builder) => ArrayBuilder::finish(builder),
            Self::Date(builder) => ArrayBuilder::finish(builder),
            Self::Timestamp(builder) | Self::LocalTimestamp(builder) => ArrayBuilder::finish(builder),
            Self::TextList(builder) => ArrayBuilder::finish(builder),
        }
    }
}

fn appended<T>(value: Option<T>, append: impl FnOnce(Option<T>)) -> bool {
    let is_held = value.is_some();
    append(value);
    is_held
}

/// A column of moments has microseconds.
fn append_moment(builder: &mut TimestampMicrosecondBuilder, at: Option<DateTime<Utc>>) -> bool {
    builder.append_option(at.map(|at| at.timestamp_micros()));
    at.is_some_and(|at| at.nanosecond().is_multiple_of(1000))
}

fn day(cell: &[u8]) -> Option<i32> {
    let day: NaiveDate = text(cell).parse().ok()?;
    Some(arrow_array::types::Date32Type::from_naive_date(day))
}

fn texts(cell: &[u8]) -> Option<Vec<Option<String>>> {
    serde_json::from_slice(cell).ok()
}

fn data_type(kind: ColumnKind) -> DataType {
    match kind {
        ColumnKind::Text | ColumnKind::Json => DataType::Utf8,
        ColumnKind::Number => DataType::Decimal128(PRECISION, SCALE.cast_signed()),
        ColumnKind::Integer => DataType::Int64,
        ColumnKind::Boolean => DataType::Boolean,
        ColumnKind::Date => DataType::Date32,
        ColumnKind::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        ColumnKind::LocalTimestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
        ColumnKind::TextList => DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true))),
    }
}

/// Columns that follow each other and have the same member at `depth` are one object there.
fn objects(columns: &[Column], depth: usize) -> impl Iterator<Item = &[Column]> {
    columns.chunk_by(move |one, other| one.path[depth] == other.path[depth] && one.path.len() > depth + 1)
}

fn fields(columns: &[Column], depth: usize) -> Fields {
    let field = |object: &[Column]| {
        let is_leaf = object[0].path.len() == depth + 1;
        let kind = if is_leaf { data_type(object[0].kind) } else { DataType::Struct(fields(object, depth + 1)) };
        Field::new(object[0].path[depth].clone(), kind, true)
    };
    objects(columns, depth).map(field).collect()
}

/// The arrays of columns as those of the objects that they are in; an object without any value is null.
fn nested(columns: &[Column], mut arrays: &[ArrayRef], depth: usize) -> Result<Vec<ArrayRef>, ArrowError> {
    let mut nested_arrays = Vec::new();
    for object in objects(columns, depth) {
        let (own, rest) = arrays.split_at(object.len());
        arrays = rest;
        if object[0].path.len() == depth + 1 {
            nested_arrays.extend_from_slice(own);
            continue;
        }
        let members = nested(object, own, depth + 1)?;
        let has_value = |row| own.iter().any(|array| array.is_valid(row));
        let validity = (0..own[0].len()).map(has_value).collect::<Vec<_>>();
        nested_arrays.push(Arc::new(StructArray::try_new(fields(object, depth + 1), members, Some(validity.into()))?));
    }
    Ok(nested_arrays)
}

fn failed(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(error) => error.downcast().map_or_else(io::Error::other, |error| *error),
        other => io::Error::other(other),
    }
}

fn not_arrow(error: ArrowError) -> io::Error {
    io::Error::other(error)
}
