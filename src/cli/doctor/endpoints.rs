//! The streams: what each of their endpoints answers, whether its fields are those of the schema, and so which streams can be read.

use futures::StreamExt as _;
use futures::stream::iter;
use serde_json::{Map, Value};
use tokio::time::{Instant, timeout_at};

use super::answers;
use super::notes::Notes;
use super::report::{Line, Report, Verdict};
use crate::api::Apis;
use crate::cli::check::no_answer;
use crate::config::Config;
use crate::error::Error;
use crate::gateway::Observer;
use crate::record::{ERROR_COLUMN, PATH_COLUMN};
use crate::streams::{STREAMS, Stream, offered};
use crate::sync::strategy::{ProbeTarget, ReadError, Surveyed, SurveyedPage};
use crate::sync::{RecordOptions, scopes_in_words};

/// So many names are shown; the report has them all.
const MANY_NAMES: usize = 8;

/// What it takes to ask.
#[derive(Clone, Copy)]
pub(super) struct Company<'a> {
    pub(super) apis: &'a Apis<'a>,
    pub(super) config: &'a Config,
    pub(super) observer: &'a Observer,
    /// The scopes of the credential, if they are told; `Err` if there is no token.
    pub(super) scopes: Result<Option<&'a [String]>, ()>,
    pub(super) deadline: Instant,
}

/// Asks all streams; those that can be read.
pub(super) async fn check(company: Company<'_>, notes: &Notes, report: &mut Report) -> Vec<&'static Stream> {
    let streams = offered(company.config);
    let at_once = streams.len();
    let survey = |stream: &'static Stream| async move { (stream, survey(company, stream).await) };
    let mut surveys = iter(streams).map(survey).buffered(at_once);
    let mut readable = Vec::new();
    while let Some((stream, surveyed)) = surveys.next().await {
        let line = match surveyed {
            Err(NotAsked::NoToken) => {
                Line::new(Verdict::Skipped, "stream", stream.name, "not asked for, without a token")
            }
            Err(NotAsked::Because(error)) => {
                let says = format!("cannot be read: {}", error.message());
                Line::new(Verdict::Warn, "stream", stream.name, says).fact("problem", "its scope is missing")
            }
            Err(NotAsked::Late(error)) => {
                Line::new(Verdict::Fail, "stream", stream.name, error.message()).fact("problem", "no answer in time")
            }
            Ok(surveyed) => told(company, stream, surveyed, report),
        };
        if line.verdict == Verdict::Ok || line.facts.contains_key("endpoints read") {
            readable.push(stream);
        }
        report.add(line);
        for note in notes.take() {
            report.add(Line::new(Verdict::Warn, "answers", stream.name, note));
        }
    }
    readable
}

/// Why nothing is known of a stream.
enum NotAsked {
    NoToken,
    Because(Error),
    Late(Error),
}

async fn survey(company: Company<'_>, stream: &'static Stream) -> Result<Vec<Surveyed>, NotAsked> {
    let api = company.apis.of(stream.access);
    if stream.access.takes_navans_token() {
        let scopes = company.scopes.map_err(|()| NotAsked::NoToken)?;
        stream.access.require_scope(scopes).map_err(NotAsked::Because)?;
    }
    let format = stream.record_format(options(), []).map_err(NotAsked::Because)?;
    let target = ProbeTarget { api, config: company.config, format: &format };
    let surveyed = timeout_at(company.deadline, stream.strategy.survey(target)).await;
    surveyed.map_err(|_| NotAsked::Late(no_answer(api)))
}

/// Rows are looked at as an incremental read does: with their keys and times.
pub(super) fn options() -> RecordOptions<'static> {
    RecordOptions { is_incremental: true, ..RecordOptions::default() }
}

