//! What came: how much of each stream, and the first rows of some.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::time::Instant;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::table::{Align, print_table};

/// Rows that are shown of a stream.
const SHOWN: u64 = 3;

/// A heading, and the places in a row that stand below it.
type Column = (&'static str, &'static [&'static str]);

/// The streams of which rows are shown, and in which columns.
const SAMPLES: [(&str, &[Column]); 3] = [
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

/// What is looked at of a message. Rows stay as they are: to take all of them apart takes longer than to read them.
#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    record: Option<Record<'a>>,
    state: Option<State<'a>>,
}

#[derive(Deserialize)]
struct Record<'a> {
    stream: &'a str,
    #[serde(borrow)]
    data: &'a RawValue,
}

#[derive(Deserialize)]
struct State<'a> {
    #[serde(borrow)]
    stream: StreamState<'a>,
}

#[derive(Deserialize)]
struct StreamState<'a> {
    #[serde(borrow)]
    stream_descriptor: StreamDescriptor<'a>,
}

#[derive(Deserialize)]
struct StreamDescriptor<'a> {
    name: &'a str,
}

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
            let (stream, row) = match serde_json::from_str(&line)? {
                Message { record: Some(record), .. } => (record.stream, Some(record.data)),
                Message { state: Some(state), .. } => (state.stream.stream_descriptor.name, None),
                Message { .. } => continue,
            };
            let tally = harvest.tallies.entry(stream.to_owned()).or_default();
            tally.records += u64::from(row.is_some());
            tally.states += u64::from(row.is_none());
            tally.bytes += line.len() + 1;
            tally.seconds = began.elapsed().as_secs_f64();
            if let Some(row) = row.filter(|_| tally.records <= SHOWN) {
                harvest.rows.entry(stream.to_owned()).or_default().push(serde_json::from_str(row.get())?);
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
