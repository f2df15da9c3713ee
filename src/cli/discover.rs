//! `discover`: the streams there are. They are the same for every company, so it needs no network.

use std::path::Path;

use crate::error::Error;
use crate::protocol::{Catalog, Message};
use crate::sink::Sink;
use crate::streams::STREAMS;

pub(super) fn run(config: &Path, sink: &dyn Sink) -> Result<(), Error> {
    super::config(config)?;
    let streams = STREAMS.iter().map(|stream| stream.describe()).collect::<Result<Vec<_>, _>>()?.concat();
    sink.message(&Message::Catalog { catalog: &Catalog { streams } });
    Ok(())
}
