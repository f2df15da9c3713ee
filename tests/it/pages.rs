//! What the docs quote is said, and where they link to there is something.

use std::path::{Path, PathBuf};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The files below a folder whose names end so.
fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![Path::new(ROOT).join(folder)];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.to_str().is_some_and(|name| name.ends_with(ending)) {
                found.push(path);
            }
        }
    }
    found
}

/// The pages that people read.
fn pages() -> Vec<PathBuf> {
    let mut pages = files("docs", ".md");
    pages.extend(["README.md", "CHANGELOG.md", "tests/acceptance/README.md"].map(|name| Path::new(ROOT).join(name)));
    pages
}

/// A page without its blocks of code.
fn prose(page: &str) -> String {
    page.split("```").step_by(2).collect()
}

/// The texts in backticks, one or two of them.
fn quotes(cell: &str) -> Vec<String> {
    if cell.contains("`` ") {
        return cell.split("``").skip(1).step_by(2).map(|quote| quote.trim().to_owned()).collect();
    }
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Every part of a message stands in the code, or as it is said in a snapshot.
#[test]
fn the_messages_that_the_page_explains_are_those_that_are_said() {
    let said: Vec<_> = [files("src", ".rs"), files("src", ".snap"), files("tests/it/snapshots", ".snap")]
        .iter()
        .flatten()
        .map(|path| text(path))
        .collect();
    let page = text(&Path::new(ROOT).join("docs/airbyte.md"));
    let (_, section) = page.split_once("id=\"messages\"").unwrap();
    let (section, _) = section.split_once("### Tutorials").unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let messages: Vec<_> = rows.flat_map(|row| quotes(row.split(" | ").next().unwrap())).collect();
    assert!(messages.len() > 20, "{messages:?}");
    for message in messages {
        // What stands on either side of "…" differs from one time to the next, so that the code has a place for it there.
        let parts: Vec<_> = message.split('…').filter(|part| part.trim().len() > 2).collect();
        let is_said = said.iter().any(|text| parts.iter().all(|part| text.contains(part)));
        assert!(is_said, "nothing says {message:?}");
    }
}

/// What a link to a heading is called, as GitHub has it.
fn slug(heading: &str) -> String {
    let (mut words, mut is_tag) = (String::new(), false);
    for letter in heading.chars() {
        match letter {
            '<' => is_tag = true,
            '>' => is_tag = false,
            _ if is_tag => {}
            ' ' => words.push('-'),
            '-' | '_' => words.push(letter),
            letter if letter.is_alphanumeric() => words.extend(letter.to_lowercase()),
            _ => {}
        }
    }
    words
}

fn anchors(page: &str) -> Vec<String> {
    let named = page.split("<a id=\"").skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned);
    let headings =
        page.lines().filter(|line| line.starts_with('#')).map(|line| slug(line.trim_start_matches('#').trim()));
    named.chain(headings).collect()
}

#[test]
fn every_link_within_the_repository_leads_somewhere() {
    let mut links = 0;
    for page in pages() {
        let own = text(&page);
        for link in prose(&own).split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if link.contains("://") {
                continue;
            }
            links += 1;
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            assert!(target.exists(), "{} links to {link}, which is not there", page.display());
            if !anchor.is_empty() && !anchor.starts_with('L') {
                assert!(
                    anchors(&prose(&text(&target))).iter().any(|known| known == anchor),
                    "{} links to {link}, where nothing has that name",
                    page.display()
                );
            }
        }
    }
    assert!(links > 100, "{links} links");
}
