//! What a stream is to the engine: one declaration, from which everything else follows.

use super::strategy::ReadStrategy;
use crate::error::Error;
use crate::protocol::{StreamDescription, SyncMode};
use crate::record::{RecordFormat, RowSchema};

/// A stream.
#[derive(Clone, Copy)]
pub struct Stream {
    /// Its name.
    pub name: &'static str,
    /// Its JSON Schema, from schemas/.
    pub schema: &'static str,
    /// The field that identifies a row.
    pub key: &'static str,
    /// The field that tells when a row was created or changed, if the stream is read by it.
    pub cursor_field: Option<&'static str>,
    /// Top-level fields that Navan sends in two forms; they get the one that the schema promises
    /// (docs/navan-api.md#rows).
    pub coerced: &'static [&'static str],
    /// The scope that a credential needs for it.
    pub oauth_scope: &'static str,
    /// How it is read.
    pub strategy: &'static dyn ReadStrategy,
}

impl Stream {
    /// What `discover` says of it.
    ///
    /// # Errors
    /// A `system_error` if its schema was broken when the binary was built.
    pub fn describe(&self) -> Result<StreamDescription, Error> {
        let json_schema = serde_json::from_str(self.schema)
            .map_err(|e| Error::system("The connector was built with a broken schema.").with_cause(e))?;
        let modes = self.strategy.modes();
        let source_defined_cursor = modes.sync_modes.contains(&SyncMode::Incremental);
        Ok(StreamDescription {
            name: self.name,
            json_schema,
            supported_sync_modes: modes.sync_modes,
            source_defined_cursor,
            default_cursor_field: self.cursor_field.filter(|_| source_defined_cursor).into_iter().collect(),
            source_defined_primary_key: vec![vec![self.key]],
            is_resumable: modes.is_resumable,
        })
    }

    /// How its rows become records.
    ///
    /// # Errors
    /// As for [`Self::describe`].
    pub fn record_format(&self, namespace: Option<&str>) -> Result<RecordFormat, Error> {
        let schema = RowSchema::compile(self.schema, self.key, self.cursor_field, self.coerced)?;
        Ok(RecordFormat::new(schema, self.name, namespace))
    }
}

/// Which scope each stream takes, in words.
pub fn scopes_in_words(streams: &[&Stream]) -> String {
    let scopes: Vec<_> = streams.iter().map(|stream| format!("{} for {}", stream.oauth_scope, stream.name)).collect();
    scopes.join(", ")
}
