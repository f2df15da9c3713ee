//! What nobody is sure of about Navan's API (docs/navan-api.md), tried on this company: each trial is a GET that changes nothing.

use std::collections::BTreeMap;

use futures::StreamExt as _;
use futures::stream::iter;
use tokio::time::timeout_at;

use super::endpoints::{Company, options};
use super::report::{Line, Report, Verdict};
use crate::api::TokenFacts;
use crate::gateway::Observer;
use crate::streams::Stream;
use crate::sync::strategy::{Answer, ProbeTarget, Tried};

/// Tries what the streams that can be read lead to.
pub(super) async fn check(
    company: Company<'_>,
    readable: Vec<&'static Stream>,
    token: Option<&TokenFacts>,
    report: &mut Report,
) {
    let at_once = readable.len().max(1);
    let mut trials = iter(readable).map(|stream| try_out(company, stream)).buffered(at_once);
    let mut late = Vec::new();
    while let Some((stream, tried)) = trials.next().await {
        match tried {
            Some(tried) => {
                for tried in tried {
                    report.add_tried(tried);
                }
            }
            None => late.push(stream.name),
        }
    }
    let of_answers = [limit_headers(company.observer)].into_iter();
    for tried in of_answers.chain(token.into_iter().flat_map(of_token)) {
        report.add_tried(tried);
    }
    if !late.is_empty() {
        let says = format!("there was no time to try out {}", late.join(", "));
        report.add(Line::new(Verdict::Skipped, "trials", "", says));
    }
}

async fn try_out(company: Company<'_>, stream: &'static Stream) -> (&'static Stream, Option<Vec<Tried>>) {
    let Ok(format) = stream.record_format(options(), []) else { return (stream, None) };
    let target = ProbeTarget { api: company.apis.of(stream.access), config: company.config, format: &format };
    (stream, timeout_at(company.deadline, stream.strategy.try_out(target)).await.ok())
}

/// Says which headers speak of a limit, with their last values.
pub(super) fn limits(observer: &Observer, report: &mut Report) {
    let seen = observer.seen();
    let answers = seen.iter().filter(|seen| seen.status.is_some()).count();
    if answers == 0 {
        report.add(Line::new(Verdict::Skipped, "limits", "", "there was no answer"));
        return;
    }
    let told: BTreeMap<_, _> = seen.iter().flat_map(|seen| seen.about_limit.clone()).collect();
    let refused = seen.iter().filter(|seen| seen.status == Some(429)).count();
    let headers: Vec<_> = told.iter().map(|(name, value)| format!("{name} {value}")).collect();
    let headers = if headers.is_empty() { "no header speaks of a limit".to_owned() } else { headers.join(", ") };
    let verdict = if refused > 0 { Verdict::Warn } else { Verdict::Ok };
    let line = Line::new(verdict, "limits", "", format!("{headers}; {refused} of {answers} answers were 429"))
        .fact("answers", answers)
        .fact("429s", refused)
        .fact("headers", told.into_iter().map(|(name, value)| (name, value.into())).collect::<serde_json::Map<_, _>>());
    let advice = "Another program seems to use up the limit: ask who else reads Navan by the same company.";
    report.add(if refused > 0 { line.next(advice) } else { line });
}

fn limit_headers(observer: &Observer) -> Tried {
    let mut answers = observer.seen();
    answers.retain(|seen| seen.status.is_some());
    let with = answers.iter().filter(|seen| !seen.about_limit.is_empty()).count();
    let answer = match answers.len() {
        0 => Answer::Unknown("there was no answer".to_owned()),
        all => Answer::of(with > 0, format!("{with} of {all} answers")),
    };
    tried("limit-headers", "Answers tell of the limit in their headers", "all", answer)
}

fn of_token(facts: &TokenFacts) -> Vec<Tried> {
    let life = facts.life.map_or_else(
        || Answer::Unknown("its life is not told".to_owned()),
        |life| Answer::of((11..=12).contains(&(life.as_secs() / 3_600)), format!("{} s", life.as_secs())),
    );
    let scopes = facts.scopes.as_ref().map_or("not told".to_owned(), |scopes| format!("{} scopes", scopes.len()));
    let named = facts.allowed_ips;
    vec![
        tried("token-life", "A token lives for about 12 hours", "token", life),
        tried(
            "scopes-told",
            "The token's answer tells its scopes",
            "token",
            Answer::of(facts.scopes.is_some(), scopes),
        ),
        tried("allowed-ips", "allowed_ips names addresses", "token", Answer::of(named > 0, format!("{named} entries"))),
    ]
}

fn tried(id: &'static str, statement: &'static str, endpoint: &str, answer: Answer) -> Tried {
    Tried { id, endpoint: endpoint.to_owned(), statement, answer }
}
