//! `check`: whether a configuration works, with a sentence for an admin if it does not.

use std::rc::Rc;

use futures::future::join_all;
use serde_json::Map;
use tokio::time::{Instant, timeout_at};

use super::config_source::ConfigArguments;
use crate::api::{Api, Apis};
use crate::config::{self, Config};
use crate::error::{Error, FailureType};
use crate::gateway::{Http, Network, Timings};
use crate::protocol::{ConnectionStatus, Message};
use crate::sink::Sink;
use crate::streams::{STREAMS, offered};
use crate::sync::strategy::ProbeTarget;
use crate::sync::{RecordOptions, Stream, scopes_in_words};

/// Says whether at least one stream can be read; what cannot, and why, goes to the log.
pub(super) async fn run(config: &ConfigArguments, sink: &dyn Sink) {
    let connection_status = match check(config).await {
        Ok(()) => ConnectionStatus::Succeeded,
        Err(error) => {
            if let Some(cause) = error.cause() {
                tracing::error!("{cause}");
            }
            ConnectionStatus::Failed { message: error.message().to_owned() }
        }
    };
    sink.message(&Message::ConnectionStatus { connection_status });
}

async fn check(config: &ConfigArguments) -> Result<(), Error> {
    let config = config.config(Map::new())?;
    let timings = Timings::from_environment().for_check();
    let deadline = Instant::now() + timings.check_deadline;
    let network: Rc<dyn Network> = Rc::new(Http::new(&timings, config.some_speak_tls())?);
    let apis = Apis::new(&config, &network, &timings)?;
    let api = &apis.navan;
    api.ask_anew();
    let scopes = timeout_at(deadline, api.scopes()).await.unwrap_or_else(|_| Err(no_answer(api)))?;
    require_any_scope(scopes.as_deref())?;
    let probe = async |stream: &'static Stream| {
        let api = apis.of(stream.access);
        let probe = check_stream(api, &config, stream, scopes.as_deref());
        timeout_at(deadline, probe).await.unwrap_or_else(|_| Err(no_answer(api)))
    };
    let streams = offered(&config);
    let results = join_all(streams.iter().copied().map(probe)).await;
    let mut errors = Vec::new();
    for (stream, result) in streams.iter().zip(results) {
        match result {
            Ok(()) => tracing::info!("{} can be read.", stream.name),
            // What was configured for this stream alone is wrong, and nothing else can tell.
            Err(error) if !stream.access.takes_navans_token() && error.failure_type() == FailureType::Config => {
                return Err(error);
            }
            Err(error) => {
                tracing::warn!("{} cannot be read: {}", stream.name, error.message());
                errors.push(error);
            }
        }
    }
    // If some stream can be read, the configuration works; else the first stream's error is as good as any.
    if errors.len() == streams.len() { Err(errors.swap_remove(0)) } else { Ok(()) }
}

/// # Errors
/// A `config_error` if the credential is told to have no scope at all.
pub(super) fn require_any_scope(scopes: Option<&[String]>) -> Result<(), Error> {
    if scopes.is_some_and(<[String]>::is_empty) {
        return Err(Error::config(format!(
            "The credential has no scope, so it can read nothing: create one in Navan under {} with {} ticked.",
            config::credentials_page(),
            scopes_to_tick()
        )));
    }
    Ok(())
}

/// Time is up: whoever waits for the answer has to be told something.
pub(super) fn no_answer(api: &Api<'_>) -> Error {
    Error::transient(format!(
        "Navan did not answer in time ({} was asked): check that this machine may connect to that address, and try again.",
        api.host()
    ))
}

/// Probes a stream, unless the scope for it is known to be missing.
async fn check_stream(api: &Api<'_>, config: &Config, stream: &Stream, scopes: Option<&[String]>) -> Result<(), Error> {
    stream.access.require_scope(scopes)?;
    let format = stream.record_format(RecordOptions::default(), [])?;
    let probe = stream.strategy.probe(ProbeTarget { api, config, format: &format }).await;
    probe.map_err(|error| error.into_error(stream.access, &scopes_in_words(STREAMS)))
}

/// `a, b and c`, each scope once.
fn scopes_to_tick() -> String {
    let mut scopes = Vec::new();
    for scope in STREAMS.iter().filter_map(|stream| stream.access.scope()) {
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    match scopes.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => scopes.concat(),
    }
}
