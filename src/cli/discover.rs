//! `discover`: the streams there are. They follow from the configuration alone, so it needs no network.

use std::path::Path;

use crate::error::Error;
use crate::protocol::{Catalog, Message};
use crate::sink::Sink;
use crate::streams::{Stream, offered};

pub(super) fn run(config: &Path, sink: &dyn Sink) -> Result<(), Error> {
    let config = super::config(config)?;
    let streams = offered(&config).into_iter().map(Stream::describe).collect::<Result<Vec<_>, _>>()?.concat();
    sink.message(&Message::Catalog { catalog: &Catalog { streams } });
    Ok(())
}
