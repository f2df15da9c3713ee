//! `read`: the chosen streams, until they are complete or a signal ends the process.

use std::io::BufReader;
use std::rc::Rc;

use futures::future::join;
use serde_json::Map;
use tokio::time::{Instant, timeout};

use super::publishing::{Kind, Publishing};
use super::{ReadArguments, choice};
use crate::api::Apis;
use crate::error::Error;
use crate::files::{FileStore, FileTransfer};
use crate::gateway::{Http, Network, Timings};
use crate::monitor::Monitor;
use crate::protocol::StreamStates;
use crate::shutdown::{end_by, interruption};
use crate::sink::Sink;
use crate::streams::STREAMS;
use crate::sync::SyncRun;

pub(super) async fn run(arguments: &ReadArguments, sink: &Rc<dyn Sink>, monitor: &Monitor) -> Result<bool, Error> {
    let began = Instant::now();
    let timings = Timings::from_environment();
    let shutdown_grace = timings.shutdown_grace;
    let config = arguments.config.config(Map::new())?;
    let catalog = choice::chosen(&config, arguments.catalog.as_deref(), &arguments.streams)?;
    let states = match &arguments.state {
        Some(path) => StreamStates::read(BufReader::new(super::open(path, "state")?))?,
        None => StreamStates::default(),
    };
    let network: Rc<dyn Network> = Rc::new(Http::new(&timings, config.some_speak_tls())?);
    let apis = Apis::new(&config, &network, &timings)?;
    let store = match &arguments.files {
        Some(directory) => Some(FileStore::at(directory)?),
        None if catalog.streams.iter().any(|stream| stream.include_files) => Some(FileStore::staging()?),
        None => None,
    };
    let transfer = store
        .map(|store| FileTransfer::new(&config, &apis.navan, &timings, store, arguments.files.is_some()).map(Rc::new))
        .transpose()?;
    let sync = SyncRun::new(&apis, &config, STREAMS, catalog, &states, transfer.as_ref(), sink)?;
    let publishing = Publishing::start(&config, &timings, monitor, Kind::Sync)?;
    let whole = async {
        let complete = sync.run().await;
        monitor.summarise("read", began.elapsed(), apis.navan.share_of_limit_used());
        // The reader of stdout may be slow to the end, so a signal must be heeded up to here.
        sink.flush().await;
        publishing.finish(&apis, monitor, complete).await;
        complete
    };
    tokio::select! {
        biased;
        signal = interruption() => {
            if sync.interrupt() {
                tracing::warn!("Interrupted; the states written so far are safe to go on from.");
                monitor.summarise("read", began.elapsed(), apis.navan.share_of_limit_used());
            }
            // A reader that takes nothing any more must not keep the process alive.
            let _ = timeout(shutdown_grace, join(sink.flush(), publishing.finish(&apis, monitor, false))).await;
            end_by(signal)
        }
        never = publishing.go_on(&apis) => match never {},
        complete = whole => Ok(complete),
    }
}
