//! A token that the syncs of a tenant share: the first one that needs it asks Navan, the others take what it was given.
//!
//! Who asks holds a lock meanwhile, which ends by itself if its holder dies. Beside it stands who took it last (a fencing token): whoever
//! was so slow that another took it afterwards can store nothing any more.

use std::rc::Rc;
use std::time::Duration;

use chrono::DateTime;
use redis::{Script, cmd};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};
use url::Url;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::token::{AccessToken, CurrentToken, MAX_LIFE, TokenFacts};
use crate::clock;
use crate::config::{Config, Region};
use crate::error::Error;
use crate::gateway::{Failure, Gateway};
use crate::secret::Secret;
use crate::shared_state::{SharedState, Tenant, Unavailable};

/// The token's name, and those beside it.
const TOKEN: &str = "token";
const LOCK: &str = "token-lock";
const FENCE: &str = "token-fence";

/// For how long a lock holds: longer than Navan takes to give a token, as a rule. Whoever needs longer may store it only if nobody
/// else has begun meanwhile.
const LOCK_LIFE: Duration = Duration::from_secs(30);

/// When those who wait look for the first time whether the token is there, and how long it may be from one time to the next.
const FIRST_LOOK: Duration = Duration::from_millis(100);
const LAST_LOOK: Duration = Duration::from_secs(1);

/// How long it is remembered who had the lock last: longer than anybody needs for a token.
const FENCE_LIFE: Duration = Duration::from_hours(1);

/// Takes the lock (KEYS: lock, fence, token; ARGV: holder, its life and the fence's in ms, the token that was seen, if that matters): 1, or 0
/// if it is taken, or if another token has come meanwhile.
const TAKE_LOCK: &str = "
if ARGV[4] and (redis.call('GET', KEYS[3]) or '') ~= ARGV[4] then return 0 end
if not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then return 0 end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[3])
return 1";

/// Stores a token unless another holder came later (KEYS: token, fence; ARGV: token, its life in ms, holder).
const STORE: &str = "
if redis.call('GET', KEYS[2]) ~= ARGV[3] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1";

/// Gives the lock back, if it is still held (KEYS: lock; ARGV: holder).
const GIVE_BACK: &str = "
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 0";

/// Redis' clock: seconds, and the microseconds of the second.
type RedisTime = (u64, u64);

/// What the credential of `config` shares, if anything.
///
/// # Errors
/// A `config_error` if Redis' address is none.
pub(super) fn shared_state(config: &Config, url: &Url) -> Result<Option<Rc<SharedState>>, Error> {
    let Some(shared) = &config.shared_state else { return Ok(None) };
    let region = match config.region {
        Region::Us => "us",
        Region::Eu => "eu",
    };
    let (client_id, client_secret) = (&config.client_id, &config.client_secret);
    let tenant = Tenant { region, token_url: url.as_str(), client_id, client_secret };
    Ok(Some(Rc::new(SharedState::of(shared, tenant)?)))
}

/// Where the tokens of one tenant are.
pub(super) struct TokenStore {
    shared: Rc<SharedState>,
}

/// A token as it is stored. Processes share no monotonic clock, so its times are those of the wall.
#[derive(Serialize, Deserialize)]
struct StoredToken {
    token: Zeroizing<String>,
    /// When it ends, and from when on it is to be renewed, in epoch milliseconds.
    expires_at: i64,
    refresh_at: i64,
    facts: TokenFacts,
    /// How far Navan's clock is ahead of Redis', in milliseconds: what a sync that asks Navan for a token learns of it besides, and what
    /// is read ends at.
    navan_ahead: i64,
}

/// What stands in Redis.
struct Seen {
    /// The token; empty if there is none.
    sealed: Vec<u8>,
    /// When that was, in Redis' epoch milliseconds.
    redis_now: i64,
}

/// The lock, held: by what it is known whose it is.
struct Lock(String);

impl TokenStore {
    /// That of the tenant whose state it is.
    pub(super) fn of(shared: Rc<SharedState>) -> Self {
        Self { shared }
    }

