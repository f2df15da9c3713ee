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

/// A configured catalog that chooses streams as most users would: by their changes into a table that keeps the newest version, where
/// there are changes.
#[derive(Debug, Serialize)]
pub struct DefaultCatalog {
    /// One choice a stream.
    pub streams: Vec<DefaultChoice>,
}

/// A stream as it is chosen by default.
#[derive(Debug, Serialize)]
pub struct DefaultChoice {
    stream: StreamDescription,
    sync_mode: SyncMode,
    destination_sync_mode: &'static str,
    cursor_field: Vec<&'static str>,
    primary_key: Vec<Vec<&'static str>>,
}

impl From<StreamDescription> for DefaultChoice {
    fn from(stream: StreamDescription) -> Self {
        let sync_mode = SyncMode::default_of(stream.supported_sync_modes);
        let destination_sync_mode = match sync_mode {
            SyncMode::Incremental => "append_dedup",
            SyncMode::FullRefresh => "overwrite",
        };
        let (cursor_field, primary_key) =
            (stream.default_cursor_field.clone(), stream.source_defined_primary_key.clone());
        Self { stream, sync_mode, destination_sync_mode, cursor_field, primary_key }
    }
}

impl SyncMode {
    /// How a stream is read if nobody says otherwise: by its changes, if it can be.
    pub fn default_of(supported: &[Self]) -> Self {
        if supported.contains(&Self::Incremental) { Self::Incremental } else { Self::FullRefresh }
    }
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
    streams: Vec<Value>,
}

/// A stream as `discover` describes it.
#[derive(Deserialize)]
struct RawDiscovered {
    name: String,
    supported_sync_modes: Vec<SyncMode>,
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
    /// Reads a configured catalog, or what `discover` wrote, which chooses all of it.
    ///
    /// # Errors
    /// A `config_error` for what is not JSON or not a configured catalog, and for a stream that stands in it twice.
    pub fn parse(text: &str) -> Result<Self, Error> {
        // By way of a tree: the last of two equal keys counts, where a struct would refuse them.
        let discovered = || text.lines().find_map(discovered_catalog);
        let tree = serde_json::from_str(text).or_else(|e| discovered().ok_or(e)).map_err(|e| {
            Error::config(format!(
                "The configured catalog is not valid JSON: {e}. Give the catalog file that your Airbyte client wrote."
            ))
        })?;
        let other_form = |what: String| {
            Error::config(format!(
                "The configured catalog does not have the form {{\"streams\": [{{\"stream\": {{\"name\": …}}, \"sync_mode\": \"full_refresh\" or \"incremental\", …}}]}}: {what}."
            ))
        };
        let tree: Value = discovered().unwrap_or(tree);
        if !tree.is_object() {
            return Err(other_form("it is not a JSON object".to_owned()));
        }
        let raw: RawCatalog = serde_json::from_value(tree).map_err(|e| other_form(e.to_string()))?;
        let streams = raw.streams.into_iter().map(ConfiguredStream::parse).collect::<Result<Vec<_>, _>>();
        let streams = streams.map_err(|e| other_form(e.to_string()))?;
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

/// The catalog that a line of `discover`'s output holds, if it is that message.
fn discovered_catalog(line: &str) -> Option<Value> {
    let mut message: Value = serde_json::from_str(line).ok()?;
    (message["type"] == "CATALOG").then(|| message["catalog"].take())
}

impl ConfiguredStream {
    /// A stream that is read in `mode`, and nothing more is said of it.
    pub fn new(name: impl Into<String>, sync_mode: SyncMode) -> Self {
        let (namespace, sync_id) = (None, None);
        Self { name: name.into(), namespace, sync_mode, sync_id, overwrites: false, include_files: false }
    }

    /// A chosen stream, or one as `discover` describes it, which is then read as it is by default.
    fn parse(entry: Value) -> serde_json::Result<Self> {
        if entry.get("supported_sync_modes").is_some() {
            let RawDiscovered { name, supported_sync_modes } = serde_json::from_value(entry)?;
            return Ok(Self::new(name, SyncMode::default_of(&supported_sync_modes)));
        }
        serde_json::from_value(entry).map(|configured: RawConfigured| configured.into())
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
