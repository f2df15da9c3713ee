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

    /// Whether it has an error beside its rows.
    fn tells_of_error(&self) -> bool;

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
        // Some servers begin with a byte order mark.
        let mut scanner = Scanner::new(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body));
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
    /// How many rows a page has, if it tells.
    pub(super) page_size: Option<u64>,
    pub(super) counting: Counting,
    /// It gives a cursor to the next page.
    pub(super) has_cursor: bool,
    tells_of_error: bool,
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
    tells_of_error: bool,
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

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    #[serde(default, deserialize_with = "lenient::number")]
    total_pages: Option<u64>,
    #[serde(default, deserialize_with = "lenient::number")]
    total_elements: Option<u64>,
    #[serde(default, alias = "size", deserialize_with = "lenient::number")]
    page_size: Option<u64>,
}

impl Envelope for ListEnvelope {
    fn scan(scanner: &mut Scanner<'_>, format: &RecordFormat) -> Result<Self, Malformed> {
        let (mut data, mut resources) = (Once::default(), Once::default());
        let (mut page, mut total_results) = (Once::default(), Once::default());
        let (mut start_index, mut items_per_page) = (Once::default(), Once::default());
        let (mut next_cursor, mut error, mut failed) = (Once::default(), false, false);
        let mut more = scanner.open(b'{', b'}')?;
        while more {
            match member_name(scanner)?.as_str() {
                "data" | "content" => data.set(rows_or_null(scanner, format)?)?,
                "Resources" => resources.set(rows_or_null(scanner, format)?)?,
                "page" => page.set(metadata::<PageInfo>(scanner)?)?,
                "totalResults" => total_results.set(number(scanner)?)?,
                "startIndex" => start_index.set(number(scanner)?)?,
                "itemsPerPage" => items_per_page.set(number(scanner)?)?,
                "next_cursor" | "nextCursor" => next_cursor.set(lenient::text(&small_value(scanner)?))?,
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
        let page = page.get().unwrap_or_default();
        let total = page.total_elements.or(total_results.get());
        let (data, resources) = (data.get(), resources.get());
        if failed && data.as_ref().or(resources.as_ref()).is_some_and(RecordBatch::is_empty) {
            return Err(Malformed::Shape(ERROR));
        }
        let counting = match resources {
            Some(_) if data.is_none() => Counting::Rows(start_index.get().unwrap_or(0)),
            _ => Counting::Pages(page.total_pages),
        };
        if let Some(rows) = data.or(resources) {
            let has_cursor = next_cursor.get().is_some();
            return Ok(Self {
                rows,
                bytes,
                total,
                page_size: page.page_size.or(items_per_page.get()),
                counting,
                has_cursor,
                tells_of_error: failed,
            });
        }
        if total == Some(0) {
            return Ok(Self::empty());
        }
        let announces_rows = total.unwrap_or(0) > 0 || page.total_pages.unwrap_or(0) > 0;
        let is_nothing = !error && !failed && has_paging && !announces_rows;
        Err(Malformed::Shape(if is_nothing { NOTHING } else { "its rows, `data`, are missing" }))
    }

    fn empty() -> Self {
        Self {
            rows: RecordBatch::empty(),
            bytes: 0,
            total: Some(0),
            page_size: None,
            counting: Counting::Pages(Some(0)),
            has_cursor: false,
            tells_of_error: false,
        }
    }

    fn tells_of_error(&self) -> bool {
        self.tells_of_error
    }
}

impl Envelope for ChangesEnvelope {
    fn scan(scanner: &mut Scanner<'_>, format: &RecordFormat) -> Result<Self, Malformed> {
        let (mut content, mut next_cursor, mut has_next) = (Once::default(), Once::default(), Once::default());
        let (mut content_size, mut page) = (Once::default(), Once::default());
        let (mut error, mut failed) = (false, false);
        let mut more = scanner.open(b'{', b'}')?;
        while more {
            match member_name(scanner)?.as_str() {
                "content" | "data" => content.set(rows_or_null(scanner, format)?)?,
                "next_cursor" | "nextCursor" => next_cursor.set(lenient::text(&small_value(scanner)?))?,
                "has_next" | "hasNext" => has_next.set(lenient::boolean(&small_value(scanner)?))?,
                "content_size" | "contentSize" => content_size.set(number(scanner)?)?,
                "page" => page.set(metadata::<PageInfo>(scanner)?)?,
                "error" | "errors" => failed |= is_something(scanner)?,
                name => {
                    error |= is_error(name);
                    scanner.skip()?;
                }
            }
            more = scanner.more(b'}')?;
        }
        let has_paging = content.came || has_next.came || content_size.came;
        // A list that is numbered has more than this page if it says so; nothing here leads there.
        let pages = page.get().and_then(|page| page.total_pages).unwrap_or(0);
        let next = match (has_next.get(), next_cursor.get()) {
            (Some(false), _) => NextPage::None,
            (None, None) if pages <= 1 => NextPage::None,
            (_, Some(cursor)) => NextPage::Cursor(cursor),
            (_, None) => NextPage::Unreachable,
        };
        let size = content_size.get();
        let announces_rows = size.unwrap_or(0) > 0 || next != NextPage::None;
        match content.get() {
            Some(rows) if failed && rows.is_empty() => Err(Malformed::Shape(ERROR)),
            Some(rows) => Ok(Self { rows, next, tells_of_error: failed }),
            None if announces_rows || error || failed || !has_paging => {
                Err(Malformed::Shape("its rows, `content` or `data`, are missing"))
            }
            None if size == Some(0) => Ok(Self::empty()),
            None => Err(Malformed::Shape(NOTHING)),
        }
    }

    fn empty() -> Self {
        Self { rows: RecordBatch::empty(), next: NextPage::None, tells_of_error: false }
    }

    fn tells_of_error(&self) -> bool {
        self.tells_of_error
    }
}

/// What stands beside the rows, in whatever form: what cannot be understood counts as not told.
mod lenient {
    use serde::{Deserialize, Deserializer};
    use serde_json::Value;

    pub(super) fn number<'a, D: Deserializer<'a>>(value: D) -> Result<Option<u64>, D::Error> {
        let value = Value::deserialize(value)?;
        Ok(value.as_u64().or_else(|| value.as_str()?.trim().parse().ok()))
    }

    pub(super) fn boolean(value: &Value) -> Option<bool> {
        value.as_bool().or_else(|| value.as_str()?.trim().to_ascii_lowercase().parse().ok())
    }

    /// A cursor, which is none if it is empty.
    pub(super) fn text(value: &Value) -> Option<String> {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        (!text.is_empty()).then_some(text)
    }
}

/// Whether a member of that name tells of an error.
fn is_error(name: &str) -> bool {
    matches!(name, "message" | "error_description")
}

/// Whether the next value is more than null.
fn is_something(scanner: &mut Scanner<'_>) -> Result<bool, Malformed> {
    let span = scanner.skip()?;
    Ok(!matches!(&scanner.text()[span], b"null" | b"[]" | b"\"\"" | b"{}" | b"false" | b"0"))
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
        b'n' => scanner.skip().map(|_| None),
        _ => Err(Malformed::Shape(OTHER_SHAPE)),
    }
}

fn member_name(scanner: &mut Scanner<'_>) -> Result<String, Malformed> {
    let Range { start, end } = scanner.name()?;
    from_json(&scanner.text()[start - 1..=end])
}

/// What a member beside the rows holds.
fn small_value(scanner: &mut Scanner<'_>) -> Result<serde_json::Value, Malformed> {
    let span = scanner.skip()?;
    from_json(&scanner.text()[span])
}

/// The same, if it is a count.
fn number(scanner: &mut Scanner<'_>) -> Result<Option<u64>, Malformed> {
    Ok(lenient::number(&small_value(scanner)?).ok().flatten())
}

/// The same, if it has this form.
fn metadata<T: for<'a> Deserialize<'a>>(scanner: &mut Scanner<'_>) -> Result<Option<T>, Malformed> {
    let span = scanner.skip()?;
    Ok(serde_json::from_slice(&scanner.text()[span]).ok())
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
        for body in
            [r#"{"content":[null,7]}"#, r#"{"content":[{}"#, "{}", r#"{"message":"down","has_next":false}"#, "7"]
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
