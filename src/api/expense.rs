//! `/v1/expense/<type>`: expense transactions by the day of their last change (docs/navan-api.md#expense).

use std::ops::RangeInclusive;

use chrono::NaiveDate;

use super::{Api, CursorPage, EXPENSE_PAGE_SIZE};
use crate::gateway::Failure;

/// Every group of fields, so that the columns do not depend on the company's defaults.
const FIELD_GROUPS: &str = "POLICY,ERP,TAX,BOOKING,MILEAGE,TRAVELER_HR,LINE_ITEM";

impl Api {
    /// One page of the transactions of type `kind` that changed on `days`, both included; without a cursor the first.
    ///
    /// # Errors
    /// As for any request.
    pub async fn expense(
        &self,
        kind: &str,
        days: &RangeInclusive<NaiveDate>,
        cursor: Option<&str>,
    ) -> Result<CursorPage, Failure> {
        self.expense_sized(kind, days, cursor, EXPENSE_PAGE_SIZE).await
    }

    /// One of today's transactions of type `kind`, to see whether they can be read.
    ///
    /// # Errors
    /// As for any request.
    pub async fn glance_at_expense(&self, kind: &str) -> Result<(), Failure> {
        let today = self.now().date_naive();
        self.expense_sized(kind, &(today..=today), None, 1).await.map(drop)
    }

    async fn expense_sized(
        &self,
        kind: &str,
        days: &RangeInclusive<NaiveDate>,
        cursor: Option<&str>,
        size: u64,
    ) -> Result<CursorPage, Failure> {
        let mut parameters = vec![
            ("date_modified.from", days.start().to_string()),
            ("date_modified.to", days.end().to_string()),
            ("page_size", size.to_string()),
            ("include_field_group", FIELD_GROUPS.to_owned()),
        ];
        if let Some(cursor) = cursor {
            parameters.push(("cursor", cursor.to_owned()));
        }
        let (page, slot) = self.get(&format!("/v1/expense/{kind}"), &parameters, CursorPage::read).await?;
        Ok(CursorPage { rows: page.rows.holding(slot), ..page })
    }
}
