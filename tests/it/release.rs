//! What a release says of itself stands in several files; Cargo.toml is the one that is right.

use std::path::Path;
use std::process::Command;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Where the repository is, or a placeholder.
const ADDRESS: &str = env!("CARGO_PKG_REPOSITORY");

/// The heading of what has no version yet, which a release's commit gives one.
const UNRELEASED: &str = "## [Unreleased]";

fn file(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// What follows `start` on the lines that begin with it, spaces before and behind left out.
fn after(name: &str, start: &str) -> Vec<String> {
    file(name).lines().filter_map(|line| line.trim().strip_prefix(start)).map(|rest| rest.trim().to_owned()).collect()
}

#[test]
fn the_version_of_cargo_toml_stands_wherever_a_version_does() {
    let output = Command::new(env!("CARGO_BIN_EXE_source-navan")).arg("--version").output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("source-navan {VERSION}\n"));
    assert_eq!(after("metadata.yaml", "dockerImageTag:"), [VERSION]);
    assert_eq!(after("Dockerfile", "ARG VERSION="), [VERSION]);
    assert_eq!(after("dbt/dbt_project.yml", "version:"), [VERSION]);
    assert_eq!(after("dbt/README.md", "revision:"), [format!("v{VERSION}")]);
    // What comes next has no version yet, and before the first release there is nothing else.
    if let Some(newest) = after("CHANGELOG.md", "## [").iter().find(|heading| *heading != "Unreleased]") {
        assert!(newest.starts_with(&format!("{VERSION}] - ")), "the newest release of CHANGELOG.md is {newest}");
    }
    let rows = after("docs/airbyte.md", "| ");
    assert!(
        rows.iter().any(|row| row.starts_with(&format!("{VERSION} | "))),
        "docs/airbyte.md has no row for {VERSION}"
    );
}

/// Why a commit with that changelog must not be released under that address.
fn refusal(changelog: &str, address: &str) -> Option<String> {
    let is_release = !changelog.lines().any(|line| line == UNRELEASED);
    let is_placeholder = address.split('/').nth(2).is_none_or(|host| host.ends_with(".invalid"));
    (is_release && is_placeholder).then(|| format!("{address} is no address; `.ci/address` fills it in"))
}

#[test]
fn nothing_is_released_without_an_address() {
    assert_eq!(refusal(&file("CHANGELOG.md"), ADDRESS), None);
    let released = "# Changelog\n\n## [0.1.0] - 2026-12-01\n";
    assert!(refusal(released, "https://example.invalid/source-navan").is_some());
    assert!(refusal(released, "").is_some());
    assert_eq!(refusal(released, "https://github.com/acme/source-navan"), None);
    assert_eq!(refusal(&format!("{UNRELEASED}\n{released}"), "https://example.invalid/source-navan"), None);
}

#[test]
fn links_to_the_docs_begin_with_the_address_and_lead_to_what_there_is() {
    let spec: serde_json::Value = serde_json::from_str(&file("spec.json")).unwrap();
    let documentation = after("metadata.yaml", "documentationUrl:").remove(0);
    assert_eq!(spec["documentationUrl"], documentation);
    let anchor = documentation.strip_prefix(&format!("{ADDRESS}#")).expect("an anchor of README");
    let headings = after("README.md", "## ");
    assert!(
        headings.iter().any(|heading| heading.to_lowercase().replace(' ', "-") == anchor),
        "README has no {anchor}, only {headings:?}"
    );
    let diagram = after("metadata.yaml", "erdUrl:").remove(0);
    let path = diagram.strip_prefix(&format!("{ADDRESS}/blob/HEAD/")).expect("a file of the repository");
    assert!(file(path).starts_with("<svg "), "{path} is no picture");
    let runbooks = after("monitoring/alerts.yml", "runbook_url:");
    assert!(!runbooks.is_empty());
    for runbook in runbooks {
        let page = runbook.strip_prefix(&format!("{ADDRESS}/blob/HEAD/")).expect("a page of the repository");
        assert!(page.starts_with("docs/runbooks.md#"), "{page}");
    }
}

#[test]
fn the_name_of_the_image_is_the_same_wherever_it_stands() {
    let name = after("metadata.yaml", "dockerRepository:").remove(0);
    assert_eq!(after("Dockerfile", "LABEL io.airbyte.name="), [format!("\"{name}\" \\")]);
    assert_eq!(after("docs/docker.md", "docker build "), [format!("-t {name}:dev .")]);
    let places = ["docs/docker.md", "docs/airbyte.md", "docs/contributing.md", "docs/pyairbyte.md"];
    let others = ["acceptance-test-config.yml", "examples/navan_to_duckdb.py", "justfile", "tests/image/run"];
    for place in places.into_iter().chain(others) {
        let text = file(place);
        let named = text.matches("source-navan:dev").count();
        assert!(named > 0, "{place} names no image");
        assert_eq!(text.matches(&format!("{name}:dev")).count(), named, "{place} names another image");
    }
}

#[test]
fn one_rust_builds_the_connector_everywhere() {
    let channel = after("rust-toolchain.toml", "channel = ").remove(0);
    let version = channel.trim_matches('"');
    assert_eq!(after("Dockerfile", "FROM rust:"), [format!("{version}-slim-bookworm AS dependencies")]);
    assert_eq!(after("monitoring/sandbox.Dockerfile", "FROM rust:"), [format!("{version}-slim-bookworm AS build")]);
    let oldest = env!("CARGO_PKG_RUST_VERSION");
    assert!(
        version.starts_with(&format!("{oldest}.")),
        "Cargo.toml asks for {oldest}, rust-toolchain.toml for {version}"
    );
    assert!(file("README.md").contains(&format!("[Rust](https://rustup.rs) {oldest} or newer")));
}

#[test]
fn every_host_that_the_connector_knows_may_be_reached() {
    let known = after("src/api/mod.rs", "const ").into_iter().filter_map(|constant| {
        let (_, host) = constant.split_once("\"https://")?;
        Some(host.trim_end_matches("\";").to_owned())
    });
    let allowed = file("metadata.yaml");
    let (_, allowed) = allowed.split_once("allowedHosts:").unwrap();
    let (allowed, _) = allowed.split_once("registryOverrides:").unwrap();
    let known: Vec<_> = known.collect();
    assert_eq!(known.len(), 2);
    for host in known {
        assert!(allowed.contains(&format!("- {host}\n")), "{host} is missing");
    }
}

#[test]
fn the_crates_of_every_target_that_is_released_are_checked() {
    let targets = after(".github/workflows/release.yml", "- { target: ");
    assert!(targets.len() >= 7, "{targets:?}");
    let checked = file("deny.toml");
    for target in targets {
        let (target, _) = target.split_once(',').unwrap();
        assert!(checked.contains(&format!("\"{target}\",")), "{target} is missing in deny.toml");
    }
}

#[test]
fn cargo_binstall_looks_for_the_archives_that_a_release_has() {
    let name = after(".ci/package", "name=").remove(0).replace("$target", "{ target }");
    let urls = after("Cargo.toml", "pkg-url = ");
    assert_eq!(urls.len(), 2);
    for (url, ending) in urls.iter().zip(["tar.gz", "zip"]) {
        assert!(url.ends_with(&format!("/v{{ version }}/{name}.{ending}\"")), "{url}");
    }
    assert_eq!(after("Cargo.toml", "bin-dir = "), [format!("\"{name}/{{ bin }}{{ binary-ext }}\"")]);
}
