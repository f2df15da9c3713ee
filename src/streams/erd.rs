//! docs/erd.svg, a picture of the streams, their keys and how they join, made from declarations and schemas.
//!
//! What joins what is not written down here: the key of a parent in its children, and every column whose description says
//! "see STREAM.column". Only where a stream stands, and which columns of a wide one are shown, is chosen by hand.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use super::docs::{assert_up_to_date, type_of};
use super::{STREAMS, Stream};
use crate::record::children;
use crate::sync::ChildStream;

const PATH: &str = "docs/erd.svg";

/// The streams from left to right, and in a column from above, with the columns that are shown besides those that join. Of a stream
/// without a choice the first few are shown.
const LAYOUT: &[&[(&str, &[&str])]] = &[
    &[
        ("BOOKING_SEGMENT", &[]),
        ("BOOKING_TRIP", &["trip_name"]),
        ("BOOKING_ALLOCATION", &["name"]),
        ("BOOKING_CUSTOM_FIELD", &["name", "value"]),
        ("BOOKING_DOCUMENT", &["reference", "number", "file_path"]),
    ],
    &[
        (
            "BOOKING",
            &["bookingType", "bookingStatus", "startDate", "endDate", "vendor", "grandTotal", "currency", "purpose"],
        ),
        ("BOOKING_PASSENGER", &["traveler_type", "person_name", "person_email"]),
    ],
    &[
        ("TRANSACTION_BOOKING", &[]),
        ("USER", &["active", "department", "costCentre", "managerEmail"]),
        ("SCIM_USER", &["active", "department", "manager_id"]),
    ],
    &[(
        "TRANSACTION",
        &[
            "transaction_date",
            "posted_date",
            "vendor_name",
            "posted_amount",
            "posted_currency",
            "approval_status",
            "cost_center",
            "erp_sync_status",
        ],
    )],
    &[
        ("TRANSACTION_LINE_ITEM", &["amount", "currency", "description"]),
        ("TRANSACTION_RECEIPT", &["receipt_url", "e_receipt_url", "file_path"]),
        ("TRANSACTION_CUSTOM_FIELD", &["label", "value"]),
        ("CUSTOM_FIELD", &["label", "type"]),
        ("GL_CODE", &["name", "active"]),
        ("TAX_MAPPING", &[]),
    ],
];

/// Columns of a stream without a choice.
const FIRST: usize = 3;

const WIDTH: usize = 270;
const GAP: usize = 110;
const HEADER: usize = 28;
const ROW: usize = 18;
const BETWEEN: usize = 26;
const MARGIN: usize = 24;

