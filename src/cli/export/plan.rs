//! What the arguments of `export` mean: which streams, which files, which columns.

use std::path::Path;

use chrono::{DateTime, Datelike as _, Utc};

use super::ExportArguments;
use crate::error::Error;
use crate::protocol::{ConfiguredCatalog, ConfiguredStream, SyncMode};
use crate::sink::tables::{Column, Export, ExportFile, ExportTable, Format, columns_of, named};
use crate::streams::{self, NamedTable};

/// An export that can be begun.
pub(super) struct Plan {
    pub(super) catalog: ConfiguredCatalog,
    pub(super) export: Export,
}

impl Plan {
    /// `now` is in the names of files that are one of a series.
    ///
    /// # Errors
    /// A `config_error` that says which argument cannot be followed, and what can.
    pub(super) fn new(arguments: &ExportArguments, offered: &[NamedTable], now: DateTime<Utc>) -> Result<Self, Error> {
        let tables = chosen(arguments, offered)?;
        let target = Target::new(&arguments.to, arguments.format)?;
        let is_series = arguments.state.is_some();
        if arguments.excel && target.format != Format::Csv {
            return Err(Error::config("--excel is for csv: an xlsx file needs nothing to be opened by Excel."));
        }
        let columns = columns(&arguments.columns, &tables, is_series)?;
        let mode = |table: &NamedTable| if is_series { table.default_mode } else { SyncMode::FullRefresh };
        let catalog = ConfiguredCatalog {
            streams: tables.iter().map(|table| ConfiguredStream::new(table.name, mode(table))).collect(),
        };
        let wanted = tables.iter().zip(columns).map(|(table, columns)| ExportTable {
            stream: table.name,
            schema: table.schema,
            name: file_name(table),
            columns,
            is_incremental: mode(table) == SyncMode::Incremental,
        });
        let files = target.files(wanted.collect(), is_series.then_some(now))?;
        Ok(Self { catalog, export: Export { files, format: target.format, excel: arguments.excel, is_series } })
    }
}

fn chosen(arguments: &ExportArguments, offered: &[NamedTable]) -> Result<Vec<NamedTable>, Error> {
    if arguments.streams_all {
        return Ok(offered.to_vec());
    }
    if arguments.streams.is_empty() {
        return Err(Error::config(format!(
            "Which streams? Name one or more of {}; or give --streams-all.",
            streams::names(offered)
        )));
    }
    let mut chosen: Vec<NamedTable> = Vec::new();
    for name in &arguments.streams {
        let table = streams::find(name, offered)?;
        if !chosen.iter().any(|other| other.name == table.name) {
            chosen.push(table);
        }
    }
    Ok(chosen)
}

/// Where the files go.
struct Target<'a> {
    path: &'a Path,
    format: Format,
    is_directory: bool,
}

impl<'a> Target<'a> {
    fn new(path: &'a Path, given: Option<Format>) -> Result<Self, Error> {
        if path.as_os_str() == "-" {
            return Err(Error::config("--to takes a directory or a file, no pipe; `read` writes messages to stdout."));
        }
        let ends_as_directory = path.as_os_str().to_string_lossy().ends_with(std::path::is_separator);
        if path.is_dir() || ends_as_directory || path.extension().is_none() {
            return Ok(Self { path, format: given.unwrap_or(Format::Csv), is_directory: true });
        }
        let formats = Format::ALL.map(Format::extension).join(", ");
        let format = match (Format::of(path), given) {
            (Some(named), Some(given)) if named != given => {
                return Err(Error::config(format!(
                    "{} ends in .{}, and --format is {}: give one of them, or both alike.",
                    path.display(),
                    named.extension(),
                    given.extension()
                )));
            }
            (named, given) => named.or(given),
        };
        let format = format.ok_or_else(|| {
            Error::config(format!(
                "By its end, {} is no format that can be written: end it in one of {formats}, or give --format.",
                path.display()
            ))
        })?;
        Ok(Self { path, format, is_directory: false })
    }

    fn files(&self, tables: Vec<ExportTable>, series: Option<DateTime<Utc>>) -> Result<Vec<ExportFile>, Error> {
        let stem = self.path.file_stem().unwrap_or_default().to_string_lossy();
        let path = |name: &str| {
            let time = series.map(|at| at.format(".%Y-%m-%dT%H-%M-%SZ").to_string()).unwrap_or_default();
            let end = if self.is_directory {
                self.format.extension().to_owned()
            } else {
                self.path.extension().unwrap_or_default().to_string_lossy().into_owned()
            };
            format!("{name}{time}.{end}")
        };
        if self.is_directory {
            std::fs::create_dir_all(self.path).map_err(|error| {
                Error::config(format!("The directory {} cannot be made: {error}.", self.path.display()))
            })?;
            let file = |table: ExportTable| ExportFile { path: self.path.join(path(&table.name)), tables: vec![table] };
            return Ok(tables.into_iter().map(file).collect());
        }
        if tables.len() > 1 && !self.format.holds_several() {
            return Err(Error::config(format!(
                "A {} file holds one stream, and {} are chosen: let --to name a directory, or an .xlsx file.",
                self.format.extension(),
                tables.len()
            )));
        }
        Ok(vec![ExportFile { path: self.path.with_file_name(path(&stem)), tables }])
    }
}

