//! TRANSACTION's optional fields: names and what they may hold, by the field group that asks for them.

use super::vocab;

pub(crate) const STATUSES: [&str; 4] = ["APPROVED", "PENDING", "REJECTED", "AUTO_APPROVED"];

/// In every response.
pub(crate) const CORE: &[(&str, &[&str])] = &[
    ("source_id", vocab::NUMBERS),
    ("activity_type", &["MEAL", "LODGING", "AIRFARE", "TAXI"]),
    ("activity_description", vocab::NOTES),
    ("original_currency", vocab::CURRENCIES),
    ("billable_entity_currency", vocab::CURRENCIES),
    ("reimbursement_currency", vocab::CURRENCIES),
    ("reimbursement_method", &["PAYROLL", "DIRECT", "ACH"]),
    ("rebate_type", &["DAILY", "MONTHLY"]),
    ("cardholder", vocab::NAMES),
    ("cardholder_email", vocab::EMAILS),
    ("employee_id", vocab::NUMBERS),
    ("card_description", &["Travel card", "Virtual \\u00b7\\u00b7\\u00b7 4242"]),
    ("card_nickname", &["My card", "Team \\\"Apollo\\\""]),
    ("card_program_name", &["Global US", "EMEA"]),
    ("vendor_name", vocab::CARRIERS),
    ("vendor_address", vocab::STREETS),
    ("vendor_category", &["Airlines", "Hotels", "Restaurants \\u0026 Bars"]),
    ("approver_type", &["MANAGER", "FINANCE"]),
    ("approved_by_email", vocab::EMAILS),
    ("statement_id", vocab::NUMBERS),
    ("invoice_number", vocab::NUMBERS),
    ("department", vocab::DEPARTMENTS),
    ("cost_center", vocab::COST_CENTERS),
    ("region", vocab::REGIONS),
    ("subsidiary", vocab::SUBSIDIARIES),
    ("legal_entity", vocab::SUBSIDIARIES),
    ("flag_status", &["NONE", "RAISED", "RESOLVED"]),
    ("flag_reasons", vocab::MISSING),
    ("receipt", vocab::LINKS),
    ("e_receipt", vocab::LINKS),
    ("receipt_navan", vocab::LINKS),
    ("e_receipt_navan", vocab::LINKS),
    ("participants", &["Ada Lovelace, Grace Hopper", "Jos\\u00e9, Zo\\u00eb, 李"]),
    ("transaction_description", vocab::NOTES),
    ("reporting_transaction_id", vocab::NUMBERS),
    ("vcf_transaction_reference_number", vocab::NUMBERS),
    ("est_doc_link", vocab::LINKS),
    ("est_doc_number", vocab::NUMBERS),
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
    ("traveler_department", vocab::DEPARTMENTS),
    ("traveler_cost_center", vocab::COST_CENTERS),
    ("traveler_region", vocab::REGIONS),
    ("traveler_subsidiary", vocab::SUBSIDIARIES),
];
/// Within `booking_details`.
pub(crate) const BOOKING: &[(&str, &[&str])] = &[
    ("hotel_name", vocab::CHAINS),
    ("flight_origin_airport", vocab::AIRPORTS),
    ("flight_destination_airport", vocab::AIRPORTS),
    ("flight_cabin", vocab::CABINS),
    ("flight_miles", &["348", "5351.20"]),
    ("train_miles", &["120", "88.5"]),
    ("booking_status", &["CONFIRMED", "CANCELED"]),
    ("bookers", vocab::NAMES),
    ("related_travelers", &["Ada Lovelace, Mina O'Neill"]),
    ("traveler_employee_ids", &["E-7", "E-12,E-19"]),
    ("trip_name", vocab::NOTES),
    ("trip_purpose", vocab::NOTES),
    ("e_tickets", &["0162345678901", "2201112223334,2201112223335"]),
];