/// Light or dark as the reader's screen is. Where a page has a ground of its own, the picture brings its own, too.
const STYLE: &str = "
  .ground { fill: #ffffff } .box { fill: #f6f8fa; stroke: #8c959f } .head { fill: #0b5cad }
  text { font: 12px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; fill: #1f2328 }
  .name { fill: #ffffff; font-weight: bold } .key { font-weight: bold } .type, .more { fill: #59636e }
  .join { fill: none; stroke: #0b5cad; stroke-width: 1.5 } .match { stroke-dasharray: 5 4 }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #0d1117 } .box { fill: #161b22; stroke: #6e7681 } .head { fill: #1f6feb }
    text { fill: #e6edf3 } .name { fill: #ffffff } .type, .more { fill: #9198a1 } .join { stroke: #58a6ff }
  }
";

/// What the picture needs of a stream.
struct Table {
    key: Vec<&'static str>,
    cursor: Option<&'static str>,
    schema: Value,
    /// Columns that say "see STREAM.column".
    references: Vec<Reference>,
}

/// A column by which a stream joins another.
struct Reference {
    path: String,
    stream: String,
    column: String,
}

impl Table {
    /// The schema of a column, which may be inside an object.
    fn column(&self, path: &str) -> &Value {
        path.split('.').fold(&self.schema, |schema, name| &schema["properties"][name])
    }
}

fn tables() -> BTreeMap<&'static str, Table> {
    let mut tables = BTreeMap::new();
    for stream in STREAMS {
        let mut references = references(stream.schema);
        references.retain(|reference| !stream.children.iter().any(|child| is_list_of(stream, child, &reference.path)));
        let key = stream.key.into_iter().collect();
        tables
            .insert(stream.name, Table { key, cursor: stream.cursor_field, schema: parse(stream.schema), references });
        for child in stream.children {
            let (key, schema) = (child.key.to_vec(), parse(child.schema));
            tables.insert(child.name, Table { key, cursor: None, schema, references: self::references(child.schema) });
        }
    }
    tables
}

fn parse(schema: &str) -> Value {
    serde_json::from_str(schema).unwrap()
}

/// Whether a child has the column's values as rows of its own, so that it is the child that joins.
fn is_list_of(stream: &Stream, child: &ChildStream, path: &str) -> bool {
    let mut columns = child.rows.lists.iter().flat_map(|list| children::columns(stream.schema, list));
    columns.any(|(_, of_parent)| of_parent.is_some_and(|of_parent| of_parent.trim_end_matches("[]") == path))
}

/// Not those inside lists, which are streams of their own.
fn references(schema: &str) -> Vec<Reference> {
    fn collect(schema: &Value, prefix: &str, names: &[&str], found: &mut Vec<Reference>) {
        for (name, column) in schema["properties"].as_object().into_iter().flatten() {
            let path = format!("{prefix}{name}");
            let words = column["description"].as_str().unwrap_or_default();
            for (_, rest) in words.match_indices("see ").map(|(at, see)| words.split_at(at + see.len())) {
                let target = rest.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '.')).next();
                let target = target.and_then(|target| target.trim_end_matches('.').split_once('.'));
                if let Some((stream, column)) = target.filter(|(stream, _)| names.contains(stream)) {
                    found.push(Reference { path: path.clone(), stream: stream.into(), column: column.into() });
                }
            }
            collect(column, &format!("{path}."), names, found);
        }
    }
    let names: Vec<_> = STREAMS.iter().flat_map(|stream| stream.names()).collect();
    let mut found = Vec::new();
    collect(&parse(schema), "", &names, &mut found);
    found
}

/// Where a table stands, and which of its columns are shown.
struct Placed {
    column: usize,
    top: usize,
    rows: Vec<String>,
}

impl Placed {
    fn left(&self) -> usize {
        MARGIN + self.column * (WIDTH + GAP)
    }

    fn height(&self) -> usize {
        // The last row says how many columns there are besides.
        HEADER + (self.rows.len() + 1) * ROW + 6
    }

    fn middle_of(&self, row: &str) -> usize {
        let index = self.rows.iter().position(|shown| shown == row).unwrap();
        self.top + HEADER + index * ROW + ROW / 2 + 2
    }
}

/// Keys first, then what joins, the cursor, and what was chosen.
fn rows(name: &str, chosen: &[&str], tables: &BTreeMap<&'static str, Table>) -> Vec<String> {
    let table = &tables[name];
    let mut rows: Vec<String> = table.key.iter().map(|column| (*column).to_owned()).collect();
    let mut add = |column: &str| {
        assert!(table.column(column).is_object(), "{name} has no column {column}");
        if !rows.iter().any(|shown| shown == column) {
            rows.push(column.to_owned());
        }
    };
    for reference in &table.references {
        add(&reference.path);
    }
    for reference in tables.values().flat_map(|other| &other.references) {
        if reference.stream == name {
            add(&reference.column);
        }
    }
    for column in table.cursor.iter().chain(chosen) {
        add(column);
    }
    if chosen.is_empty() {
        for column in
            table.schema["properties"].as_object().unwrap().keys().filter(|name| *name != "_extra").take(FIRST)
        {
            add(column);
        }
    }
    rows
}

fn place(tables: &BTreeMap<&'static str, Table>) -> BTreeMap<&'static str, Placed> {
    let mut placed = BTreeMap::new();
    for (column, streams) in LAYOUT.iter().enumerate() {
        let mut top = MARGIN;
        for (name, chosen) in *streams {
            let table = Placed { column, top, rows: rows(name, chosen, tables) };
            top += table.height() + BETWEEN;
            assert!(placed.insert(*name, table).is_none(), "{name} stands in LAYOUT twice");
        }
    }
    placed
}

fn write_table(name: &str, table: &Table, at: &Placed, out: &mut String) {
    let (x, y, right) = (at.left(), at.top, at.left() + WIDTH - 10);
    writeln!(out, r#"<rect class="box" x="{x}" y="{y}" width="{WIDTH}" height="{}" rx="4"/>"#, at.height()).unwrap();
    writeln!(out, r#"<rect class="head" x="{x}" y="{y}" width="{WIDTH}" height="{}" rx="4"/>"#, HEADER - 4).unwrap();
    writeln!(out, r#"<text class="name" x="{}" y="{}">{name}</text>"#, x + 10, y + 16).unwrap();
    for row in &at.rows {
        let y = at.middle_of(row) + 4;
        let class = if table.key.contains(&row.as_str()) { "key" } else { "column" };
        let cursor = if table.cursor == Some(row) { "cursor, " } else { "" };
        let kind = type_of(table.column(row));
        write!(out, r#"<text class="{class}" x="{}" y="{y}">{row}</text>"#, x + 10).unwrap();
        writeln!(out, r#"<text class="type" x="{right}" y="{y}" text-anchor="end">{cursor}{kind}</text>"#).unwrap();
    }
    let all = table.schema["properties"].as_object().unwrap().len();
    let shown = at.rows.iter().filter(|row| !row.contains('.')).count();
    let y = at.top + at.height() - 8;
    writeln!(out, r#"<text class="more" x="{}" y="{y}">{} more</text>"#, x + 10, all - shown).unwrap();
}

/// From the many rows, at a crow's foot, to the one, at a bar.
fn write_join(from: (&Placed, &str), to: (&Placed, &str), is_key: bool, out: &mut String) {
    let (y1, y2) = (from.0.middle_of(from.1), to.0.middle_of(to.1));
    let goes_right = from.0.column <= to.0.column;
    let comes_from_left = from.0.column < to.0.column;
    let edge = |table: &Placed, is_right: bool| table.left() + if is_right { WIDTH } else { 0 };
    // Outwards from each table: +1 to the right, -1 to the left.
    let (x1, out1) = (edge(from.0, goes_right), if goes_right { 1 } else { -1 });
    let (x2, out2) = (edge(to.0, !comes_from_left), if comes_from_left { -1 } else { 1 });
    let by = |x: usize, outwards: i32, step: usize| if outwards > 0 { x + step } else { x - step };
    let class = if is_key { "join" } else { "join match" };
    writeln!(
        out,
        r#"<path class="{class}" d="M{},{y1} C{},{y1} {},{y2} {},{y2}"/>"#,
        by(x1, out1, 10),
        by(x1, out1, 60),
        by(x2, out2, 60),
        x2
    )
    .unwrap();
    let (foot, bar) = (by(x1, out1, 10), by(x2, out2, 7));
    let (above, below) = (y1 - 5, y1 + 5);
    writeln!(out, r#"<path class="join" d="M{x1},{above} L{foot},{y1} L{x1},{below} M{x1},{y1} L{foot},{y1}"/>"#)
        .unwrap();
    writeln!(out, r#"<path class="join" d="M{bar},{} L{bar},{}"/>"#, y2 - 5, y2 + 5).unwrap();
}

fn picture() -> String {
    let tables = tables();
    let placed = place(&tables);
    for name in tables.keys() {
        assert!(placed.contains_key(name), "{name} has no place in LAYOUT");
    }
    let bottom = placed.values().map(|table| table.top + table.height()).max().unwrap();
    // Behind the last column there is room for what joins within it.
    let (width, height) = (MARGIN + LAYOUT.len() * (WIDTH + GAP) - GAP / 2, bottom + MARGIN + 20);
    let mut out = format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">
<title>The streams of source-navan and how they join</title>
<!-- Made by the test in src/streams/erd.rs -->
<style>{STYLE}</style>
<rect class="ground" width="{width}" height="{height}"/>
"#
    );
    for (name, table) in &tables {
        for reference in &table.references {
            let to = &tables[reference.stream.as_str()];
            let is_key = to.key == [reference.column.as_str()];
            let ends = [(*name, reference.path.as_str()), (reference.stream.as_str(), reference.column.as_str())];
            let [from, to] = ends.map(|(stream, row)| (&placed[stream], row));
            write_join(from, to, is_key, &mut out);
        }
    }
    for (name, table) in &tables {
        write_table(name, table, &placed[name], &mut out);
    }
    writeln!(
        out,
        r#"<text class="more" x="{MARGIN}" y="{}">bold: key · line: joins by the key of the other · broken line: matches as a rule</text>
</svg>"#,
        height - 14
    )
    .unwrap();
    out
}

#[test]
fn every_child_joins_its_parent_in_the_picture() {
    let tables = tables();
    for stream in STREAMS {
        for child in stream.children {
            let joins = tables[child.name].references.iter().any(|reference| {
                reference.stream == stream.name
                    && Some(reference.column.as_str()) == stream.key
                    && child.key[0] == reference.path
            });
            assert!(joins, "{} does not say that it joins {}", child.name, stream.name);
        }
    }
}

#[test]
fn the_picture_of_streams_shows_what_their_schemas_say() {
    assert_up_to_date(PATH, &picture());
}
