//! RECORD lines: Navan's bytes inside Airbyte's envelope.

use chrono::Utc;
use serde_json::json;

use super::RecordBlock;

/// The envelope of one stream's records. The part before the row is made once for a page of rows, so that a row costs
/// two copies and nothing is parsed or serialised again.
pub struct RecordLine {
    before_row: Vec<u8>,
}

impl RecordLine {
    /// For records of a stream that are emitted now, under the namespace that the catalog gave it, if any.
    pub fn of(stream: &str, namespace: Option<&str>) -> Self {
        let namespace = namespace.map(|name| format!(r#""namespace":{},"#, json!(name))).unwrap_or_default();
        let emitted_at = Utc::now().timestamp_millis();
        let before_row = format!(
            r#"{{"type":"RECORD","record":{{{namespace}"stream":{},"emitted_at":{emitted_at},"data":"#,
            json!(stream)
        );
        Self { before_row: before_row.into_bytes() }
    }

    /// Appends one record, whose row is written by `row` as one JSON object without line breaks.
    pub fn append(&self, block: &mut RecordBlock, row: impl FnOnce(&mut Vec<u8>)) {
        let bytes = block.bytes();
        bytes.extend_from_slice(&self.before_row);
        row(bytes);
        bytes.extend_from_slice(b"}}\n");
    }
}
