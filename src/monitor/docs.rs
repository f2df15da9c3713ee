//! The table of metrics in docs/monitoring.md, made from the list of them.

use super::exposition::{METRICS, MetricKind};
use crate::streams::docs::assert_up_to_date;

const PATH: &str = "docs/monitoring.md";

/// Between these stands the table.
const BEGIN: &str = "<!-- metrics: UPDATE_DOCS=1 cargo test --lib monitor writes this table -->\n";
const END: &str = "<!-- /metrics -->\n";

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
