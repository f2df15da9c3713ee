//! Kinds of expenses: what is bought, from whom, and how the company's policy and books call it.

use super::trip::BookingType;
use crate::expense_type::ExpenseType;
use crate::rng::Rng;

/// A kind of expense.
#[derive(Debug)]
pub(super) struct Category {
    pub(super) activity: &'static str,
    pub(super) description: &'static str,
    /// Its place in the list of the ledger's accounts.
    pub(super) account: usize,
    pub(super) policy: &'static str,
    pub(super) policy_area: &'static str,
    pub(super) trade: &'static str,
    /// Who sells it; for travel that was booked, the booking knows.
    pub(super) vendors: &'static [&'static str],
    /// What it costs without a booking, in hundredths of a dollar.
    pub(super) least: i64,
    pub(super) most: i64,
    /// What a receipt of it is split into.
    pub(super) items: [&'static str; 2],
}

impl Category {
    /// That of a transaction, which paid for something booked if `booked` says what.
    pub(super) fn of(kind: ExpenseType, booked: Option<BookingType>, rng: &mut Rng) -> &'static Self {
        match (kind, booked) {
            (ExpenseType::Fees, _) => &FEE,
            (ExpenseType::DailyRebates, _) => &REBATE,
            (ExpenseType::StatementPayments, _) => &STATEMENT,
            (_, Some(BookingType::Flight)) => &AIRFARE,
            (_, Some(BookingType::Hotel)) => &LODGING,
            (_, Some(BookingType::Rail)) => &RAIL,
            (_, Some(BookingType::Car | BookingType::Transportation | BookingType::BlackCar)) => &DRIVE,
            (_, None) => rng.choose(&EVERYDAY.each_ref()),
        }
    }
}

static AIRFARE: Category = Category {
    activity: "AIRFARE",
    description: "Flight",
    account: 0,
    policy: "Economy below 6 hours",
    policy_area: "Travel",
    trade: "Airlines",
    vendors: &[],
    least: 0,
    most: 0,
    items: ["Fare", "Extras"],
};

static LODGING: Category = Category {
    activity: "LODGING",
    description: "Hotel stay",
    account: 1,
    policy: "Lodging",
    policy_area: "Travel",
    trade: "Hotels",
    vendors: &[],
    least: 0,
    most: 0,
    items: ["Room", "Breakfast"],
};

static RAIL: Category = Category {
    activity: "RAIL",
    description: "Train",
    account: 5,
    policy: "Second class",
    policy_area: "Travel",
    trade: "Railways",
    vendors: &[],
    least: 0,
    most: 0,
    items: ["Fare", "Seat reservation"],
};

static DRIVE: Category = Category {
    activity: "TAXI",
    description: "Ride",
    account: 3,
    policy: "Ground transport",
    policy_area: "Travel",
    trade: "Ground transport",
    vendors: &[],
    least: 0,
    most: 0,
    items: ["Ride", "Tip"],
};

static FEE: Category = Category {
    activity: "FEE",
    description: "Fee",
    account: 6,
    policy: "None",
    policy_area: "Fees",
    trade: "Financial services",
    vendors: &["Navan"],
    least: 100,
    most: 2_500,
    items: ["Fee", "Tax"],
};

static REBATE: Category = Category {
    activity: "REBATE",
    description: "Rebate",
    account: 6,
    policy: "None",
    policy_area: "Fees",
    trade: "Financial services",
    vendors: &["Navan"],
    least: 50,
    most: 3_000,
    items: ["Rebate", "Bonus"],
};

static STATEMENT: Category = Category {
    activity: "PAYMENT",
    description: "Statement payment",
    account: 6,
    policy: "None",
    policy_area: "Fees",
    trade: "Financial services",
    vendors: &["Navan"],
    least: 500_000,
    most: 9_000_000,
    items: ["Payment", "Carried over"],
};

/// What is bought without a booking.
static EVERYDAY: [Category; 4] = [
    Category {
        activity: "MEAL",
        description: "Dinner",
        account: 2,
        policy: "Meals 50 USD",
        policy_area: "Meals",
        trade: "Restaurants & Bars",
        vendors: &["Trattoria Sole", "Café Luna", "Ramen Ichiban", "Noodle House"],
        least: 900,
        most: 9_500,
        items: ["Food", "Drinks"],
    },
    Category {
        activity: "TAXI",
        description: "Airport transfer",
        account: 3,
        policy: "Ground transport",
        policy_area: "Travel",
        trade: "Ground transport",
        vendors: &["Uber", "Bolt", "Taxi Ring"],
        least: 800,
        most: 7_000,
        items: ["Ride", "Tip"],
    },
    Category {
        activity: "ENTERTAINMENT",
        description: "Dinner with the client",
        account: 4,
        policy: "Entertainment 150 USD",
        policy_area: "Entertainment",
        trade: "Restaurants & Bars",
        vendors: &["Grill Royal", "La Mesa", "Opera House"],
        least: 6_000,
        most: 42_000,
        items: ["Food", "Drinks"],
    },
    Category {
        activity: "SOFTWARE",
        description: "Subscription",
        account: 7,
        policy: "Software",
        policy_area: "Office",
        trade: "Software",
        vendors: &["Sketchpad", "Cloudline", "Notely"],
        least: 1_000,
        most: 30_000,
        items: ["Licences", "Support"],
    },
];
