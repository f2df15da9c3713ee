//! Which streams a command is about.

use std::path::Path;

use super::file;
use crate::config::Config;
use crate::error::Error;
use crate::protocol::{ConfiguredCatalog, ConfiguredStream};
use crate::streams;

/// What `read` is to read: what the catalog chooses, of it what `names` names; without either, all streams in their default modes.
///
/// # Errors
/// A `config_error` if the catalog cannot be used, or if there is no such stream.
pub(super) fn chosen(config: &Config, catalog: Option<&Path>, names: &[String]) -> Result<ConfiguredCatalog, Error> {
    let tables = streams::tables(&streams::offered(config));
    let only = names.iter().map(|name| streams::find(name, &tables)).collect::<Result<Vec<_>, _>>()?;
    let mut catalog = match catalog {
        Some(path) => ConfiguredCatalog::parse(&file(path, "catalog")?)?,
        None => ConfiguredCatalog {
            streams: tables.iter().map(|table| ConfiguredStream::new(table.name, table.default_mode)).collect(),
        },
    };
    if let Some(missing) = only.iter().find(|table| !catalog.streams.iter().any(|stream| stream.name == table.name)) {
        return Err(Error::config(format!(
            "The catalog does not choose the stream {}: add it there, or leave --catalog out.",
            missing.name
        )));
    }
    if !only.is_empty() {
        catalog.streams.retain(|stream| only.iter().any(|table| table.name == stream.name));
    }
    Ok(catalog)
}