/// Tells of the endpoints of a stream; what that means for it.
fn told(company: Company<'_>, stream: &'static Stream, surveyed: Vec<Surveyed>, report: &mut Report) -> Line {
    let asked = surveyed.len();
    let (mut pages, mut absent, mut errors) = (Vec::new(), 0, Vec::new());
    for Surveyed { endpoint, page, may_be_absent } in surveyed {
        let seen = answers::of(company.observer, &endpoint);
        match page {
            Ok(page) => {
                report.add(answered(&endpoint, &page, seen));
                pages.push(page);
            }
            Err(error) => {
                let is_absent = may_be_absent && matches!(error, ReadError::Other(_));
                let error = error.into_error(stream.access, &scopes_in_words(STREAMS));
                let verdict = if is_absent { Verdict::Warn } else { Verdict::Fail };
                absent += usize::from(is_absent);
                report.add(Line::new(verdict, "endpoint", endpoint, error.message()).facts(seen));
                errors.push(error);
            }
        }
    }
    if let Some(line) = fields(stream, &pages) {
        report.add(line);
    }
    let with = stream.children.len();
    let children = if with > 0 { format!(", and the {with} streams in its rows") } else { String::new() };
    match (pages.len(), errors.first()) {
        (0, Some(error)) => {
            let verdict = if absent == asked { Verdict::Warn } else { Verdict::Fail };
            Line::new(verdict, "stream", stream.name, format!("cannot be read: {}", error.message()))
                .fact("readable", false)
        }
        (read, Some(_)) => {
            let says = format!("{read} of its {asked} endpoints can be read{children}; the others are skipped");
            Line::new(Verdict::Warn, "stream", stream.name, says).fact("endpoints read", read).fact("endpoints", asked)
        }
        (_, None) => {
            Line::new(Verdict::Ok, "stream", stream.name, format!("can be read{children}")).fact("readable", true)
        }
    }
}

fn answered(endpoint: &str, page: &SurveyedPage, seen: Map<String, Value>) -> Line {
    let total = page.total.map_or("no total is told".to_owned(), |total| format!("{total} rows in all"));
    let took = seen.get("ms").and_then(Value::as_u64).map(|ms| format!(" in {ms} ms")).unwrap_or_default();
    let status = seen.get("status").map(Value::to_string).unwrap_or_default();
    let says = format!("{status}{took}: {}, {total}, {} on the page that was asked for", page.form, page.rows);
    Line::new(Verdict::Ok, "endpoint", endpoint, says)
        .facts(seen)
        .fact("form", page.form.to_string())
        .fact("total", page.total)
        .fact("rows", page.rows)
}

/// Holds the names of the rows' fields against the schema, if there is a row.
fn fields(stream: &Stream, pages: &[SurveyedPage]) -> Option<Line> {
    pages.iter().find(|page| page.rows > 0)?;
    let names = |of: fn(&SurveyedPage) -> &std::collections::BTreeSet<String>| -> Vec<String> {
        let all: std::collections::BTreeSet<_> = pages.iter().flat_map(of).cloned().collect();
        all.into_iter().collect()
    };
    let (given, undeclared) = (names(|page| &page.names.given), names(|page| &page.names.undeclared));
    let misfits = names(|page| &page.names.misfits);
    let schema: Value = serde_json::from_str(stream.schema).ok()?;
    let is_ours = |name: &str| name.starts_with('_') || [PATH_COLUMN, ERROR_COLUMN].contains(&name);
    let declared: Vec<_> = schema["properties"].as_object()?.keys().filter(|name| !is_ours(name)).collect();
    let missing: Vec<String> =
        declared.iter().filter(|name| !given.contains(name)).map(|name| (*name).clone()).collect();
    let list = |names: &[String]| match names.len() {
        0 => "none".to_owned(),
        1..=MANY_NAMES => names.join(", "),
        count => format!("{} and {} more", names[..MANY_NAMES].join(", "), count - MANY_NAMES),
    };
    let says = format!(
        "{} of {} came; undeclared: {}; in another form: {}; missing: {}",
        declared.len() - missing.len(),
        declared.len(),
        list(&undeclared),
        list(&misfits),
        list(&missing)
    );
    let is_known = undeclared.is_empty() && misfits.is_empty();
    let verdict = if is_known { Verdict::Ok } else { Verdict::Warn };
    let line = Line::new(verdict, "fields", stream.name, says)
        .fact("undeclared", undeclared)
        .fact("in another form", misfits)
        .fact("missing", missing);
    let advice = "Nothing is lost: what has no column stands in `_extra`. Please report it, so that it gets one.";
    Some(if is_known { line } else { line.next(advice) })
}
