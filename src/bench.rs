//! What benchmarks and fuzz targets need of the scan: the way of a whole page to RECORD lines, and no more of the inside.

use crate::record::{Malformed, RecordFormat, Scanner};
use crate::streams::STREAMS;

/// Scans pages of one stream.
pub struct PageScanner(RecordFormat);

impl PageScanner {
    /// For the stream of that name.
    pub fn for_stream(name: &str) -> Option<Self> {
        let stream = STREAMS.iter().find(|stream| stream.name == name)?;
        stream.record_format(None).ok().map(Self)
    }

    /// Appends the RECORD lines of a page to `lines`; how many there are. The rows are the page's array of objects; nothing is
    /// made of its other members.
    ///
    /// # Errors
    /// In words, if the page is not whole JSON, or its rows are no objects.
    pub fn scan(&self, body: &[u8], lines: &mut Vec<u8>) -> Result<usize, String> {
        let mut scanner = Scanner::new(body);
        let rows = self.rows(&mut scanner, lines);
        rows.map_err(|malformed| format!("{malformed:?} at byte {}", scanner.at()))
    }

    fn rows(&self, scanner: &mut Scanner<'_>, lines: &mut Vec<u8>) -> Result<usize, Malformed> {
        let mut rows = 0;
        let mut more = scanner.open(b'{', b'}')?;
        while more {
            scanner.name()?;
            if scanner.peek() == b'[' {
                let batch = self.0.scan(scanner)?;
                rows += batch.len();
                lines.extend_from_slice(batch.lines());
            } else {
                scanner.skip()?;
            }
            more = scanner.more(b'}')?;
        }
        scanner.end()?;
        Ok(rows)
    }
}
