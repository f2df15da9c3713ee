//! The one error that leaves the connector: who has to act, words for that person, and the cause for the log.
//!
//! Inside a layer, errors are typed (see [`crate::gateway::Failure`]); they become an [`Error`] once, where a
//! layer hands them to the one that tells the user.

use std::fmt::Display;

/// Who has to act. These are Airbyte's `failure_type`s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The user must change the configuration, or something on Navan's admin page.
    Config,
    /// Nobody needs to act: a later attempt can succeed.
    Transient,
    /// A defect of the connector, or an API that no longer behaves as known.
    System,
}

/// An error as the user meets it.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: Kind,
    message: String,
    cause: Option<String>,
}

impl Error {
    /// The user must act; `message` says what to do.
    pub fn config(message: impl Into<String>) -> Self {
        Self::new(Kind::Config, message)
    }

    /// A later attempt can succeed; `message` says what was waited for.
    pub fn transient(message: impl Into<String>) -> Self {
        Self::new(Kind::Transient, message)
    }

    /// A defect; `message` says what to report.
    pub fn system(message: impl Into<String>) -> Self {
        Self::new(Kind::System, message)
    }

    fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), cause: None }
    }

    /// Adds what lies behind it, for the log. It must hold no secret and no row.
    #[must_use]
    pub fn because(mut self, cause: impl Display) -> Self {
        self.cause = Some(cause.to_string());
        self
    }

    /// Who has to act.
    pub fn kind(&self) -> Kind {
        self.kind
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
