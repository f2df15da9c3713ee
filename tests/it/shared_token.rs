//! A token that the syncs of a tenant share, through a real Redis.

use std::time::{Duration, Instant};

use navan_sandbox::{Fault, Faults, Outage, Sandbox, Settings};
use redis::cmd;
use serde_json::json;

use crate::between::TlsFront;
use crate::harness::{Connector, Run, assert_distinct};
use crate::redis_server::RedisServer;

/// A key, as `source-navan key` makes them.
const KEY: &str = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

fn few() -> Settings {
    Settings { bookings: 40, transactions: 4, users: 10, ..Settings::default() }
}

fn sandbox() -> Sandbox {
    Sandbox::start(few()).unwrap()
}

fn sharing(sandbox: &Sandbox, redis: &RedisServer) -> Connector {
    Connector::against(sandbox).config("shared_state", json!({"redis_url": redis.url(), "encryption_key": KEY}))
}

/// What was told of shared state.
fn told(run: &Run) -> Vec<&str> {
    run.logs("WARN").into_iter().filter(|line| line.contains("hared state")).collect()
}

fn assert_complete(sandbox: &Sandbox, run: &Run) {
    assert_eq!(run.status.code(), Some(0), "{:?}", run.errors());
    let truth = sandbox.ground_truth();
    assert_eq!(assert_distinct(&run.keys("BOOKING")).len() as u64, truth.booking.rows);
    assert_eq!(assert_distinct(&run.keys("USER")).len() as u64, truth.user.rows);
}

#[test]
fn twenty_syncs_that_start_together_ask_navan_for_one_token() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let sandbox =
        Sandbox::start(Settings { faults: Faults { latency_ms: 200, ..Faults::default() }, ..few() }).unwrap();
    let connectors: Vec<_> = (0..20).map(|_| sharing(&sandbox, &redis).stream("USER")).collect();
    let started: Vec<_> = connectors.iter().map(|connector| connector.start("read")).collect();
    for process in started {
        let run = Run::from(process.wait_with_output().unwrap());
        assert_eq!(run.status.code(), Some(0), "{:?}", run.errors());
        assert_eq!(told(&run), [""; 0]);
        assert_eq!(run.keys("USER").len() as u64, sandbox.ground_truth().user.rows);
    }
    assert_eq!(sandbox.counts().token_requests, 1);
}

#[test]
fn without_redis_being_configured_each_sync_asks_for_its_own() {
    let sandbox = sandbox();
    for _ in 0..2 {
        assert_complete(&sandbox, &Connector::against(&sandbox).read());
    }
    assert_eq!(sandbox.counts().token_requests, 2);
}

#[test]
fn twenty_syncs_of_five_tenants_ask_for_five_tokens_and_none_is_given_another_s() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let tenants: Vec<_> = (0..5).map(|_| sandbox()).collect();
    let connectors: Vec<_> = (0..20).map(|number| sharing(&tenants[number % 5], &redis).stream("USER")).collect();
    let started: Vec<_> = connectors.iter().map(|connector| connector.start("read")).collect();
    for process in started {
        assert_eq!(process.wait_with_output().unwrap().status.code(), Some(0));
    }
    assert_eq!(tenants.iter().map(|sandbox| sandbox.counts().token_requests).collect::<Vec<_>>(), [1; 5]);

    // Each gets its neighbour's value: it cannot open it, and asks Navan.
    let names = redis.tokens();
    let values: Vec<_> = names.iter().map(|name| redis.get(name)).collect();
    for (number, name) in names.iter().enumerate() {
        redis.set(name, &values[(number + 1) % 5]);
    }
    for sandbox in &tenants {
        let run = sharing(sandbox, &redis).stream("USER").read();
        assert_eq!(run.status.code(), Some(0), "{:?}", run.errors());
        assert_eq!(told(&run).len(), 1, "{:?}", told(&run));
        assert_eq!(sandbox.counts().token_requests, 2);
        assert!(sandbox.counts().log.iter().all(|logged| logged.status != 401));
    }
}

#[test]
fn who_reads_redis_learns_nothing() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let sandbox = sandbox();
    assert_complete(&sandbox, &sharing(&sandbox, &redis).read());
    assert_eq!(redis.tokens().len(), 1);
    let (dump, settings) = (redis.dump(), sandbox.settings());
    // "sbx": so the sandbox's tokens begin.
    for secret in [settings.client_id.as_str(), &settings.client_secret, "sbx", "bookings:read", KEY] {
        assert!(!dump.windows(secret.len()).any(|part| part == secret.as_bytes()), "{secret}");
    }
}

