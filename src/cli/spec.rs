//! `spec`: what can be configured.

use crate::config;
use crate::error::Error;
use crate::protocol::{Message, Output};

pub(super) fn run(output: &Output) -> Result<(), Error> {
    output.message(&Message::Spec { spec: &config::spec()? });
    Ok(())
}
