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

    /// A page that is its rows and nothing else.
    fn of_rows(rows: RecordBatch, bytes: usize) -> Self;

    /// What speaks against its rows being all, in words.
    fn doubt(&self) -> Option<&'static str>;

    /// Whether that is an error.
    fn tells_of_error(&self) -> bool {
        self.doubt() == Some(ERROR_BESIDE)
    }

    /// The whole of a body.
    fn whole(scanner: &mut Scanner<'_>, format: &RecordFormat) -> Result<Self, Malformed> {
        let page = match scanner.peek() {
            b'{' => Self::scan(scanner, format)?,
            0 => return Err(Malformed::Shape(NOTHING)),
            b'[' if begins_with_a_row(scanner) => {
                let rows = format.scan(scanner)?;
                Self::of_rows(rows, scanner.text().len())
            }
            _ => {
                let span = scanner.skip()?;
                let body: serde_json::Value = from_json(&scanner.text()[span])?;
                let is_nothing = body.is_null() || body.as_array().is_some_and(Vec::is_empty);
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
    /// The cursor to the next page, if it gives one.
    pub(super) cursor: Option<String>,
    /// No body said so: it is taken for empty.
    pub(super) says_nothing: bool,
    doubt: Option<&'static str>,
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
    pub(super) next: NextTold,
    /// How many rows all its pages have, if it tells.
    pub(super) total: Option<u64>,
    doubt: Option<&'static str>,
}

/// What a page says of the one behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NextTold {
    /// There is none.
    None,
    /// There is none, but this cursor leads there.
    Denied(String),
    /// This cursor leads there.
    Cursor(String),
    /// There is one, but nothing leads there.
    Unreachable,
    /// Nothing at all.
    Nothing,
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
        let (mut next_cursor, mut words) = (Once::default(), WordsBeside::default());
        let mut more = scanner.open(b'{', b'}')?;
        while more {
            match member_name(scanner)?.as_str() {
                "data" | "content" => data.set(rows_or_null(scanner, format)?)?,
                "Resources" => resources.set(rows_or_null(scanner, format)?)?,
                "page" => page.set(metadata::<PageInfo>(scanner)?)?,
                "totalResults" => total_results.set_again(number(scanner)?)?,
                "startIndex" => start_index.set(number(scanner)?)?,
                "itemsPerPage" => items_per_page.set(number(scanner)?)?,
                "next_cursor" | "nextCursor" => next_cursor.set_again(lenient::text(&small_value(scanner)?))?,
                name => words.take(name, scanner)?,
            }
            more = scanner.more(b'}')?;
        }
        let bytes = scanner.text().len();
        let has_paging = page.came || total_results.came;
        let page = page.get().unwrap_or_default();
        let total = page.total_elements.or(total_results.get());
        let (data, resources) = (data.get(), resources.get());
        let counting = match resources {
            Some(_) if data.is_none() => Counting::Rows(start_index.get().unwrap_or(0)),
            _ => Counting::Pages(page.total_pages),
        };
        if let Some(rows) = data.or(resources) {
            let page_size = page.page_size.or(items_per_page.get());
            let (cursor, doubt) = (next_cursor.get(), words.doubt(&rows)?);
            return Ok(Self { rows, bytes, total, page_size, counting, cursor, says_nothing: false, doubt });
        }
        if total == Some(0) {
            return Ok(Self { says_nothing: false, ..Self::empty() });
        }
        let announces_rows = total.unwrap_or(0) > 0 || page.total_pages.unwrap_or(0) > 0;
        let is_nothing = !words.are_any() && has_paging && !announces_rows;
        Err(Malformed::Shape(if is_nothing { NOTHING } else { "its rows, `data`, are missing" }))
    }

    fn empty() -> Self {
        Self {
            rows: RecordBatch::empty(),
            bytes: 0,
            total: Some(0),
            page_size: None,
            counting: Counting::Pages(Some(0)),
            cursor: None,
            says_nothing: true,
            doubt: None,
        }
    }

    fn of_rows(rows: RecordBatch, bytes: usize) -> Self {
        let counting = Counting::Pages(None);
        Self { rows, bytes, total: None, page_size: None, counting, cursor: None, says_nothing: false, doubt: None }
    }

    fn doubt(&self) -> Option<&'static str> {
        self.doubt
    }
}

