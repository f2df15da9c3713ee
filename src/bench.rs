//! What benchmarks and fuzz targets need of the scan: the way of a whole page to RECORD lines, and no more of the inside.

use crate::record::{Malformed, RecordBatch, RecordFormat, Scanner};
use crate::streams::STREAMS;
use crate::sync::RecordOptions;

/// Scans pages of one stream.
pub struct PageScanner(RecordFormat);

/// The RECORD lines of a page.
#[derive(Debug)]
pub struct PageLines(Vec<RecordBatch>);

impl PageLines {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.iter().map(RecordBatch::len).sum()
    }

    /// The lines, each with its end.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().flat_map(RecordBatch::lines).copied().collect()
    }
}

impl PageScanner {
    /// For the stream of that name.
    pub fn for_stream(name: &str) -> Option<Self> {
        let stream = STREAMS.iter().find(|stream| stream.name == name)?;
        stream.record_format(RecordOptions::default(), []).ok().map(Self)
    }

    /// The RECORD lines of a page. The rows are the page's array of objects; nothing is made of its other members.
    ///
    /// # Errors
    /// In words, if the page is not whole JSON, or its rows are no objects.
    pub fn scan(&self, body: &[u8]) -> Result<PageLines, String> {
        let mut scanner = Scanner::new(body);
        let lines = self.lines(&mut scanner);
        lines.map_err(|malformed| format!("{malformed:?} at byte {}", scanner.at()))
    }

    fn lines(&self, scanner: &mut Scanner<'_>) -> Result<PageLines, Malformed> {
        let mut batches = Vec::new();
        let mut more = scanner.open(b'{', b'}')?;
        while more {
            scanner.name()?;
            if scanner.peek() == b'[' {
                batches.push(self.0.scan(scanner)?);
            } else {
                scanner.skip()?;
            }
            more = scanner.more(b'}')?;
        }
        scanner.end()?;
        Ok(PageLines(batches))
    }
}
