//! The catalog: what `discover` offers, and what the user chose of it.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::Error;

/// What `discover` offers.
#[derive(Debug, Serialize)]
pub struct Catalog {
    /// One description a stream.
    pub streams: Vec<StreamDescription>,
}

/// What `discover` says of a stream.
#[derive(Clone, Debug, Serialize)]
pub struct StreamDescription {
    /// The stream's name.
    pub name: &'static str,
    /// Its JSON Schema, as it stands in schemas/.
    pub json_schema: Value,
    /// How it can be read.
    pub supported_sync_modes: &'static [SyncMode],
    /// Whether the connector alone decides on the cursor.
    pub source_defined_cursor: bool,
    /// The cursor's path, empty without one.
    pub default_cursor_field: Vec<&'static str>,
    /// The key's path.
    pub source_defined_primary_key: Vec<Vec<&'static str>>,
    /// Whether an interrupted read goes on where it was.
    pub is_resumable: bool,
    /// Whether there are files behind its rows.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_file_based: bool,
}

/// How a stream is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SyncMode {
    /// Everything, each time.
    FullRefresh,
    /// What changed since the state.
    Incremental,
}

/// What the user chose.
#[derive(Debug)]
pub struct ConfiguredCatalog {
    /// The chosen streams, in the catalog's order, each once.
    pub streams: Vec<ConfiguredStream>,
}

/// A chosen stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfiguredStream {
    /// The stream's name.
    pub name: String,
    /// The namespace that its records carry, if the catalog gives one.
    pub namespace: Option<String>,
    /// How to read it.
    pub sync_mode: SyncMode,
    /// Which sync this is an attempt of, if the platform tells.
    pub sync_id: Option<i64>,
    /// Whether the destination replaces what it has by what this read brings.
    pub overwrites: bool,
    /// Whether the files behind its rows are wanted as well.
    pub include_files: bool,
}

impl ConfiguredStream {
    /// Whether another stream is to be read in the same way.
    pub fn is_read_like(&self, other: &Self) -> bool {
        let way = |stream: &Self| (stream.sync_mode, stream.sync_id, stream.overwrites);
        way(self) == way(other)
    }

    /// Whether only changes are to be read.
    pub fn is_incremental(&self) -> bool {
        self.sync_mode == SyncMode::Incremental
    }
}

// Platforms and clients differ in what they leave out and what they write as null; only what is needed is looked at.
#[derive(Deserialize)]
struct RawCatalog {
    streams: Vec<RawConfigured>,
}

#[derive(Deserialize)]
struct RawConfigured {
    stream: RawStream,
    sync_mode: SyncMode,
    #[serde(default)]
    sync_id: Option<i64>,
    #[serde(default)]
    destination_sync_mode: Option<String>,
    #[serde(default)]
    include_files: Option<bool>,
}

#[derive(Deserialize)]
struct RawStream {
    name: String,
    #[serde(default)]
    namespace: Option<String>,
}

impl ConfiguredCatalog {
    /// Reads a configured catalog.
    ///
    /// # Errors
    /// A `config_error` for what is not JSON or not a configured catalog, and for a stream that stands in it twice.
    pub fn parse(text: &str) -> Result<Self, Error> {
        // By way of a tree: the last of two equal keys counts, where a struct would refuse them.
        let tree: Value = serde_json::from_str(text).map_err(|e| {
            Error::config(format!(
                "The configured catalog is not valid JSON: {e}. Give the catalog file that your Airbyte client wrote."
            ))
        })?;
        let other_form = |what: String| {
            Error::config(format!(
                "The configured catalog does not have the form {{\"streams\": [{{\"stream\": {{\"name\": …}}, \"sync_mode\": \"full_refresh\" or \"incremental\", …}}]}}: {what}."
            ))
        };
        if !tree.is_object() {
            return Err(other_form("it is not a JSON object".to_owned()));
        }
        let raw: RawCatalog = serde_json::from_value(tree).map_err(|e| other_form(e.to_string()))?;
        let streams: Vec<_> = raw.streams.into_iter().map(ConfiguredStream::from).collect();
        let mut seen = HashSet::new();
        if let Some(twice) = streams.iter().find(|stream| !seen.insert(&stream.name)) {
            return Err(Error::config(format!(
                "The configured catalog names the stream {} twice; name it once.",
                twice.name
            )));
        }
        Ok(Self { streams })
    }
}

impl From<RawConfigured> for ConfiguredStream {
    fn from(raw: RawConfigured) -> Self {
        Self {
            name: raw.stream.name,
            namespace: raw.stream.namespace.filter(|name| !name.is_empty()),
            sync_mode: raw.sync_mode,
            sync_id: raw.sync_id,
            // `overwrite` and `overwrite_dedup`.
            overwrites: raw.destination_sync_mode.is_some_and(|mode| mode.starts_with("overwrite")),
            include_files: raw.include_files.unwrap_or(false),
        }
    }
}