#[test]
fn a_stored_token_is_of_no_use_with_another_secret() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let sandbox = sandbox();
    assert_complete(&sandbox, &sharing(&sandbox, &redis).read());
    let run = sharing(&sandbox, &redis).config("client_secret", "of-somebody-else").read();
    assert_eq!(run.status.code(), Some(1));
    assert_eq!(run.errors()[0]["failure_type"], "config_error", "{:?}", run.errors());
    assert_complete(&sandbox, &sharing(&sandbox, &redis).read());
}

#[test]
fn another_key_shares_nothing_and_breaks_nothing() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let sandbox = sandbox();
    for key in [KEY, "ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA="] {
        let shared = json!({"redis_url": redis.url(), "encryption_key": key});
        let run = Connector::against(&sandbox).config("shared_state", shared).read();
        assert_complete(&sandbox, &run);
        assert_eq!(told(&run), [""; 0]);
    }
    assert_eq!((sandbox.counts().token_requests, redis.tokens().len()), (2, 2));
}

#[test]
fn a_value_that_is_not_ours_is_told_and_replaced() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let sandbox = sandbox();
    assert_complete(&sandbox, &sharing(&sandbox, &redis).read());
    let name = &redis.tokens()[0];
    for foreign in [&b"x"[..], b"\x01short", &[1; 200], b"{\"token\":\"plain\"}"] {
        redis.set(name, foreign);
        let run = sharing(&sandbox, &redis).read();
        assert_complete(&sandbox, &run);
        assert_eq!(told(&run).len(), 1, "{:?}", run.logs("WARN"));
        assert_ne!(redis.get(name), foreign);
    }
    // Something else than a text under that name is Redis' error.
    cmd("DEL").arg(name).exec(&mut redis.connect()).unwrap();
    cmd("LPUSH").arg(name).arg("x").exec(&mut redis.connect()).unwrap();
    let run = sharing(&sandbox, &redis).read();
    assert_complete(&sandbox, &run);
    assert!(told(&run)[0].contains("WRONGTYPE"), "{:?}", told(&run));
}

#[test]
fn a_token_that_navan_refuses_is_replaced_for_all() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let sandbox = sandbox();
    assert_complete(&sandbox, &sharing(&sandbox, &redis).read());
    let revoked =
        Outage { after_requests: 0, for_requests: Some(1), for_ms: None, fault: Fault::RevokeToken, endpoint: None };
    sandbox.set_faults(Faults { outage: vec![revoked], ..Faults::default() });
    for _ in 0..2 {
        let run = sharing(&sandbox, &redis).read();
        assert_complete(&sandbox, &run);
        assert_eq!(told(&run), [""; 0]);
    }
    assert_eq!(sandbox.counts().token_requests, 2);
}

#[test]
fn check_asks_navan_and_what_it_gets_is_shared() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let sandbox = sandbox();
    assert_complete(&sandbox, &sharing(&sandbox, &redis).read());
    for requests in [2, 3] {
        assert_eq!(sharing(&sandbox, &redis).run("check").status.code(), Some(0));
        assert_eq!(sandbox.counts().token_requests, requests);
    }
    assert_complete(&sandbox, &sharing(&sandbox, &redis).read());
    assert_eq!(sandbox.counts().token_requests, 3);
}

#[test]
fn doctor_says_whether_the_token_is_shared() {
    let Some(mut redis) = RedisServer::start(&[]) else { return };
    let sandbox = sandbox();
    let said = |redis: &RedisServer| {
        let output = sharing(&sandbox, redis).start("doctor").wait_with_output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let line = text.lines().find(|line| line.contains("shared state")).unwrap_or_else(|| panic!("{text}"));
        line.to_owned()
    };
    let line = said(&redis);
    assert!(line.starts_with("ok ") && line.contains("holds the token"), "{line}");
    redis.kill();
    let line = said(&redis);
    assert!(line.starts_with("warn ") && line.contains("Redis cannot be reached"), "{line}");
}

#[test]
fn what_a_shared_token_is_denied_is_asked_for_again_with_a_new_one() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let sandbox = sandbox();
    assert_complete(&sandbox, &sharing(&sandbox, &redis).read());
    let denied = Outage {
        after_requests: 0,
        for_requests: Some(1),
        for_ms: None,
        fault: Fault::Status(403),
        endpoint: Some("/v1/users".to_owned()),
    };
    sandbox.set_faults(Faults { outage: vec![denied], ..Faults::default() });
    assert_complete(&sandbox, &sharing(&sandbox, &redis).read());
    assert_eq!(sandbox.counts().token_requests, 2);
}

