//! Rows, made up as they are asked for.
//!
//! A row is a function of the seed, its stream, its index and its version; the same four always give the
//! same bytes. Nothing is kept, so a company of millions of bookings costs no memory, and rows are
//! written straight into the answer's body, so that the sandbox is faster than whoever reads from it.

mod booking;
mod booking_fields;
mod json;
mod numbers;
mod person;
mod transaction;
mod transaction_fields;
mod user;
mod vocab;

use crate::rng::mix;
use crate::settings::Settings;
use json::Row;
pub(crate) use transaction::Groups;

const BOOKING: u64 = 1;
const USER: u64 = 2;
/// The expense types follow, each by its own number.
const TRANSACTION: u64 = 16;

/// What rows have in common: the made-up company that they belong to.
#[derive(Clone, Debug)]
pub(crate) struct Company {
    seed: u64,
    /// How many bookings and users rows may refer to.
    bookings: u64,
    users: u64,
    /// When the sandbox began (ms since the epoch): nothing happened later, unless by a mutator.
    start_ms: i64,
    waver_every: u64,
    new_field_every: u64,
    odd_numbers: bool,
}

impl Company {
    pub(crate) fn new(settings: &Settings, start_ms: i64) -> Self {
        Self {
            seed: settings.seed,
            bookings: settings.bookings,
            users: settings.users.max(1),
            start_ms,
            waver_every: settings.waver_every,
            new_field_every: settings.new_field_every,
            odd_numbers: settings.odd_numbers,
        }
    }

    /// The `uuid` of a booking.
    fn booking_id(&self, index: u64) -> [u64; 2] {
        self.id(BOOKING, index)
    }

    /// The `id` of a user.
    fn user_id(&self, index: u64) -> [u64; 2] {
        self.id(USER, index)
    }

    /// 128 bits that no other row of the stream has.
    fn id(&self, tag: u64, index: u64) -> [u64; 2] {
        [mix(mix(self.seed ^ (tag << 32)) ^ index), mix(mix(self.seed.wrapping_add(tag)) ^ !index)]
    }

    /// Whether the row has the wavering forms.
    fn wavers(&self, index: u64) -> bool {
        self.waver_every > 0 && (index + 1).is_multiple_of(self.waver_every)
    }

    /// On some rows, a field that nobody has heard of.
    fn new_field(&self, row: &mut Row<'_>, index: u64) {
        if self.new_field_every > 0 && (index + 1).is_multiple_of(self.new_field_every) {
            row.key("neverSeenBefore");
            row.raw("{\"since\":\"today\",\"level\":");
            row.integer(index);
            row.raw("}");
        }
    }
}
