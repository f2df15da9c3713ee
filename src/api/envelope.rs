//! The envelopes of Navan's pages: what stands around the rows.

use std::ops::Range;

use serde::Deserialize;

use crate::gateway::InvalidBody;
use crate::record::{Malformed, RecordBatch, RecordFormat, Scanner};

/// A page's body, understood.
pub(super) trait Envelope: Sized {
    /// Reads the envelope's members, and has the rows become records on the way.
    fn scan(scanner: &mut Scanner<'_>, format: &RecordFormat) -> Result<Self, Malformed>;

    /// A page without rows, behind which there is none.
    fn empty() -> Self;

    /// The whole of a body.
    fn whole(scanner: &mut Scanner<'_>, format: &RecordFormat) -> Result<Self, Malformed> {
        let page = match scanner.peek() {
            b'{' => Self::scan(scanner, format)?,
            0 => return Err(Malformed::Shape(NOTHING)),
            _ => {
                let span = scanner.skip()?;
                let is_nothing = matches!(scanner.text()[span], [b'n', ..] | [b'[', b']']);
                return Err(Malformed::Shape(if is_nothing { NOTHING } else { OTHER_SHAPE }));
            }
        };
        scanner.end()?;
        Ok(page)
    }

    /// Understands a body.
    ///
    /// # Errors
    /// If it is not the promised JSON.
    fn parse(body: &[u8], format: &RecordFormat) -> Result<Self, BodyProblem> {
        let mut scanner = Scanner::new(body);
        let page = Self::whole(&mut scanner, format);
        page.map_err(|malformed| match malformed {
            Malformed::Shape(NOTHING) => BodyProblem::Nothing,
            malformed => BodyProblem::Invalid(describe(malformed, body, scanner.at())),
        })
    }

    /// Understands a body that is no JSON, if what is broken lies inside the values of rows.
    fn mend(body: &[u8], format: &RecordFormat) -> Option<Self> {
        Self::whole(&mut Scanner::lenient(body), format).ok()
    }
}

/// Why a body is no page.
#[derive(Debug)]
pub(super) enum BodyProblem {
    /// It says nothing: it is empty, `null` or `[]`, or its rows are missing beside its paging. From an endpoint that is known to answer
    /// properly that is no row.
    Nothing,
    /// It is something else.
    Invalid(InvalidBody),
}

/// Of a page that has a number.
pub(super) struct ListEnvelope {
    pub(super) rows: RecordBatch,
    /// The size of the page.
    pub(super) bytes: usize,
    /// How many rows there are, if the page tells.
    pub(super) total: Option<u64>,
    pub(super) counting: Counting,
}

/// How a page counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counting {
    /// Pages, of which there are so many, if it tells.
    Pages(Option<u64>),
    /// Rows, as SCIM does, from this number on.
    Rows(u64),
}

/// Of a page that leads to the next by a cursor.
pub(super) struct ChangesEnvelope {
    pub(super) rows: RecordBatch,
    pub(super) next: NextPage,
}

/// What a page says of the one behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NextPage {
    /// There is none.
    None,
    /// This cursor leads there.
    Cursor(String),
    /// There is one, but nothing leads there.
    Unreachable,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    total_pages: Option<u64>,
    total_elements: Option<u64>,
}

impl Envelope for ListEnvelope {
    fn scan(scanner: &mut Scanner<'_>, format: &RecordFormat) -> Result<Self, Malformed> {
        let (mut data, mut resources) = (Once::default(), Once::default());
        let (mut page, mut total_results) = (Once::default(), Once::default());
        let (mut start_index, mut error, mut failed) = (Once::default(), false, false);
        let mut more = scanner.open(b'{', b'}')?;
        while more {
            match member_name(scanner)?.as_str() {
                "data" => data.set(rows_or_null(scanner, format)?)?,
                "Resources" => resources.set(rows_or_null(scanner, format)?)?,
                "page" => page.set(value::<Option<PageInfo>>(scanner)?)?,
                "totalResults" => total_results.set(value::<Option<u64>>(scanner)?)?,
                "startIndex" => start_index.set(value::<Option<u64>>(scanner)?)?,
                "error" | "errors" => failed |= is_something(scanner)?,
                name => {
                    error |= is_error(name);
                    scanner.skip()?;
                }
            }
            more = scanner.more(b'}')?;
        }
        let bytes = scanner.text().len();
        let has_paging = page.came || total_results.came;
        let page = page.get();
        let (total_pages, total_elements) = page.map_or((None, None), |page| (page.total_pages, page.total_elements));
        let total = total_elements.or(total_results.get());
        let (data, resources) = (data.get(), resources.get());
        if failed && data.as_ref().or(resources.as_ref()).is_some_and(RecordBatch::is_empty) {
            return Err(Malformed::Shape(ERROR));
        }
        if let Some(rows) = data {
            return Ok(Self { rows, bytes, total, counting: Counting::Pages(total_pages) });
        }
        if let Some(rows) = resources {
            return Ok(Self { rows, bytes, total, counting: Counting::Rows(start_index.get().unwrap_or(0)) });
        }
        if total == Some(0) {
            return Ok(Self::empty());
        }
        let announces_rows = total.unwrap_or(0) > 0 || total_pages.unwrap_or(0) > 0;
        let is_nothing = !error && !failed && has_paging && !announces_rows;
        Err(Malformed::Shape(if is_nothing { NOTHING } else { "its rows, `data`, are missing" }))
    }

