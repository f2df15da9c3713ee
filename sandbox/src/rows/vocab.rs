//! The values that rows are made of, already escaped as JSON. Some are hard on a reader: escapes that must stay
//! escapes, raw UTF-8 that must stay raw, quotes, line breaks, surrogate pairs.

pub(crate) const FIRST: &[&str] =
    &["Ada", "Grace", "Zo\\u00eb", "José", "Linus", "Mina", "Ögmundur", "Søren", "李", "Priya", "Noor", "Tomás"];
pub(crate) const LAST: &[&str] = &[
    "Lovelace",
    "Hopper",
    "O'Neill",
    "M\\u00fcller",
    "García",
    "van der Berg",
    "Ødegaard",
    "小龙",
    "Sharma",
    "Haddad",
    "Nguyễn",
];
pub(crate) const DEPARTMENTS: &[&str] =
    &["Engineering", "Sales", "R\\u0026D", "Finance \\u2013 EMEA", "People & Places", "Customer Success"];
pub(crate) const COST_CENTERS: &[&str] = &["CC-100", "CC-210", "CC-333", "4711", "CC\\/900"];
pub(crate) const REGIONS: &[&str] = &["EMEA", "AMER", "APAC", "LATAM"];
pub(crate) const SUBSIDIARIES: &[&str] = &["Acme GmbH", "Acme Inc.", "Acme Société Générale SARL", "Acme K.K."];
pub(crate) const ENTITIES: &[&str] = &["Client A", "Client \\\"B\\\"", "Internal"];
pub(crate) const OFFICES: &[&str] = &["Berlin", "Palo Alto", "Z\\u00fcrich", "São Paulo", "Tel Aviv"];
pub(crate) const NOTES: &[&str] = &[
    "Customer visit",
    "Kick-off\\nand dinner",
    "Caf\\u00e9 \\\"Zur Post\\\"",
    "Offsite \\ud83d\\ude80",
    "Messe München ✈️",
    "tab\\there, back\\\\slash",
    "Quarterly review",
    "Ünïcödé \\u2028 separator",
];
pub(crate) const MISSING: &[&str] = &["Hotel above the cap", "Booked late", "Meeting moved \\u2014 no choice", ""];
pub(crate) const VIOLATIONS: &[&str] = &["Advance booking window", "Price over policy", "Cabin \\u003e economy"];
pub(crate) const VIOLATION_TYPES: &[&str] = &["LEAD_TIME", "MAX_PRICE", "CABIN_CLASS"];
pub(crate) const CURRENCIES: &[&str] = &["USD", "EUR", "GBP", "JPY", "CHF"];
pub(crate) const EMAILS: &[&str] = &["approver@example.com", "travel.desk@example.com", "boss+travel@example.org"];
pub(crate) const NAMES: &[&str] = &["Ada Lovelace", "Jos\\u00e9 Garc\\u00eda", "Søren Ødegaard", "Mina O'Neill"];
pub(crate) const CARDS: &[&str] = &["VISA", "MASTERCARD", "AMEX"];
pub(crate) const PAYMENTS: &[&str] = &["COMPANY_CARD", "PERSONAL_CARD", "DIRECT_BILL", "UATP"];
pub(crate) const CABINS: &[&str] = &["ECONOMY", "PREMIUM_ECONOMY", "BUSINESS", "FIRST"];
pub(crate) const AIRPORTS: &[&str] = &["SFO", "BER", "LHR", "NRT", "GRU", "TLV", "JFK"];
pub(crate) const CITIES: &[&str] = &["San Francisco", "Berlin", "London", "東京", "S\\u00e3o Paulo", "Tel Aviv"];
pub(crate) const COUNTRIES: &[&str] = &["United States", "Germany", "United Kingdom", "日本", "Brazil", "Israel"];
pub(crate) const COUNTRY_CODES: &[&str] = &["US", "DE", "GB", "JP", "BR", "IL"];
pub(crate) const STREETS: &[&str] =
    &["1 Main St\\nSuite 4", "Unter den Linden 5", "10 Downing St", "Rua da Bela Cintra 7"];
pub(crate) const CHAINS: &[&str] = &["Marriott", "Hilton", "M\\u00f6venpick", "ibis"];
pub(crate) const CARRIERS: &[&str] = &["United Airlines", "Lufthansa", "British Airways", "Deutsche Bahn", "Hertz"];
pub(crate) const CODES: &[&str] = &["UA", "LH", "BA", "DB", "ZE", "K0", "QX"];
pub(crate) const NUMBERS: &[&str] = &["10023", "88-1204", "INV-2026-0007", "0000417", "A1B2C3"];
pub(crate) const LINKS: &[&str] =
    &["https:\\/\\/files.example.com\\/d\\/8f2c.pdf", "https://files.example.com/d/91ab.pdf"];
pub(crate) const YES_NO: &[&str] = &["true", "false", "YES", "NO"];
