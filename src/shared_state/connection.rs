//! One tenant's place in Redis.

use std::cell::Cell;
use std::fmt;
use std::time::Duration;

use redis::aio::{MultiplexedConnection, SendError};
use redis::{AsyncConnectionConfig, Client, ProtocolVersion, PushInfo, PushKind, RedisError, Value};
use tokio::time::timeout;

use super::seal::Seal;
use super::{SharedStateConfig, Tenant, not_an_address};
use crate::error::Error;

/// How long Redis may take to answer: it is there to save time.
const MAX_WAIT: Duration = Duration::from_secs(2);

/// Before all names, so that others can see whose they are, and clear them away.
const PREFIX: &str = "source-navan";

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
        // Without the client's words, which may quote a password.
        let client = Client::open(config.redis_url.expose()).map_err(|_| not_an_address())?;
        let names = format!("{PREFIX}:{{{}}}", config.key.name_of(tenant)?);
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
            let mut connection = self.client.get_multiplexed_async_connection_with_config(&settings()).await?;
            ask(&mut connection).await
        };
        self.within(answer).await
    }

    /// A connection to be kept, over which what others tell in the `channel` is `heard`.
    ///
    /// # Errors
    /// As for [`Self::with`].
    pub async fn listening(
        &self,
        channel: &str,
        heard: impl Fn(&[u8]) + Send + Sync + 'static,
    ) -> Result<MultiplexedConnection, Unavailable> {
        // Only in this protocol may messages come between answers.
        let info = self.client.get_connection_info().clone();
        let redis = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let client = Client::open(info.set_redis_settings(redis)).map_err(Unavailable::Redis)?;
        let settings = settings().set_push_sender(move |push: PushInfo| {
            if let (PushKind::Message, Some(Value::BulkString(message))) = (&push.kind, push.data.last()) {
                heard(message);
            }
            Ok::<(), SendError>(())
        });
        let connected = async {
            let mut connection = client.get_multiplexed_async_connection_with_config(&settings).await?;
            connection.subscribe(channel).await?;
            Ok(connection)
        };
        self.within(connected).await
    }

    /// The answer of Redis, if it comes soon.
    ///
    /// # Errors
    /// As for [`Self::with`].
    pub async fn within<T>(&self, answer: impl Future<Output = Result<T, RedisError>>) -> Result<T, Unavailable> {
        let answer = timeout(MAX_WAIT, answer).await.map_err(|_| Unavailable::Slow)?;
        answer.map_err(|error| if error.is_timeout() { Unavailable::Slow } else { Unavailable::Redis(error) })
    }

    /// Tells why this sync does without, the first time.
    pub fn tell(&self, why: &Unavailable) {
        if !self.has_warned.replace(true) {
            tracing::warn!("{why}");
        }
    }
}

fn settings() -> AsyncConnectionConfig {
    AsyncConnectionConfig::new().set_connection_timeout(Some(MAX_WAIT)).set_response_timeout(Some(MAX_WAIT))
}

impl fmt::Display for Unavailable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Redis(error) => write!(
                formatter,
                "Shared state is not used: Redis cannot be reached or refuses ({}). The sync goes on without it; see to `shared_state.redis_url` and the server.",
                kind(error)
            ),
            Self::Slow => write!(
                formatter,
                "Shared state is not used: Redis has not answered within {} s. The sync goes on without it.",
                MAX_WAIT.as_secs()
            ),
            Self::Foreign => formatter.write_str(
                "Shared state cannot be opened: it was sealed under another client secret, or by something else. It is replaced.",
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
