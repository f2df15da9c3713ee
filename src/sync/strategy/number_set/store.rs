//! Where the numbers of a set are: in memory while they are few, then in a file without a name, which is gone when the process is.
//!
//! Where no file can be made, or the disk is full, they stay in memory.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::ops::Range;

/// So many numbers are few.
const MAX_IN_MEMORY: usize = 32 * 1_024;

/// How many bytes a number has.
const WIDTH: usize = size_of::<u64>();

/// Numbers by their places.
pub(super) enum Store {
    /// In memory; whether to move them to a file when they are many.
    Memory { numbers: Vec<u64>, may_move: bool },
    /// In a file, and how many.
    File { file: File, len: usize },
}

impl Default for Store {
    fn default() -> Self {
        Self::Memory { numbers: Vec::new(), may_move: true }
    }
}

impl Store {
    /// Puts so many numbers at the end, whose values nobody needs.
    ///
    /// # Errors
    /// If what is in the file cannot be read.
    pub(super) fn grow(&mut self, more: usize) -> io::Result<()> {
        match self {
            Self::Memory { numbers, may_move: true } if numbers.len() + more > MAX_IN_MEMORY => {
                match file_of(numbers, more) {
                    Ok(file) => *self = Self::File { file, len: numbers.len() + more },
                    Err(error) => {
                        tracing::info!(
                            "The keys of this read stay in memory, since no temporary file can be written: {error}."
                        );
                        *self = Self::Memory { numbers: std::mem::take(numbers), may_move: false };
                        return self.grow(more);
                    }
                }
            }
            Self::Memory { numbers, .. } => {
                numbers.reserve_exact(more);
                numbers.resize(numbers.len() + more, 0);
            }
            // Written now, so that a disk that is full says so before any number is in two places.
            Self::File { file, len } => match make_room(file, *len, more) {
                Ok(()) => *len += more,
                Err(error) => {
                    tracing::info!("The keys of this read go back to memory, since their file cannot grow: {error}.");
                    let mut numbers = Vec::new();
                    self.read(0..self.len(), &mut numbers)?;
                    *self = Self::Memory { numbers, may_move: false };
                    return self.grow(more);
                }
            },
        }
        Ok(())
    }

    fn len(&self) -> usize {
        match self {
            Self::Memory { numbers, .. } => numbers.len(),
            Self::File { len, .. } => *len,
        }
    }

    /// The number at a place.
    ///
    /// # Errors
    /// If the file fails.
    pub(super) fn get(&self, place: usize) -> io::Result<u64> {
        match self {
            Self::Memory { numbers, .. } => Ok(numbers[place]),
            Self::File { file, .. } => {
                let mut bytes = [0; WIDTH];
                read(file, place, &mut bytes)?;
                Ok(u64::from_le_bytes(bytes))
            }
        }
    }

    /// Puts the numbers at these places at the end of others.
    ///
    /// # Errors
    /// If the file fails.
    pub(super) fn read(&self, places: Range<usize>, numbers: &mut Vec<u64>) -> io::Result<()> {
        match self {
            Self::Memory { numbers: all, .. } => numbers.extend_from_slice(&all[places]),
            Self::File { file, .. } => {
                let mut bytes = vec![0; places.len() * WIDTH];
                read(file, places.start, &mut bytes)?;
                let (words, _) = bytes.as_chunks();
                numbers.extend(words.iter().map(|word| u64::from_le_bytes(*word)));
            }
        }
        Ok(())
    }

    /// Puts numbers at these places, in place of those that are there.
    ///
    /// # Errors
    /// If the file fails.
    pub(super) fn write(&mut self, place: usize, numbers: &[u64]) -> io::Result<()> {
        match self {
            Self::Memory { numbers: all, .. } => all[place..place + numbers.len()].copy_from_slice(numbers),
            Self::File { file, .. } => write(file, place, numbers)?,
        }
        Ok(())
    }
}

/// A file with these numbers, and room for so many more.
fn file_of(numbers: &[u64], more: usize) -> io::Result<File> {
    let file = tempfile::tempfile()?;
    write(&file, 0, numbers)?;
    make_room(&file, numbers.len(), more)?;
    Ok(file)
}

fn make_room(mut file: &File, place: usize, more: usize) -> io::Result<()> {
    file.seek(SeekFrom::Start((place * WIDTH) as u64))?;
    io::copy(&mut io::repeat(0).take((more * WIDTH) as u64), &mut file).map(drop)
}

fn read(mut file: &File, place: usize, bytes: &mut [u8]) -> io::Result<()> {
    file.seek(SeekFrom::Start((place * WIDTH) as u64))?;
    file.read_exact(bytes)
}

fn write(mut file: &File, place: usize, numbers: &[u64]) -> io::Result<()> {
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    file.seek(SeekFrom::Start((place * WIDTH) as u64))?;
    file.write_all(&bytes)
}

#[cfg(test)]
impl Store {
    /// One that never moves to a file.
    pub(super) fn in_memory() -> Self {
        Self::Memory { numbers: Vec::new(), may_move: false }
    }

    pub(super) fn is_file(&self) -> bool {
        matches!(self, Self::File { .. })
    }
}
