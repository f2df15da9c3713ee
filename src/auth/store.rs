//! A token that the syncs of a tenant share: the first one that needs it asks Navan, the others take what it was given.
//!
//! Who asks holds a lock meanwhile, which ends by itself if its holder dies. It comes with a number that grows from holder to holder (a
//! fencing token): whoever was so slow that another took the lock after it can store nothing any more.

use std::rc::Rc;
use std::time::Duration;

use redis::{Script, cmd};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};
use url::Url;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::token::{AccessToken, CurrentToken, TokenFacts};
use crate::clock;
use crate::config::{Config, Region};
use crate::error::Error;
use crate::gateway::Failure;
use crate::secret::Secret;
use crate::shared_state::{SharedState, Tenant, Unavailable};

/// The token's name, and those beside it.
const TOKEN: &str = "token";
const LOCK: &str = "token-lock";
const FENCE: &str = "token-fence";

/// For how long a lock holds: longer than Navan takes to give a token, as a rule. Whoever needs longer may store it only if nobody
/// else has begun meanwhile.
const LOCK_LIFE: Duration = Duration::from_secs(30);

/// How often those who wait look whether the token is there.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// How long the numbers of locks are remembered.
const FENCE_LIFE: Duration = Duration::from_hours(24 * 7);

/// Takes the lock (KEYS: lock, fence; ARGV: holder, its life and the fence's in ms): the holder's number, or nil if it is taken.
const TAKE_LOCK: &str = "
if not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return nil end
local number = redis.call('INCR', KEYS[2])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return number";

/// Stores a token unless another holder came later (KEYS: token, fence; ARGV: token, its life in ms, number).
const STORE: &str = "
if redis.call('GET', KEYS[2]) ~= ARGV[3] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1";

/// Gives the lock back, if it is still held (KEYS: lock; ARGV: holder).
const GIVE_BACK: &str = "
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 0";

/// Where the tokens of one tenant are.
pub(super) struct TokenStore {
    shared: SharedState,
}

/// A token as it is stored. Processes share no monotonic clock, so its times are those of the wall.
#[derive(Serialize, Deserialize)]
struct StoredToken {
    token: Zeroizing<String>,
    /// When it ends, and from when on it is to be renewed, in epoch milliseconds.
    expires_at: i64,
    refresh_at: i64,
    facts: TokenFacts,
}

/// The lock, held.
struct Lock {
    holder: String,
    number: i64,
}

impl TokenStore {
    /// That of the credential of `config`, if it is to be shared.
    ///
    /// # Errors
    /// A `config_error` if Redis' address is none.
    pub(super) fn of(config: &Config, url: &Url) -> Result<Option<Self>, Error> {
        let Some(shared) = &config.shared_state else { return Ok(None) };
        let region = match config.region {
            Region::Us => "us",
            Region::Eu => "eu",
        };
        let (client_id, client_secret) = (&config.client_id, &config.client_secret);
        let tenant = Tenant { region, token_url: url.as_str(), client_id, client_secret };
        Ok(Some(Self { shared: SharedState::of(shared, tenant)? }))
    }

    /// A token that is good: a stored one, but for one that Navan has refused, or what `fetch` brings, which is then stored.
    pub(super) async fn token(
        &self,
        number: u64,
        refused: Option<&Secret>,
        fetch: impl AsyncFn() -> Result<CurrentToken, Failure>,
    ) -> Result<CurrentToken, Failure> {
        let began = Instant::now();
        loop {
            match self.stored().await {
                Ok(Some(stored)) if refused.is_none_or(|refused| *stored.token != refused.expose()) => {
                    if let Some(current) = stored.into_current(number) {
                        return Ok(current);
                    }
                }
                Ok(_) => {}
                // It is replaced by what is fetched.
                Err(Unavailable::Foreign) => self.shared.tell(&Unavailable::Foreign),
                Err(unavailable) => return self.alone(&unavailable, fetch).await,
            }
            match self.take_lock().await {
                Ok(Some(lock)) => {
                    let fetched = fetch().await;
                    if let Err(unavailable) = self.give_back(&lock, fetched.as_ref().ok()).await {
                        self.shared.tell(&unavailable);
                    }
                    return fetched;
                }
                // Its holder may have trouble that this process has not.
                Ok(None) if began.elapsed() > LOCK_LIFE => return fetch().await,
                Ok(None) => sleep(LOOK_EVERY).await,
                Err(unavailable) => return self.alone(&unavailable, fetch).await,
            }
        }
    }

