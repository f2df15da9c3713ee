//! What a transaction is about: who bought what where, and what it cost in which currency.

use super::booking_facts::Booking;
use super::category::Category;
use super::company::{self, Company};
use super::currency::{Currency, MILLION, divided, percent, times};
use super::person::Person;
use super::place::{PLACES, Place};
use super::price::taxed_at;
use super::reference::Tax;
use super::vocab;
use crate::clock::DAY_MS;
use crate::expense_type::ExpenseType;
use crate::rng::Rng;
use crate::table::RowRef;

/// A transaction. Amounts are hundredths, days those since the epoch.
#[derive(Debug)]
pub(super) struct Purchase {
    pub(super) category: &'static Category,
    /// Who holds the card; nobody of what the company itself pays and gets.
    pub(super) cardholder: Option<Person>,
    /// What it paid for, or got back.
    pub(super) booking: Option<Booking>,
    vendor: &'static str,
    pub(super) place: &'static Place,
    pub(super) authorized_day: i64,
    pub(super) posted_ms: i64,
    pub(super) original: i64,
    pub(super) original_currency: Currency,
    pub(super) posted: i64,
    pub(super) posted_currency: Currency,
    /// Millionths.
    pub(super) exchange_rate: i64,
    pub(super) is_refund: bool,
    pub(super) project: &'static str,
    pub(super) client: Option<&'static str>,
}

impl Company {
    /// What the row of a transaction is about.
    pub(super) fn purchase(&self, kind: ExpenseType, row_ref: &RowRef) -> Purchase {
        let tag = company::TRANSACTION + kind.ordinal();
        let mut rng = Rng::for_row(self.seed ^ company::TRANSACTION, tag, row_ref.index, 0);
        // What happened came some days before it was changed for the first time.
        let posted_ms = row_ref.first_key - rng.between(0, 19) * DAY_MS;
        let posted_day = posted_ms.div_euclid(DAY_MS);
        let booking = self.paid_booking(kind, posted_ms, &mut rng);
        let is_of_company = matches!(kind, ExpenseType::DailyRebates | ExpenseType::StatementPayments);
        let holder = match &booking {
            Some(booking) => booking.trip.traveler.clone(),
            None => self.person(rng.below(self.users), 0),
        };
        let booked = booking.as_ref().map(|booking| booking.trip.booking_type);
        let category = Category::of(kind, booked, &mut rng);
        let place = match &booking {
            Some(booking) => taxed_at(&booking.trip),
            None if rng.chance(5) && !is_of_company => rng.choose(&PLACES.each_ref()),
            None => holder.office.place,
        };
        let (original, original_currency) = match &booking {
            Some(booking) => (paid_amount(kind, booking, posted_ms, &mut rng), booking.price.currency),
            None => (amount(kind, category, place.currency, posted_day, &mut rng), place.currency),
        };
        // What a touch changes has a generator of its own, so that all else stays as it was.
        let mut fresh = Rng::for_row(self.seed, tag, row_ref.index, row_ref.version);
        let correction = if row_ref.version > 0 { fresh.between(1, 2_000) } else { 0 };
        let original =
            original + original_currency.of_usd(correction, original_currency.per_usd(posted_day)) * original.signum();
        let posted_currency = holder.office.place.currency;
        let exchange_rate = exchange_rate(original_currency, posted_currency, posted_day);
        let authorized = posted_ms - rng.between(0, 3) * DAY_MS;
        let authorized = booking.as_ref().map_or(authorized, |booking| authorized.max(booking.created));
        let trip = booking.as_ref().map(|booking| &booking.trip);
        Purchase {
            category,
            vendor: category.vendors.get(usize::try_from(rng.below(4)).unwrap_or(0)).copied().unwrap_or("Navan"),
            place,
            authorized_day: authorized.div_euclid(DAY_MS),
            posted_ms,
            original,
            original_currency,
            posted: posted_currency.payable(times(original, exchange_rate)),
            posted_currency,
            exchange_rate,
            is_refund: original < 0 && !is_of_company,
            project: trip.map_or_else(|| rng.choose(&vocab::PROJECTS), |trip| trip.project),
            client: trip.map_or_else(|| rng.chance(3).then(|| rng.choose(&vocab::CLIENTS)), |trip| trip.client),
            cardholder: (!is_of_company).then_some(holder),
            booking,
        }
    }

