//! The rooms of the connector and of the sandbox stand above one another: none of them imports another that imports it, however long
//! the way.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The rooms of a crate, each with those that it imports.
type Imports = BTreeMap<String, BTreeSet<String>>;

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] });
    files.filter(|path| path.extension().is_some_and(|end| end == "rs")).collect()
}

/// A file's lines without comments and tests, and the modules that it has for tests alone.
fn code(text: &str) -> (Vec<&str>, Vec<&str>) {
    let (mut lines, mut of_tests) = (Vec::new(), Vec::new());
    let mut rest = text.lines().map(str::trim).filter(|line| !line.starts_with("//"));
    while let Some(line) = rest.next() {
        if line != "#[cfg(test)]" {
            lines.push(line);
            continue;
        }
        let item = rest.find(|line| !line.starts_with("#[")).unwrap_or_default();
        match item.rsplit_once("mod ") {
            Some((_, module)) if item.ends_with(';') => of_tests.push(module.trim_end_matches(';')),
            // They stand at the end.
            Some(_) => break,
            None => {}
        }
    }
    (lines, of_tests)
}

fn imports(sources: &str) -> Imports {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join(sources);
    let texts: Vec<_> =
        files(&sources).into_iter().map(|path| (std::fs::read_to_string(&path).unwrap(), path)).collect();
    let mut of_tests = BTreeSet::new();
    for (text, path) in &texts {
        let opens_its_folder = ["mod.rs", "lib.rs", "main.rs"].iter().any(|name| path.file_name().unwrap() == *name);
        let folder = if opens_its_folder { path.parent().unwrap().to_owned() } else { path.with_extension("") };
        of_tests.extend(code(text).1.into_iter().map(|module| folder.join(module)));
    }
    let mut imports = Imports::new();
    for (text, path) in &texts {
        let within = path.strip_prefix(&sources).unwrap();
        // `bench.rs` opens the scanner for benchmarks, and the crate's root all of it.
        let is_root = ["lib.rs", "main.rs", "bench.rs"].iter().any(|name| within == Path::new(name));
        if is_root || path.with_extension("").ancestors().any(|module| of_tests.contains(module)) {
            continue;
        }
        let room = within.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
        let own = imports.entry(room.to_owned()).or_default();
        for line in code(text).0 {
            assert_ne!(line, "use crate::{", "in {}: one import a line, which this test can read", path.display());
            let several =
                line.strip_prefix("use crate::{").map(|list| list.trim_end_matches("};").split(", ").collect());
            let named: Vec<_> = several.unwrap_or_else(|| line.split("crate::").skip(1).collect());
            let named =
                named.into_iter().filter_map(|path| path.split(|c: char| !c.is_alphanumeric() && c != '_').next());
            own.extend(named.filter(|named| *named != room).map(str::to_owned));
        }
    }
    imports
}

/// Every room that one leads to, by whatever way.
fn below<'a>(imports: &'a Imports, room: &str, found: &mut BTreeSet<&'a str>) {
    for other in imports.get(room).into_iter().flatten() {
        if found.insert(other) {
            below(imports, other, found);
        }
    }
}

#[test]
fn no_room_imports_one_that_stands_above_it() {
    for (sources, lowest) in [("src", "error"), ("sandbox/src", "rng")] {
        let imports = imports(sources);
        assert!(imports.len() > 10 && imports.values().flatten().any(|room| room == lowest), "{imports:?}");
        for room in imports.keys() {
            let mut found = BTreeSet::new();
            below(&imports, room, &mut found);
            assert!(!found.contains(room.as_str()), "{sources}/{room} leads back to itself: {imports:#?}");
        }
    }
}
