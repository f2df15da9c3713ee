//! A file of metrics for `node_exporter`, which holds what a Pushgateway would: a metric that a run does not have stays as an earlier run
//! left it, such as the last success of one that has just begun.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::{fs, io};

/// A metric: its comments, and its series.
#[derive(Default)]
struct Family<'a> {
    head: Vec<&'a str>,
    series: Vec<&'a str>,
}

/// Writes metrics into a file, so that whoever reads it never sees a part.
///
/// # Errors
/// As for any file.
pub(super) fn write(path: &Path, text: &str) -> io::Result<()> {
    // Without what an earlier run left, if that cannot be read.
    let left = fs::read_to_string(path).unwrap_or_default();
    // Not what node_exporter takes for metrics, and another for each process.
    let part = path.with_extension(format!("{}.part", std::process::id()));
    fs::write(&part, merged(&left, text))?;
    fs::rename(&part, path).inspect_err(|_| {
        let _ = fs::remove_file(&part);
    })
}

/// The metrics of a run, and those of earlier ones under the same labels that it does not have of the same stream.
fn merged(left: &str, text: &str) -> String {
    let mut families = families(text);
    let all_series = families.values().flat_map(|family| &family.series);
    let owners: BTreeSet<_> = all_series.map(|series| owner(series)).collect();
    for (name, earlier) in self::families(left) {
        let family = families.entry(name).or_default();
        let streams: BTreeSet<_> = family.series.iter().map(|series| label(series, "stream")).collect();
        let stays = |series: &&str| owners.contains(&owner(series)) && !streams.contains(label(series, "stream"));
        family.series.extend(earlier.series.into_iter().filter(stays));
        if family.head.is_empty() {
            family.head = earlier.head;
        }
    }
    families.retain(|_, family| !family.series.is_empty());
    let lines = families.values().flat_map(|family| family.head.iter().chain(&family.series));
    lines.flat_map(|line| [*line, "\n"]).collect()
}

/// Metrics by their names.
fn families(text: &str) -> BTreeMap<&str, Family<'_>> {
    let mut families = BTreeMap::<_, Family<'_>>::new();
    let mut name = "";
    for line in text.lines().filter(|line| !line.is_empty()) {
        let Some(comment) = line.strip_prefix("# ") else {
            families.entry(name).or_default().series.push(line);
            continue;
        };
        name = comment.split(' ').nth(1).unwrap_or_default();
        families.entry(name).or_default().head.push(line);
    }
    families
}

/// The tenant and the connection of a series.
fn owner(series: &str) -> (&str, &str) {
    (label(series, "tenant"), label(series, "connection"))
}

/// What a label says; nothing if there is none.
pub(super) fn label<'a>(series: &'a str, name: &str) -> &'a str {
    let value = series.split_once(&format!("{name}=\"")).map(|(_, rest)| rest);
    value.and_then(|rest| rest.split('"').next()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEFT: &str = "\
# TYPE navan_last_success_timestamp_seconds gauge
navan_last_success_timestamp_seconds{tenant=\"acme\",connection=\"weekly\"} 7
# TYPE navan_records_total counter
navan_records_total{tenant=\"acme\",connection=\"weekly\",stream=\"USER\"} 60
navan_records_total{tenant=\"acme\",connection=\"weekly\",stream=\"BOOKING\"} 250
# TYPE navan_states_total counter
navan_states_total{tenant=\"other\",connection=\"weekly\",stream=\"USER\"} 1
";

    #[test]
    fn what_a_run_does_not_have_stays_as_it_was() {
        let text = "\
# TYPE navan_records_total counter
navan_records_total{tenant=\"acme\",connection=\"weekly\",stream=\"BOOKING\"} 3
# TYPE navan_sync_running gauge
navan_sync_running{tenant=\"acme\",connection=\"weekly\"} 1
";
        let expected = "\
# TYPE navan_last_success_timestamp_seconds gauge
navan_last_success_timestamp_seconds{tenant=\"acme\",connection=\"weekly\"} 7
# TYPE navan_records_total counter
navan_records_total{tenant=\"acme\",connection=\"weekly\",stream=\"BOOKING\"} 3
navan_records_total{tenant=\"acme\",connection=\"weekly\",stream=\"USER\"} 60
# TYPE navan_sync_running gauge
navan_sync_running{tenant=\"acme\",connection=\"weekly\"} 1
";
        assert_eq!(merged(LEFT, text), expected);
        assert_eq!(merged(&merged(LEFT, text), text), expected);
    }

    #[test]
    fn a_file_that_holds_no_metrics_is_replaced() {
        let text = "# TYPE navan_sync_running gauge\nnavan_sync_running{tenant=\"acme\",connection=\"weekly\"} 1\n";
        for left in ["", "hello\n", "# \n", "{}\n"] {
            assert_eq!(merged(left, text), text, "{left:?}");
        }
    }
}
