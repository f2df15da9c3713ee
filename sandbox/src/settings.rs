//! The settings of a sandbox: its data, its company, and its behaviour.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::faults::Faults;
use crate::rate_limit::RateLimit;

/// Where the company's data lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Region {
    /// The United States; the header `X-ta-region` is ignored.
    #[default]
    Us,
    /// Europe; a request without `X-ta-region: EU` is answered with a 500 without a body.
    Eu,
}

/// What numbered lists, bookings and users, say of themselves beside their rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListShape {
    /// How many pages and rows there are.
    #[default]
    Told,
    /// Nothing.
    Untold,
    /// That each page is the whole list.
    PageOnly,
    /// How many pages and rows there are, in pages of 20 rows at most.
    SmallPages,
}

impl ListShape {
    /// Rows a page.
    pub(crate) fn size(self, asked: u64) -> u64 {
        if self == Self::SmallPages { asked.min(20) } else { asked }
    }
}

/// What the filter of bookings by their last change (`updatedFrom`, `updatedTo`) does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UpdatedFilter {
    /// Nothing.
    #[default]
    Ignored,
    /// It takes seconds since 1970, and answers other forms with a 500, as its siblings do.
    Seconds,
    /// It takes `YYYY-MM-DDTHH:MM:SSZ`, and answers other forms with a 400.
    Iso,
    /// It takes seconds, and goes by the creation.
    ByCreation,
    /// It takes seconds, and leaves out what was changed after it was created.
    Unchanged,
}

/// In which form a list comes of which only the path is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReferenceForm {
    /// Whole, as `data`.
    Data,
    /// Whole, as an array and nothing else.
    Array,
    /// In pages that lead to each other by a cursor, as `content`.
    Cursor,
    /// In pages that have numbers, as `data`.
    Numbered,
}

