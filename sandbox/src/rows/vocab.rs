//! The words that rows are made of: none of them needs an escape in JSON, but for [`ODD_NOTES`].

/// One of these, by a number of any size.
pub(super) fn nth<T: Copy>(choices: &[T], nth: u64) -> T {
    choices[usize::try_from(nth % choices.len() as u64).unwrap_or(0)]
}

/// Given names, and how an e-mail address spells them. No other word of the company contains one of them, so that
/// whoever searches for a person finds nothing else.
pub(super) const GIVEN_NAMES: [(&str, &str); 32] = [
    ("Anneliese", "anneliese"),
    ("Benedikta", "benedikta"),
    ("Casimir", "casimir"),
    ("Dagmara", "dagmara"),
    ("Ebenezer", "ebenezer"),
    ("Fiammetta", "fiammetta"),
    ("Guðrún", "gudrun"),
    ("Hildegard", "hildegard"),
    ("Ignatius", "ignatius"),
    ("Jocasta", "jocasta"),
    ("Katarzyna", "katarzyna"),
    ("Ludmila", "ludmila"),
    ("Mirembe", "mirembe"),
    ("Nikodem", "nikodem"),
    ("Oluwaseun", "oluwaseun"),
    ("Perpetua", "perpetua"),
    ("Quillon", "quillon"),
    ("Rosalinde", "rosalinde"),
    ("Søren", "soeren"),
    ("Thandiwe", "thandiwe"),
    ("Ulrike", "ulrike"),
    ("Valentín", "valentin"),
    ("Wilhelmina", "wilhelmina"),
    ("Xiomara", "xiomara"),
    ("Yevgenia", "yevgenia"),
    ("Zbigniew", "zbigniew"),
    ("Priyanka", "priyanka"),
    ("Tomasz", "tomasz"),
    ("Zoë-Marie", "zoe-marie"),
    ("晓明", "xiaoming"),
    ("Nguyệt", "nguyet"),
    ("Adaeze", "adaeze"),
];

/// Family names, likewise.
pub(super) const FAMILY_NAMES: [(&str, &str); 32] = [
    ("Abernathy", "abernathy"),
    ("Björnsdóttir", "bjoernsdottir"),
    ("Castellanos", "castellanos"),
    ("Drăgulescu", "dragulescu"),
    ("Eszterházy", "eszterhazy"),
    ("Featherstonehaugh", "featherstonehaugh"),
    ("Grzybowska", "grzybowska"),
    ("Haddad-Khoury", "haddad-khoury"),
    ("Ivanovska", "ivanovska"),
    ("Jørgensen", "joergensen"),
    ("Kowalczyk", "kowalczyk"),
    ("Lindqvist", "lindqvist"),
    ("Müller-Lüdenscheidt", "mueller-luedenscheidt"),
    ("Nakamura", "nakamura"),
    ("O'Callaghan", "ocallaghan"),
    ("Papadopoulou", "papadopoulou"),
    ("Quispe", "quispe"),
    ("Ramanathan", "ramanathan"),
    ("Szymańska", "szymanska"),
    ("Thórarinsson", "thorarinsson"),
    ("Uzunlar", "uzunlar"),
    ("Vandenberghe", "vandenberghe"),
    ("Wojciechowski", "wojciechowski"),
    ("Xhaferi", "xhaferi"),
    ("Yamamoto", "yamamoto"),
    ("Zubizarreta", "zubizarreta"),
    ("García Márquez", "garciamarquez"),
    ("Ødegaard", "oedegaard"),
    ("Nguyễn", "nguyen"),
    ("欧阳", "ouyang"),
    ("Sharma-Iyer", "sharma-iyer"),
    ("van der Westhuizen", "vanderwesthuizen"),
];

/// Where people are citizens: countries that nobody travels to, so that a passport is told from a journey.
pub(super) const CITIZENSHIPS: [&str; 8] =
    ["Liechtenstein", "Uruguay", "Bhutan", "Botswana", "Lithuania", "Suriname", "Vanuatu", "Côte d’Ivoire"];

/// The departments, each with its cost center.
pub(super) const DEPARTMENTS: [(&str, &str); 8] = [
    ("Engineering", "CC-100"),
    ("Sales", "CC-210"),
    ("Customer Success", "CC-333"),
    ("Finance – EMEA", "CC-400"),
    ("People & Places", "CC-4711"),
    ("R&D", "CC-620"),
    ("Marketing", "CC-700"),
    ("Legal", "CC-900"),
];

pub(super) const CLIENTS: [&str; 4] = ["Nordwind AG", "Blue Harbor LLC", "Café Central", "Kita Denki"];
pub(super) const PROJECTS: [&str; 5] = ["Apollo", "Gemini", "Phœnix", "Meridian", "Kumano"];
pub(super) const PURPOSES: [&str; 6] =
    ["Customer visit", "Kick-off", "Conference", "Quarterly review", "Team offsite", "Site inspection"];
pub(super) const CANCELLATIONS: [&str; 4] = ["Meeting moved online", "Illness", "Change of plans", "Client cancelled"];
/// Why something out of policy was booked.
pub(super) const EXCUSES: [&str; 4] =
    ["No room below the cap", "Meeting was set late", "Only flight that day", "Travelling with a client"];
pub(super) const APPROVALS: [&str; 3] = ["Agreed with the client", "Within the project’s budget", "See ticket"];
pub(super) const CAR_TYPES: [&str; 4] = ["COMPACT", "INTERMEDIATE", "SUV", "ESTATE"];

/// Texts that are hard on a reader, as JSON: escapes that must stay escapes, raw UTF-8 that must stay raw, quotes, line
/// breaks, surrogate pairs, nothing at all.
pub(super) const ODD_NOTES: [&str; 10] = [
    "Kick-off\\nand dinner",
    "Caf\\u00e9 \\\"Zur Post\\\"",
    "Offsite \\ud83d\\ude80",
    "Messe München ✈️",
    "tab\\there, back\\\\slash",
    "Ünïcödé \\u2028 separator",
    "Jos\\u00e9, Zo\\u00eb, 李",
    "NRT \\u2192 JFK",
    "Kostenträger 小龙",
    "",
];