    /// The booking that a transaction paid for, if it did: one of those made shortly before.
    fn paid_booking(&self, kind: ExpenseType, at: i64, rng: &mut Rng) -> Option<Booking> {
        let share = match kind {
            ExpenseType::CardTransactions | ExpenseType::ConnectTransactions => 11,
            ExpenseType::Fees | ExpenseType::Adjustments | ExpenseType::Disputes => 9,
            ExpenseType::ManualTransactions => 6,
            ExpenseType::Repayments | ExpenseType::DailyRebates | ExpenseType::StatementPayments => 0,
        };
        let latest = self.initial_bookings.shortly_before(at).filter(|_| rng.chance(share))?;
        // One of the last month's, where there are many.
        let month_before = self.initial_bookings.shortly_before(at - 30 * DAY_MS).unwrap_or(0);
        let index = latest - rng.below((latest - month_before).clamp(1, 1 << 20));
        let key = self.initial_bookings.key(index);
        let booking = RowRef { index, key, first_key: key, version: 0, touched_ms: None };
        Some(self.booked(&booking))
    }
}

/// What was paid for a booking, in its currency: negative if it came back.
fn paid_amount(kind: ExpenseType, booking: &Booking, at: i64, rng: &mut Rng) -> i64 {
    let price = &booking.price;
    let charged = price.total - booking.credit_used;
    match kind {
        ExpenseType::Fees if price.trip_fee > 0 => price.trip_fee,
        ExpenseType::Fees => price.currency.of_usd(500, price.per_usd),
        ExpenseType::Adjustments => -price.share(charged, rng.between(5, 20)).max(1),
        _ => match charged - booking.net_charge() {
            refund @ 1.. if booking.modified <= at => -refund,
            _ => charged,
        },
    }
}

/// What was paid for anything else.
fn amount(kind: ExpenseType, category: &Category, currency: Currency, day: i64, rng: &mut Rng) -> i64 {
    let amount = currency.of_usd(rng.between(category.least, category.most), currency.per_usd(day));
    let is_back = match kind {
        ExpenseType::DailyRebates | ExpenseType::StatementPayments => true,
        ExpenseType::Adjustments => rng.chance(8),
        ExpenseType::CardTransactions | ExpenseType::ConnectTransactions => rng.chance(1),
        _ => false,
    };
    if is_back { -amount } else { amount }
}

/// How much of one currency one of the other bought, in millionths.
fn exchange_rate(from: Currency, to: Currency, day: i64) -> i64 {
    if from == to { MILLION } else { divided(to.per_usd(day) * MILLION, from.per_usd(day)) }
}

impl Purchase {
    /// Whom it was paid to.
    pub(super) fn push_vendor(&self, out: &mut String) {
        match &self.booking {
            Some(booking) if self.category.vendors.is_empty() => booking.push_vendor(out),
            _ => out.push_str(self.vendor),
        }
    }

    /// The tax that is in it, and how much.
    pub(super) fn tax(&self) -> Option<(&'static Tax, i64)> {
        let is_taxed = self.cardholder.is_some() && self.booking.as_ref().is_none_or(|booking| booking.price.tax > 0);
        let tax = self.place.tax;
        let amount = divided(self.posted * tax.rate, 10_000 + tax.rate);
        is_taxed.then(|| (tax, self.posted_currency.payable(amount)))
    }

    /// The two parts that add up to what was posted.
    pub(super) fn split(&self) -> [i64; 2] {
        let larger = self.posted_currency.payable(percent(self.posted, 78));
        [larger, self.posted - larger]
    }
}
