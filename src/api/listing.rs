//! Page-numbered endpoints in general: `/v1/users`, and whatever else Navan lists that way.

use super::{Api, NumberedPage, PAGE_SIZE};
use crate::gateway::Failure;

/// How an endpoint counts its pages. Both are reported of `/v1/users` (docs/navan-api.md#users).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// By `page` and `size`.
    #[default]
    Numbered,
    /// By `startIndex` and `count`, with `Resources` in the answer; so many rows a page, which can be fewer than asked for.
    Indexed(u64),
}

impl Api {
    /// One page of the list at `path`, `page` counted from 0.
    ///
    /// # Errors
    /// As for any request.
    pub async fn listing(&self, path: &str, page: u64, form: Form) -> Result<NumberedPage, Failure> {
        let answer = self.numbered(path, &paging(page, PAGE_SIZE, form)).await?;
        if answer.form == Form::Numbered || form != Form::Numbered {
            return Ok(NumberedPage { form, ..answer });
        }
        // It counts in the other form, and so did not understand the question. What it gives at once is its page.
        drop(answer);
        let first = self.numbered(path, &paging(0, PAGE_SIZE, Form::Indexed(PAGE_SIZE))).await?;
        let rows = first.rows.len() as u64;
        let size = if rows < first.total { rows.max(1) } else { PAGE_SIZE };
        Ok(NumberedPage { form: Form::Indexed(size), pages: first.total.div_ceil(size), ..first })
    }

    /// One row of the list at `path`, to see whether it can be read.
    ///
    /// # Errors
    /// As for any request.
    pub async fn glance_at_listing(&self, path: &str) -> Result<(), Failure> {
        self.numbered(path, &paging(0, 1, Form::Numbered)).await.map(drop)
    }

    pub(super) async fn numbered(&self, path: &str, parameters: &[(&str, String)]) -> Result<NumberedPage, Failure> {
        let (page, slot) = self.get(path, parameters, NumberedPage::read).await?;
        Ok(NumberedPage { rows: page.rows.holding(slot), ..page })
    }
}

fn paging(page: u64, size: u64, form: Form) -> [(&'static str, String); 2] {
    match form {
        Form::Numbered => [("page", page.to_string()), ("size", size.to_string())],
        Form::Indexed(size) => [("startIndex", (page * size).to_string()), ("count", size.to_string())],
    }
}
