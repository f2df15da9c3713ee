//! That the rows of a company hang together, where nothing odd is asked for.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use chrono::{DateTime, NaiveDate, Utc};
use navan_sandbox::{ExpenseType, Sandbox, Settings};
use serde_json::Value;

use crate::client::{Client, noon};

/// A plain company.
fn company() -> Sandbox {
    Sandbox::start(Settings { now: Some(noon()), bookings: 400, users: 80, ..Settings::default() }).unwrap()
}

fn parsed(rows: impl Iterator<Item = String>) -> Vec<Value> {
    rows.map(|row| serde_json::from_str(&row).unwrap()).collect()
}

fn transactions(sandbox: &Sandbox) -> Vec<Value> {
    parsed(ExpenseType::ALL.into_iter().flat_map(|kind| sandbox.transactions(kind)))
}

/// The rows of a stream by a field.
fn by(name: &str, rows: Vec<Value>) -> HashMap<String, Value> {
    rows.into_iter().map(|row| (text(&row[name]).to_owned(), row)).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}"))
}

/// An amount in hundredths, from a number or a text.
fn cents(value: &Value) -> i64 {
    let number: Option<f64> = value.as_f64().or_else(|| value.as_str()?.parse().ok());
    let number = number.unwrap_or_else(|| panic!("not an amount: {value}"));
    format!("{number:.2}").replace('.', "").parse().unwrap()
}

fn day(value: &Value) -> NaiveDate {
    text(value)[..10].parse().unwrap()
}

fn time(value: &Value) -> DateTime<Utc> {
    text(value).parse().unwrap()
}

/// Each string in a value, with the name of the field that it is in.
fn strings<'a>(name: &'a str, value: &'a Value, found: &mut Vec<(&'a str, &'a str)>) {
    match value {
        Value::String(text) => found.push((name, text)),
        Value::Array(list) => list.iter().for_each(|item| strings(name, item, found)),
        Value::Object(members) => members.iter().for_each(|(name, value)| strings(name, value, found)),
        _ => {}
    }
}

#[test]
fn plain_rows_have_nothing_odd() {
    let sandbox = company();
    for row in sandbox.bookings().chain(sandbox.users()).chain(sandbox.transactions(ExpenseType::CardTransactions)) {
        assert!(!row.contains('\\') && !row.contains(":null") && !row.contains(":\"\""), "{row}");
    }
}

#[test]
fn people_are_users_and_the_same_in_all_streams() {
    let sandbox = company();
    let users = by("userName", parsed(sandbox.users()));
    let agrees = |user: &Value, id: Option<&Value>, name: &Value, number: &Value, rest: [(&Value, &str); 3]| {
        let (given, family) = (text(&user["name"]["givenName"]), text(&user["name"]["familyName"]));
        assert_eq!(text(name), format!("{given} {family}"));
        assert!(id.is_none_or(|id| *id == user["id"]));
        assert_eq!(*number, user["employeeId"]);
        for (value, field) in rest {
            assert_eq!(*value, user[field], "{field}");
        }
    };
    for booking in parsed(sandbox.bookings()) {
        let passengers = booking["passengers"].as_array().unwrap();
        for person in passengers.iter().map(|passenger| &passenger["person"]).chain([&booking["booker"]]) {
            let user = &users[text(&person["email"])];
            let rest = [
                (&person["department"], "department"),
                (&person["costCenter"], "costCentre"),
                (&person["managerEmail"], "managerEmail"),
            ];
            agrees(user, Some(&person["uuid"]), &person["name"], &person["employeeId"], rest);
        }
        assert_eq!(booking["numberOfPassengers"], passengers.len());
        assert!(booking["departments"].as_array().unwrap().contains(&passengers[0]["person"]["department"]));
    }
    let mut held = 0;
    for row in transactions(&sandbox) {
        let Some(email) = row["cardholder_email"].as_str() else { continue };
        held += 1;
        let user = &users[email];
        let rest =
            [(&row["department"], "department"), (&row["cost_center"], "costCentre"), (&row["region"], "region")];
        agrees(user, None, &row["cardholder"], &row["employee_id"], rest);
        if let Some(approver) = row["approved_by_email"].as_str() {
            assert_eq!(approver, user["managerEmail"]);
        }
    }
    assert!(held > 700);
}