    fn empty() -> Self {
        Self { rows: RecordBatch::empty(), bytes: 0, total: Some(0), counting: Counting::Pages(Some(0)) }
    }
}

impl Envelope for ChangesEnvelope {
    fn scan(scanner: &mut Scanner<'_>, format: &RecordFormat) -> Result<Self, Malformed> {
        let (mut content, mut next_cursor, mut has_next) = (Once::default(), Once::default(), Once::default());
        let (mut content_size, mut error, mut failed) = (Once::default(), false, false);
        let mut more = scanner.open(b'{', b'}')?;
        while more {
            match member_name(scanner)?.as_str() {
                "content" | "data" => content.set(rows_or_null(scanner, format)?)?,
                "next_cursor" | "nextCursor" => next_cursor.set(value::<Option<String>>(scanner)?)?,
                "has_next" | "hasNext" => has_next.set(value::<Option<bool>>(scanner)?)?,
                "content_size" | "contentSize" => content_size.set(value::<Option<u64>>(scanner)?)?,
                "error" | "errors" => failed |= is_something(scanner)?,
                name => {
                    error |= is_error(name);
                    scanner.skip()?;
                }
            }
            more = scanner.more(b'}')?;
        }
        let has_paging = content.came || has_next.came || content_size.came;
        let has_next = has_next.get();
        let cursor = next_cursor.get().filter(|cursor| !cursor.is_empty());
        let next = match (has_next, cursor) {
            (Some(false), _) | (None, None) => NextPage::None,
            (_, Some(cursor)) => NextPage::Cursor(cursor),
            (Some(true), None) => NextPage::Unreachable,
        };
        let size = content_size.get();
        let announces_rows = size.unwrap_or(0) > 0 || next != NextPage::None;
        match content.get() {
            Some(rows) if failed && rows.is_empty() => Err(Malformed::Shape(ERROR)),
            Some(rows) => Ok(Self { rows, next }),
            None if announces_rows || error || failed || !has_paging => {
                Err(Malformed::Shape("its rows, `content` or `data`, are missing"))
            }
            None if size == Some(0) => Ok(Self::empty()),
            None => Err(Malformed::Shape(NOTHING)),
        }
    }

    fn empty() -> Self {
        Self { rows: RecordBatch::empty(), next: NextPage::None }
    }
}

/// Whether a member of that name tells of an error.
fn is_error(name: &str) -> bool {
    matches!(name, "message" | "error_description")
}

/// Whether the next value is more than null.
fn is_something(scanner: &mut Scanner<'_>) -> Result<bool, Malformed> {
    let span = scanner.skip()?;
    Ok(!matches!(&scanner.text()[span], b"null" | b"[]" | b"\"\"" | b"{}"))
}

/// What is said of a page that has no rows, but tells of an error.
const ERROR: &str = "it has no rows, but tells of an error";

