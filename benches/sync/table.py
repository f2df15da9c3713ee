"""The table: its rows, how numbers look in it, and where it is written."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from statistics import median

from programs import ROOT, Binaries

PAGE = ROOT / "docs/performance.md"
BEGIN, END = "<!-- measured: begin -->\n", "<!-- measured: end -->\n"
HEAD = ("", "what", "source-navan", "against", "ratio", "bar", "held")


@dataclass(frozen=True)
class Row:
    """A row of the table. Without a bar it only informs."""

    part: str
    what: str
    measured: str
    against: str = ""
    ratio: str = ""
    bar: str = ""
    held: bool | None = None

    def cells(self) -> tuple[str, ...]:
        """As it is printed."""
        held = {None: "", True: "yes", False: "**no**"}[self.held]
        return (f"`{self.part}`", self.what, self.measured, self.against, self.ratio, self.bar, held)


def spread(values: Sequence[float], unit: str, digits: int) -> str:
    """The median, and from where to where, such as `1.20 s (1.10 to 1.32)`."""
    middle, least, most = (f"{value:.{digits}f}" for value in (median(values), min(values), max(values)))
    return f"{middle} {unit}" + (f" ({least} to {most})" if least != most else "")


def times(ratio: float) -> str:
    """A ratio."""
    return f"{ratio:.{2 if ratio < 10 else 0}f} ×"


def markdown(rows: Sequence[Row]) -> str:
    """The table as the page has it."""
    lines = [HEAD, ("---",) * len(HEAD), *(row.cells() for row in rows)]
    return "".join("|" + "".join(f" {cell} |" if cell else " |" for cell in cells) + "\n" for cells in lines)


def plain(rows: Sequence[Row]) -> str:
    """The table for a terminal."""
    lines = [HEAD, *(row.cells() for row in rows)]
    widths = [max(len(cells[column]) for cells in lines) for column in range(len(HEAD))]
    return "".join(
        "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip() + "\n"
        for cells in lines
    )


def circumstances(binaries: Binaries, cdk_version: str, runs: int, load: float) -> str:
    """When, on what and with what it was measured."""
    cpu = next(_values("/proc/cpuinfo", "model name"), platform.machine())
    memory = int(next(_values("/proc/meminfo", "MemTotal")).split()[0]) / 1024**2
    versions = [
        *(_first_line([binary, "--version"]) for binary in (binaries.connector, binaries.sandbox)),
        " ".join(_first_line(["/usr/bin/env", "curl", "--version"]).split()[:2]),
        f"airbyte-cdk {cdk_version} on Python {platform.python_version()}",
    ]
    return (
        f"Measured on {date.today()} with {', '.join(versions)}.\n"
        f"Machine: {cpu}, {os.cpu_count()} cores, {memory:.0f} GiB of memory, Linux {platform.release()}; "
        f"load average {load:.1f} at the start.\n"
        f"Medians of {runs} run{'s' if runs > 1 else ''} unless the row says otherwise; "
        "in brackets the least and the most.\n"
    )


def write(about: str, rows: Sequence[Row]) -> None:
    """Puts the table between the markers of the page."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, marker, after = rest.partition(END)
    if not marker:
        raise SystemExit(f"{PAGE} has no markers")
    PAGE.write_text(f"{before}{BEGIN}{about}\n{markdown(rows)}{END}{after}")


def _values(path: str, name: str) -> Iterator[str]:
    for line in Path(path).read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            yield value.strip()


def _first_line(command: list[str | Path]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]
