//! What the syncs of one tenant share, in Redis: off until it is configured, and never needed. What fails here is told once, and the
//! sync goes on as if it were alone.
//!
//! Whoever reads Redis learns nothing: values are [`seal`]ed, and names are made of the [`encryption_key`] as well, so that they do not
//! say whose they are. One tenant cannot be given what is another's.

mod encryption_key;
mod seal;

use std::cell::Cell;
use std::fmt;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisError};
use tokio::time::timeout;

use crate::error::Error;
use crate::secret::Secret;

pub use encryption_key::EncryptionKey;
use seal::Seal;

/// How long Redis may take to answer: it is there to save time.
const MAX_WAIT: Duration = Duration::from_secs(2);

/// Before all names, so that others can see whose they are, and clear them away.
const PREFIX: &str = "source-navan";

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
    /// The host that tokens come from.
    pub host: &'a str,
    /// The credential.
    pub client_id: &'a Secret,
    /// Its secret: what was sealed under another cannot be opened.
    pub client_secret: &'a Secret,
}

/// One tenant's state in Redis.
pub struct SharedState {
    client: Client,
    seal: Seal,
    /// What all names of the tenant begin with. In braces, since a cluster keeps in one place what agrees in them.
    names: String,
    has_warned: Cell<bool>,
}

/// Why shared state cannot be used at present. It is told without the address, which may hold a password.
#[derive(Debug)]
pub enum Unavailable {
    /// Redis says so, or cannot be reached.
    Redis(RedisError),
    /// It takes too long.
    Slow,
    /// What stands there was not sealed by this tenant, under this key and secret.
    Foreign,
}

impl SharedState {
    /// That of a tenant; nothing is connected yet.
    ///
    /// # Errors
    /// A `config_error` if the address is none.
    pub fn of(config: &SharedStateConfig, tenant: Tenant<'_>) -> Result<Self, Error> {
        let client = Client::open(config.redis_url.expose()).map_err(|_| {
            // Without the client's words, which may quote a password.
            Error::config("`shared_state.redis_url` is not an address of Redis: give one such as rediss://user:password@redis.example:6380/0, or none to share nothing.")
        })?;
        let names = format!("{PREFIX}:{{{}}}", config.key.name_of(tenant));
        Ok(Self { client, seal: Seal::new(&config.key, tenant)?, names, has_warned: Cell::new(false) })
    }

    /// The name under which something of the tenant's stands.
    pub fn name(&self, what: &str) -> String {
        format!("{}:{what}", self.names)
    }

    /// How values are kept from others.
    pub fn seal(&self) -> &Seal {
        &self.seal
    }

    /// Does something with Redis, over a connection of its own: hours may lie between two such times.
    ///
    /// # Errors
    /// If Redis is not there, says no, or takes too long.
    pub async fn with<T>(
        &self,
        ask: impl AsyncFnOnce(&mut MultiplexedConnection) -> Result<T, RedisError>,
    ) -> Result<T, Unavailable> {
        let answer = async {
            let config = AsyncConnectionConfig::new()
                .set_connection_timeout(Some(MAX_WAIT))
                .set_response_timeout(Some(MAX_WAIT));
            let mut connection = self.client.get_multiplexed_async_connection_with_config(&config).await?;
            ask(&mut connection).await
        };
        timeout(MAX_WAIT, answer).await.map_err(|_| Unavailable::Slow)?.map_err(Unavailable::Redis)
    }

    /// Tells why it goes on alone, the first time.
    pub fn go_on_without(&self, why: &Unavailable) {
        if !self.has_warned.replace(true) {
            tracing::warn!("Shared state is not used: {why}. The sync goes on without it.");
        }
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Redis(error) => write!(formatter, "Redis cannot be reached or refuses ({})", kind(error)),
            Self::Slow => write!(formatter, "Redis has not answered within {} s", MAX_WAIT.as_secs()),
            Self::Foreign => formatter.write_str(
                "what stands there was sealed under another `shared_state.encryption_key` or another client secret; it will be replaced",
            ),
        }
    }
}

/// What kind of error it is, and the code that Redis gave. Not its words: a script's error quotes what it was called with.
fn kind(error: &RedisError) -> String {
    match error.code() {
        Some(code) => format!("{:?}, {code}", error.kind()),
        None => format!("{:?}", error.kind()),
    }
}