impl Envelope for ChangesEnvelope {
    fn scan(scanner: &mut Scanner<'_>, format: &RecordFormat) -> Result<Self, Malformed> {
        let (mut content, mut next_cursor, mut has_next) = (Once::default(), Once::default(), Once::default());
        let (mut content_size, mut page) = (Once::default(), Once::default());
        let mut words = WordsBeside::default();
        let mut more = scanner.open(b'{', b'}')?;
        while more {
            match member_name(scanner)?.as_str() {
                "content" | "data" => content.set(rows_or_null(scanner, format)?)?,
                "next_cursor" | "nextCursor" => next_cursor.set_again(lenient::text(&small_value(scanner)?))?,
                "has_next" | "hasNext" => has_next.set_again(lenient::boolean(&small_value(scanner)?))?,
                "content_size" | "contentSize" => content_size.set_again(number(scanner)?)?,
                "page" => page.set(metadata::<PageInfo>(scanner)?)?,
                name => words.take(name, scanner)?,
            }
            more = scanner.more(b'}')?;
        }
        let has_paging = content.came || has_next.came || content_size.came;
        let is_told = has_next.came || next_cursor.came;
        let page = page.get().unwrap_or_default();
        let total = page.total_elements;
        // A list that is numbered has more than this page if it says so; nothing here leads there.
        let has_more_pages = page.total_pages.is_some_and(|pages| pages > 1);
        let next = match (has_next.get(), next_cursor.get()) {
            (Some(false), Some(cursor)) => NextTold::Denied(cursor),
            (Some(false), None) => NextTold::None,
            (None, None) if !has_more_pages => {
                if is_told {
                    NextTold::None
                } else {
                    NextTold::Nothing
                }
            }
            (_, Some(cursor)) => NextTold::Cursor(cursor),
            (_, None) => NextTold::Unreachable,
        };
        let size = content_size.get();
        let (is_told_empty, size) = (size == Some(0), size.unwrap_or(0));
        let announces_rows = size > 0 || matches!(next, NextTold::Cursor(_) | NextTold::Unreachable);
        match content.get() {
            Some(rows) => {
                let is_short = ((rows.len() + rows.gaps) as u64) < size;
                let doubt = words.doubt(&rows)?.or(is_short.then_some(FEWER));
                Ok(Self { rows, next, total, doubt })
            }
            None if announces_rows || words.are_any() || !has_paging => {
                Err(Malformed::Shape("its rows, `content` or `data`, are missing"))
            }
            None if is_told_empty => Ok(Self::empty()),
            None => Err(Malformed::Shape(NOTHING)),
        }
    }

    fn empty() -> Self {
        Self { rows: RecordBatch::empty(), next: NextTold::None, total: None, doubt: None }
    }

    fn of_rows(rows: RecordBatch, _: usize) -> Self {
        Self { rows, next: NextTold::Nothing, total: None, doubt: None }
    }

    fn doubt(&self) -> Option<&'static str> {
        self.doubt
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
        let text = value.as_str().map_or_else(|| value.to_string(), |text| text.trim().to_ascii_lowercase());
        match &*text {
            "true" | "yes" | "y" | "1" => Some(true),
            "false" | "no" | "n" | "0" => Some(false),
            _ => None,
        }
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

/// What a page says beside its rows that may mean that they are not all.
#[derive(Default)]
struct WordsBeside {
    /// It tells of an error.
    error: bool,
    /// It has a message, which may be no more than a greeting.
    message: bool,
}

impl WordsBeside {
    fn take(&mut self, name: &str, scanner: &mut Scanner<'_>) -> Result<(), Malformed> {
        match name {
            "error" | "errors" => self.error |= !is_blank(&small_value(scanner)?),
            "status" => self.error |= small_value(scanner)?.as_u64().is_some_and(|status| (400..600).contains(&status)),
            "success" => self.error |= lenient::boolean(&small_value(scanner)?) == Some(false),
            "message" | "error_description" => self.message |= !is_blank(&small_value(scanner)?),
            _ => {
                scanner.skip()?;
            }
        }
        Ok(())
    }

    fn are_any(&self) -> bool {
        self.error || self.message
    }

    /// What they say of a page that has these rows.
    fn doubt(&self, rows: &RecordBatch) -> Result<Option<&'static str>, Malformed> {
        match self {
            Self { error: true, .. } if rows.is_empty() => Err(Malformed::Shape(ERROR)),
            Self { error: true, .. } => Ok(Some(ERROR_BESIDE)),
            Self { message: true, .. } if rows.is_empty() => Ok(Some("it has no rows, but a message")),
            _ => Ok(None),
        }
    }
}

/// Whether a value says nothing, or that all is well.
fn is_blank(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::Null => true,
        serde_json::Value::Bool(is_error) => !is_error,
        serde_json::Value::Number(code) => code.as_f64() == Some(0.0),
        serde_json::Value::String(text) => {
            matches!(&*text.trim().to_ascii_lowercase(), "" | "0" | "ok" | "success" | "none" | "null" | "false")
        }
        serde_json::Value::Array(values) => values.iter().all(is_blank),
        serde_json::Value::Object(members) => members.values().all(is_blank),
    }
}

/// What is said of a page that has no rows, but tells of an error.
const ERROR: &str = "it has no rows, but tells of an error";

/// What is said of a page that has rows all the same.
const ERROR_BESIDE: &str = "it has rows, but tells of an error";

/// What is said of a page that has fewer rows than it says.
const FEWER: &str = "it says that it has more rows than it gives";

/// What is said of a body that says nothing.
const NOTHING: &str = "it says nothing";

