//! The envelopes of Navan's pages: what stands around the rows.

use std::ops::Range;

use serde::Deserialize;

use crate::gateway::InvalidBody;
use crate::record::{Malformed, RecordBatch, RecordFormat, Scanner};

/// A page's body, understood.
pub(super) trait Envelope: Sized {
    /// Reads the envelope's members, and has the rows become records on the way.
    fn scan(scanner: &mut Scanner<'_>, format: &RecordFormat) -> Result<Self, Malformed>;

    /// The whole of a body.
    fn whole(scanner: &mut Scanner<'_>, format: &RecordFormat) -> Result<Self, Malformed> {
        if scanner.peek() != b'{' {
            scanner.skip()?;
            return Err(Malformed::Shape(OTHER_SHAPE));
        }
        let page = Self::scan(scanner, format)?;
        scanner.end()?;
        Ok(page)
    }

    /// Understands a body.
    ///
    /// # Errors
    /// If it is not the promised JSON.
    fn parse(body: &[u8], format: &RecordFormat) -> Result<Self, InvalidBody> {
        let mut scanner = Scanner::new(body);
        let page = Self::whole(&mut scanner, format);
        page.map_err(|malformed| describe(malformed, body, scanner.at()))
    }

    /// Understands a body that is no JSON, if what is broken lies inside the values of rows.
    fn mend(body: &[u8], format: &RecordFormat) -> Option<Self> {
        Self::whole(&mut Scanner::lenient(body), format).ok()
    }
}

/// Of a page that has a number.
pub(super) struct ListEnvelope {
    pub(super) rows: RecordBatch,
    /// The size of the page.
    pub(super) bytes: usize,
    pub(super) total: u64,
    /// How many pages there are; `None` if the page counts as SCIM does.
    pub(super) pages: Option<u64>,
}

/// Of a page that leads to the next by a cursor.
pub(super) struct ChangesEnvelope {
    pub(super) rows: RecordBatch,
    /// `None` on the last.
    pub(super) next_cursor: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    total_pages: u64,
    total_elements: u64,
}

impl Envelope for ListEnvelope {
    fn scan(scanner: &mut Scanner<'_>, format: &RecordFormat) -> Result<Self, Malformed> {
        let (mut data, mut resources) = (Once::default(), Once::default());
        let (mut page, mut total_results) = (Once::default(), Once::default());
        let mut more = scanner.open(b'{', b'}')?;
        while more {
            match member_name(scanner)?.as_str() {
                "data" => data.set(rows_or_null(scanner, format)?)?,
                "Resources" => resources.set(rows_or_null(scanner, format)?)?,
                "page" => page.set(value::<Option<PageInfo>>(scanner)?)?,
                "totalResults" => total_results.set(value::<Option<u64>>(scanner)?)?,
                _ => {
                    scanner.skip()?;
                }
            }
            more = scanner.more(b'}')?;
        }
        let bytes = scanner.text().len();
        match (data.get(), page.get(), resources.get(), total_results.get()) {
            (Some(rows), Some(page), _, _) => {
                Ok(Self { rows, bytes, total: page.total_elements, pages: Some(page.total_pages) })
            }
            (_, _, Some(rows), Some(total)) => Ok(Self { rows, bytes, total, pages: None }),
            _ => Err(Malformed::Shape("`data` and `page` are missing")),
        }
    }
}

impl Envelope for ChangesEnvelope {
    fn scan(scanner: &mut Scanner<'_>, format: &RecordFormat) -> Result<Self, Malformed> {
        let (mut content, mut next_cursor, mut has_next) = (Once::default(), Once::default(), Once::default());
        let mut more = scanner.open(b'{', b'}')?;
        while more {
            match member_name(scanner)?.as_str() {
                "content" => content.set(rows_or_null(scanner, format)?)?,
                "next_cursor" => next_cursor.set(value::<Option<String>>(scanner)?)?,
                "has_next" => has_next.set(value::<Option<bool>>(scanner)?)?,
                _ => {
                    scanner.skip()?;
                }
            }
            more = scanner.more(b'}')?;
        }
        let rows = content.get().ok_or(Malformed::Shape(OTHER_SHAPE))?;
        let has_next = has_next.get() != Some(false);
        Ok(Self { rows, next_cursor: next_cursor.get().filter(|cursor| !cursor.is_empty() && has_next) })
    }
}

/// What is said where nothing more exact is known.
const OTHER_SHAPE: &str = "it has another shape";

/// A member that must not come twice: nobody could say which of the two counts.
struct Once<T> {
    came: bool,
    value: Option<T>,
}

impl<T> Default for Once<T> {
    fn default() -> Self {
        Self { came: false, value: None }
    }
}

impl<T> Once<T> {
    fn set(&mut self, value: Option<T>) -> Result<(), Malformed> {
        if std::mem::replace(&mut self.came, true) {
            return Err(Malformed::Shape(OTHER_SHAPE));
        }
        self.value = value;
        Ok(())
    }