/// Everything that can be set. In JSON every property is optional.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "independent switches")]
pub struct Settings {
    /// Seed of the generated rows: the same seed, sizes and times give the same bytes.
    pub seed: u64,
    /// How many bookings there are at the start.
    pub bookings: u64,
    /// How many transactions of each expense type there are at the start.
    pub transactions: u64,
    /// How many users there are at the start.
    pub users: u64,
    /// How many bookings change on each day by which the sandbox's clock is advanced; one more of them is deleted. 0: none.
    pub changes_a_day: u64,
    /// When the sandbox's clock starts, to run on from there; the real time if not given.
    pub now: Option<DateTime<Utc>>,
    /// When the first booking was created; two years before the start if not given.
    pub first_booking: Option<DateTime<Utc>>,
    /// Where the company's data lives.
    pub region: Region,
    /// The scopes ticked for the credential: `bookings:read`, `users:read`, `liquid:read`.
    pub scopes: Vec<String>,
    /// Whether the response to a token request names the scopes.
    pub send_scope: bool,
    /// The credential's id.
    pub client_id: String,
    /// The credential's secret.
    pub client_secret: String,
    /// The company's id, in the response to a token request.
    pub company_uuid: String,
    /// How long a token is accepted (in JSON: seconds).
    #[serde(with = "seconds")]
    pub token_life: Duration,
    /// Whether the Expense API is switched on; otherwise its status is 403.
    pub expense_enabled: bool,
    /// Expense types and other expense lists (as in their paths) that are refused, and with what status.
    pub refused_types: BTreeMap<String, u16>,
    /// How many custom fields, GL codes and tax mappings there are, of each.
    pub reference_rows: u64,
    /// In which form these come; each in another one if not given.
    pub reference_form: Option<ReferenceForm>,
    /// Whether users are listed in the older, SCIM-like form only (`startIndex`, `count`).
    pub scim_users: bool,
    /// The token of the SCIM server.
    pub scim_token: String,
    /// The number that the first of its users has: 1 by RFC 7644, 0 by one account of it.
    pub scim_first_index: u64,
    /// What the filter of bookings by their last change does.
    pub updated_filter: UpdatedFilter,
    /// Whether the links of bookings lead to this sandbox; otherwise they lead nowhere, and the same settings give the same bytes.
    /// Those of receipts always do.
    pub file_links: bool,
    /// Whether a booking can be asked for by its `bookingUuid` alone; otherwise that is refused with a 400.
    pub finds_by_uuid: bool,
    /// What bookings and users, where they are numbered, say of themselves.
    pub list_shape: ListShape,
    /// Whether JSON is spread over many lines.
    pub pretty: bool,
    /// Whether responses are compressed for clients that accept gzip.
    pub gzip: bool,
    /// Each n-th booking has the inconsistent types that Navan sends: `""` for empty arrays, booleans in string
    /// columns, date-times in date columns. 0: none.
    pub mixed_types_every: u64,
    /// Each n-th row has a field that is in no schema. 0: none.
    pub new_field_every: u64,
    /// Whether some numbers exceed a 64-bit float or a DECIMAL(38, 9).
    pub odd_numbers: bool,
    /// Whether some texts have line breaks, quotes, surrogate pairs or nothing in them, and others needless escapes;
    /// accounts and custom fields have other types.
    pub odd_texts: bool,
    /// Whether optional fields are null or left out at random.
    pub odd_gaps: bool,
    /// Whether each row, and each object in it, has its fields in an order of its own. Otherwise all rows of a stream
    /// have one order, in which some leave out fields.
    pub shuffle_fields: bool,
    /// Whether responses have a `Date` header, with the sandbox's time.
    pub send_date: bool,
    /// How many of the last requests are kept in the log of [`crate::Counts`].
    pub log_size: usize,
    /// The port; 0 for any that is free.
    pub port: u16,
    /// The address to listen at.
    pub bind: IpAddr,
    /// Whether cursors name how many rows come before a page, so that rows move between pages as others leave. Otherwise they
    /// name the last row of the page before.
    pub offset_cursors: bool,
    /// The faults to inject.
    pub faults: Faults,
    /// The rate limit; none if not given.
    pub limit: Option<RateLimit>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 1,
            bookings: 250,
            transactions: 120,
            users: 60,
            changes_a_day: 0,
            now: None,
            first_booking: None,
            region: Region::Us,
            scopes: ["bookings:read", "users:read", "liquid:read"].map(str::to_owned).to_vec(),
            send_scope: true,
            client_id: "3f1c9a52-7d0e-4b86-9a41-0c5d2e8f7b63".to_owned(),
            client_secret: "9b2e4f60d1c84a7fb3e5a6c7d8091f2e".to_owned(),
            company_uuid: "c0a8e1d4-55b2-4f0b-8e6b-2f6a1d9c7e30".to_owned(),
            token_life: Duration::from_secs(43_199),
            expense_enabled: true,
            refused_types: BTreeMap::new(),
            reference_rows: 8,
            reference_form: None,
            scim_users: false,
            scim_token: "5c1m-2a7e9d4b60f18c35".to_owned(),
            scim_first_index: 1,
            updated_filter: UpdatedFilter::Ignored,
            file_links: false,
            finds_by_uuid: true,
            list_shape: ListShape::Told,
            pretty: false,
            gzip: false,
            mixed_types_every: 0,
            new_field_every: 0,
            odd_numbers: false,
            odd_texts: false,
            odd_gaps: false,
            shuffle_fields: false,
            send_date: true,
            log_size: 10_000,
            port: 0,
            bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
            offset_cursors: false,
            faults: Faults::default(),
            limit: None,
        }
    }
}

impl Settings {
    /// With odd values in the rows: what a reader must cope with, since Navan may send it.
    #[must_use]
    pub fn odd() -> Self {
        Self { mixed_types_every: 7, odd_numbers: true, odd_texts: true, odd_gaps: true, ..Self::default() }
    }
}

/// A duration as seconds, with a fraction if need be.
mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_f64(duration.as_secs_f64())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        Duration::try_from_secs_f64(f64::deserialize(from)?).map_err(D::Error::custom)
    }
}
