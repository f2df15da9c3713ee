//! `/v1/bookings`: bookings by the time of their creation (docs/navan-api.md#bookings).

use std::ops::RangeInclusive;

use chrono::{DateTime, Utc};

use super::{Api, NumberedPage, PAGE_SIZE};
use crate::gateway::Failure;

/// The endpoint's path.
const PATH: &str = "/v1/bookings";

impl Api {
    /// One page of the bookings created in `created`, whole seconds, both ends included; `page` counted from 0.
    ///
    /// # Errors
    /// As for any request.
    pub async fn bookings(&self, created: &RangeInclusive<DateTime<Utc>>, page: u64) -> Result<NumberedPage, Failure> {
        self.bookings_sized(created, page, PAGE_SIZE).await
    }

    /// One booking, to see whether bookings can be read.
    ///
    /// # Errors
    /// As for any request.
    pub async fn glance_at_bookings(&self) -> Result<(), Failure> {
        let now = self.now();
        self.bookings_sized(&(now - chrono::Duration::days(30)..=now), 0, 1).await.map(drop)
    }

    async fn bookings_sized(
        &self,
        created: &RangeInclusive<DateTime<Utc>>,
        page: u64,
        size: u64,
    ) -> Result<NumberedPage, Failure> {
        let parameters = [
            ("createdFrom", created.start().timestamp().to_string()),
            ("createdTo", created.end().timestamp().to_string()),
            ("page", page.to_string()),
            ("size", size.to_string()),
        ];
        self.numbered(PATH, &parameters).await
    }
}
