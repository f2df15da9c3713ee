//! What a release says of itself stands in several files; Cargo.toml is the one that is right.

use std::path::Path;
use std::process::Command;

const VERSION: &str = env!("CARGO_PKG_VERSION");

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
    // What comes next has no version yet, and before the first release there is nothing else.
    if let Some(newest) = after("CHANGELOG.md", "## [").iter().find(|heading| *heading != "Unreleased]") {
        assert!(newest.starts_with(&format!("{VERSION}] - ")), "the newest release of CHANGELOG.md is {newest}");
    }
}

#[test]
fn the_name_of_the_image_is_the_same_wherever_it_stands() {
    let name = after("metadata.yaml", "dockerRepository:").remove(0);
    assert_eq!(after("Dockerfile", "LABEL io.airbyte.name="), [format!("\"{name}\" \\")]);
    assert_eq!(after("README.md", "docker build "), [format!("-t {name}:dev .")]);
}

#[test]
fn one_rust_builds_the_connector_everywhere() {
    let channel = after("rust-toolchain.toml", "channel = ").remove(0);
    let version = channel.trim_matches('"');
    assert_eq!(after("Dockerfile", "FROM rust:"), [format!("{version}-slim-bookworm AS dependencies")]);
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
