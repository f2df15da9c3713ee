//! `spec`: what can be configured.

use crate::config;
use crate::error::Error;
use crate::protocol::Message;
use crate::sink::Sink;

pub(super) fn run(sink: &dyn Sink) -> Result<(), Error> {
    sink.message(&Message::Spec { spec: &config::spec()? });
    Ok(())
}
