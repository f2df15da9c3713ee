//! The table of metrics in docs/monitoring.md, made from the list of them.

use super::exposition::{METRICS, MetricKind};
use crate::streams::docs::assert_up_to_date;

const PATH: &str = "docs/monitoring.md";

/// Between these stands the table.
const BEGIN: &str = "<!-- metrics: UPDATE_DOCS=1 cargo test --lib monitor writes this table -->\n";
const END: &str = "<!-- /metrics -->\n";

/// The alerts: name and rest of each.
fn alerts() -> Vec<(String, String)> {
    let rules = std::fs::read_to_string("monitoring/alerts.yml").unwrap();
    let alerts = rules.split("- alert: ").skip(1).map(|alert| alert.split_once('\n').unwrap());
    alerts.map(|(name, rest)| (name.to_owned(), rest.to_owned())).collect()
}

#[test]
fn each_alert_asks_for_metrics_there_are_and_has_a_case_a_row_and_a_runbook() {
    let [page, runbooks, cases, of_ages] =
        [PATH, "docs/runbooks.md", "monitoring/alerts_test.yml", "monitoring/alerts_age_test.yml"]
            .map(|path| std::fs::read_to_string(path).unwrap());
    let cases = cases + &of_ages;
    let known =
        |name: &str| METRICS.iter().any(|(known, ..)| name == *known || name.strip_suffix("_bucket") == Some(known));
    let alerts = alerts();
    assert!(alerts.len() > 10);
    for (alert, rule) in alerts {
        let words = rule.split(|character: char| !character.is_alphanumeric() && character != '_');
        let asked: Vec<_> = words.filter(|word| word.starts_with("navan_")).collect();
        assert!(!asked.is_empty() && asked.iter().all(|name| known(name)), "{alert}: {asked:?}");
        assert!(rule.contains(&format!("docs/runbooks.md#{alert}\n")), "{alert} names no runbook");
        assert!(runbooks.contains(&format!("<a id=\"{alert}\"></a>")), "{alert} has no runbook");
        assert!(page.contains(&format!("| [{alert}]")), "{alert} has no row");
        let cases: Vec<_> =
            cases.split("- interval:").filter(|case| case.contains(&format!("alertname: {alert}\n"))).collect();
        let fires = cases.iter().any(|case| case.contains("exp_labels"));
        assert!(fires && cases.iter().any(|case| case.contains("exp_alerts: []")), "{alert} has no case of both kinds");
    }
}

#[test]
fn the_page_has_a_row_for_each_metric() {
    let row = |(name, kind, help): (&str, MetricKind, &str)| {
        let kind = format!("{kind:?}").to_lowercase();
        format!("| `{name}` | {kind} | {help} |\n")
    };
    let head = "\n| name | type | what it says |\n|---|---|---|\n".to_owned();
    let table = METRICS.into_iter().map(row).fold(head, |table, row| table + &row);
    let page = std::fs::read_to_string(PATH).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    assert_up_to_date(PATH, &format!("{before}{BEGIN}{table}\n{END}{after}"));
}
