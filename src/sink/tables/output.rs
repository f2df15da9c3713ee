//! A file on its way: under a name that nobody takes for a table as long as it is not whole, then under its own.
//!
//! What is written stands in `.bookings.csv-….part` beside its place; it is synced to the disk before it gets its name. A process
//! that is killed leaves such a part, which the next export into the same directory removes.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use super::format::{Format, Table, TableWriter};
use crate::record::Record;

/// By which a part's name ends.
const PART: &str = ".part";

/// In the name of what is not whole.
const INCOMPLETE: &str = ".incomplete";

/// A file to be written.
pub(super) struct OutputFile {
    path: PathBuf,
    part: NamedTempFile,
    writer: Box<dyn TableWriter>,
    pub(super) rows: u64,
}

/// What becomes of a file when it is finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    /// It gets its name, and replaces what had it.
    Replace,
    /// It gets its name, or one with a number behind it if that is taken.
    Beside,
    /// It is not whole: its name says so.
    Incomplete,
}

impl OutputFile {
    /// Begins the file that is to be at `path`.
    pub(super) fn begin(path: PathBuf, format: Format, tables: Vec<Table>, excel: bool) -> io::Result<Self> {
        // A link leads to the file that is meant, and stays.
        let path = behind_links(path);
        if path.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let directory = directory_of(&path);
        directory.metadata()?;
        let part = part_of(&path, directory)?;
        let writer = format.begin(part.reopen()?, tables, excel, directory)?;
        Ok(Self { path, part, writer, rows: 0 })
    }

    /// Where it is to be.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Takes a record as a row of a table.
    pub(super) fn write(&mut self, table: usize, record: &Record<'_>) -> io::Result<()> {
        self.rows += 1;
        self.writer.write(table, record)
    }

    /// Ends the file, and gives it its name: that, and what is to be said of it.
    pub(super) fn finish(self, naming: Naming) -> io::Result<(PathBuf, Vec<String>)> {
        let (file, notes) = self.writer.finish()?;
        file.sync_all()?;
        let path = match naming {
            Naming::Replace => {
                self.part.persist(&self.path)?;
                // What an earlier export could not bring to its end has no use any more.
                let _ = std::fs::remove_file(with_infix(&self.path, INCOMPLETE));
                self.path
            }
            Naming::Incomplete => {
                let path = with_infix(&self.path, INCOMPLETE);
                self.part.persist(&path)?;
                path
            }
            Naming::Beside => persist_beside(self.part, &self.path)?,
        };
        sync_directory(directory_of(&path))?;
        Ok((path, notes))
    }
}

/// The first name that is free; no other export can take it meanwhile.
fn persist_beside(mut part: NamedTempFile, wanted: &Path) -> io::Result<PathBuf> {
    let mut path = wanted.to_owned();
    for number in 2.. {
        match part.persist_noclobber(&path) {
            Ok(_) => break,
            Err(taken) if taken.error.kind() == io::ErrorKind::AlreadyExists => part = taken.file,
            Err(other) => return Err(other.into()),
        }
        path = with_infix(wanted, &format!("-{number}"));
    }
    Ok(path)
}

/// `bookings.csv` with something before its end.
fn with_infix(path: &Path, infix: &str) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(infix);
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

fn part_of(path: &Path, directory: &Path) -> io::Result<NamedTempFile> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let (prefix, suffix) = (format!(".{name}-"), PART);
    let mut builder = Builder::new();
    builder.prefix(&prefix).suffix(suffix);
    // As any other file that a program writes; by default only its owner could read it.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    loop {
        let part = builder.tempfile_in(directory)?;
        // Held until the process ends, however it does: by this another export knows that the part is not left over. Between the two it
        // may have taken it for that. Some file systems know no locks, and then nobody takes anything.
        let _ = part.as_file().try_lock();
        if part.path().exists() {
            return Ok(part);
        }
    }
}

/// Removes the parts that killed exports have left in a directory, as far as that is possible.
pub(super) fn remove_left_over(directory: &Path) {
    for path in directory.read_dir().into_iter().flatten().flatten().map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_part = name.starts_with('.')
            && name.ends_with(PART)
            && Format::ALL.iter().any(|format| name.contains(&format!(".{}-", format.extension())));
        if is_part && File::open(&path).is_ok_and(|file| file.try_lock().is_ok()) {
            let _ = std::fs::remove_file(&path);
        }
    }
}

/// Where a link leads to.
pub fn behind_links(path: PathBuf) -> PathBuf {
    if path.is_symlink() { path.canonicalize().unwrap_or(path) } else { path }
}

/// That of a file, which is the current one if its path has no other.
pub fn directory_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A name is on the disk once its directory is. Not every system lets a directory be synced, or needs it.
pub fn sync_directory(directory: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(directory)?.sync_all() } else { Ok(()) }
}