    async fn alone(
        &self,
        why: &Unavailable,
        fetch: impl AsyncFn() -> Result<CurrentToken, Failure>,
    ) -> Result<CurrentToken, Failure> {
        self.shared.tell(why);
        fetch().await
    }

    async fn stored(&self) -> Result<Option<StoredToken>, Unavailable> {
        let name = self.shared.name(TOKEN);
        let get = async |redis: &mut _| cmd("GET").arg(&name).query_async::<Option<Vec<u8>>>(redis).await;
        let Some(sealed) = self.shared.with(get).await? else { return Ok(None) };
        let opened = self.shared.seal().open(TOKEN, &sealed)?;
        serde_json::from_slice(&opened).map(Some).map_err(|_| Unavailable::Foreign)
    }

    async fn take_lock(&self) -> Result<Option<Lock>, Unavailable> {
        let holder = Uuid::new_v4().to_string();
        let take = Script::new(TAKE_LOCK);
        let mut take = take.prepare_invoke();
        take.key(self.shared.name(LOCK)).key(self.shared.name(FENCE));
        take.arg(&holder).arg(milliseconds(LOCK_LIFE)).arg(milliseconds(FENCE_LIFE));
        let number = self.shared.with(async |redis| take.invoke_async::<Option<i64>>(redis).await).await?;
        Ok(number.map(|number| Lock { holder, number }))
    }

    /// Stores what was fetched, and lets others have the lock, whatever becomes of that.
    async fn give_back(&self, lock: &Lock, fetched: Option<&CurrentToken>) -> Result<(), Unavailable> {
        let stored = match fetched.and_then(StoredToken::of) {
            Some(token) => self.store(lock, &token).await,
            None => Ok(()),
        };
        let back = Script::new(GIVE_BACK);
        let mut back = back.prepare_invoke();
        back.key(self.shared.name(LOCK)).arg(&lock.holder);
        let given_back = self.shared.with(async |redis| back.invoke_async::<i64>(redis).await).await;
        stored.and(given_back.map(|_| ()))
    }

    async fn store(&self, lock: &Lock, token: &StoredToken) -> Result<(), Unavailable> {
        let life = token.expires_at - clock::now().timestamp_millis();
        let text = serde_json::to_vec(token).map(Zeroizing::new);
        let sealed = text.ok().and_then(|text| self.shared.seal().seal(TOKEN, &text));
        let Some(sealed) = sealed.filter(|_| life > 0) else { return Ok(()) };
        let store = Script::new(STORE);
        let mut store = store.prepare_invoke();
        store.key(self.shared.name(TOKEN)).key(self.shared.name(FENCE));
        store.arg(sealed).arg(life).arg(lock.number);
        self.shared.with(async |redis| store.invoke_async::<i64>(redis).await).await.map(|_| ())
    }
}

impl StoredToken {
    /// One as this process has it; `None` for one whose end is not known.
    fn of(current: &CurrentToken) -> Option<Self> {
        let (now, wall) = (Instant::now(), clock::now().timestamp_millis());
        let at = |instant: Instant| Some(wall + i64::try_from(instant.checked_duration_since(now)?.as_millis()).ok()?);
        Some(Self {
            token: Zeroizing::new(current.token.secret.expose().to_owned()),
            expires_at: at(current.token.expires_at)?,
            refresh_at: at(current.refresh_at)?,
            facts: current.facts.clone(),
        })
    }

    /// The same for this process; `None` if it is time for another.
    fn into_current(self, number: u64) -> Option<CurrentToken> {
        let (now, wall) = (Instant::now(), clock::now().timestamp_millis());
        let from_now = |at: i64| u64::try_from(at - wall).ok().filter(|ms| *ms > 0).map(Duration::from_millis);
        let refresh_at = now + from_now(self.refresh_at)?;
        let expires_at = now + from_now(self.expires_at)?;
        let secret = Rc::new(Secret::new((*self.token).clone()));
        Some(CurrentToken { token: AccessToken { secret, number, expires_at }, refresh_at, facts: self.facts })
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
