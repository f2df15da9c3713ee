# What is done in this project, a recipe each; CI runs these very ones. Without `just`, `.ci/just` runs it.

set shell := ["bash", "-euo", "pipefail", "-c"]
set positional-arguments

# What .ci/requirements.txt pins goes before what a machine has.
export PATH := justfile_directory() / "target/ci/bin:" + env("PATH")

shell_scripts := ".ci/address .ci/just .ci/package .ci/provenance .ci/run .ci/skip .ci/tools tests/acceptance/run tests/image/* tests/simulation/mutants/run monitoring/stack/read-on"

[private]
default:
    @just --list --unsorted

# the connector on the simulated Navan, in a table
demo *args:
    cargo demo "$@"

# Rust and Python, formatted
fmt: _tools
    cargo fmt --all
    ruff format .
    just --fmt

# all tests
test *args:
    @command -v redis-server >/dev/null || .ci/skip "tests of shared state; redis-server is not installed"
    cargo test --locked --workspace "$@"

# all tests by nextest, each a process of its own
nextest *args: (_crate "cargo-nextest" "0.9.143")
    cargo nextest run --locked --workspace "$@"

# the connector from outside: rules, image, clients, or all three
acceptance *args:
    tests/acceptance/run "$@"

# the image, built and tested, where a Docker engine is
image *args:
    tests/image/run "$@"

# the benchmarks of the hot path
bench *args:
    cargo bench --locked "$@"

# link/read.ld anew: which functions a read executes; callgrind sees it
order:
    command -v valgrind >/dev/null || { echo "just order needs valgrind, a package of Debian's." >&2; exit 1; }
    link/order

# a release's commit: its version and the address everywhere, its heading in the changelog; shown first, then asked about
release version *args: (_crate "cargo-release" "1.1.6")
    cargo release --package source-navan "$@"
    cargo release --package source-navan --execute "$@"

# whole syncs in one process on a paused clock, so many of them, each with faults, limits, changes and kills of its own
simulate seeds="1000":
    SIMULATION_SEEDS="$1" cargo test --locked --lib simulation::nothing_is_lost

# the same on code with a mistake in it, one after the other: in how many seeds each is found
mutants seeds="1000" *mistake:
    tests/simulation/mutants/run "$@"

# everything that must hold before a change lands
[group('checks')]
ci: format lint scripts spelling workflows test simulate doc deny pairs outside

# formatting of Rust
[group('checks')]
format:
    cargo fmt --all --check

# Clippy, also on what is no part of the workspace: benchmarks beside other programs, the fuzz target
[group('checks')]
lint:
    cargo clippy --locked --workspace --all-targets -- -D warnings
    for crate in benches/split benches/parsers fuzz; do \
        cargo clippy --locked --manifest-path "$crate/Cargo.toml" -- -D warnings || exit; \
    done

# Python, shell, justfile
[group('checks')]
scripts: _tools
    ruff check --no-cache .
    ruff format --no-cache --check .
    shellcheck {{ shell_scripts }}
    just --fmt --check

# spelling
[group('checks')]
spelling: _tools
    typos

# GitHub's workflows and Dependabot's settings
[group('checks')]
workflows: _tools
    zizmor --offline --no-progress --persona=pedantic .

# documentation in the code
[group('checks')]
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps

# The database of advisories lies where not every machine gets.
# licences, bans, sources and advisories of crates
[group('checks')]
deny: (_crate "cargo-deny" "0.20.2")
    cargo deny --locked check --hide-inclusion-graph licenses bans sources
    if cargo deny fetch db >/dev/null 2>&1; then \
        cargo deny --locked check advisories; \
    else \
        .ci/skip "advisories, whose database cannot be reached"; \
    fi

# every pair of faults (two minutes)
[group('checks')]
pairs: (_crate "cargo-nextest" "0.9.143")
    SOURCE_NAVAN_FAULT_PAIRS=1 cargo nextest run --locked --profile ci --test it -E 'test(pairs_of_faults)'

# image and acceptance tests; without a Docker engine, the executable's alone
[group('checks')]
[script("bash", "-euo", "pipefail")]
outside:
    if reason=$(tests/image/engine); then
        tests/image/build
        export SOURCE_NAVAN_IMAGE=source-navan/source-navan:dev
    else
        .ci/skip "the image; $reason"
    fi
    tests/acceptance/run

_tools:
    @.ci/tools

# a command of cargo's, installed if it is not here
_crate name version:
    @command -v {{ name }} >/dev/null || cargo install --locked --quiet {{ name }}@{{ version }}