/// What a stream's file or sheet is called: `bookings`.
fn file_name(table: &NamedTable) -> String {
    format!("{}s", table.name.to_ascii_lowercase())
}

/// The columns of each table that are wanted: each name must be one of some table, and each table must have one.
fn columns(wanted: &[String], tables: &[NamedTable], is_series: bool) -> Result<Vec<Option<Vec<String>>>, Error> {
    if wanted.is_empty() {
        return Ok(tables.iter().map(|_| None).collect());
    }
    let all: Vec<_> = tables.iter().map(|table| columns_of(table.schema)).collect::<Result<_, _>>()?;
    let has = |of_table: &[Column], name: &str| named(of_table, name).next().is_some();
    if let Some(unknown) = wanted.iter().find(|name| !all.iter().any(|of_table| has(of_table, name))) {
        let distance = |name: &str| strsim::damerau_levenshtein(&name.to_lowercase(), &unknown.to_lowercase());
        let nearest = all.iter().flatten().map(|column| column.name.as_str()).min_by_key(|name| distance(name));
        let nearest = nearest.unwrap_or_default();
        return Err(Error::config(format!("There is no column {unknown:?}: did you mean {nearest}?")));
    }
    let mut of_tables = Vec::new();
    for (table, all) in tables.iter().zip(&all) {
        let own: Vec<_> = wanted.iter().filter(|name| has(all, name)).cloned().collect();
        if own.is_empty() {
            let names: Vec<_> = all.iter().map(|column| column.name.as_str()).collect();
            let names = names.join(", ");
            return Err(Error::config(format!("{} has none of the --columns; it has {names}.", table.name)));
        }
        let needed = table.tells_versions.iter().filter(|name| has(all, name));
        let missing: Vec<_> = needed.filter(|name| !own.iter().any(|own| own == **name)).copied().collect();
        if is_series && !missing.is_empty() {
            return Err(Error::config(format!(
                "With --state, --columns of {} must have {} as well: by these the files of several exports are put together.",
                table.name,
                missing.join(", ")
            )));
        }
        of_tables.push(Some(own));
    }
    Ok(of_tables)
}

/// Years that the configuration's dates can have.
const YEARS: std::ops::Range<i32> = 1..9999;

/// A day or a moment of an argument.
#[derive(Clone, Copy, Debug)]
pub(super) enum Day {
    /// All of it.
    Whole(chrono::NaiveDate),
    /// A moment of it.
    At(DateTime<Utc>),
}

impl Day {
    /// Reads one; in words what is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let day = text.parse().map(Self::Whole);
        let day = day.or_else(|_| DateTime::parse_from_rfc3339(text).map(|at| Self::At(at.to_utc())));
        day.ok()
            .filter(|day| YEARS.contains(&day.year()))
            .ok_or_else(|| "give a day such as 2026-10-01, or a moment such as 2026-10-01T12:00:00Z".to_owned())
    }

    fn year(&self) -> i32 {
        match self {
            Self::Whole(day) => day.year(),
            Self::At(at) => at.year(),
        }
    }

    /// The moment from which it counts, as the configuration has it.
    pub(super) fn begin(self) -> String {
        written(match self {
            Self::Whole(day) => day.and_time(chrono::NaiveTime::MIN).and_utc(),
            Self::At(at) => at,
        })
    }

    /// The first moment that is no longer in it.
    pub(super) fn end(self) -> String {
        written(match self {
            Self::Whole(day) => day.and_time(chrono::NaiveTime::MIN).and_utc() + chrono::Duration::days(1),
            Self::At(at) => at,
        })
    }
}

fn written(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_where_the_next_begins() {
        let day = Day::parse("2026-10-31").unwrap();
        assert_eq!((day.begin(), day.end()), ("2026-10-31T00:00:00Z".to_owned(), "2026-11-01T00:00:00Z".to_owned()));
        let at = Day::parse("2026-10-31T12:00:00+02:00").unwrap();
        assert_eq!((at.begin(), at.end()), ("2026-10-31T10:00:00Z".to_owned(), "2026-10-31T10:00:00Z".to_owned()));
        for no_day in ["31.10.2026", "+262142-12-31", "-0001-01-01", "9999-12-31", ""] {
            assert!(Day::parse(no_day).is_err(), "{no_day}");
        }
    }

    #[test]
    fn where_files_go_is_a_directory_or_a_file_of_a_format() {
        let target = |path: &str, format| Target::new(Path::new(path), format).map(|it| (it.format, it.is_directory));
        assert_eq!(target("out", None).unwrap(), (Format::Csv, true));
        assert_eq!(target("out/", Some(Format::Jsonl)).unwrap(), (Format::Jsonl, true));
        assert_eq!(target("a/october.XLSX", None).unwrap(), (Format::Xlsx, false));
        assert_eq!(target("october.txt", Some(Format::Csv)).unwrap(), (Format::Csv, false));
        for (path, format) in [("october.xls", None), ("october.csv", Some(Format::Parquet))] {
            assert!(target(path, format).is_err(), "{path}");
        }
    }
}
