"""Rows of each stream with anything in them, spelled in any of the ways that JSON has."""

from __future__ import annotations

import random
import string
from collections.abc import Iterator
from typing import Any

from rows import KEYS, NUMBERS, STREAMS, TIMES, Rows, schema


def at_random(seed: int, number: int = 400) -> Rows:
    """Rows with names from the schemas and anything below them, spelled in any of the ways that JSON has."""
    rng = random.Random(seed)
    return {stream: [_any_row(rng, stream, nth).encode() for nth in range(number)] for stream in STREAMS}


def _any_row(rng: random.Random, stream: str, nth: int) -> str:
    names = [*_names(schema(stream))]
    # A key or time that comes again would let the order of pages decide which row is written.
    free = [name for name in names if name not in (KEYS[stream], TIMES[stream])]
    members = [(rng.choice(free), _any_value(rng, names, 3)) for _ in range(rng.randrange(1, 25))]
    members += [(KEYS[stream], f'"k{nth}"'), (TIMES[stream], f'"2024-11-21T{rng.randrange(24):02}:00:00Z"')]
    rng.shuffle(members)
    return _object(rng, members, rng.choice(["", "", "", " ", "\n", "\r\n  "]))


def _names(schema: dict[str, Any]) -> Iterator[str]:
    for name, below in schema.get("properties", {}).items():
        yield name
        yield from _names(below)
        yield from _names(below.get("items", {}))


def _any_value(rng: random.Random, names: list[str], depth: int) -> str:
    space = rng.choice(["", "", "", " ", "\n"])
    match rng.randrange(12 if depth else 9):
        case 0 | 1:
            return rng.choice(["null", "true", "false"])
        case 2:
            return rng.choice(NUMBERS)
        case 3:
            return str(rng.uniform(-1e6, 1e6))
        case 4:
            return rng.choice(['""', '"2024-11-21"', '"2024-11-21T10:00:00Z"', '"2024-11-21T10:00:00"'])
        case 5 | 6 | 7:
            return _any_text(rng)
        case 8 | 9:
            values = [_any_value(rng, names, depth - 1) for _ in range(rng.randrange(4))] if depth else []
            return f"[{space}" + f"{space},{space}".join(values) + f"{space}]"
        case _:
            members = [(rng.choice(names), _any_value(rng, names, depth - 1)) for _ in range(rng.randrange(5))]
            return _object(rng, members, space)


def _object(rng: random.Random, members: list[tuple[str, str]], space: str) -> str:
    named = [f'"{_spelled(rng, name)}"{space}:{space}{value}' for name, value in members]
    return f"{{{space}" + f"{space},{space}".join(named) + f"{space}}}"


def _spelled(rng: random.Random, name: str) -> str:
    """A name as it is, or now and then with an escape, or a letter more."""
    if rng.random() < 0.03:
        return f"\\u{ord(name[0]):04x}{name[1:]}"
    return name + rng.choice(string.ascii_letters) if rng.random() < 0.1 else name


def _any_text(rng: random.Random) -> str:
    pieces = [
        *string.ascii_letters,
        " ",
        "\\n",
        '\\"',
        "\\\\",
        "\\/",
        "\\u00e9",
        "é",
        "\u2028",
        "\u0085",
        "{",
        "]",
        ",",
        ":",
        "\U0001f600",
    ]
    return '"' + "".join(rng.choices(pieces, k=rng.randrange(20))) + '"'
