//! `check`: whether a configuration works, with a sentence for an admin if it does not.

use std::path::Path;
use std::sync::Arc;

use crate::api::Api;
use crate::error::Error;
use crate::gateway::{Failure, Timings};
use crate::monitor::Monitor;
use crate::protocol::{ConnectionStatus, Message, Output};
use crate::sync::streams::{STREAMS, Source, Stream};

/// Says whether at least one stream can be read; what cannot, and why, goes to the log.
pub(super) async fn run(config: &Path, output: &Output, monitor: &Arc<Monitor>) {
    let connection_status = match check(config, monitor).await {
        Ok(()) => ConnectionStatus::Succeeded,
        Err(error) => {
            if let Some(cause) = error.cause() {
                tracing::error!("{cause}");
            }
            ConnectionStatus::Failed { message: error.message().to_owned() }
        }
    };
    output.message(&Message::ConnectionStatus { connection_status });
}

async fn check(config: &Path, monitor: &Arc<Monitor>) -> Result<(), Error> {
    let config = super::config(config)?;
    let types = config.transaction_types.clone();
    let api = Api::new(config, Timings::from_environment().for_check(), monitor)?;
    let scopes = api.scopes().await?;
    if scopes.as_ref().is_some_and(Vec::is_empty) {
        return Err(Error::config(
            "The credential has no scope, so it can read nothing: create one in Navan under Admin > Travel admin > Settings > Integrations > Navan API credentials with bookings:read, liquid:read and users:read ticked.",
        ));
    }
    let mut errors = Vec::new();
    for stream in STREAMS {
        match glance(&api, stream, scopes.as_deref(), &types).await {
            Ok(()) => tracing::info!("{} can be read.", stream.name),
            Err(error) => {
                tracing::warn!("{} cannot be read: {}", stream.name, error.message());
                errors.push(error);
            }
        }
    }
    // If some stream can be read, the configuration works; else the first stream's error is as good as any.
    if errors.len() == STREAMS.len() { Err(errors.swap_remove(0)) } else { Ok(()) }
}

/// Reads one row, unless the scope for it is known to be missing.
async fn glance(api: &Api, stream: &Stream, scopes: Option<&[String]>, types: &[String]) -> Result<(), Error> {
    if scopes.is_some_and(|scopes| !scopes.iter().any(|scope| scope == stream.scope)) {
        return Err(Error::config(format!(
            "the credential does not have the scope {}; create one that has it on Navan's Integrations page.",
            stream.scope
        )));
    }
    match stream.source {
        Source::List(path) => Ok(api.glance_at_listing(path).await?),
        Source::Bookings => Ok(api.glance_at_bookings().await?),
        Source::Expense => glance_at_expense(api, types).await,
    }
}

/// One type that can be read is enough; the others may not be in use.
async fn glance_at_expense(api: &Api, types: &[String]) -> Result<(), Error> {
    let mut first = None;
    for kind in types {
        match api.glance_at_expense(kind).await {
            Ok(()) => return Ok(()),
            Err(failure) if matches!(failure.refused_with(), Some(403 | 404)) => {
                first.get_or_insert(failure);
            }
            Err(failure) => return Err(failure.into()),
        }
    }
    let error = Error::config(
        "Navan lets this credential read no expense transactions: have Navan's support switch on the Expense API for your company.",
    );
    Err(first.map_or(error.clone(), |failure: Failure| error.because(failure)))
}