/// What is said where nothing more exact is known.
const OTHER_SHAPE: &str = "it has another shape";

/// A member that must not come twice, other than as null: nobody could say which of the two counts.
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
        self.came = true;
        match value {
            // The same by another name.
            None => {}
            Some(_) if self.value.is_some() => return Err(Malformed::Shape(OTHER_SHAPE)),
            value => self.value = value,
        }
        Ok(())
    }

    /// The same, but it may say the same twice, by two names.
    fn set_again(&mut self, value: Option<T>) -> Result<(), Malformed>
    where
        T: PartialEq,
    {
        if value.is_some() && value == self.value {
            return Ok(());
        }
        self.set(value)
    }

    fn get(self) -> Option<T> {
        self.value
    }
}

/// Whether the array that comes next begins with an object.
fn begins_with_a_row(scanner: &Scanner<'_>) -> bool {
    scanner.text()[scanner.at() + 1..].trim_ascii_start().starts_with(b"{")
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
        for body in [
            r#"{"content":[null,7]}"#,
            r#"{"content":[{}"#,
            "{}",
            r#"{"message":"down","has_next":false}"#,
            "7",
            "0",
            "false",
            "\"OK\"",
            "[null]",
        ] {
            assert!(is_invalid(changes(body).err()), "{body}");
        }
    }

    #[test]
    fn what_says_nothing_is_told_from_what_is_empty() {
        for body in ["", " \n", "null", "[]", "[ ]"] {
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
        for nothing in ["null", "[]", "[ ]", "{ }", r#"{"code":0,"message":"OK"}"#] {
            let body = format!(r#"{{"errors":{nothing},"content":[],"has_next":false}}"#);
            assert_eq!(changes(&body).unwrap().doubt(), None, "{body}");
        }
        for failed in [r#""status":503"#, r#""success":false"#] {
            assert!(changes(&format!(r#"{{{failed},"content":[],"has_next":false}}"#)).is_err(), "{failed}");
        }
    }

    #[test]
    fn what_speaks_against_a_page_is_seen() {
        let doubt = |body: &str| changes(body).unwrap().doubt();
        assert!(doubt(r#"{"content":[],"has_next":false,"message":"Service degraded"}"#).is_some());
        assert!(doubt(r#"{"content":[{}],"has_next":false,"content_size":500}"#).is_some());
        assert!(doubt(r#"{"content":[],"has_next":false,"content_size":500}"#).is_some());
        assert!(
            doubt(r#"{"content":[],"has_next":false,"hasNext":false,"next_cursor":"c","nextCursor":"c"}"#).is_none()
        );
        assert!(doubt(r#"{"content":[{}],"has_next":false,"status":503}"#).is_some());
        assert!(
            doubt(r#"{"content":[{},null],"has_next":false,"content_size":2,"status":200,"success":true}"#).is_none()
        );
        assert!(doubt(r#"{"content":[{}],"has_next":false,"message":"hello"}"#).is_none());
        assert!(list(r#"{"data":[],"message":"Service degraded"}"#).unwrap().doubt().is_some());
    }

    #[test]
    fn the_members_of_a_page_of_changes_have_two_names_each() {
        let page = changes(r#"{"data":[{"id":"1"}],"nextCursor":"c"}"#).unwrap();
        assert_eq!((page.rows.len(), page.next), (1, NextTold::Cursor("c".to_owned())));
        assert!(changes(r#"{"data":[],"content":[]}"#).is_err());
    }

    #[test]
    fn a_page_leads_to_the_next_or_is_the_last() {
        let next = |rest: &str| changes(&format!(r#"{{"content":[],{rest}}}"#)).unwrap().next;
        let cursor = NextTold::Cursor("c".to_owned());
        assert_eq!(next(r#""next_cursor":"c","has_next":true"#), cursor);
        assert_eq!(next(r#""next\u005fcursor":"c""#), cursor);
        assert_eq!(next(r#""next_cursor":"c","has_next":false"#), NextTold::Denied("c".to_owned()));
        assert_eq!(next(r#""has_next":false"#), NextTold::None);
        assert_eq!(next(r#""has_next":"no""#), NextTold::None);
        assert_eq!(next(r#""has_next":0,"next_cursor":null"#), NextTold::None);
        assert_eq!(next(r#""has_next":1,"next_cursor":null"#), NextTold::Unreachable);
        assert_eq!(next(r#""has_next":"yes""#), NextTold::Unreachable);
        assert_eq!(next(r#""has_next":null,"hasNext":true,"next_cursor":null,"nextCursor":"c""#), cursor);
        assert_eq!(next(r#""page_size":500"#), NextTold::Nothing);
        assert_eq!(next(r#""next_cursor":null"#), NextTold::None);
        for cursor in ["null", r#""""#] {
            assert_eq!(next(&format!(r#""next_cursor":{cursor},"has_next":true"#)), NextTold::Unreachable);
        }
    }
}
