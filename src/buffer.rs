//! Byte buffers whose memory is used again: the bodies of pages, and the lines made of them.
//!
//! A page is half a megabyte. Given back to the system after each page and asked for anew, such buffers cost as much time as
//! reading them does, since the kernel clears each of their memory pages.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, PoisonError};

/// Buffers that wait for their next use. Lines are dropped by the thread that writes them, hence the lock.
static POOL: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

/// How many buffers wait at most: those of the pages that are in flight by default, and some that are being written.
const MAX_POOLED: usize = 12;

/// The size of a buffer is a multiple of this, so that one can take another's place and the heap does not break into pieces.
const STEP: usize = 128 * 1024;

/// A larger buffer is given back to the system: it was made for an unusual page.
const MAX_CAPACITY: usize = 2 * 1024 * 1024;

/// A growing buffer of bytes, empty at first.
#[derive(Debug)]
pub struct Buffer(Vec<u8>);

impl Buffer {
    /// An empty buffer, with room from an earlier use if there is one.
    pub fn take() -> Self {
        Self(POOL.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default())
    }

    /// An empty buffer that nothing is going to be put into.
    pub fn empty() -> Self {
        Self(Vec::new())
    }

    /// Makes room for so many more bytes, and for hardly any beyond these.
    pub fn make_room(&mut self, bytes: usize) {
        let needed = self.len() + bytes;
        if needed > self.capacity() {
            let missing = needed.next_multiple_of(STEP) - self.len();
            self.0.reserve_exact(missing);
        }
    }

    /// Puts bytes at the end, of which nobody knows how many follow.
    pub fn extend(&mut self, bytes: &[u8]) {
        if self.len() + bytes.len() > self.capacity() {
            self.make_room(bytes.len().max(self.len() / 2));
        }
        self.0.extend_from_slice(bytes);
    }

    /// The bytes, which will not be used again as a buffer.
    pub fn into_vec(mut self) -> Vec<u8> {
        std::mem::take(&mut self.0)
    }
}

impl From<&str> for Buffer {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl Deref for Buffer {
    type Target = Vec<u8>;

    fn deref(&self) -> &Vec<u8> {
        &self.0
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.0
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut bytes = std::mem::take(&mut self.0);
        if bytes.capacity() == 0 || bytes.capacity() > MAX_CAPACITY {
            return;
        }
        bytes.clear();
        let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
        if pool.len() < MAX_POOLED {
            pool.push(bytes);
        }
    }
}