/// What is said of a body that says nothing.
const NOTHING: &str = "it says nothing";

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

    fn list(body: &str) -> Result<ListEnvelope, BodyProblem> {
        ListEnvelope::parse(body.as_bytes(), &format())
    }

    fn changes(body: &str) -> Result<ChangesEnvelope, BodyProblem> {
        ChangesEnvelope::parse(body.as_bytes(), &format())
    }

    #[test]
    fn rows_are_the_bytes_that_came() {
        let body = r#"{"data":[ {"id":"1", "tax": 1.10} ,{"id":"\u00e9"}],"page":{"totalPages":1,"currentPage":0,"totalElements":2}}"#;
        let page = list(body).unwrap();
        let lines = str::from_utf8(page.rows.lines()).unwrap();
        let rows: Vec<_> = lines.lines().map(|line| line.split_once(r#""data":"#).unwrap().1).collect();
        assert_eq!(rows, [r#"{"id":"1", "tax": 1.10}}}"#, r#"{"id":"\u00e9"}}}"#]);
        assert_eq!((page.counting, page.total), (Counting::Pages(Some(1)), Some(2)));
    }

    #[test]
    fn what_is_not_promised_is_never_an_empty_page() {
        let is_invalid = |problem: Option<BodyProblem>| matches!(problem, Some(BodyProblem::Invalid(_)));
        for body in [
            "<html></html>",
            r#"{"data":[1],"page":{"totalPages":1,"totalElements":1}}"#,
            r#"{"data":[],"data":[],"page":{"totalPages":1,"totalElements":1}}"#,
            r#"{"data":[],"page":{"totalPages":-1,"totalElements":1}}"#,
            r#"{"data":[],"page":{"totalPages":1,"totalElements":1}} x"#,
            r#"{"data":[{"#,
            "{}",
            r#"{"status":"down"}"#,
            r#"{"data":null,"page":{"totalElements":3}}"#,
            r#"{"data":null,"page":{"totalPages":3}}"#,
            r#"{"error":{"code":"x"},"page":{"totalPages":1,"totalElements":1}}"#,
            "[1]",
        ] {
            assert!(is_invalid(list(body).err()), "{body}");
        }
        for body in [
            r#"{"content":null,"content_size":500}"#,
            r#"{"content":null,"has_next":true,"next_cursor":"c"}"#,
            r#"{"content":null,"has_next":true}"#,
        ] {
            assert!(is_invalid(changes(body).err()), "{body}");
        }
        for body in [r#"{"content":[null]}"#, r#"{"content":[{}"#, "{}", r#"{"message":"down","has_next":false}"#, "7"]
        {
            assert!(is_invalid(changes(body).err()), "{body}");
        }
    }

    #[test]
    fn what_says_nothing_is_told_from_what_is_empty() {
        for body in ["", " \n", "null", "[]"] {
            assert!(matches!(list(body), Err(BodyProblem::Nothing)), "{body}");
            assert!(matches!(changes(body), Err(BodyProblem::Nothing)), "{body}");
        }
        assert!(matches!(list(r#"{"data":null,"page":{}}"#), Err(BodyProblem::Nothing)));
        assert!(matches!(changes(r#"{"content":null,"has_next":false}"#), Err(BodyProblem::Nothing)));
        for body in [r#"{"data":null,"page":{"totalElements":0}}"#, r#"{"data":[]}"#, r#"{"page":{"totalElements":0}}"#]
        {
            assert!(list(body).unwrap().rows.is_empty(), "{body}");
        }
        for body in [r#"{"content":null,"content_size":0}"#, r#"{"content":[]}"#] {
            assert!(changes(body).unwrap().rows.is_empty(), "{body}");
        }
    }

    #[test]
    fn a_list_may_count_in_three_ways() {
        let counting = |body: &str| {
            let page = list(body).unwrap();
            (page.counting, page.total)
        };
        assert_eq!(counting(r#"{"data":[]}"#), (Counting::Pages(None), None));
        assert_eq!(counting(r#"{"Resources":[],"totalResults":3}"#), (Counting::Rows(0), Some(3)));
        assert_eq!(counting(r#"{"Resources":[],"totalResults":3,"startIndex":1}"#), (Counting::Rows(1), Some(3)));
    }

    #[test]
    fn an_error_beside_no_rows_is_no_empty_page() {
        let error = r#""error":{"code":"TIMEOUT"}"#;
        for body in [format!(r#"{{{error},"data":[]}}"#), format!(r#"{{"data":[],{error}}}"#)] {
            assert!(list(&body).is_err(), "{body}");
        }
        assert!(changes(&format!(r#"{{{error},"content":[],"has_next":false}}"#)).is_err());
        assert!(changes(r#"{"error":null,"errors":[],"content":[],"has_next":false}"#).is_ok());
    }

    #[test]
    fn the_members_of_a_page_of_changes_have_two_names_each() {
        let page = changes(r#"{"data":[{"id":"1"}],"nextCursor":"c"}"#).unwrap();
        assert_eq!((page.rows.len(), page.next), (1, NextPage::Cursor("c".to_owned())));
        assert!(changes(r#"{"data":[],"content":[]}"#).is_err());
    }

    #[test]
    fn a_page_leads_to_the_next_or_is_the_last() {
        let next = |rest: &str| changes(&format!(r#"{{"content":[],{rest}}}"#)).unwrap().next;
        let cursor = NextPage::Cursor("c".to_owned());
        assert_eq!(next(r#""next_cursor":"c","has_next":true"#), cursor);
        assert_eq!(next(r#""next\u005fcursor":"c""#), cursor);
        assert_eq!(next(r#""next_cursor":"c","has_next":false"#), NextPage::None);
        assert_eq!(next(r#""next_cursor":null"#), NextPage::None);
        for cursor in ["null", r#""""#] {
            assert_eq!(next(&format!(r#""next_cursor":{cursor},"has_next":true"#)), NextPage::Unreachable);
        }
    }
}
