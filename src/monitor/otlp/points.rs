//! The metrics as OpenTelemetry has them, made of the text that Prometheus gets: so they are the same ones, under the same names, and the
//! same rules and dashboards do for them.

use std::time::SystemTime;

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint, Sum,
};

use super::attribute::{attribute, nanoseconds};
use crate::monitor::exposition::{METRICS, MetricKind};

/// A line of the text.
struct Line<'a> {
    name: &'a str,
    labels: Vec<(&'a str, &'a str)>,
    value: &'a str,
}

impl<'a> Line<'a> {
    /// No label here has a quote in its value.
    fn parse(line: &'a str) -> Option<Self> {
        let (series, value) = line.rsplit_once(' ')?;
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let labels = labels.trim_end_matches('}').split_terminator("\",");
        let label = |label: &'a str| label.trim_end_matches('"').split_once("=\"");
        Some(Self { name, labels: labels.filter_map(label).collect(), value })
    }

    /// The labels as attributes, but for the bound of a bucket.
    fn attributes(&self) -> Vec<KeyValue> {
        let labels = self.labels.iter().filter(|(name, _)| *name != "le");
        labels.map(|(name, value)| attribute(name, *value)).collect()
    }

    fn number<T: std::str::FromStr + Default>(&self) -> T {
        self.value.parse().unwrap_or_default()
    }
}

/// Those that the text has, of a run that began then.
pub(super) fn metrics(text: &str, began: SystemTime) -> Vec<Metric> {
    let (start, now) = (nanoseconds(began), nanoseconds(SystemTime::now()));
    let lines: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).filter_map(Line::parse).collect();
    let aggregation_temporality = AggregationTemporality::Cumulative.into();
    let metric = |(name, kind, help): (&str, MetricKind, &str)| {
        let own = lines.iter().filter(|line| line.name == name);
        let points = |value: fn(&Line<'_>) -> Value| -> Vec<_> {
            let point = |line| NumberDataPoint {
                attributes: Line::attributes(line),
                start_time_unix_nano: start,
                time_unix_nano: now,
                value: Some(value(line)),
                ..NumberDataPoint::default()
            };
            own.map(point).collect()
        };
        let (count, data) = match kind {
            MetricKind::Counter => {
                let data_points = points(|line| Value::AsInt(line.number()));
                (data_points.len(), Data::Sum(Sum { data_points, aggregation_temporality, is_monotonic: true }))
            }
            MetricKind::Gauge => {
                let data_points = points(|line| Value::AsDouble(line.number()));
                (data_points.len(), Data::Gauge(Gauge { data_points }))
            }
            MetricKind::Histogram => {
                let data_points = histograms(&lines, name, (start, now));
                (data_points.len(), Data::Histogram(Histogram { data_points, aggregation_temporality }))
            }
        };
        (count > 0).then(|| Metric {
            name: name.to_owned(),
            description: help.to_owned(),
            data: Some(data),
            ..Metric::default()
        })
    };
    METRICS.into_iter().filter_map(metric).collect()
}

/// A histogram's lines come together: its buckets by their bounds, each with all that is below it, the sum, the count.
fn histograms(lines: &[Line<'_>], name: &str, (start, now): (u64, u64)) -> Vec<HistogramDataPoint> {
    let mut points = Vec::new();
    let mut point = HistogramDataPoint::default();
    for line in lines {
        match line.name.strip_prefix(name) {
            Some("_bucket") => {
                let below: u64 = point.bucket_counts.iter().sum();
                point.bucket_counts.push(line.number::<u64>() - below);
                let bound =
                    line.labels.iter().find(|(name, _)| *name == "le").and_then(|(_, bound)| bound.parse().ok());
                point.explicit_bounds.extend(bound.filter(|bound: &f64| bound.is_finite()));
            }
            Some("_sum") => point.sum = Some(line.number()),
            Some("_count") => points.push(HistogramDataPoint {
                attributes: line.attributes(),
                start_time_unix_nano: start,
                time_unix_nano: now,
                count: line.number(),
                ..std::mem::take(&mut point)
            }),
            _ => {}
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::event::{Event, Wait};
    use crate::monitor::exposition::Exposition;
    use std::time::Duration;

    #[test]
    fn a_point_says_what_the_text_does() {
        let exposition = Exposition::new(&[("tenant", "acme"), ("connection", "x")]).unwrap();
        for milliseconds in [10, 70, 80, 7_000, 700_000] {
            let time = Duration::from_millis(milliseconds);
            exposition.count(&Event::Waited { cause: Wait::Limit, time });
        }
        exposition.count(&Event::RecordsWritten { stream: "USER", records: 12 });
        let metrics = metrics(&exposition.text(), SystemTime::now());
        let data = |name: &str| metrics.iter().find(|metric| metric.name == name).unwrap().data.clone().unwrap();
        let labels = |own| vec![attribute("tenant", "acme"), attribute("connection", "x"), own];

        let Data::Histogram(waits) = data("navan_wait_duration_seconds") else { panic!("no histogram") };
        let [waits] = &waits.data_points[..] else { panic!("several histograms") };
        assert_eq!((waits.count, waits.sum.unwrap().round()), (5, 707.0));
        assert_eq!(waits.bucket_counts, [1, 2, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1]);
        assert_eq!(waits.explicit_bounds, [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0]);
        assert_eq!(waits.attributes, labels(attribute("cause", "limit")));

        let Data::Sum(records) = data("navan_records_total") else { panic!("no sum") };
        let [records] = &records.data_points[..] else { panic!("several sums") };
        assert_eq!(
            (records.value, &records.attributes),
            (Some(Value::AsInt(12)), &labels(attribute("stream", "USER")))
        );
        let Data::Gauge(running) = data("navan_sync_running") else { panic!("no gauge") };
        assert_eq!(running.data_points[0].value, Some(Value::AsDouble(1.0)));
    }
}
