//! The connector's scanner beside JSON parsers on the same pages: `parsers STREAM ROUNDS FOLDER`.
//!
//! Each round goes over all pages of the folder once with each parser, and begins with another one. Prints a line of JSON:
//! the bytes of all pages, and for each parser the ns of CPU time that they took in each round, or why it refused one.

mod parser;

use std::collections::BTreeMap;
use std::hint::black_box;
use std::time::Duration;

use anyhow::{Context, ensure};
use parser::Parser;
use serde::Serialize;

#[derive(Serialize)]
struct Report {
    bytes: usize,
    ns: BTreeMap<&'static str, Vec<u128>>,
    refused: BTreeMap<&'static str, String>,
}

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().context("parsers STREAM ROUNDS FOLDER");
    let (stream, rounds, folder) = (next()?, next()?.parse()?, next()?);
    let pages = pages(&folder)?;
    let bytes: usize = pages.iter().map(Vec::len).sum();
    let mut report = Report { bytes, ns: BTreeMap::new(), refused: BTreeMap::new() };
    let mut parsers = ready(&stream, &pages, &mut report.refused)?;
    for _ in 0..rounds {
        for parser in &mut parsers {
            let spent = time(parser, &pages)?;
            report.ns.entry(parser.name()).or_default().push(spent.as_nanos());
        }
        parsers.rotate_left(1);
    }
    println!("{}", serde_json::to_string(&report)?);
    Ok(())
}

fn pages(folder: &str) -> anyhow::Result<Vec<Vec<u8>>> {
    let mut paths: Vec<_> = std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<_>>()?;
    paths.sort();
    let pages: Vec<_> = paths.iter().map(std::fs::read).collect::<Result<_, _>>()?;
    ensure!(!pages.is_empty(), "no pages in {folder}");
    Ok(pages)
}

/// The parsers that take all pages, each warmed up by one turn. All of them must find the same number of rows.
fn ready(stream: &str, pages: &[Vec<u8>], refused: &mut BTreeMap<&'static str, String>) -> anyhow::Result<Vec<Parser>> {
    let mut ready = Vec::new();
    for mut parser in Parser::all(stream)? {
        let mut refusal = None;
        for page in pages {
            match parser.rows(&mut page.clone()) {
                Ok(rows) => ensure!(rows == split::rows(page)?.len(), "{} found {rows} rows", parser.name()),
                Err(error) => refusal = Some(error.to_string()),
            }
        }
        match refusal {
            Some(error) => drop(refused.insert(parser.name(), error)),
            None => ready.push(parser),
        }
    }
    Ok(ready)
}

/// What all pages take, each beginning as a copy of its own, since some parsers write into what they read.
fn time(parser: &mut Parser, pages: &[Vec<u8>]) -> anyhow::Result<Duration> {
    let mut spent = Duration::ZERO;
    let mut body = Vec::new();
    for page in pages {
        body.clone_from(page);
        let (time, rows) = split::timed(|| parser.rows(black_box(&mut body)));
        black_box(rows?);
        spent += time;
    }
    Ok(spent)
}
