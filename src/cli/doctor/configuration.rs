//! The configuration: whether it is understood, and what in it is allowed but risky.

use serde_json::Map;

use super::hosts;
use super::notes::Notes;
use super::report::{Line, Report, Verdict};
use crate::cli::config_source::ConfigArguments;
use crate::clock;
use crate::config::{Config, PersonalDataMode, Region};

const CHECK: &str = "configuration";

/// Above it, requests get into each other's way more than they help.
const MANY_REQUESTS: usize = 16;

/// With fewer days, a booking that changes late is missed where Navan cannot be asked for changes.
const FEW_BOOKING_DAYS: u32 = 90;

/// Says what it is; `None` if it is not understood.
pub(super) fn check(arguments: &ConfigArguments, notes: &Notes, report: &mut Report) -> Option<Config> {
    let config = arguments.config(Map::new());
    for note in notes.take() {
        report.add(Line::new(Verdict::Warn, CHECK, "", note).fact("problem", "a property that there is not"));
    }
    match config.and_then(|config| Ok((arguments.place()?, config))) {
        Ok((place, config)) => {
            report.add(understood(&place, &config));
            for risk in risks(&config) {
                report.add(risk);
            }
            Some(config)
        }
        Err(error) => {
            report.add(Line::new(Verdict::Fail, CHECK, "", error.message()).fact("problem", "not understood"));
            None
        }
    }
}

fn understood(place: &str, config: &Config) -> Line {
    let region = match config.region {
        Region::Us => "us",
        Region::Eu => "eu",
    };
    let personal_data = match config.personal_data.mode {
        PersonalDataMode::Pass => "pass",
        PersonalDataMode::Hash(_) => "hash",
        PersonalDataMode::Drop => "drop",
    };
    let (types, start) = (config.transaction_types.len(), config.start_date.format("%Y-%m-%d"));
    let says = format!(
        "{place} is understood: region {region}, bookings since {start}, {types} expense types, personal data {personal_data}"
    );
    Line::new(Verdict::Ok, CHECK, "", says)
        .fact("region", region)
        .fact("expense types", types)
        .fact("personal data", personal_data)
        .fact("own api_url", config.api_url.is_some())
        .fact("SCIM", config.scim.is_some())
        .fact("max_concurrency", config.max_concurrency)
}

/// What is allowed, and may not be meant.
fn risks(config: &Config) -> Vec<Line> {
    let risk = |property: &'static str, says: String, next: &str| {
        Line::new(Verdict::Warn, CHECK, property, says).next(next).fact("problem", "a risky value")
    };
    let mut risks = Vec::new();
    if let Some(end) = config.end_date {
        let past = if end < clock::now() { "lies in the past" } else { "is set" };
        let says = format!("{past} ({}): nothing later is ever read", end.format("%Y-%m-%d"));
        risks.push(risk("end_date", says, "Take it out, unless only that time is wanted."));
    }
    if config.max_concurrency > MANY_REQUESTS {
        let says = format!("{} requests at once: Navan's limit is rarely higher", config.max_concurrency);
        risks.push(risk("max_concurrency", says, "Leave it at 4, and raise it only if reads wait for answers."));
    }
    if config.requests_per_second.is_some_and(|rate| rate < 0.1) {
        let says = "fewer than one request in 10 s: a first read may take days".to_owned();
        risks.push(risk("requests_per_second", says, "Take it out: the connector keeps to Navan's limit by itself."));
    }
    if config.booking_sweep_days == 0 {
        let says = "is 0: bookings that are deleted at Navan stay in the destination".to_owned();
        risks.push(risk("booking_sweep_days", says, "Give a number of days, such as 7."));
    }
    if config.booking_lookback_days < FEW_BOOKING_DAYS {
        let says = format!("{} days: bookings still change after that", config.booking_lookback_days);
        risks.push(risk("booking_lookback_days", says, "Give 400 or so, unless Navan can be asked for changes."));
    }
    if let Some(url) = config.api_url.as_ref().filter(|url| !hosts::is_navans(url) && !hosts::is_own(url)) {
        let says = format!("the credential is sent to {}, which is none of Navan's hosts", hosts::name(url));
        risks.push(risk("api_url", says, "Take it out, unless that host is known to you."));
    }
    risks
}
