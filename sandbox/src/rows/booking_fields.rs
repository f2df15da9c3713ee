//! BOOKING's optional fields: names and what they may hold.

use super::numbers::NumberKind::{self, Count, Degrees, Fine, Huge, Money};
use super::vocab;

pub(crate) const TYPES: [&str; 6] = ["HOTEL", "FLIGHT", "CAR", "RAIL", "TRANSPORTATION", "BLACK_CAR"];
pub(crate) const STATUSES: [&str; 7] =
    ["CANCELED", "VOIDED", "CONFIRMED", "TICKETED", "ACCEPTED", "REJECTED_BY_PROVIDER", "UNKNOWN"];

/// Strings that any booking may have.
pub(crate) const TEXTS: &[(&str, &[&str])] = &[
    ("approvalStatus", &["APPROVED", "PENDING", "DENIED", "NOT_REQUIRED"]),
    ("approverEmail", vocab::EMAILS),
    ("approverReason", vocab::NOTES),
    ("billToClient", vocab::ENTITIES),
    ("bookingMethod", &["WEB", "MOBILE", "AGENT"]),
    ("companyOffice", vocab::OFFICES),
    ("companyPaymentMethod", vocab::PAYMENTS),
    ("confirmationNumber", vocab::NUMBERS),
    ("currency", vocab::CURRENCIES),
    ("eventName", vocab::NOTES),
    ("inventory", &["EXPEDIA", "SABRE", "BOOKING_COM", "NDC"]),
    ("inventorySource", &["GDS", "DIRECT", "AGGREGATOR"]),
    ("invitationType", &["GUEST", "EMPLOYEE"]),
    ("inviteConnectionMethod", &["EMAIL", "LINK"]),
    ("invoice", vocab::LINKS),
    ("invoiceNumber", vocab::NUMBERS),
    ("loggedAsUserName", vocab::NAMES),
    ("nameOnCreditCard", vocab::NAMES),
    ("outOfPolicyDescription", vocab::MISSING),
    ("paymentCreditCardTypeName", vocab::CARDS),
    ("paymentMethod", vocab::PAYMENTS),
    ("paymentMethodUsed", vocab::PAYMENTS),
    ("paymentSchedule", &["PREPAID", "PAY_LATER"]),
    ("pcc", &["7Q4X", "B2FH"]),
    ("pdf", vocab::LINKS),
    ("policyLevel", &["STANDARD", "EXECUTIVE"]),
    ("projects", &["Apollo", "Ph\\u0153nix, Gemini"]),
    ("purpose", vocab::NOTES),
    ("reason", vocab::MISSING),
    ("statementDescription", &["NAVAN *HOTEL", "NAVAN *AIR 0016"]),
    ("tripDescription", vocab::NOTES),
    ("tripLength", &["DAY_TRIP", "MULTI_DAY"]),
    ("tripName", vocab::NOTES),
    ("vendor", vocab::CARRIERS),
];

pub(crate) const FLIGHT_TEXTS: &[(&str, &[&str])] = &[
    ("airlineRoute", &["SFO-LHR", "BER-TLV", "NRT \\u2192 JFK"]),
    ("cabin", vocab::CABINS),
    ("cabinPurchased", vocab::CABINS),
    ("fareBasisCode", &["YOW", "KLXP2"]),
    ("fareClass", &["Y", "J", "K"]),
    ("flownCabinClass", vocab::CABINS),
    ("routeType", &["ONE_WAY", "ROUND_TRIP", "MULTI_CITY"]),
];
pub(crate) const HOTEL_TEXTS: &[(&str, &[&str])] = &[("hotelChain", vocab::CHAINS), ("hotelCode", vocab::NUMBERS)];
pub(crate) const CAR_TEXTS: &[(&str, &[&str])] = &[("carType", &["COMPACT", "SUV", "S\\u00e9dan"])];