#[test]
fn with_a_shared_token_a_read_ends_at_navan_s_time_whatever_the_machine_s_clock_says() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let sandbox = sandbox();
    assert_complete(&sandbox, &sharing(&sandbox, &redis).read());
    let ahead = (sandbox.now() + chrono::Duration::hours(5)).to_rfc3339();
    let run = sharing(&sandbox, &redis).environment("SOURCE_NAVAN_NOW", ahead).stream("TRANSACTION").read();
    assert_eq!((run.status.code(), sandbox.counts().token_requests), (Some(0), 1));
    let state = run.last_states();
    let times: Vec<_> =
        state.split('"').filter_map(|part| part.parse::<chrono::DateTime<chrono::Utc>>().ok()).collect();
    assert!(!times.is_empty(), "{state}");
    let latest = sandbox.now() + chrono::Duration::seconds(5);
    assert!(times.iter().all(|time| *time <= latest), "{times:?} beyond {latest}");
}

#[test]
fn a_token_is_renewed_once_for_syncs_side_by_side() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let faults = Faults { latency_ms: 150, ..Faults::default() };
    let settings = Settings { token_life: Duration::from_secs(3), faults, ..Settings::odd() };
    let sandbox = Sandbox::start(settings).unwrap();
    let connectors: Vec<_> = (0..4).map(|_| sharing(&sandbox, &redis)).collect();
    let began = Instant::now();
    let started: Vec<_> = connectors.iter().map(|connector| connector.start("read")).collect();
    for process in started {
        assert_complete(&sandbox, &Run::from(process.wait_with_output().unwrap()));
    }
    // One of 3 s is renewed at half its life; there may be one more at the start of each such time.
    let most = began.elapsed().as_secs() * 2 / 3 + 2;
    let requests = sandbox.counts().token_requests;
    assert!((2..=most).contains(&requests), "{requests} requests for tokens, at most {most} expected");
}

#[test]
fn over_tls_the_server_must_be_the_one_that_is_meant() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let front = TlsFront::start("localhost", "Test CA", redis.address());
    let sandbox = sandbox();
    let url = format!("rediss://localhost:{}/0", front.address.port());
    let connector =
        || Connector::against(&sandbox).config("shared_state", json!({"redis_url": url, "encryption_key": KEY}));
    for _ in 0..2 {
        let run = connector().environment("SSL_CERT_FILE", front.authority()).read();
        assert_complete(&sandbox, &run);
        assert_eq!(told(&run), [""; 0]);
    }
    assert_eq!(sandbox.counts().token_requests, 1);
    let run = connector().read();
    assert_complete(&sandbox, &run);
    assert_eq!((told(&run).len(), sandbox.counts().token_requests), (1, 2));
}

/// What docs/shared-state.md says of a user's rights.
#[test]
fn a_user_with_few_rights_is_enough_and_its_password_is_not_shown() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let page = include_str!("../../docs/shared-state.md");
    let line = page.lines().find(|line| line.starts_with("ACL SETUSER ")).unwrap();
    let mut words = line.split(' ');
    let mut command = cmd(words.next().unwrap());
    words.for_each(|word| {
        command.arg(word);
    });
    command.exec(&mut redis.connect()).unwrap();
    let sandbox = sandbox();
    for (password, expected) in [("password", 0), ("password", 0), ("another-password", 1)] {
        let url = redis.url().replace("redis://", &format!("redis://navan:{password}@"));
        let shared = json!({"redis_url": url, "encryption_key": KEY});
        let run = Connector::against(&sandbox).config("shared_state", shared).debug().read();
        assert_complete(&sandbox, &run);
        assert_eq!(told(&run).len(), expected, "{:?}", told(&run));
        assert!(!run.stdout.contains(password) && !run.stderr.contains(password));
    }
    assert_eq!(sandbox.counts().token_requests, 2);
}

#[test]
fn the_lock_of_a_process_that_died_ends_by_itself() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let sandbox = sandbox();
    assert_complete(&sandbox, &sharing(&sandbox, &redis).read());
    let token = &redis.tokens()[0];
    let lock = format!("{token}-lock");
    cmd("DEL").arg(token).exec(&mut redis.connect()).unwrap();
    cmd("SET").arg(lock).arg("somebody").arg("PX").arg(1500).exec(&mut redis.connect()).unwrap();
    let began = Instant::now();
    let run = sharing(&sandbox, &redis).read();
    assert_complete(&sandbox, &run);
    assert!(began.elapsed() > Duration::from_secs(1), "it did not wait for the holder of the lock");
    assert_eq!((told(&run), sandbox.counts().token_requests), (vec![], 2));
}

