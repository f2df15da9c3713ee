//! BOOKING rows: what they cost, and the parts that depend on what was booked.

use super::booking_facts::Booking;
use super::currency::{MILLION, percent};
use super::json::{Row, TimestampFormat, push_integer, push_timestamp};
use super::place::Place;
use super::price::taxed_at;
use super::trip::BookingType;
use super::vocab;
use crate::clock::DAY_MS;
use crate::rng::mix;

const OFTEN: u64 = 13;
const AT_TIMES: u64 = 8;
const HOUR_MS: i64 = 3_600_000;

/// The amounts, all of them in the booking's currency if not in dollars by their name.
pub(super) fn amounts(row: &mut Row<'_>, booking: &Booking) {
    let price = &booking.price;
    row.optional_amounts(
        AT_TIMES,
        &[
            ("airlineCreditCardSurcharge", 0),
            ("basePrice", price.base),
            ("bookingFee", 0),
            ("exchangeAmount", price.exchange),
            ("exchangeFee", price.exchange_fee),
            ("extrasFees", price.extras_fees),
        ],
    );
    row.optional_rates(AT_TIMES, &[("currencyExhangeRateFromUsd", price.per_usd)]);
    // In this order, whichever there are.
    let parts: Vec<_> = price.tax_parts(taxed_at(&booking.trip).tax).collect();
    for name in ["gst", "hst", "qst", "vat"] {
        if let Some(part) = parts.iter().find(|(part, _)| *part == name) {
            row.optional_amounts(AT_TIMES, &[*part]);
        }
    }
    let bucks = price.in_usd(price.saving()) / 50;
    row.optional_amounts(
        AT_TIMES,
        &[
            ("handlingFees", 0),
            ("invoiceCollectionFees", 0),
            ("maxCancellationLoss", booking.most_lost),
            ("maxPricePolicy", price.unit_limit),
            ("netCharge", booking.net_charge()),
            ("optimalPrice", price.unit_optimum),
            ("priceBenchmark", price.unit_benchmark),
            ("resortFee", price.resort_fee),
            ("saving", price.saving()),
            ("savingMissed", price.missed_saving()),
            ("seatsFee", price.seats_fee),
            ("tax", price.tax),
            ("transactionFees", 0),
            ("travelAgentRequestFee", 0),
            ("travelSpend", booking.net_charge()),
            // A buck is worth ten cents.
            ("tripBucksEarnedUsd", bucks * 10),
            ("tripFee", price.trip_fee),
            ("unitaryPrice", price.unit),
            ("usdGrandTotal", price.in_usd(price.total)),
            ("vipFee", 0),
        ],
    );
    row.optional_points(AT_TIMES, &[("ppbPointsBurned", 0), ("tripBucksEarned", bucks)]);
    row.optional_counts(
        AT_TIMES,
        &[
            ("bookingDuration", booking.end_day - booking.trip.start_day),
            ("leadTimeInDays", booking.lead_days()),
            ("numberOfPassengers", booking.trip.people()),
        ],
    );
    let emissions = emissions(booking);
    // Two cents a kilogram.
    row.optional_rates(AT_TIMES, &[("carbonEmissions", emissions), ("carbonOffsetCost", percent(emissions, 2))]);
}

/// Kilograms of carbon dioxide, in millionths.
fn emissions(booking: &Booking) -> i64 {
    let people = booking.trip.people();
    let grams = match booking.trip.booking_type {
        BookingType::Flight => booking.trip.miles_travelled() * people * 187,
        BookingType::Rail => booking.trip.miles_travelled() * people * 29,
        BookingType::Hotel => booking.price.units * 10_400,
        BookingType::Car => booking.price.units * 8_250,
        BookingType::Transportation | BookingType::BlackCar => 3_135,
    };
    grams * (MILLION / 1_000)
}

/// The fields that only bookings of its type have.
pub(super) fn of_its_type(row: &mut Row<'_>, booking: &Booking) {
    match booking.trip.booking_type {
        BookingType::Flight => flight(row, booking),
        BookingType::Hotel => hotel(row, booking),
        BookingType::Rail => row.optional_points(OFTEN, &[("trainMiles", booking.trip.miles_travelled())]),
        BookingType::Car => {
            row.optional_strings(OFTEN, &[("carType", vocab::nth(&vocab::CAR_TYPES, booking.index))]);
        }
        BookingType::Transportation | BookingType::BlackCar => {}
    }
}