#[test]
fn managers_are_users_of_the_same_department() {
    let users = by("userName", parsed(company().users()));
    let heads = users.values().filter(|user| user["managerEmail"].is_null()).count();
    assert_eq!(heads, 1);
    for user in users.values().filter(|user| !user["managerEmail"].is_null()) {
        let manager = &users[text(&user["managerEmail"])];
        let is_department_head = manager["managerEmail"].is_null();
        assert!(is_department_head || manager["department"] == user["department"], "{user}");
    }
}

#[test]
fn what_is_personal_is_found_nowhere_else() {
    const OF_PEOPLE: [&str; 26] = [
        "name",
        "firstName",
        "lastName",
        "givenName",
        "familyName",
        "email",
        "userName",
        "value",
        "approver",
        "approverName",
        "approverEmail",
        "managerName",
        "managerEmail",
        "employeeId",
        "employeedId",
        "employee_id",
        "phoneNumber",
        "nameOnCreditCard",
        "loggedAsUserName",
        "cardholder",
        "cardholder_email",
        "approved_by_email",
        "participants",
        "bookers",
        "related_travelers",
        "traveler_employee_ids",
    ];
    const OF_PASSPORTS: [&str; 4] = ["countryOfCitizenship", "countryOfIssue", "expiresOn", "issuedOn"];
    let sandbox = company();
    let mut personal = BTreeSet::new();
    for user in parsed(sandbox.users()) {
        let parts = [&user["name"]["givenName"], &user["name"]["familyName"], &user["userName"], &user["phoneNumber"]];
        personal.extend(parts.into_iter().chain([&user["employeeId"]]).map(|part| text(part).to_owned()));
    }
    let rows: Vec<_> = parsed(sandbox.bookings()).into_iter().chain(transactions(&sandbox)).collect();
    let mut found = Vec::new();
    for row in &rows {
        strings("", row, &mut found);
    }
    let passports = found.iter().filter(|(name, _)| OF_PASSPORTS.contains(name)).map(|(_, value)| (*value).to_owned());
    personal.extend(passports.collect::<Vec<_>>());
    assert!(personal.iter().all(|value| value.len() > 5 || !value.is_ascii()), "{personal:?}");
    let others: BTreeSet<_> =
        found.iter().filter(|(name, _)| !OF_PEOPLE.contains(name) && !OF_PASSPORTS.contains(name)).collect();
    for (name, other) in others {
        let hit = personal.iter().find(|value| other.contains(value.as_str()));
        assert!(hit.is_none(), "{name}: {other} has {hit:?}");
    }
}

#[test]
fn prices_add_up_and_have_a_value_in_dollars() {
    let sandbox = company();
    assert!(sandbox.touch_booking(5));
    for booking in parsed(sandbox.bookings()) {
        let sum: i64 =
            ["basePrice", "tax", "resortFee", "seatsFee", "extrasFees", "tripFee", "exchangeAmount", "exchangeFee"]
                .map(|part| cents(&booking[part]))
                .iter()
                .sum();
        assert_eq!(sum, cents(&booking["grandTotal"]), "{booking}");
        let dollars = booking["grandTotal"].as_f64().unwrap() / booking["currencyExhangeRateFromUsd"].as_f64().unwrap();
        assert!((dollars - booking["usdGrandTotal"].as_f64().unwrap()).abs() < 0.006, "{booking}");
        assert_eq!(cents(&booking["basePrice"]) % cents(&booking["unitaryPrice"]), 0);
        let parts = ["gst", "hst", "qst", "vat"].iter().filter(|part| !booking[part].is_null());
        let parts: Vec<_> = parts.map(|part| cents(&booking[part])).collect();
        assert!(parts.is_empty() || parts.iter().sum::<i64>() == cents(&booking["tax"]), "{booking}");
        assert_eq!(booking["currency"] == "USD", booking["currencyExhangeRateFromUsd"] == 1.0);
    }
}

#[test]
fn a_touch_changes_what_it_says_and_nothing_else() {
    let sandbox = company();
    let before = (parsed(sandbox.bookings()), parsed(sandbox.transactions(ExpenseType::Fees)));
    for index in 0..120 {
        assert!(sandbox.touch_booking(index) && sandbox.touch_transaction(ExpenseType::Fees, index));
    }
    let after = (by("uuid", parsed(sandbox.bookings())), by("id", parsed(sandbox.transactions(ExpenseType::Fees))));
    for booking in &before.0[..120] {
        let touched = &after.0[text(&booking["uuid"])];
        for same in ["created", "bookingType", "vendor", "booker", "passengers", "segments", "unitaryPrice", "tax"] {
            assert_eq!(booking[same], touched[same], "{same}");
        }
        assert!(cents(&booking["grandTotal"]) < cents(&touched["grandTotal"]));
    }
    for fee in &before.1 {
        let touched = &after.1[text(&fee["id"])];
        for same in ["cardholder", "navan_booking_uuid", "posted_currency", "transaction_date", "gl_code_number"] {
            assert_eq!(fee[same], touched[same], "{same}");
        }
        assert_ne!(fee["posted_amount"], touched["posted_amount"]);
    }
}

