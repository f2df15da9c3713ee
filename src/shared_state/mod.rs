//! What the syncs of one tenant share, in Redis: off until it is configured, and never needed. What fails here is told once, and the
//! sync goes on as if it were alone.
//!
//! Whoever reads Redis learns nothing: values are [`seal`]ed, and names are made of the [`encryption_key`] as well, so that they do not
//! say whose they are. One tenant cannot be given what is another's. The [`connection`] is made when something is asked.

#[cfg(feature = "shared-state")]
mod connection;
mod encryption_key;
#[cfg(feature = "shared-state")]
mod seal;

use crate::error::Error;
use crate::secret::Secret;

#[cfg(feature = "shared-state")]
pub use connection::{SharedState, Unavailable};
pub use encryption_key::EncryptionKey;

/// Where shared state is, and how it is kept from others.
pub struct SharedStateConfig {
    /// Redis' address, which may hold its password.
    pub redis_url: Secret,
    /// What seals what stands there.
    pub key: EncryptionKey,
}

/// Whose state it is.
#[derive(Clone, Copy)]
pub struct Tenant<'a> {
    /// The region's name.
    pub region: &'a str,
    /// The address that tokens come from.
    pub token_url: &'a str,
    /// The credential.
    pub client_id: &'a Secret,
    /// Its secret: what was sealed under another cannot be opened.
    pub client_secret: &'a Secret,
}

/// What to say where Redis' address should be.
pub fn not_an_address() -> Error {
    Error::config(
        "`shared_state.redis_url` is not an address of Redis: give one such as rediss://user:password@redis.example:6380/0, or none to share nothing.",
    )
}
