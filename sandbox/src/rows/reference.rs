//! The company's own lists: accounts of its ledger, taxes, and the fields that it defined. Bookings and transactions
//! use what is in them, and nothing else.

use serde_json::{Value, json};

use super::company::Company;
use super::vocab;

/// A tax, as `tax-mappings` has it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Tax {
    pub(super) code: &'static str,
    pub(super) name: &'static str,
    pub(super) country: &'static str,
    /// In hundredths of a percent.
    pub(super) rate: i64,
    /// The fields of a booking that hold its parts, each with its rate; what is left has none.
    pub(super) parts: &'static [(&'static str, i64)],
}

const fn tax(
    code: &'static str,
    name: &'static str,
    country: &'static str,
    rate: i64,
    parts: &'static [(&'static str, i64)],
) -> Tax {
    Tax { code, name, country, rate, parts }
}

pub(super) static TAXES: [Tax; 11] = [
    tax("DE19", "Umsatzsteuer", "DE", 1_900, &[("vat", 1_900)]),
    tax("US-CA", "Sales tax", "US", 875, &[]),
    tax("GB20", "VAT", "GB", 2_000, &[("vat", 2_000)]),
    tax("CH81", "Mehrwertsteuer", "CH", 810, &[("vat", 810)]),
    tax("JP10", "Consumption tax", "JP", 1_000, &[]),
    tax("FR20", "TVA", "FR", 2_000, &[("vat", 2_000)]),
    tax("CA-ON", "HST", "CA", 1_300, &[("hst", 1_300)]),
    tax("CA-QC", "TPS et TVQ", "CA", 1_498, &[("gst", 500), ("qst", 998)]),
    tax("BR5", "ISS", "BR", 500, &[]),
    tax("IL17", "VAT", "IL", 1_700, &[("vat", 1_700)]),
    tax("AU10", "GST", "AU", 1_000, &[("gst", 1_000)]),
];

/// An account of the general ledger.
#[derive(Debug)]
pub(super) struct Account {
    pub(super) number: &'static str,
    pub(super) name: &'static str,
}

const fn account(number: &'static str, name: &'static str) -> Account {
    Account { number, name }
}

pub(super) static ACCOUNTS: [Account; 8] = [
    account("6010", "Travel – Air"),
    account("6020-01", "Lodging"),
    account("6030", "Meals"),
    account("6040", "Ground transport"),
    account("6050", "Client entertainment"),
    account("6060", "Rail"),
    account("6070", "Bank & card fees"),
    account("6080", "Software"),
];

/// The custom fields that rows have: the project that something is for, the client, and the cost object.
pub(super) const CUSTOM_FIELDS: [(&str, &str); 3] =
    [("project", "Project"), ("client", "Client"), ("cost_object", "Kostenträger")];

impl Company {
    /// This one of the ledger's accounts, if the list has it.
    pub(super) fn account(&self, nth: usize) -> Option<&'static Account> {
        ACCOUNTS.get(nth).filter(|_| self.lists(nth))
    }

    /// The tax, if the list has it.
    pub(super) fn listed_tax(&self, tax: &'static Tax) -> Option<&'static Tax> {
        TAXES.iter().position(|other| other.code == tax.code).filter(|nth| self.lists(*nth)).map(|_| tax)
    }

    /// Name and label of a custom field, if the list has it.
    pub(super) fn custom_field(&self, nth: usize) -> Option<(&'static str, &'static str)> {
        CUSTOM_FIELDS.get(nth).copied().filter(|_| self.lists(nth))
    }

    fn lists(&self, nth: usize) -> bool {
        u64::try_from(nth).is_ok_and(|nth| nth < self.reference_rows)
    }

    /// The rows of `custom-fields`.
    pub(crate) fn custom_fields(&self) -> Vec<Value> {
        self.list(|nth, at| {
            let required = if self.odd.texts { json!(if nth == 0 { "YES" } else { "NO" }) } else { json!(nth == 0) };
            let (name, label) = match CUSTOM_FIELDS.get(at) {
                Some((name, label)) => ((*name).to_owned(), (*label).to_owned()),
                None => (format!("field_{nth}"), format!("Field № {nth}")),
            };
            let options = match at {
                0 => json!(vocab::PROJECTS),
                1 if self.odd.texts => json!(["A", "B", {"value": "C", "label": "See C"}]),
                1 => json!(vocab::CLIENTS),
                _ => Value::Null,
            };
            let kind = if options.is_null() { "TEXT" } else { "SELECT" };
            json!({"name": name, "label": label, "type": kind, "required": required, "options": options})
        })
    }

    /// The rows of `gl-codes`.
    pub(crate) fn gl_codes(&self) -> Vec<Value> {
        self.list(|nth, at| {
            let (number, name) = match ACCOUNTS.get(at) {
                Some(account) => (account.number.to_owned(), account.name.to_owned()),
                None => ((7_000 + nth).to_string(), format!("Account {nth}")),
            };
            let mut row =
                json!({"number": number, "name": name, "active": at < ACCOUNTS.len() || nth.is_multiple_of(2)});
            // Some of the odd ones have a number for a string, and a field that no column is there for.
            if let Some(number) = number.parse::<u64>().ok().filter(|_| self.odd.texts && nth > 1) {
                row["number"] = number.into();
                row["ledger"] = json!({"id": nth});
            }
            row
        })
    }

    /// The rows of `tax-mappings`.
    pub(crate) fn tax_mappings(&self) -> Vec<Value> {
        self.list(|nth, at| match TAXES.get(at) {
            Some(tax) => {
                let rate = format!("{}.{:02}", tax.rate / 100, tax.rate % 100);
                json!({"tax_code": tax.code, "name": tax.name, "rate": rate, "country": tax.country})
            }
            None => {
                json!({"tax_code": format!("VAT{nth}"), "name": null, "rate": format!("{nth}.50"), "country": "GB"})
            }
        })
    }

    /// A list of as many rows as the settings say; each is told its number twice.
    fn list(&self, row: impl Fn(u64, usize) -> Value) -> Vec<Value> {
        (0..self.reference_rows).zip(0..).map(|(nth, at)| row(nth, at)).collect()
    }
}