fn flight(row: &mut Row<'_>, booking: &Booking) {
    let (home, destination) = (booking.trip.home.airport, booking.trip.destination.airport);
    row.optional_composed(OFTEN, "airlineRoute", |out| {
        for part in [home, "-", destination] {
            out.push_str(part);
        }
        if booking.trip.returns {
            out.push('-');
            out.push_str(home);
        }
    });
    let (basis, class) = fare(booking);
    row.optional_strings(
        OFTEN,
        &[
            ("cabin", booking.cabin()),
            ("cabinPurchased", booking.cabin()),
            ("fareBasisCode", basis),
            ("fareClass", class),
            ("routeType", if booking.trip.returns { "ROUND_TRIP" } else { "ONE_WAY" }),
        ],
    );
    // Known once it was flown.
    if !booking.is_off() && booking.modified >= booking.end_day * DAY_MS {
        row.optional_strings(OFTEN, &[("flownCabinClass", booking.cabin())]);
    }
    row.optional_points(OFTEN, &[("flightMiles", booking.trip.miles_travelled())]);
}

/// Fare basis and class.
fn fare(booking: &Booking) -> (&'static str, &'static str) {
    match (booking.is_business, booking.index.is_multiple_of(2)) {
        (true, _) => ("JFLEX", "J"),
        (false, true) => ("YOW", "Y"),
        (false, false) => ("KLXP2", "K"),
    }
}

fn hotel(row: &mut Row<'_>, booking: &Booking) {
    row.optional_texts(OFTEN, &[("hotelChain", booking.vendor.name)]);
    row.optional_composed(OFTEN, "hotelCode", |out| {
        out.push_str(booking.vendor.code);
        out.push_str(booking.trip.destination.airport);
    });
    // Somewhere in the city; the same chain is always at the same place.
    let place = booking.trip.destination;
    let aside = i64::from(booking.vendor.code.as_bytes()[0]) * 613;
    let degrees = [("hotelLatitude", place.latitude + aside), ("hotelLongitude", place.longitude - aside)];
    row.optional_rates(OFTEN, &degrees);
}

/// `etickets` and, on a flight, `seats`: one a passenger.
pub(super) fn tickets(row: &mut Row<'_>, booking: &Booking) {
    for name in ["etickets", "seats"] {
        let is_there = name == "etickets" || booking.trip.booking_type == BookingType::Flight;
        if !is_there || !row.is_present(name, 11) {
            continue;
        }
        row.field(name);
        row.raw("[");
        let is_issued = name == "seats" || booking.is_ticketed();
        for (nth, _) in (0..).zip(booking.trip.travelers()).filter(|_| is_issued) {
            row.raw(if nth > 0 { ",\"" } else { "\"" });
            if name == "etickets" {
                booking.push_ticket(row.out, nth);
            } else {
                push_integer(row.out, 3 + mix(booking.index) % 40);
                row.out.push(if nth > 0 { 'C' } else { 'A' });
            }
            row.raw("\"");
        }
        row.raw("]");
    }
}

/// What is left of cancelled tickets, or was used of earlier ones.
pub(super) fn credit(row: &mut Row<'_>, booking: &Booking) {
    let price = &booking.price;
    let left = if booking.trip.booking_type == BookingType::Flight && booking.status == "CANCELED" {
        price.total - booking.most_lost
    } else {
        0
    };
    let (available, used) = if left > 0 { (left, 0) } else { (booking.credit_used, booking.credit_used) };
    if available == 0 {
        return;
    }
    row.field("credit");
    row.begin_object("creditAvailable");
    row.amount(available);
    row.optional_amounts(
        OFTEN,
        &[
            ("creditAvailableUsd", price.in_usd(available)),
            ("creditExchangeFeeUsd", 0),
            ("creditUsed", used),
            ("creditUsedUsd", price.in_usd(used)),
            ("residualCredit", available - used),
        ],
    );
    row.raw("}");
}

/// Whether it was booked again when it became cheaper.
pub(super) fn reshopping(row: &mut Row<'_>, booking: &Booking) {
    let (price, total) = (&booking.price, booking.price.total);
    let (is_rebooked, new, original) = match mix(booking.index) % 8 {
        0 => (true, total, price.share(total, 112)),
        1 => (false, price.share(total, 97), total),
        _ => return,
    };
    row.field("reshopping");
    row.begin_object("reshoppingIsRebooked");
    row.raw(if is_rebooked { "true" } else { "false" });
    row.optional_amounts(OFTEN, &[("reshoppingNewPrice", new), ("reshoppingOriginalPrice", original)]);
    row.raw("}");
}