    fn get(self) -> Option<T> {
        self.value
    }
}

fn rows_or_null(scanner: &mut Scanner<'_>, format: &RecordFormat) -> Result<Option<RecordBatch>, Malformed> {
    match scanner.peek() {
        b'[' => format.scan(scanner).map(Some),
        _ => value::<()>(scanner).map(|()| None),
    }
}

fn member_name(scanner: &mut Scanner<'_>) -> Result<String, Malformed> {
    let Range { start, end } = scanner.name()?;
    from_json(&scanner.text()[start - 1..=end])
}

/// A small value, by way of a parser that knows its type.
fn value<T: for<'a> Deserialize<'a>>(scanner: &mut Scanner<'_>) -> Result<T, Malformed> {
    let span = scanner.skip()?;
    from_json(&scanner.text()[span])
}

fn from_json<T: for<'a> Deserialize<'a>>(text: &[u8]) -> Result<T, Malformed> {
    serde_json::from_slice(text).map_err(|_| Malformed::Shape(OTHER_SHAPE))
}

/// The words of an error at a place of the body, of which they quote nothing.
fn describe(malformed: Malformed, body: &[u8], at: usize) -> InvalidBody {
    let before = &body[..at.min(body.len())];
    let what = match malformed {
        Malformed::Syntax => "it is not whole JSON",
        Malformed::Encoding => return InvalidBody("it is not UTF-8".to_owned()),
        Malformed::Shape(OTHER_SHAPE) => OTHER_SHAPE,
        Malformed::Shape(what) => return InvalidBody(what.to_owned()),
    };
    let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let line = before.split(|byte| *byte == b'\n').count();
    InvalidBody(format!("{what} at line {line}, column {}", before.len() - line_start + usize::from(at < body.len())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::RowSchema;

    fn format() -> RecordFormat {
        let schema =
            RowSchema::compile(r#"{"properties":{"id":{"type":"string"},"tax":{"type":"number"}}}"#, "id", None, &[])
                .unwrap();
        RecordFormat::new(schema, "S", None)
    }

    fn list(body: &str) -> Result<ListEnvelope, InvalidBody> {
        ListEnvelope::parse(body.as_bytes(), &format())
    }

    fn changes(body: &str) -> Result<ChangesEnvelope, InvalidBody> {
        ChangesEnvelope::parse(body.as_bytes(), &format())
    }

    #[test]
    fn rows_are_the_bytes_that_came() {
        let body = r#"{"data":[ {"id":"1", "tax": 1.10} ,{"id":"\u00e9"}],"page":{"totalPages":1,"currentPage":0,"totalElements":2}}"#;
        let page = list(body).unwrap();
        let lines = str::from_utf8(page.rows.lines()).unwrap();
        let rows: Vec<_> = lines.lines().map(|line| line.split_once(r#""data":"#).unwrap().1).collect();
        assert_eq!(rows, [r#"{"id":"1", "tax": 1.10}}}"#, r#"{"id":"\u00e9"}}}"#]);
        assert_eq!((page.pages, page.total), (Some(1), 2));
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
            r#"{"data":[],"data":[],"page":{"totalPages":1,"totalElements":1}}"#,
            r#"{"data":[],"page":{"totalPages":-1,"totalElements":1}}"#,
            r#"{"data":[],"page":{"totalPages":1,"totalElements":1}} x"#,
            r#"{"data":[{"#,
        ] {
            assert!(list(body).is_err(), "{body}");
        }
        for body in ["", "{}", "[]", r#"{"content":null}"#, r#"{"content":[null]}"#, r#"{"content":[{}"#] {
            assert!(changes(body).is_err(), "{body}");
        }
    }

    #[test]
    fn the_last_page_has_no_cursor() {
        let next = |rest: &str| changes(&format!(r#"{{"content":[],{rest}}}"#)).unwrap().next_cursor;
        assert_eq!(next(r#""next_cursor":"c","has_next":true"#).as_deref(), Some("c"));
        assert_eq!(next(r#""next\u005fcursor":"c""#).as_deref(), Some("c"));
        assert_eq!(next(r#""next_cursor":"c","has_next":false"#), None);
        assert_eq!(next(r#""next_cursor":null,"has_next":true"#), None);
    }
}
