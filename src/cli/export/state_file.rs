//! The file in which an export leaves what the next one goes on from. There is always a whole one: it is replaced, never written to.

use std::fs::{File, TryLockError};
use std::io::{BufReader, ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::NamedTempFile;

use crate::error::Error;
use crate::protocol::StreamStates;
use crate::sink::tables::{ExportReport, behind_links, directory_of, sync_directory};

/// A state file that no other export uses.
pub(super) struct StateFile {
    path: PathBuf,
    states: StreamStates,
    /// Locked until the process ends, however it does. A file beside the state, since that is replaced.
    _lock: File,
}

impl StateFile {
    /// Locks and reads the file, which need not be there yet.
    ///
    /// # Errors
    /// A `config_error` if another export uses it, or if it holds no state.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        // A link leads to the file that is meant: two names of one state are one.
        let path = &behind_links(path.to_owned());
        prepare(path).map_err(|error| unwritable(path, &error))?;
        let lock_path = beside(path, ".lock");
        let lock = File::options().create(true).truncate(false).write(true).open(&lock_path);
        let lock = lock.map_err(|error| unwritable(&lock_path, &error))?;
        // Some file systems know no locks.
        if matches!(lock.try_lock(), Err(TryLockError::WouldBlock)) {
            return Err(Error::config(format!(
                "Another export uses the state {}: wait until it has ended, or give this one a state of its own.",
                path.display()
            )));
        }
        let states = match File::open(path) {
            Ok(file) => StreamStates::read(BufReader::new(file)).map_err(|error| {
                Error::config(format!("{} holds no state of an export. {}", path.display(), error.message()))
            })?,
            Err(error) if error.kind() == ErrorKind::NotFound => StreamStates::default(),
            Err(error) => {
                return Err(Error::config(format!("The state file {} cannot be read: {error}.", path.display())));
            }
        };
        Ok(Self { path: path.to_owned(), states, _lock: lock })
    }

    /// The states that it held.
    pub(super) fn states(&self) -> &StreamStates {
        &self.states
    }

    /// Replaces it by the states that an export has left, and those of other streams that it held.
    ///
    /// # Errors
    /// A `config_error` if it cannot be written; then the old one is still there.
    pub(super) fn replace(self, report: &ExportReport) -> Result<(), Error> {
        let new = |name: &str| report.streams.iter().find(|stream| stream.stream == name)?.state.as_ref();
        let old = self.states.names().filter(|name| new(name).is_none());
        let old = old.filter_map(|name| Some((name, self.states.of(name)?)));
        let mut all: Vec<_> =
            report.streams.iter().filter_map(|stream| Some((stream.stream, stream.state.as_ref()?))).collect();
        all.extend(old);
        all.sort_by_key(|(name, _)| *name);
        write(&self.path, &all).map_err(|error| unwritable(&self.path, &error))
    }
}

/// Sees to it before the export that its state can be written when it has ended.
fn prepare(path: &Path) -> std::io::Result<()> {
    if path.is_dir() {
        return Err(ErrorKind::IsADirectory.into());
    }
    std::fs::create_dir_all(directory_of(path))?;
    NamedTempFile::new_in(directory_of(path)).map(drop)
}

/// A list of one state a line, as `read` takes it as well.
fn write(path: &Path, states: &[(&str, &Value)]) -> std::io::Result<()> {
    let mut builder = tempfile::Builder::new();
    // As any other file that a program writes, or as the one that it replaces; by default only its owner could read it.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(directory_of(path))?;
    if let Ok(replaced) = path.metadata() {
        file.as_file().set_permissions(replaced.permissions())?;
    }
    let lines = states.iter().map(|(name, state)| {
        json!({"type": "STREAM", "stream": {"stream_descriptor": {"name": name}, "stream_state": state}}).to_string()
    });
    writeln!(file, "[{}]", lines.collect::<Vec<_>>().join(",\n"))?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    sync_directory(directory_of(path))
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

fn unwritable(path: &Path, error: &std::io::Error) -> Error {
    Error::config(format!("{} cannot be written: {error}.", path.display()))
}
