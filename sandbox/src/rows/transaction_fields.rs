//! TRANSACTION's optional fields: names and what they may hold, by the field group that asks for them.

use super::words;

pub(crate) const STATUSES: [&str; 4] = ["APPROVED", "PENDING", "REJECTED", "AUTO_APPROVED"];

/// In every answer.
pub(crate) const CORE: &[(&str, &[&str])] = &[
    ("source_id", words::NUMBERS),
    ("activity_type", &["MEAL", "LODGING", "AIRFARE", "TAXI"]),
    ("activity_description", words::NOTES),
    ("original_currency", words::CURRENCIES),
    ("billable_entity_currency", words::CURRENCIES),
    ("reimbursement_currency", words::CURRENCIES),
    ("reimbursement_method", &["PAYROLL", "DIRECT", "ACH"]),
    ("rebate_type", &["DAILY", "MONTHLY"]),
    ("cardholder", words::NAMES),
    ("cardholder_email", words::EMAILS),
    ("employee_id", words::NUMBERS),
    ("card_description", &["Travel card", "Virtual \\u00b7\\u00b7\\u00b7 4242"]),
    ("card_nickname", &["My card", "Team \\\"Apollo\\\""]),
    ("card_program_name", &["Global US", "EMEA"]),
    ("vendor_name", words::CARRIERS),
    ("vendor_address", words::STREETS),
    ("vendor_category", &["Airlines", "Hotels", "Restaurants \\u0026 Bars"]),
    ("approver_type", &["MANAGER", "FINANCE"]),
    ("approved_by_email", words::EMAILS),
    ("statement_id", words::NUMBERS),
    ("invoice_number", words::NUMBERS),
    ("department", words::DEPARTMENTS),
    ("cost_center", words::COST_CENTERS),
    ("region", words::REGIONS),
    ("subsidiary", words::SUBSIDIARIES),
    ("legal_entity", words::SUBSIDIARIES),
    ("flag_status", &["NONE", "RAISED", "RESOLVED"]),
    ("flag_reasons", words::MISSING),
    ("receipt", words::LINKS),
    ("e_receipt", words::LINKS),
    ("receipt_navan", words::LINKS),
    ("e_receipt_navan", words::LINKS),
    ("participants", &["Ada Lovelace, Grace Hopper", "Jos\\u00e9, Zo\\u00eb, 李"]),
    ("transaction_description", words::NOTES),
    ("reporting_transaction_id", words::NUMBERS),
    ("vcf_transaction_reference_number", words::NUMBERS),
    ("est_doc_link", words::LINKS),
    ("est_doc_number", words::NUMBERS),
];
/// Amounts, which are strings.
pub(crate) const AMOUNTS: [&str; 8] = [
    "personal_amount",
    "rejected_amount",
    "billable_entity_amount",
    "reimbursement_amount",
    "original_amount",
    "fee",
    "fx_fee_amount",
    "direct_reimbursement_fee_amount",
];
pub(crate) const DATES: [&str; 7] = [
    "authorization_date",
    "posted_date",
    "invoice_date",
    "last_approver_action_date",
    "manually_added_date",
    "reimbursement_date",
    "est_doc_date",
];
pub(crate) const BOOLEANS: [&str; 3] = ["flagged", "personal", "itemized"];

pub(crate) const POLICY: &[(&str, &[&str])] =
    &[("policy", &["Meals 50 USD", "Lodging"]), ("policy_category", &["Meals", "Travel", "Repas d\\u00e9jeuner"])];
pub(crate) const ERP: &[(&str, &[&str])] = &[
    ("gl_code_number", &["6010", "6020-01"]),
    ("gl_code_name", &["Travel \\u2013 Air", "Meals"]),
    ("erp_sync_status", &["SYNCED", "PENDING", "ERROR"]),
];
pub(crate) const MILEAGE: &[(&str, &[&str])] =
    &[("distance_unit", &["KM", "MI"]), ("distance_amount", &["12.40", "301.00", "7"])];
pub(crate) const TRAVELER_HR: &[(&str, &[&str])] = &[
    ("traveler_department", words::DEPARTMENTS),
    ("traveler_cost_center", words::COST_CENTERS),
    ("traveler_region", words::REGIONS),
    ("traveler_subsidiary", words::SUBSIDIARIES),
];
/// Within `booking_details`.
pub(crate) const BOOKING: &[(&str, &[&str])] = &[
    ("hotel_name", words::CHAINS),
    ("flight_origin_airport", words::AIRPORTS),
    ("flight_destination_airport", words::AIRPORTS),
    ("flight_cabin", words::CABINS),
    ("flight_miles", &["348", "5351.20"]),
    ("train_miles", &["120", "88.5"]),
    ("booking_status", &["CONFIRMED", "CANCELED"]),
    ("bookers", words::NAMES),
    ("related_travelers", &["Ada Lovelace, Mina O'Neill"]),
    ("traveler_employee_ids", &["E-7", "E-12,E-19"]),
    ("trip_name", words::NOTES),
    ("trip_purpose", words::NOTES),
    ("e_tickets", &["0162345678901", "2201112223334,2201112223335"]),
];