#[test]
fn who_was_so_slow_that_another_took_the_lock_stores_nothing() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let sandbox =
        Sandbox::start(Settings { faults: Faults { latency_ms: 700, ..Faults::default() }, ..few() }).unwrap();
    let connector = sharing(&sandbox, &redis).stream("USER");
    let process = connector.start("read");
    let fence = loop {
        let names: Vec<String> = cmd("KEYS").arg("*:token-fence").query(&mut redis.connect()).unwrap();
        if let Some(name) = names.into_iter().next() {
            break name;
        }
    };
    // Another has it.
    cmd("SET").arg(&fence).arg("another").exec(&mut redis.connect()).unwrap();
    let run = Run::from(process.wait_with_output().unwrap());
    assert_eq!((run.status.code(), told(&run)), (Some(0), vec![]), "{:?}", run.errors());
    assert_eq!(redis.tokens(), [""; 0]);
}

#[test]
fn a_redis_that_is_not_there_is_told_once_and_missed_by_nobody() {
    let Some(mut redis) = RedisServer::start(&[]) else { return };
    redis.kill();
    let sandbox = Sandbox::start(Settings { token_life: Duration::from_secs(2), ..few() }).unwrap();
    let run = sharing(&sandbox, &redis).read();
    assert_complete(&sandbox, &run);
    assert_eq!(told(&run).len(), 1, "{:?}", told(&run));
}

#[cfg(unix)]
#[test]
fn a_redis_that_does_not_answer_is_told_once_and_soon() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    redis.pause();
    let sandbox = sandbox();
    let began = Instant::now();
    let run = sharing(&sandbox, &redis).read();
    assert_complete(&sandbox, &run);
    assert_eq!(told(&run).len(), 1, "{:?}", told(&run));
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[test]
fn a_redis_that_is_full_is_told_once() {
    let Some(redis) = RedisServer::start(&["--maxmemory", "1", "--maxmemory-policy", "noeviction"]) else { return };
    let sandbox = sandbox();
    let run = sharing(&sandbox, &redis).read();
    assert_complete(&sandbox, &run);
    assert_eq!(told(&run).len(), 1, "{:?}", told(&run));
    assert!(told(&run)[0].contains("OOM"), "{:?}", told(&run));
}

#[test]
fn a_redis_that_loses_its_memory_or_its_life_in_the_middle_costs_no_row() {
    for loses_its_life in [false, true] {
        let Some(mut redis) = RedisServer::start(&[]) else { return };
        let faults = Faults { latency_ms: 150, ..Faults::default() };
        let settings = Settings { token_life: Duration::from_secs(3), faults, ..Settings::odd() };
        let sandbox = Sandbox::start(settings).unwrap();
        let connector = sharing(&sandbox, &redis);
        let process = connector.start("read");
        while sandbox.counts().token_requests == 0 {
            std::thread::sleep(Duration::from_millis(20));
        }
        if loses_its_life {
            redis.kill();
        } else {
            cmd("FLUSHALL").exec(&mut redis.connect()).unwrap();
        }
        let run = Run::from(process.wait_with_output().unwrap());
        assert_complete(&sandbox, &run);
        assert!(sandbox.counts().token_requests >= 2);
        assert_eq!(told(&run).len(), usize::from(loses_its_life), "{:?}", told(&run));
    }
}

#[cfg(unix)]
#[test]
fn the_key_may_come_from_a_program() {
    let Some(redis) = RedisServer::start(&[]) else { return };
    let sandbox = sandbox();
    let without_key = || Connector::against(&sandbox).config("shared_state", json!({"redis_url": redis.url()}));
    let by = |program: &str| without_key().environment("NAVAN_ENCRYPTION_KEY_COMMAND", program).read();
    assert_complete(&sandbox, &sharing(&sandbox, &redis).read());
    assert_complete(&sandbox, &by(&format!("echo {KEY}")));
    assert_eq!(sandbox.counts().token_requests, 1, "the program's key is the same one");
    let run = by(&format!("echo {KEY}"));
    assert_eq!(run.logs("WARN").iter().filter(|line| line.contains("NAVAN_")).count(), 0, "{:?}", run.logs("WARN"));
    for (program, why) in
        [("true", "it prints nothing"), ("exit 3", "exit status: 3"), ("sleep 60", "longer than 10 s")]
    {
        let run = by(program);
        assert_complete(&sandbox, &run);
        assert!(told(&run).len() == 1 && told(&run)[0].contains(why), "{program}: {:?}", told(&run));
    }
    let error = by("echo x").errors()[0]["message"].as_str().unwrap().to_owned();
    assert!(error.contains("32 bytes in base64"), "{error}");
    // Nothing is configured: nothing is run.
    let nothing = Connector::against(&sandbox).config("shared_state", json!({"redis_url": "", "encryption_key": null}));
    let run = nothing.environment("NAVAN_ENCRYPTION_KEY_COMMAND", "exit 3").read();
    assert_complete(&sandbox, &run);
    assert_eq!(told(&run), [""; 0]);
    let error = without_key().read().errors()[0]["message"].as_str().unwrap().to_owned();
    assert!(error.contains("source-navan key"), "{error}");
}
