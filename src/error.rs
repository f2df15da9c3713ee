//! The one error that leaves the connector: who has to act, words for that person, and the cause for the log.
//!
//! Inside a layer, errors are typed (see [`crate::gateway::Failure`]); they become an [`Error`] once, where a
//! layer hands them to the one that tells the user.

use std::fmt::Display;

use serde::Serialize;

/// Who has to act. These are Airbyte's `failure_type`s.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum FailureType {
    /// The user must change the configuration, or something on Navan's admin page.
    #[serde(rename = "config_error")]
    Config,
    /// Nobody needs to act: a later attempt can succeed.
    #[serde(rename = "transient_error")]
    Transient,
    /// A defect of the connector, or an API that no longer behaves as known.
    #[serde(rename = "system_error")]
    System,
}

/// An error as the user meets it.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    failure_type: FailureType,
    message: String,
    cause: Option<String>,
}

impl Error {
    /// The user must act; `message` says what to do.
    pub fn config(message: impl Into<String>) -> Self {
        Self::new(FailureType::Config, message)
    }

    /// A later attempt can succeed; `message` says what was waited for.
    pub fn transient(message: impl Into<String>) -> Self {
        Self::new(FailureType::Transient, message)
    }

    /// A defect; `message` says what to report.
    pub fn system(message: impl Into<String>) -> Self {
        Self::new(FailureType::System, message)
    }

    fn new(failure_type: FailureType, message: impl Into<String>) -> Self {
        Self { failure_type, message: message.into(), cause: None }
    }

    /// Adds what lies behind it, for the log. It must hold no secret and no row.
    #[must_use]
    pub fn with_cause(mut self, cause: impl Display) -> Self {
        self.cause = Some(cause.to_string());
        self
    }

    /// Who has to act.
    pub fn failure_type(&self) -> FailureType {
        self.failure_type
    }

    /// The sentence for the user.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What lies behind it, for the log.
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }
}