#[test]
fn times_follow_from_each_other() {
    let sandbox = company();
    for booking in parsed(sandbox.bookings()) {
        let (created, modified) = (time(&booking["created"]), time(&booking["lastModified"]));
        assert!(created <= modified && modified <= noon());
        let (start, end) = (day(&booking["startDate"]), day(&booking["endDate"]));
        assert_eq!(booking["leadTimeInDays"], (start - created.date_naive()).num_days());
        assert_eq!(booking["bookingDuration"], (end - start).num_days());
        assert!(start > created.date_naive() && end >= start);
        let is_off = matches!(text(&booking["bookingStatus"]), "CANCELED" | "VOIDED");
        assert_eq!(booking["cancelledAt"].is_string(), is_off, "{booking}");
        assert!(!is_off || time(&booking["cancelledAt"]) <= modified);
        for segment in booking["segments"].as_array().unwrap() {
            assert!(segment["startTimestamp"].as_i64() < segment["endTimestamp"].as_i64(), "{segment}");
        }
    }
    for row in transactions(&sandbox) {
        let (authorized, posted) = (day(&row["transaction_date"]), day(&row["posted_date"]));
        let modified = time(&row["modified_timestamp"]);
        assert!(authorized <= posted && time(&row["posted_date_time"]) <= modified && modified <= noon(), "{row}");
    }
}

#[test]
fn bookings_of_one_trip_are_for_the_same_people_at_the_same_place() {
    let mut trips: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for booking in parsed(company().bookings()) {
        trips.entry(text(&booking["tripUuids"][0]).to_owned()).or_default().push(booking);
    }
    assert!(trips.values().filter(|trip| trip.len() == 3).count() > 100);
    for trip in trips.values() {
        for booking in trip {
            for same in ["tripName", "startDate", "destination", "projects"] {
                assert_eq!(booking[same], trip[0][same], "{same}");
            }
            let travelers = |booking: &Value| booking["passengers"].as_array().unwrap().len();
            assert_eq!(travelers(booking), travelers(&trip[0]));
            assert_eq!(booking["passengers"][0]["person"]["uuid"], trip[0]["passengers"][0]["person"]["uuid"]);
        }
    }
}

#[test]
fn what_was_called_off_is_paid_back() {
    let sandbox = company();
    let bookings = parsed(sandbox.bookings());
    let canceled: Vec<_> = bookings.iter().filter(|booking| booking["bookingStatus"] == "CANCELED").collect();
    assert!(canceled.len() > 20);
    for booking in canceled {
        assert_eq!(booking["netCharge"], booking["maxCancellationLoss"]);
        if booking["bookingType"] == "FLIGHT" {
            let credit = cents(&booking["credit"]["residualCredit"]);
            assert_eq!(credit, cents(&booking["grandTotal"]) - cents(&booking["netCharge"]));
        }
    }
    let refunds = transactions(&sandbox).iter().filter(|row| row["activity_description"] == "Refund").count();
    assert!(refunds > 20, "{refunds}");
}

