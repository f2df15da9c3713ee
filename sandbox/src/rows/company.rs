//! What rows have in common: the made-up company that they belong to.

use std::sync::Arc;

use super::json::{Odd, Row, push_uuid};
use super::shuffle::Shuffler;
use crate::expense_type::ExpenseType;
use crate::rng::{Rng, mix};
use crate::settings::Settings;
use crate::table::InitialRows;

pub(super) const BOOKING: u64 = 1;
pub(super) const USER: u64 = 2;
pub(super) const TRIP: u64 = 3;
pub(super) const BOOKING_FACTS: u64 = 4;
/// The expense types follow, each by its own number.
pub(super) const TRANSACTION: u64 = 16;

/// What rows have in common: the made-up company that they belong to.
#[derive(Clone, Debug)]
pub(crate) struct Company {
    pub(super) seed: u64,
    /// The bookings that were there at the start: those that other rows may refer to.
    pub(super) initial_bookings: InitialRows,
    /// How many people book, travel and hold cards.
    pub(super) users: u64,
    /// When the sandbox began (ms since the epoch): nothing happens later, except by inserts and touches.
    pub(super) start_ms: i64,
    /// How many rows each of the company's own lists has.
    pub(super) reference_rows: u64,
    mixed_types_every: u64,
    new_field_every: u64,
    /// If each row is to have its fields in an order of its own.
    shuffler: Option<Arc<Shuffler>>,
    pub(super) odd: Odd,
}

impl Company {
    /// A company that starts at `start_ms` with these bookings.
    pub(crate) fn new(settings: &Settings, start_ms: i64, initial_bookings: InitialRows) -> Self {
        Self {
            seed: settings.seed,
            initial_bookings,
            users: settings.users.max(1),
            start_ms,
            reference_rows: settings.reference_rows,
            mixed_types_every: settings.mixed_types_every,
            new_field_every: settings.new_field_every,
            shuffler: settings.shuffle_fields.then(Arc::default),
            odd: Odd { numbers: settings.odd_numbers, texts: settings.odd_texts, gaps: settings.odd_gaps },
        }
    }

    /// The `uuid` of a booking.
    pub(super) fn booking_id(&self, index: u64) -> [u64; 2] {
        self.id(BOOKING, index)
    }

    /// The `id` of a transaction.
    pub(crate) fn transaction_id(&self, kind: ExpenseType, index: u64) -> String {
        let mut id = String::with_capacity(36);
        push_uuid(&mut id, self.id(TRANSACTION + kind.ordinal(), index));
        id
    }

    /// The `id` of a user.
    pub(super) fn user_id(&self, index: u64) -> [u64; 2] {
        self.id(USER, index)
    }

    /// 128 bits that no other row of the stream has.
    pub(super) fn id(&self, tag: u64, index: u64) -> [u64; 2] {
        [mix(mix(self.seed ^ (tag << 32)) ^ index), mix(mix(self.seed.wrapping_add(tag)) ^ !index)]
    }

    /// Whether the row has the inconsistent types (see `mixed_types_every` of the settings).
    pub(super) fn is_inconsistent(&self, index: u64) -> bool {
        self.mixed_types_every > 0 && (index + 1).is_multiple_of(self.mixed_types_every)
    }

    /// On some rows, a field that is in no schema.
    pub(super) fn unknown_field(&self, row: &mut Row<'_>, index: u64) {
        if self.new_field_every > 0 && (index + 1).is_multiple_of(self.new_field_every) {
            row.field("neverSeenBefore");
            row.raw("{\"since\":\"today\",\"level\":");
            row.integer(index);
            row.raw("}");
        }
    }

    /// Gives the row `out[start..]`, number `index` of the stream `tag`, an order of fields of its own, if that is set.
    pub(super) fn finish_row(&self, out: &mut String, start: usize, tag: u64, index: u64) {
        if let Some(shuffler) = &self.shuffler {
            let seed = Rng::for_row(self.seed ^ 0x7368_7566, tag, index, 0).next_u64();
            shuffler.shuffle(out, start, seed);
        }
    }
}