    /// A token that is good: a stored one, but for one that Navan has refused, or what `fetch` brings, which is then stored.
    pub(super) async fn token(
        &self,
        gateway: &Gateway,
        number: u64,
        refused: Option<&Secret>,
        fetch: impl AsyncFn() -> Result<CurrentToken, Failure>,
    ) -> Result<CurrentToken, Failure> {
        let began = Instant::now();
        let mut wait = FIRST_LOOK;
        loop {
            let seen = match self.look().await {
                Ok(seen) => seen,
                Err(unavailable) => return self.alone(&unavailable, fetch).await,
            };
            match self.open(&seen) {
                Ok(Some(stored)) if refused.is_none_or(|refused| *stored.token != refused.expose()) => {
                    let redis_now = seen.redis_now;
                    let navan_now = DateTime::from_timestamp_millis(redis_now.saturating_add(stored.navan_ahead));
                    if let (Some(navan_now), Some(current)) = (navan_now, stored.into_current(number)) {
                        gateway.learn_time(navan_now);
                        return Ok(current);
                    }
                }
                Ok(_) => {}
                // It is replaced by what is fetched.
                Err(foreign) => self.shared.tell(&foreign),
            }
            match self.take_lock(Some(&seen)).await {
                Ok(Some(lock)) => return self.fetched(gateway, &lock, fetch).await,
                // Its holder may have trouble that this process has not.
                Ok(None) if began.elapsed() > LOCK_LIFE => return fetch().await,
                Ok(None) => {
                    // Not all at the same time.
                    sleep(wait.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
                    wait = (wait * 2).min(LAST_LOOK);
                }
                Err(unavailable) => return self.alone(&unavailable, fetch).await,
            }
        }
    }

    /// Whether a token stands there that can be opened.
    ///
    /// # Errors
    /// If Redis cannot be used, or what stands there is somebody else's.
    pub(super) async fn holds_one(&self) -> Result<bool, Unavailable> {
        let seen = self.look().await?;
        Ok(self.open(&seen)?.is_some())
    }

    /// A token that Navan gives now, whatever is stored; it is stored in its place.
    pub(super) async fn renew(
        &self,
        gateway: &Gateway,
        fetch: impl AsyncFn() -> Result<CurrentToken, Failure>,
    ) -> Result<CurrentToken, Failure> {
        match self.take_lock(None).await {
            Ok(Some(lock)) => self.fetched(gateway, &lock, fetch).await,
            Ok(None) => fetch().await,
            Err(unavailable) => self.alone(&unavailable, fetch).await,
        }
    }

    async fn fetched(
        &self,
        gateway: &Gateway,
        lock: &Lock,
        fetch: impl AsyncFn() -> Result<CurrentToken, Failure>,
    ) -> Result<CurrentToken, Failure> {
        let fetched = fetch().await;
        if let Err(unavailable) = self.give_back(gateway, lock, fetched.as_ref().ok()).await {
            self.shared.tell(&unavailable);
        }
        fetched
    }

    async fn alone(
        &self,
        why: &Unavailable,
        fetch: impl AsyncFn() -> Result<CurrentToken, Failure>,
    ) -> Result<CurrentToken, Failure> {
        self.shared.tell(why);
        fetch().await
    }

    async fn look(&self) -> Result<Seen, Unavailable> {
        let name = self.shared.name(TOKEN);
        let ask = async |redis: &mut _| {
            let sealed: Option<Vec<u8>> = cmd("GET").arg(&name).query_async(redis).await?;
            Ok((sealed, cmd("TIME").query_async::<RedisTime>(redis).await?))
        };
        let (sealed, time) = self.shared.with(ask).await?;
        Ok(Seen { sealed: sealed.unwrap_or_default(), redis_now: epoch_milliseconds(time) })
    }

    /// The token that was seen, if there was any.
    fn open(&self, seen: &Seen) -> Result<Option<StoredToken>, Unavailable> {
        if seen.sealed.is_empty() {
            return Ok(None);
        }
        let opened = self.shared.seal().open(TOKEN, &seen.sealed)?;
        serde_json::from_slice(&opened).map(Some).map_err(|_| Unavailable::Foreign)
    }

    /// Takes the lock, if nobody has it, and if there is still what was seen.
    async fn take_lock(&self, seen: Option<&Seen>) -> Result<Option<Lock>, Unavailable> {
        let holder = Uuid::new_v4().to_string();
        let take = Script::new(TAKE_LOCK);
        let mut take = take.prepare_invoke();
        take.key(self.shared.name(LOCK)).key(self.shared.name(FENCE)).key(self.shared.name(TOKEN));
        take.arg(&holder).arg(milliseconds(LOCK_LIFE)).arg(milliseconds(FENCE_LIFE));
        if let Some(seen) = seen {
            take.arg(&seen.sealed);
        }
        let is_taken = self.shared.with(async |redis| take.invoke_async::<bool>(redis).await).await?;
        Ok(is_taken.then_some(Lock(holder)))
    }

    /// Stores what was fetched, and lets others have the lock, whatever becomes of that.
    async fn give_back(
        &self,
        gateway: &Gateway,
        lock: &Lock,
        fetched: Option<&CurrentToken>,
    ) -> Result<(), Unavailable> {
        let stored = match fetched {
            Some(token) => self.store(gateway, lock, token).await,
            None => Ok(()),
        };
        let back = Script::new(GIVE_BACK);
        let mut back = back.prepare_invoke();
        back.key(self.shared.name(LOCK)).arg(&lock.0);
        let given_back = self.shared.with(async |redis| back.invoke_async::<i64>(redis).await).await;
        stored.and(given_back.map(|_| ()))
    }

    async fn store(&self, gateway: &Gateway, lock: &Lock, token: &CurrentToken) -> Result<(), Unavailable> {
        let time = self.shared.with(async |redis| cmd("TIME").query_async::<RedisTime>(redis).await).await?;
        let navan_ahead = gateway.now().timestamp_millis() - epoch_milliseconds(time);
        let Some(token) = StoredToken::of(token, navan_ahead) else { return Ok(()) };
        let life = token.expires_at - clock::wall().timestamp_millis();
        let text = serde_json::to_vec(&token).map(Zeroizing::new);
        let sealed = text.ok().and_then(|text| self.shared.seal().seal(TOKEN, &text));
        let Some(sealed) = sealed.filter(|_| life > 0) else { return Ok(()) };
        let store = Script::new(STORE);
        let mut store = store.prepare_invoke();
        store.key(self.shared.name(TOKEN)).key(self.shared.name(FENCE));
        store.arg(sealed).arg(life).arg(&lock.0);
        self.shared.with(async |redis| store.invoke_async::<i64>(redis).await).await.map(|_| ())
    }
}

impl StoredToken {
    /// One as this process has it; `None` for one whose end is not known.
    fn of(current: &CurrentToken, navan_ahead: i64) -> Option<Self> {
        let (now, wall) = (Instant::now(), clock::wall().timestamp_millis());
        let at = |instant: Instant| Some(wall + i64::try_from(instant.checked_duration_since(now)?.as_millis()).ok()?);
        Some(Self {
            token: Zeroizing::new(current.token.secret.expose().to_owned()),
            expires_at: at(current.token.expires_at)?,
            refresh_at: at(current.refresh_at)?,
            facts: current.facts.clone(),
            navan_ahead,
        })
    }

    /// The same for this process; `None` if it is time for another.
    fn into_current(self, number: u64) -> Option<CurrentToken> {
        let (now, wall) = (Instant::now(), clock::wall().timestamp_millis());
        // No clock is so wrong that a token lives longer than one does.
        let from_now = |at: i64| {
            let left = u64::try_from(at.checked_sub(wall)?).ok().filter(|ms| *ms > 0);
            left.map(|ms| Duration::from_millis(ms).min(MAX_LIFE))
        };
        let refresh_at = now + from_now(self.refresh_at)?;
        let expires_at = now + from_now(self.expires_at)?;
        let secret = Rc::new(Secret::new((*self.token).clone()));
        Some(CurrentToken {
            token: AccessToken { secret, number, expires_at, is_shared: true },
            refresh_at,
            facts: self.facts,
        })
    }
}

fn epoch_milliseconds((seconds, microseconds): RedisTime) -> i64 {
    i64::try_from(seconds * 1000 + microseconds / 1000).unwrap_or(i64::MAX)
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