/// Numbers that any booking may have. `grandTotal` is not here: it is on every row.
pub(crate) const NUMBERS: &[(&str, NumberKind)] = &[
    ("airlineCreditCardSurcharge", Money),
    ("basePrice", Money),
    ("bookingDuration", Count),
    ("bookingFee", Money),
    ("carbonEmissions", Fine),
    ("carbonOffsetCost", Fine),
    ("currencyExhangeRateFromUsd", Fine),
    ("exchangeAmount", Money),
    ("exchangeFee", Money),
    ("extrasFees", Money),
    ("gst", Money),
    ("handlingFees", Money),
    ("hst", Money),
    ("invoiceCollectionFees", Money),
    ("leadTimeInDays", Count),
    ("maxCancellationLoss", Money),
    ("maxPricePolicy", Money),
    ("netCharge", Money),
    ("numberOfPassengers", Count),
    ("optimalPrice", Money),
    ("ppbPointsBurned", Huge),
    ("priceBenchmark", Money),
    ("qst", Money),
    ("resortFee", Money),
    ("saving", Money),
    ("savingMissed", Money),
    ("seatsFee", Money),
    ("tax", Money),
    ("transactionFees", Money),
    ("travelAgentRequestFee", Money),
    ("travelSpend", Money),
    ("tripBucksEarned", Huge),
    ("tripBucksEarnedUsd", Money),
    ("tripFee", Money),
    ("unitaryPrice", Money),
    ("usdGrandTotal", Money),
    ("vat", Money),
    ("vipFee", Money),
];
pub(crate) const FLIGHT_NUMBERS: &[(&str, NumberKind)] = &[("flightMiles", Huge)];
pub(crate) const HOTEL_NUMBERS: &[(&str, NumberKind)] = &[("hotelLatitude", Degrees), ("hotelLongitude", Degrees)];
pub(crate) const RAIL_NUMBERS: &[(&str, NumberKind)] = &[("trainMiles", Huge)];

pub(crate) const BOOLEANS: [&str; 4] = ["expensed", "gsaRate", "navanPro", "outOfPolicy"];
/// String columns in which booleans are seen too.
pub(crate) const INCONSISTENT_TEXTS: [&str; 4] = ["domestic", "preferredVendor", "corporateDiscountUsed", "flight"];
/// Arrays that are `""` when empty on some rows.
pub(crate) const INCONSISTENT_LISTS: [&str; 2] = ["outOfPolicyViolations", "outOfPolicyViolationTypes"];

/// Arrays of strings, each with its values and the most that it has.
pub(crate) const LISTS: &[(&str, &[&str], u64)] = &[
    ("billableEntities", vocab::ENTITIES, 2),
    ("costCenters", vocab::COST_CENTERS, 2),
    ("departments", vocab::DEPARTMENTS, 2),
    ("etickets", &["0162345678901", "2201112223334"], 2),
    ("regions", vocab::REGIONS, 1),
    ("seats", &["12A", "3F", "41C"], 2),
    ("subsidiaries", vocab::SUBSIDIARIES, 1),
];

pub(crate) const SEGMENT_TEXTS: &[(&str, &[&str])] = &[
    ("providerCode", vocab::CODES),
    ("providerName", vocab::CARRIERS),
    ("flightNumber", &["58", "1982", "454"]),
    ("airlineAlliance", &["STAR_ALLIANCE", "ONEWORLD"]),
    ("hotelChain", vocab::CHAINS),
    ("cabin", vocab::CABINS),
    ("cabinPurchased", vocab::CABINS),
    ("fareClass", &["Y", "J"]),
];

pub(crate) const CREDIT: &[(&str, NumberKind)] = &[
    ("creditAvailableUsd", Money),
    ("creditExchangeFeeUsd", Money),
    ("creditUsed", Money),
    ("creditUsedUsd", Money),
    ("residualCredit", Money),
];
pub(crate) const RESHOPPING: &[(&str, NumberKind)] =
    &[("reshoppingNewPrice", Money), ("reshoppingOriginalPrice", Money)];
