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


def times(values: Sequence[float], word: str = "") -> str:
    """Ratios, of which each belongs to one round: the median, and from where to where."""
    middle, least, most = (
        f"{value:.{2 if value < 10 else 0}f}" for value in (median(values), min(values), max(values))
    )
    return f"{middle} ×{word and ' ' + word}" + (f" ({least} to {most})" if least != most else "")


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table as the page has it."""
    lines = [head, ("---",) * len(head), *rows]
    return "".join("|" + "".join(f" {cell} |" if cell else " |" for cell in cells) + "\n" for cells in lines)


def plain(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table for a terminal."""
    lines = [head, *rows]
    widths = [max(len(cells[column]) for cells in lines) for column in range(len(head))]
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
        "in brackets the least and the most. Ratios are those of the rounds, in which both sides take turns.\n"
    )


def write(block: str, text: str) -> None:
    """Puts a text between the markers of a block of the page."""
    begin, end = f"<!-- {block}: begin -->\n", f"<!-- {block}: end -->\n"
    before, _, rest = PAGE.read_text().partition(begin)
    _, marker, after = rest.partition(end)
    if not marker:
        raise SystemExit(f"{PAGE} has no markers of {block}")
    PAGE.write_text(f"{before}{begin}{text}{end}{after}")


def _values(path: str, name: str) -> Iterator[str]:
    for line in Path(path).read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            yield value.strip()


def _first_line(command: list[str | Path]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]