#[test]
fn transactions_agree_with_the_bookings_that_they_paid_for() {
    let sandbox = company();
    let bookings = by("uuid", parsed(sandbox.bookings()));
    let mut paid = 0;
    for row in transactions(&sandbox) {
        let Some(uuid) = row["navan_booking_uuid"].as_str() else {
            assert!(row["booking_details"].is_null());
            continue;
        };
        paid += 1;
        let (booking, details) = (&bookings[uuid], &row["booking_details"]);
        let passenger = &booking["passengers"][0]["person"];
        for (of_row, of_booking) in [
            (&details["navan_booking_uuids"], &booking["uuid"]),
            (&details["navan_booking_ids"], &booking["bookingId"]),
            (&details["booking_start_date"], &booking["startDate"]),
            (&details["booking_end_date"], &booking["endDate"]),
            (&details["booking_status"], &booking["bookingStatus"]),
            (&details["trip_uuid"], &booking["tripUuids"][0]),
            (&details["trip_name"], &booking["tripName"]),
            (&details["bookers"], &booking["booker"]["name"]),
            (&row["cardholder"], &passenger["name"]),
            (&row["traveler_department"], &passenger["department"]),
            (&row["original_currency"], &booking["currency"]),
        ] {
            assert_eq!(of_row, of_booking, "{row}");
        }
        let travelers: Vec<_> = booking["passengers"].as_array().unwrap().iter().collect();
        let names: Vec<_> = travelers.iter().map(|traveler| text(&traveler["person"]["name"])).collect();
        assert_eq!(text(&details["related_travelers"]), names.join(", "));
        if let Some(tickets) = booking["etickets"].as_array() {
            let tickets: Vec<_> = tickets.iter().map(text).collect();
            // Of a journey without tickets it says nothing.
            assert_eq!(details["e_tickets"].as_str().unwrap_or_default(), tickets.join(","));
        }
        assert!(day(&row["posted_date"]) >= day(&booking["created"]), "{row}");
        let kind = text(&row["_type"]);
        if matches!(kind, "card-transactions" | "connect-transactions") && cents(&row["original_amount"]) > 0 {
            let used = &booking["credit"]["creditUsed"];
            let used = if used.is_null() { 0 } else { cents(used) };
            assert_eq!(cents(&row["original_amount"]), cents(&booking["grandTotal"]) - used, "{row}");
        }
    }
    assert!(paid > 200, "{paid}");
}

#[test]
fn parts_of_a_transaction_add_up_to_it_whatever_its_version() {
    let sandbox = company();
    for index in 0..60 {
        assert!(sandbox.touch_transaction(ExpenseType::CardTransactions, index));
    }
    let mut itemized = 0;
    for row in transactions(&sandbox) {
        let posted = cents(&row["posted_amount"]);
        let rate = row["exchange_rate"].as_f64().unwrap();
        let number = |name: &str| row[name].as_str().unwrap().parse::<f64>().unwrap();
        let exact = if row["posted_currency"] == "JPY" { 0.51 } else { 0.006 };
        assert!((number("original_amount") * rate - number("posted_amount")).abs() < exact, "{row}");
        let items = row["line_items"].as_array().unwrap();
        assert_eq!(row["itemized"], !items.is_empty());
        if !items.is_empty() {
            itemized += 1;
            assert_eq!(items.iter().map(|item| cents(&item["amount"])).sum::<i64>(), posted, "{row}");
        }
        let is_rejected = row["approval_status"] == "REJECTED";
        assert_eq!(cents(&row["rejected_amount"]), if is_rejected { posted } else { 0 });
    }
    assert!(itemized > 80, "{itemized}");
}

#[test]
fn accounts_taxes_and_custom_fields_are_those_of_its_lists() {
    let sandbox = company();
    let client = Client::new(&sandbox);
    let fields = client.json("/v1/expense/custom-fields")["data"].as_array().unwrap().clone();
    let options: HashMap<_, HashSet<_>> = fields
        .iter()
        .map(|field| (text(&field["name"]), field["options"].as_array().into_iter().flatten().collect()))
        .collect();
    let accounts = by("number", client.json("/v1/expense/gl-codes")["content"].as_array().unwrap().clone());
    let taxes = by("tax_code", client.json("/v1/expense/tax-mappings").as_array().unwrap().clone());
    let mut with_tax = 0;
    for row in transactions(&sandbox) {
        assert_eq!(row["gl_code_name"], accounts[text(&row["gl_code_number"])]["name"]);
        if let Some(code) = row["tax_details"]["code"].as_str() {
            with_tax += 1;
            let rate: f64 = text(&taxes[code]["rate"]).parse().unwrap();
            assert!((row["tax_details"]["rate"].as_f64().unwrap() - rate).abs() < 1e-9);
        }
        for field in row["custom_field_values"].as_array().unwrap() {
            assert!(options[text(&field["name"])].contains(&field["value"]), "{field}");
        }
    }
    assert!(with_tax > 200, "{with_tax}");
    for booking in parsed(sandbox.bookings()) {
        for field in booking["customFields"].as_array().unwrap() {
            assert!(options[text(&field["name"])].contains(&field["value"]), "{field}");
        }
    }
}

#[test]
fn a_company_without_lists_names_nothing_of_them() {
    let sandbox = Sandbox::start(Settings { now: Some(noon()), reference_rows: 0, ..Settings::default() }).unwrap();
    for row in transactions(&sandbox) {
        assert!(row["gl_code_number"].is_null() && row["tax_details"].is_null(), "{row}");
        assert!(row["custom_field_values"].as_array().unwrap().is_empty(), "{row}");
    }
}
