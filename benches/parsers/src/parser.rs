//! What is compared, each doing as little as it can to know a page's rows and that all of it is JSON.

use anyhow::{Context, anyhow};
use jiter::Jiter;
use serde::Deserialize;
use simd_json::Node;
use sonic_rs::LazyValue;
use source_navan::bench::PageScanner;

pub enum Parser {
    /// The connector's scanner. It alone also looks at the values, and writes RECORD lines.
    Scanner(Box<PageScanner>),
    SerdeJson,
    Jiter,
    SonicRs,
    SimdJson(simd_json::Buffers),
}

impl Parser {
    /// All of them; the scanner is that of the stream.
    pub fn all(stream: &str) -> anyhow::Result<[Self; 5]> {
        let scanner = PageScanner::for_stream(stream).with_context(|| format!("no stream {stream}"))?;
        Ok([
            Self::Scanner(Box::new(scanner)),
            Self::SerdeJson,
            Self::Jiter,
            Self::SonicRs,
            Self::SimdJson(simd_json::Buffers::default()),
        ])
    }

    pub fn name(&self) -> &'static str {
        match self {
            Self::Scanner(_) => "source-navan",
            Self::SerdeJson => "serde_json",
            Self::Jiter => "jiter",
            Self::SonicRs => "sonic-rs",
            Self::SimdJson(_) => "simd-json",
        }
    }

    /// How many rows a page has, which may be overwritten.
    pub fn rows(&mut self, body: &mut [u8]) -> anyhow::Result<usize> {
        match self {
            Self::Scanner(scanner) => Ok(scanner.scan(body).map_err(|error| anyhow!(error))?.count()),
            Self::SerdeJson => Ok(split::rows(body)?.len()),
            Self::Jiter => Ok(by_jiter(body)?.len()),
            Self::SonicRs => Ok(sonic_rs::from_slice::<LazyPage>(body)?.data.len()),
            Self::SimdJson(buffers) => on_tape(&simd_json::to_tape_with_buffers(body, buffers)?.0),
        }
    }
}

#[derive(Deserialize)]
struct LazyPage<'a> {
    #[serde(borrow, alias = "content")]
    data: Vec<LazyValue<'a>>,
}

/// jiter's own `skip` takes strings as they are, so UTF-8 is checked before.
fn by_jiter(body: &[u8]) -> anyhow::Result<Vec<&[u8]>> {
    let mut jiter = Jiter::new(str::from_utf8(body)?.as_bytes());
    let mut rows = Vec::new();
    let mut holds_rows = jiter.next_object()?.map(has_rows);
    while let Some(here) = holds_rows {
        if here {
            let mut row = jiter.next_array()?;
            while let Some(peek) = row {
                let start = jiter.current_index();
                jiter.known_skip(peek)?;
                rows.push(jiter.slice_to_current(start));
                row = jiter.array_step()?;
            }
        } else {
            jiter.next_skip()?;
        }
        holds_rows = jiter.next_key()?.map(has_rows);
    }
    jiter.finish()?;
    Ok(rows)
}

/// The tape is all there is to it: every value, one after another, with lengths to jump by.
fn on_tape(tape: &[Node]) -> anyhow::Result<usize> {
    let Some(Node::Object { .. }) = tape.first() else { return Err(anyhow!("not an object")) };
    tape.windows(2)
        .find_map(|pair| match pair {
            [Node::String(name), Node::Array { len, .. }] if has_rows(name) => Some(*len),
            _ => None,
        })
        .context("no rows")
}

fn has_rows(name: &str) -> bool {
    matches!(name, "data" | "content")
}
