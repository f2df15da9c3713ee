//! `read`: the chosen streams, until they are complete or a signal ends the process.

use std::sync::Arc;

use tokio::time::{Instant, timeout};

use super::ReadFiles;
use crate::api::Api;
use crate::error::Error;
use crate::gateway::Timings;
use crate::monitor::Monitor;
use crate::protocol::{ConfiguredCatalog, Output, StreamStates};
use crate::signal::{end_by, interruption};
use crate::sync::{Scope, Sync};

pub(super) async fn run(files: &ReadFiles, output: &Output, monitor: &Arc<Monitor>) -> Result<bool, Error> {
    let began = Instant::now();
    let timings = Timings::from_environment();
    let farewell = timings.farewell;
    let config = super::config(&files.config)?;
    let catalog = ConfiguredCatalog::parse(&super::file(&files.catalog, "catalog")?)?;
    let states = match &files.state {
        // It may be the output of a read that was cut off in the middle of a character.
        Some(path) => StreamStates::parse(&String::from_utf8_lossy(&super::bytes(path, "state")?))?,
        None => StreamStates::default(),
    };
    let scope = Scope {
        start_date: config.start_date,
        lookback_days: config.lookback_days,
        transaction_types: config.transaction_types.clone(),
        max_concurrency: config.max_concurrency,
    };
    let sync = Sync::new(Api::new(config, timings, monitor)?, scope, catalog, states, output, monitor)?;
    let whole = async {
        let complete = sync.run().await;
        monitor.summarise("read", began.elapsed(), sync.share_of_limit_used());
        // The reader of stdout may be slow to the end, so a signal must be heeded up to here.
        output.written().await;
        complete
    };
    tokio::select! {
        complete = whole => Ok(complete),
        signal = interruption() => {
            if sync.interrupt() {
                tracing::warn!("Interrupted; the states written so far are safe to go on from.");
                monitor.summarise("read", began.elapsed(), sync.share_of_limit_used());
            }
            // A reader that takes nothing any more must not keep the process alive.
            let _ = timeout(farewell, output.written()).await;
            end_by(signal)
        }
    }
}
