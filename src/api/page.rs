//! The shapes of Navan's pages, and their rows as raw text.

use std::ops::Range;

use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::OwnedSemaphorePermit;

use super::{Form, PAGE_SIZE};
use crate::gateway::Unusable;

/// The rows of a page, as Navan wrote them.
pub struct Rows {
    body: String,
    spans: Vec<Range<usize>>,
    _slot: Option<OwnedSemaphorePermit>,
}

/// A page that has a number.
pub struct NumberedPage {
    /// Its rows.
    pub rows: Rows,
    /// How many pages there are at present.
    pub pages: u64,
    /// How many rows there are at present.
    pub total: u64,
    /// In which form the endpoint counts.
    pub form: Form,
}

/// A page that leads to the next by a cursor.
pub struct CursorPage {
    /// Its rows.
    pub rows: Rows,
    /// The cursor of the next page; `None` on the last.
    pub next: Option<String>,
}

#[derive(Deserialize)]
struct Numbered<'a> {
    #[serde(borrow)]
    data: Option<Vec<&'a RawValue>>,
    page: Option<PageInfo>,
    #[serde(borrow, rename = "Resources")]
    resources: Option<Vec<&'a RawValue>>,
    #[serde(rename = "totalResults")]
    total_results: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    total_pages: u64,
    total_elements: u64,
}

#[derive(Deserialize)]
struct Cursored<'a> {
    #[serde(borrow)]
    content: Vec<&'a RawValue>,
    next_cursor: Option<String>,
    #[serde(default)]
    has_next: Option<bool>,
}

impl Rows {
    /// The rows, each one JSON object.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.spans.iter().map(|span| &self.body[span.clone()])
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The size of the page, in bytes.
    pub fn bytes(&self) -> usize {
        self.body.len()
    }

    /// Keeps `slot` until the rows are dropped.
    pub(super) fn holding(self, slot: OwnedSemaphorePermit) -> Self {
        Self { _slot: Some(slot), ..self }
    }
}

impl NumberedPage {
    /// Finds the rows in a body.
    ///
    /// # Errors
    /// If it is not the promised JSON.
    pub fn read(body: String) -> Result<Self, Unusable> {
        let page: Numbered<'_> = parse(&body)?;
        let (raw, pages, total, form) = match (page.data, page.page, page.resources, page.total_results) {
            (Some(data), Some(info), _, _) => (data, info.total_pages, info.total_elements, Form::Numbered),
            (_, _, Some(resources), Some(total)) => {
                (resources, total.div_ceil(PAGE_SIZE), total, Form::Indexed(PAGE_SIZE))
            }
            _ => return Err(Unusable("`data` and `page` are missing".to_owned())),
        };
        let spans = spans(&body, &raw)?;
        Ok(Self { rows: Rows { body, spans, _slot: None }, pages, total, form })
    }
}

impl NumberedPage {
    /// How many bytes all rows will have, if they are like these.
    pub fn estimated_bytes(&self) -> u64 {
        self.total.saturating_mul((self.rows.bytes() / self.rows.len().max(1)) as u64)
    }
}

impl CursorPage {
    pub(super) fn read(body: String) -> Result<Self, Unusable> {
        let page: Cursored<'_> = parse(&body)?;
        let spans = spans(&body, &page.content)?;
        let next = page.next_cursor.filter(|cursor| !cursor.is_empty() && page.has_next != Some(false));
        Ok(Self { rows: Rows { body, spans, _slot: None }, next })
    }
}

fn parse<'a, T: Deserialize<'a>>(body: &'a str) -> Result<T, Unusable> {
    // Serde's own words can quote the body.
    serde_json::from_str(body).map_err(|e| {
        let what = if e.is_data() { "it has another shape" } else { "it is not whole JSON" };
        Unusable(format!("{what} at line {}, column {}", e.line(), e.column()))
    })
}

/// Where the rows stand in the body; they are slices of it.
fn spans(body: &str, rows: &[&RawValue]) -> Result<Vec<Range<usize>>, Unusable> {
    let span = |row: &&RawValue| {
        let text = row.get();
        let start = text.as_ptr() as usize - body.as_ptr() as usize;
        text.starts_with('{').then_some(start..start + text.len())
    };
    rows.iter().map(span).collect::<Option<_>>().ok_or_else(|| Unusable("a row is not an object".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_the_bytes_that_came() {
        let body =
            r#"{"data":[ {"a": 1.10} ,{"b":"\u00e9"}],"page":{"totalPages":1,"currentPage":0,"totalElements":2}}"#;
        let page = NumberedPage::read(body.to_owned()).unwrap();
        assert_eq!(page.rows.iter().collect::<Vec<_>>(), [r#"{"a": 1.10}"#, r#"{"b":"\u00e9"}"#]);
        assert_eq!((page.pages, page.total), (1, 2));
    }

    #[test]
    fn what_is_not_promised_is_never_an_empty_page() {
        for body in [
            "",
            "{}",
            "<html></html>",
            r#"{"data":[]}"#,
            r#"{"data":null,"page":{"totalPages":0,"totalElements":0}}"#,
            r#"{"data":[1],"page":{"totalPages":1,"totalElements":1}}"#,
            r#"{"data":[{"#,
        ] {
            assert!(NumberedPage::read(body.to_owned()).is_err(), "{body}");
        }
        for body in ["", "{}", "[]", r#"{"content":null}"#, r#"{"content":[null]}"#, r#"{"content":[{}"#] {
            assert!(CursorPage::read(body.to_owned()).is_err(), "{body}");
        }
    }

    #[test]
    fn the_last_page_has_no_cursor() {
        let next = |rest: &str| CursorPage::read(format!(r#"{{"content":[],{rest}}}"#)).unwrap().next;
        assert_eq!(next(r#""next_cursor":"c","has_next":true"#).as_deref(), Some("c"));
        assert_eq!(next(r#""next_cursor":"c""#).as_deref(), Some("c"));
        assert_eq!(next(r#""next_cursor":"c","has_next":false"#), None);
        assert_eq!(next(r#""next_cursor":null,"has_next":true"#), None);
    }
}
