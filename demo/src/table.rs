//! A table for people to read.

use std::io::Write;

/// At which side of its column a text stands.
#[derive(Clone, Copy)]
pub(crate) enum Align {
    Left,
    Right,
}

/// Prints rows below headings, each column as wide as its widest text.
///
/// # Errors
/// If they cannot be written.
pub(crate) fn print_table(
    out: &mut impl Write,
    headings: &[(&str, Align)],
    rows: &[Vec<String>],
) -> std::io::Result<()> {
    let titles: Vec<_> = headings.iter().map(|(title, _)| (*title).to_owned()).collect();
    let lines = || std::iter::once(&titles).chain(rows);
    let width = |column: usize| lines().map(|line| line[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<_> = (0..headings.len()).map(width).collect();
    for line in lines() {
        let cells = line.iter().zip(headings).zip(&widths).map(|((text, (_, align)), width)| match align {
            Align::Left => format!("{text:<width$}"),
            Align::Right => format!("{text:>width$}"),
        });
        writeln!(out, "{}", cells.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(())
}
