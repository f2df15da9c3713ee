//! The expense types, each an endpoint of its own.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An expense type: the last part of its path and Navan's name for its transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "each is named like its path")]
pub enum ExpenseType {
    CardTransactions,
    ConnectTransactions,
    ManualTransactions,
    Repayments,
    Fees,
    Adjustments,
    DailyRebates,
    Disputes,
    StatementPayments,
}

impl ExpenseType {
    /// All nine.
    pub const ALL: [Self; 9] = [
        Self::CardTransactions,
        Self::ConnectTransactions,
        Self::ManualTransactions,
        Self::Repayments,
        Self::Fees,
        Self::Adjustments,
        Self::DailyRebates,
        Self::Disputes,
        Self::StatementPayments,
    ];

    /// The last part of its path, such as `card-transactions`.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::CardTransactions => "card-transactions",
            Self::ConnectTransactions => "connect-transactions",
            Self::ManualTransactions => "manual-transactions",
            Self::Repayments => "repayments",
            Self::Fees => "fees",
            Self::Adjustments => "adjustments",
            Self::DailyRebates => "daily-rebates",
            Self::Disputes => "disputes",
            Self::StatementPayments => "statement-payments",
        }
    }

    /// The `transaction_type` in its rows.
    pub(crate) fn transaction_type(self) -> &'static str {
        match self {
            Self::CardTransactions => "TRANSACTIONS",
            Self::ConnectTransactions => "CONNECT",
            Self::ManualTransactions => "MANUAL_TRANSACTIONS",
            Self::Repayments => "REPAYMENTS",
            Self::Fees => "FEES",
            Self::Adjustments => "ADJUSTMENTS",
            Self::DailyRebates => "DAILY_REBATE",
            Self::Disputes => "DISPUTE",
            Self::StatementPayments => "STATEMENT_PAYMENT",
        }
    }

    /// Its place among all, from 0.
    pub(crate) fn ordinal(self) -> u64 {
        Self::ALL.iter().zip(0..).find_map(|(kind, ordinal)| (*kind == self).then_some(ordinal)).unwrap_or(0)
    }
}

impl fmt::Display for ExpenseType {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.path())
    }
}

impl FromStr for ExpenseType {
    type Err = anyhow::Error;

    fn from_str(path: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.path() == path)
            .ok_or_else(|| anyhow::anyhow!("{path:?} is not an expense type"))
    }
}
