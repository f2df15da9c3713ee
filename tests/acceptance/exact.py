"""Keeps out of the sandbox what PyAirbyte itself cannot carry.

The sandbox scatters hostile numbers over its rows, such as 2^128 or amounts of thirty digits, since the
connector must pass on every digit. PyAirbyte reads JSON numbers as 64-bit floats and DuckDB holds them as
DECIMAL(38, 9), so such a row would stop its load or change its sum, whatever the connector does.
"""

from __future__ import annotations

import json
import urllib.request
from decimal import Decimal
from typing import Any

from sandbox import KEYS, TABLES, Sandbox


def rows(sandbox: Sandbox, stream: str, kind: str | None = None) -> list[dict[str, Any]]:
    """All rows of a stream, their numbers as they are written."""
    query = f"stream={stream}" + (f"&type={kind}" if kind else "")
    with urllib.request.urlopen(f"{sandbox.url}/sandbox/rows?{query}", timeout=60) as answer:
        return [json.loads(line, parse_float=Decimal, parse_int=Decimal) for line in answer]


def is_exact(value: Any) -> bool:
    """Whether every number in it survives a float and a DECIMAL(38, 9)."""
    if isinstance(value, dict):
        return all(map(is_exact, value.values()))
    if isinstance(value, list):
        return all(map(is_exact, value))
    if not isinstance(value, Decimal):
        return True
    return abs(value) < 10**29 and value.normalize().as_tuple().exponent >= -9 and Decimal(repr(float(value))) == value


def remove_inexact(sandbox: Sandbox) -> None:
    """Deletes the rows of a fresh sandbox that hold such a number; its rows stand in the order of their indexes."""
    for stream, kind, _ in TABLES:
        for index, row in enumerate(rows(sandbox, stream, kind)):
            if not is_exact(row):
                sandbox.post("delete", {"stream": stream, "index": index} | ({"type": kind} if kind else {}))


def touch(sandbox: Sandbox, stream: str, index: int, kind: str | None = None) -> None:
    """Changes a row, again if need be, until it is one that PyAirbyte can carry."""
    key = KEYS[stream]
    before = {row[key]: row for row in rows(sandbox, stream, kind)}
    for _ in range(50):
        sandbox.touch(stream, index, kind)
        changed = [row for row in rows(sandbox, stream, kind) if row != before[row[key]]]
        assert len(changed) == 1, f"one {stream} was touched, {len(changed)} changed"
        if is_exact(changed[0]):
            return
    raise AssertionError(f"{stream} {index} has a number that PyAirbyte cannot carry in each of its versions")


def insert(sandbox: Sandbox, stream: str, count: int, kind: str | None = None) -> None:
    """Adds new rows, all of which PyAirbyte can carry."""
    target = {"stream": stream} | ({"type": kind} if kind else {})
    key = KEYS[stream]
    added = 0
    while added < count:
        known = {row[key] for row in rows(sandbox, stream, kind)}
        (index,) = sandbox.post("insert", {**target, "count": 1})["indexes"]
        (row,) = (row for row in rows(sandbox, stream, kind) if row[key] not in known)
        if is_exact(row):
            added += 1
        else:
            sandbox.post("delete", {**target, "index": index})