/// What the company negotiated, and what others would pay.
pub(super) fn negotiated_rate(row: &mut Row<'_>, booking: &Booking) {
    if booking.has_negotiated_rate() {
        row.field("cnr");
        row.begin_object("publishedPrice");
        row.amount(booking.price.share(booking.price.unit, 115));
        row.list("cnrCodes", &["ACME25", "CNRé"][..=usize::from(row.odd.texts)]);
        row.raw("}");
    }
}

/// A location object, as in `origin`.
pub(super) fn location(row: &mut Row<'_>, place: &Place) {
    row.begin_object("country");
    row.quoted(place.country);
    row.string("countryCode", place.country_code);
    if !place.state.is_empty() {
        row.optional_strings(AT_TIMES, &[("state", place.state)]);
    }
    row.text("city", place.city);
    row.optional_strings(AT_TIMES, &[("airportCode", place.airport)]);
    row.optional_texts(AT_TIMES, &[("address", place.address)]);
    row.raw("}");
}

/// The way there and back, or the stay.
pub(super) fn segments(row: &mut Row<'_>, booking: &Booking) {
    let trip = &booking.trip;
    let (start, end) = (trip.start_day * DAY_MS, booking.end_day * DAY_MS);
    // At 60 miles an hour by rail and 480 in the air, and an hour more.
    let speed = if trip.booking_type == BookingType::Flight { 480 } else { 60 };
    let duration = HOUR_MS + trip.miles * HOUR_MS / speed;
    let there = (trip.home, trip.destination, start + 9 * HOUR_MS, start + 9 * HOUR_MS + duration);
    let back = (trip.destination, trip.home, end + 17 * HOUR_MS, end + 17 * HOUR_MS + duration);
    let stay = (trip.destination, trip.destination, start + 15 * HOUR_MS, end + 11 * HOUR_MS);
    let legs: &[_] = match trip.booking_type {
        BookingType::Flight | BookingType::Rail if trip.returns => &[there, back],
        BookingType::Flight | BookingType::Rail => &[there],
        BookingType::Hotel => &[stay],
        BookingType::Car if trip.nights > 0 => &[stay],
        BookingType::Car | BookingType::Transportation | BookingType::BlackCar => &[],
    };
    row.raw(",\"segments\":[");
    for (nth, (from, to, starts, ends)) in (0..).zip(legs) {
        row.raw(if nth > 0 { ",{\"startTimestamp\":" } else { "{\"startTimestamp\":" });
        // By the clocks of where it begins and ends.
        let (starts_utc, ends_utc) = (starts - from.utc_offset * HOUR_MS, ends - from.utc_offset * HOUR_MS);
        row.integer(starts_utc / 1_000);
        row.field("endTimestamp");
        row.integer(ends_utc / 1_000);
        let ends_there = ends_utc + to.utc_offset * HOUR_MS;
        row.composed("startLocalDateTime", |out| push_timestamp(out, *starts, TimestampFormat::Local));
        row.composed("endLocalDateTime", |out| push_timestamp(out, ends_there, TimestampFormat::Local));
        row.field("departure");
        location(row, from);
        row.field("arrival");
        location(row, to);
        provider(row, booking, nth);
        row.raw("}");
    }
    row.raw("]");
}

fn provider(row: &mut Row<'_>, booking: &Booking, leg: u64) {
    let vendor = booking.vendor;
    row.optional_strings(AT_TIMES, &[("providerCode", vendor.code)]);
    row.optional_composed(AT_TIMES, "providerName", |out| booking.push_vendor(out));
    match booking.trip.booking_type {
        BookingType::Flight => {
            row.optional_composed(AT_TIMES, "flightNumber", |out| {
                push_integer(out, 100 + mix(booking.index + leg) % 1_900);
            });
            row.optional_strings(
                AT_TIMES,
                &[
                    ("airlineAlliance", vendor.alliance),
                    ("cabin", booking.cabin()),
                    ("cabinPurchased", booking.cabin()),
                    ("fareClass", fare(booking).1),
                ],
            );
        }
        BookingType::Hotel => row.optional_texts(AT_TIMES, &[("hotelChain", vendor.name)]),
        _ => {}
    }
}
