//! The token, and the clock of who gives it.

use std::time::Duration;

use serde_json::{Map, Value};
use tokio::time::{Instant, timeout_at};

use super::answers;
use super::report::{Line, Report, Verdict};
use crate::api::{Apis, TOKEN_PATH, TokenFacts};
use crate::cli::check::{no_answer, require_any_scope};
use crate::gateway::{Observer, is_believed};

/// The clocks of servers are right to a second or two; beyond that it is this machine's.
const FEW_MINUTES: chrono::Duration = chrono::Duration::minutes(3);

/// The longest name of a scope that is shown.
const MAX_SCOPE: usize = 40;

/// Fetches a token; what is known of it, if there is one.
pub(super) async fn check(
    apis: &Apis<'_>,
    observer: &Observer,
    deadline: Instant,
    report: &mut Report,
) -> Option<TokenFacts> {
    let api = &apis.navan;
    let facts = timeout_at(deadline, api.token_facts()).await.unwrap_or_else(|_| Err(no_answer(api)));
    let seen = answers::of(observer, TOKEN_PATH);
    match facts {
        Ok(facts) => {
            report.add(granted(&facts, seen));
            Some(facts)
        }
        Err(error) => {
            report.add(Line::new(Verdict::Fail, "token", "", error.message()).facts(seen));
            None
        }
    }
}

fn granted(facts: &TokenFacts, seen: Map<String, Value>) -> Line {
    if let Err(error) = require_any_scope(facts.scopes.as_deref()) {
        return Line::new(Verdict::Fail, "token", "", error.message()).facts(seen).fact("scopes", Vec::<String>::new());
    }
    let scopes = facts.scopes.as_ref().map(|scopes| scopes.iter().map(|scope| shown(scope)).collect::<Vec<_>>());
    let listed = scopes.as_ref().map_or("not told".to_owned(), |scopes| scopes.join(", "));
    let life = facts.life.map_or("for a time that is not told".to_owned(), |life| format!("for {}", in_hours(life)));
    let company = facts.company.as_ref().map(|company| format!(", for the company {company}")).unwrap_or_default();
    let addresses = match facts.allowed_ips {
        0 => String::new(),
        count => format!(", from {count} addresses or ranges alone"),
    };
    let says = format!("granted {life}{company}{addresses}; scopes: {listed}");
    Line::new(Verdict::Ok, "token", "", says)
        .facts(seen)
        .fact("scopes", scopes.map_or(Value::Null, Value::from))
        .fact("seconds", facts.life.map(|life| life.as_secs()))
        .fact("tells the company", facts.company.is_some())
        .fact("allowed addresses", facts.allowed_ips)
}

/// Looks whether the token is where other syncs find it, if they are to.
pub(super) async fn shared(apis: &Apis<'_>, report: &mut Report) {
    let Some(shared) = apis.navan.shares_a_token().await else { return };
    let line = |verdict, says: &str| Line::new(verdict, "shared state", "", says);
    report.add(match shared {
        Ok(true) => line(Verdict::Ok, "Redis answers, and holds the token, sealed").fact("holds a token", true),
        Ok(false) => line(Verdict::Warn, "Redis answers, but does not hold the token")
            .fact("holds a token", false)
            .next("See that it has room, and that no other command is being given a token right now."),
        Err(why) => line(Verdict::Warn, &why).fact("problem", "cannot be used"),
    });
}

/// A scope, if it looks like one: nobody knows which there are.
fn shown(scope: &str) -> &str {
    let is_scope =
        scope.len() <= MAX_SCOPE && scope.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.:-/".contains(&b));
    if is_scope { scope } else { "(an odd one)" }
}

fn in_hours(time: Duration) -> String {
    let minutes = time.as_secs().div_ceil(60);
    format!("{}:{:02} h", minutes / 60, minutes % 60)
}

/// Holds this machine's clock against what the answers told.
pub(super) fn clock(observer: &Observer, report: &mut Report) {
    let Some(ahead) = observer.seen().iter().rev().find_map(|seen| seen.ahead) else {
        report.add(Line::new(Verdict::Skipped, "clock", "", "no answer has told the time"));
        return;
    };
    // A positive number: this machine is behind.
    let (seconds, way) = (ahead.num_seconds(), if ahead < chrono::Duration::zero() { "ahead of" } else { "behind" });
    let says = format!("this machine is {} s {way} what the answers tell", seconds.abs());
    let verdict = match ahead {
        ahead if !is_believed(ahead) => Verdict::Fail,
        ahead if ahead.abs() > FEW_MINUTES => Verdict::Warn,
        _ => Verdict::Ok,
    };
    let line = Line::new(verdict, "clock", "", says).fact("seconds behind", seconds);
    let advice = "Set this machine's clock, by NTP as a rule. Reads follow Navan's clock up to a day apart; certificates do not.";
    report.add(if verdict == Verdict::Ok { line } else { line.next(advice) });
}
