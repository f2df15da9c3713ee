//! Whom the company pays for travel, and what they sell.

use super::trip::BookingType;
use crate::rng::Rng;

/// A vendor.
#[derive(Debug)]
pub(super) struct Vendor {
    pub(super) name: &'static str,
    pub(super) code: &'static str,
    /// Of airlines; empty where there is none.
    pub(super) alliance: &'static str,
    /// What its tickets begin with; empty where there are none.
    pub(super) ticket_prefix: &'static str,
}

const fn airline(
    name: &'static str,
    code: &'static str,
    alliance: &'static str,
    ticket_prefix: &'static str,
) -> Vendor {
    Vendor { name, code, alliance, ticket_prefix }
}

const fn vendor(name: &'static str, code: &'static str) -> Vendor {
    Vendor { name, code, alliance: "", ticket_prefix: "" }
}

static AIRLINES: [Vendor; 8] = [
    airline("United Airlines", "UA", "STAR_ALLIANCE", "016"),
    airline("Lufthansa", "LH", "STAR_ALLIANCE", "220"),
    airline("British Airways", "BA", "ONEWORLD", "125"),
    airline("Air France", "AF", "SKYTEAM", "057"),
    airline("Japan Airlines", "JL", "ONEWORLD", "131"),
    airline("Delta Air Lines", "DL", "SKYTEAM", "006"),
    airline("SWISS", "LX", "STAR_ALLIANCE", "724"),
    airline("Qantas", "QF", "ONEWORLD", "081"),
];
static HOTELS: [Vendor; 5] = [
    vendor("Marriott", "MC"),
    vendor("Hilton", "HH"),
    vendor("Mövenpick", "MK"),
    vendor("ibis", "IB"),
    vendor("Radisson", "RD"),
];
static RAILWAYS: [Vendor; 2] = [airline("Deutsche Bahn", "DB", "", "DB"), airline("Eurostar", "ES", "", "ES")];
static CAR_RENTALS: [Vendor; 4] =
    [vendor("Hertz", "ZE"), vendor("Sixt", "SX"), vendor("Avis", "ZI"), vendor("Enterprise", "ET")];
static TAXIS: [Vendor; 3] = [vendor("Uber", "UB"), vendor("Bolt", "BO"), vendor("FREE NOW", "FN")];
static CHAUFFEURS: [Vendor; 2] = [vendor("Blacklane", "BL"), vendor("Carey", "CY")];

impl Vendor {
    /// One that sells this.
    pub(super) fn of(booking_type: BookingType, rng: &mut Rng) -> &'static Self {
        let all: &'static [Self] = match booking_type {
            BookingType::Flight => &AIRLINES,
            BookingType::Hotel => &HOTELS,
            BookingType::Rail => &RAILWAYS,
            BookingType::Car => &CAR_RENTALS,
            BookingType::Transportation => &TAXIS,
            BookingType::BlackCar => &CHAUFFEURS,
        };
        &all[usize::try_from(rng.below(all.len() as u64)).unwrap_or(0)]
    }
}
