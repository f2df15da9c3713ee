//! `discover`: the streams there are. They follow from the configuration alone, so it needs no network.

use serde_json::Map;

use super::{DiscoverArguments, print};
use crate::error::Error;
use crate::protocol::{Catalog, DefaultCatalog, Message};
use crate::sink::Sink;
use crate::streams::{Stream, offered};

pub(super) fn run(arguments: &DiscoverArguments, sink: &dyn Sink) -> Result<(), Error> {
    let config = arguments.config.config(Map::new())?;
    let streams = offered(&config).into_iter().map(Stream::describe).collect::<Result<Vec<_>, _>>()?.concat();
    if arguments.configured {
        let catalog = DefaultCatalog { streams: streams.into_iter().map(Into::into).collect() };
        let text = serde_json::to_string_pretty(&catalog)
            .map_err(|e| Error::system("The catalog cannot be written.").with_cause(e))?;
        print(format!("{text}\n").as_bytes())?;
    } else {
        sink.message(&Message::Catalog { catalog: &Catalog { streams } });
    }
    Ok(())
}
