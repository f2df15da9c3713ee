//! The partitions of a stream that is read by the time of the last change: each is asked for on its own, and has a cursor of its own.

use std::ops::RangeInclusive;

use chrono::NaiveDate;

use crate::api::ChangesQuery;
use crate::config::Config;

/// What the partitions of a stream are, of the expense types that the user chose.
pub enum Partitions {
    /// Each type is one, at a path of its own below the endpoint.
    Types,
    /// All types are one, which the endpoint is asked for by these names. Types without a name are not among them.
    ///
    /// It is called by its names, so that a read to which the user has added a type begins anew.
    Together(&'static [(&'static str, &'static str)]),
}

impl Partitions {
    /// Their names.
    pub(super) fn names(&self, config: &Config) -> Vec<String> {
        let Self::Together(names) = self else { return config.transaction_types.clone() };
        let chosen = names.iter().filter(|(of, _)| config.transaction_types.iter().any(|chosen| chosen == of));
        let chosen: Vec<_> = chosen.map(|(_, name)| *name).collect();
        if chosen.is_empty() { Vec::new() } else { vec![chosen.join(",")] }
    }

    /// What of one of them changed on `days`, in pages of `size` rows.
    pub(super) fn query(
        &self,
        endpoint: &'static str,
        name: &str,
        days: RangeInclusive<NaiveDate>,
        size: u64,
    ) -> ChangesQuery {
        match self {
            Self::Types => ChangesQuery::new(endpoint, format!("{endpoint}/{name}"), days, size),
            Self::Together(_) => {
                let types = name.split(',').map(str::to_owned).collect();
                ChangesQuery::new(endpoint, endpoint.to_owned(), days, size).of_types(types)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(types: &str) -> Config {
        Config::parse(&format!(r#"{{"client_id":"i","client_secret":"s","transaction_types":{types}}}"#)).unwrap()
    }

    #[test]
    fn types_that_are_asked_for_together_are_one_partition_called_by_their_names() {
        let together = Partitions::Together(&[("card-transactions", "TRANSACTIONS"), ("fees", "FEES")]);
        assert_eq!(together.names(&config(r#"["fees","disputes","card-transactions"]"#)), ["TRANSACTIONS,FEES"]);
        assert_eq!(together.names(&config(r#"["fees"]"#)), ["FEES"]);
        assert_eq!(together.names(&config(r#"["disputes"]"#)), Vec::<String>::new());
        assert_eq!(Partitions::Types.names(&config(r#"["fees","disputes"]"#)), ["fees", "disputes"]);
    }
}
