//! Splits all pages of a folder into rows: `split FOLDER`. Prints the number of rows and the seconds of CPU that it took.
//!
//! The time is that of splitting alone. A page is read into memory with the clock stopped, and split at once, while it is
//! as near as a page is that has just come from the network.

use std::fs::{File, read_dir};
use std::io::Read;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;

fn main() -> anyhow::Result<()> {
    let folder = std::env::args_os().nth(1).context("split FOLDER")?;
    let mut paths: Vec<PathBuf> = read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    paths.sort();
    let mut body = Vec::new();
    let mut rows = 0;
    let mut spent = Duration::ZERO;
    for path in &paths {
        body.clear();
        File::open(path)?.read_to_end(&mut body)?;
        // Freeing the list of rows is part of the work, as it is of any program that makes one.
        let (time, found) = split::timed(|| split::rows(&body).map(|rows| rows.len()));
        rows += found.with_context(|| path.display().to_string())?;
        spent += time;
    }
    println!("{rows} {}", spent.as_secs_f64());
    Ok(())
}
