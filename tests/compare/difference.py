"""Where two sides differ."""

from __future__ import annotations

from collections import Counter
from itertools import zip_longest

from side import Run
from view import Lines, view

# How many differences of a case are shown.
SHOWN = 4
# How much of a long line is shown before and after the first character that differs.
LEAD, REST = 60, 140


def differences(before: list[Run], after: list[Run]) -> list[str]:
    """What differs, for people; nothing if all is the same."""
    found: list[list[str]] = []
    for number, (one, other) in enumerate(zip_longest(before, after), start=1):
        if not (one and other):
            found.append([f"run {number}, on one side only: {(one or other).label}"])
            continue
        views = view(one), view(other)
        for name in sorted({*views[0], *views[1]}):
            lines = _of_lines(f"run {number}, {one.label}: {name}", *(seen.get(name, Lines([])) for seen in views))
            found += [lines] if lines else []
    shown = [line for lines in found[:SHOWN] for line in lines]
    return shown + ([f"and {len(found) - SHOWN} differences more"] if len(found) > SHOWN else [])


def _of_lines(what: str, before: Lines, after: Lines) -> list[str]:
    """The first lines that differ."""
    if before.ordered or after.ordered:
        pairs = zip_longest(before.lines, after.lines)
        removed, added = next(((one, other) for one, other in pairs if one != other), (None, None))
        if removed is added is None:
            return []
        counts = f"{len(before.lines)} and {len(after.lines)} lines"
    else:
        first, second = Counter(before.lines), Counter(after.lines)
        only_before, only_after = sorted((first - second).elements()), sorted((second - first).elements())
        if not (only_before or only_after):
            return []
        removed, added = (lines[0] if lines else None for lines in (only_before, only_after))
        both = ((only_before, before.lines), (only_after, after.lines))
        counts = " and ".join(f"{len(only)} of {len(lines)} lines" for only, lines in both) + " on that side only"
    one, other = _excerpts(removed, added)
    return [f"{what} ({counts})", f"  before: {one}", f"  after:  {other}"]


def _excerpts(one: str | None, other: str | None) -> tuple[str, str]:
    """Both lines around the first character that differs."""
    pairs = enumerate(zip_longest(one or "", other or ""))
    at = next((at for at, (mine, theirs) in pairs if mine != theirs), 0) if one and other else 0
    start = max(at - LEAD, 0)

    def excerpt(line: str | None) -> str:
        if line is None:
            return "(nothing)"
        shown = line[start : at + REST].encode("unicode_escape").decode()
        return f"{'…' if start else ''}{shown}{'…' if len(line) > at + REST else ''}"

    return excerpt(one), excerpt(other)
