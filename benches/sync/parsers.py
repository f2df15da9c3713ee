"""The connector's scanner beside JSON parsers, on the same pages in the same process."""

from __future__ import annotations

import json
import subprocess
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import curl
from programs import ROOT, Binaries
from sandbox import sandbox
from table import times

# Full pages, some 5 MB of each stream: more than a core's own cache holds, as it is with pages from a network.
ROWS = {"bookings": 1_600, "transactions": 500}
STREAMS = {"BOOKING": "/v1/bookings", "TRANSACTION": "/v1/expense/"}
BASE = "serde_json"
PARSERS = {
    "source-navan": "source-navan: rows checked and written as RECORD lines",
    BASE: "serde_json, `RawValue`: rows found",
    "jiter": "jiter, `known_skip`: rows found",
    "sonic-rs": "sonic-rs, `LazyValue`: rows found",
    "simd-json": "simd-json, tape",
}


@dataclass(frozen=True)
class Comparison:
    """The table: its first line, and one for each parser."""

    rounds: int
    head: Sequence[str]
    rows: Sequence[Sequence[str]]

    def about(self) -> str:
        """What the table holds."""
        return (
            "CPU time for each byte of the pages, and how many times what serde_json takes in the same round.\n"
            f"Medians of {self.rounds} rounds; in brackets the least and the most. {', '.join(_versions())}.\n"
        )


def compare(binaries: Binaries, rounds: int) -> Comparison:
    """Measures all parsers on pages of both streams, with their fields in one order and shuffled."""
    columns: dict[str, dict[str, str]] = {}
    for shuffled in (False, True):
        with sandbox(binaries.sandbox, **ROWS, shuffled=shuffled) as server, tempfile.TemporaryDirectory() as folder:
            pages = curl.pages(server)
            for stream, prefix in STREAMS.items():
                saved = Path(folder, stream)
                pages.of(prefix).save(saved)
                name = f"{stream}, {'shuffled' if shuffled else 'one order'}"
                columns[name] = dict(_column(binaries.crates["parsers"], stream, rounds, saved))
    rows = [(words, *(cells[parser] for cells in columns.values())) for parser, words in PARSERS.items()]
    return Comparison(rounds, ("", *columns), rows)


def _column(binary: Path, stream: str, rounds: int, pages: Path) -> Iterator[tuple[str, str]]:
    command = [binary, stream, str(rounds), pages]
    report = json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)
    base = report["ns"][BASE]
    for parser in PARSERS:
        if parser in report["refused"]:
            yield parser, f"refuses: {report['refused'][parser]}"
            continue
        spent = report["ns"][parser]
        cell = f"{median(spent) / report['bytes']:.2f} ns"
        if parser != BASE:
            cell += f", {times([ours / theirs for ours, theirs in zip(spent, base, strict=True)])}"
        yield parser, cell


def _versions() -> Iterator[str]:
    lock = tomllib.loads((ROOT / "benches/parsers/Cargo.lock").read_text())
    versions = {package["name"]: package["version"] for package in lock["package"]}
    return (f"{parser} {versions[parser]}" for parser in PARSERS)
