//! The report as a page to be pasted into an issue. It is made of the lines' facts, and of nothing else that they say: what names a
//! host, a file, a company or a person is in their words alone.

use std::fmt::Write as _;

use serde_json::Value;

use super::report::{Report, in_words};

/// The whole page.
pub(super) fn page(report: &Report) -> String {
    let mut page = format!(
        "### source-navan doctor\n\nVersion {} on {} {}: {}.\n\n| | check | of | found |\n|---|---|---|---|\n",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::OS,
        std::env::consts::ARCH,
        report.counts()
    );
    // Writing to a String cannot fail.
    for line in &report.lines {
        let facts = line.facts.iter().map(|(name, value)| format!("{name}: {}", shown(value)));
        let facts = facts.collect::<Vec<_>>().join("; ");
        let _ = writeln!(page, "| {} | {} | {} | {} |", line.verdict.word(), line.check, cell(&line.of), cell(&facts));
    }
    if !report.tried.is_empty() {
        page.push_str("\n| holds here | what nobody is sure of | endpoint | seen |\n|---|---|---|---|\n");
    }
    for tried in &report.tried {
        let (answer, seen) = in_words(&tried.answer);
        let _ = writeln!(page, "| {answer} | {} | {} | {} |", tried.statement, tried.endpoint, cell(seen));
    }
    page
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "not told".to_owned(),
        Value::String(text) => text.clone(),
        Value::Object(members) if members.is_empty() => "none".to_owned(),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(", "),
        Value::Object(members) => {
            members.iter().map(|(name, value)| format!("{name} {}", shown(value))).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

/// Fit for a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}
