//! What came: how much of each stream, and the first rows of some.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::time::Instant;

use serde_json::Value;

use crate::table::{Align, print_table};

/// Rows that are shown of a stream.
const SHOWN: usize = 3;

/// The streams of which rows are shown, and in which columns: a heading, and the places in a row that stand below it.
const SAMPLES: [(&str, &[(&str, &[&str])]); 3] = [
    (
        "BOOKING",
        &[
            ("starts", &["/startDate"]),
            ("type", &["/bookingType"]),
            ("vendor", &["/vendor"]),
            ("city", &["/destination/city"]),
            ("booked by", &["/booker/name"]),
            ("total", &["/grandTotal", "/currency"]),
        ],
    ),
    (
        "TRANSACTION",
        &[
            ("date", &["/transaction_date"]),
            ("type", &["/_type"]),
            ("vendor", &["/vendor_name"]),
            ("cardholder", &["/cardholder"]),
            ("amount", &["/posted_amount", "/posted_currency"]),
        ],
    ),
    (
        "USER",
        &[
            ("name", &["/name/givenName", "/name/familyName"]),
            ("e-mail", &["/userName"]),
            ("department", &["/department"]),
            ("office", &["/companyOffice"]),
        ],
    ),
];

/// How much came of a stream, and until when.
#[derive(Default)]
struct Tally {
    records: u64,
    states: u64,
    bytes: usize,
    seconds: f64,
}

/// All that a read brought.
pub(crate) struct Harvest {
    tallies: BTreeMap<String, Tally>,
    rows: BTreeMap<String, Vec<Value>>,
    seconds: f64,
}

impl Harvest {
    /// Takes the connector's messages until there are no more; `began` is when it was started.
    ///
    /// # Errors
    /// If a message is no JSON, or cannot be read.
    pub(crate) fn gather(messages: impl Read, began: Instant) -> anyhow::Result<Self> {
        let mut harvest = Self { tallies: BTreeMap::new(), rows: BTreeMap::new(), seconds: 0.0 };
        for line in BufReader::new(messages).lines() {
            let line = line?;
            let message: Value = serde_json::from_str(&line)?;
            let (stream, record) = match message["type"].as_str() {
                Some("RECORD") => (&message["record"]["stream"], Some(&message["record"]["data"])),
                Some("STATE") => (&message["state"]["stream"]["stream_descriptor"]["name"], None),
                _ => continue,
            };
            let stream = stream.as_str().unwrap_or_default();
            let tally = harvest.tallies.entry(stream.to_owned()).or_default();
            tally.records += u64::from(record.is_some());
            tally.states += u64::from(record.is_none());
            tally.bytes += line.len() + 1;
            tally.seconds = began.elapsed().as_secs_f64();
            if let Some(row) = record.filter(|_| tally.records <= SHOWN as u64) {
                harvest.rows.entry(stream.to_owned()).or_default().push(row.clone());
            }
        }
        harvest.seconds = began.elapsed().as_secs_f64();
        Ok(harvest)
    }

    /// A table of the streams, then the first rows of some.
    ///
    /// # Errors
    /// If they cannot be written.
    pub(crate) fn print(&self, out: &mut impl Write) -> std::io::Result<()> {
        self.print_tallies(out)?;
        for (stream, columns) in SAMPLES {
            writeln!(out, "\nThe first rows of {stream}, in some of its columns:\n")?;
            let rows = self.rows.get(stream).map(Vec::as_slice).unwrap_or_default();
            let cells = rows.iter().map(|row| columns.iter().map(|(_, places)| cell(row, places)).collect());
            let headings: Vec<_> = columns.iter().map(|(heading, _)| (*heading, Align::Left)).collect();
            print_table(out, &headings, &cells.collect::<Vec<_>>())?;
        }
        writeln!(out)
    }

    fn print_tallies(&self, out: &mut impl Write) -> std::io::Result<()> {
        let headings = [
            ("stream", Align::Left),
            ("records", Align::Right),
            ("states", Align::Right),
            ("seconds", Align::Right),
            ("MB/s", Align::Right),
        ];
        let all = |count: fn(&Tally) -> u64| self.tallies.values().map(count).sum();
        let total = Tally {
            records: all(|tally| tally.records),
            states: all(|tally| tally.states),
            bytes: self.tallies.values().map(|tally| tally.bytes).sum(),
            seconds: self.seconds,
        };
        let named = self.tallies.iter().map(|(name, tally)| (name.as_str(), tally)).chain([("all", &total)]);
        print_table(out, &headings, &named.map(|(name, tally)| tally.cells(name)).collect::<Vec<_>>())
    }
}

impl Tally {
    #[allow(clippy::cast_precision_loss)] // sizes for people
    fn cells(&self, name: &str) -> Vec<String> {
        let megabytes = self.bytes as f64 / 1e6;
        vec![
            name.to_owned(),
            self.records.to_string(),
            self.states.to_string(),
            format!("{:.2}", self.seconds),
            format!("{:.0}", megabytes / self.seconds),
        ]
    }
}

/// The values of a row at some places, beside each other; what is not there is left out.
fn cell(row: &Value, places: &[&str]) -> String {
    let texts = places.iter().filter_map(|place| match row.pointer(place)? {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    });
    texts.collect::<Vec<_>>().join(" ")
}
