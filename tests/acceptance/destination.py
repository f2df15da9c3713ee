"""What a destination has of a read."""

from __future__ import annotations

from collections import defaultdict

from connector import Message, Output
from sandbox import KEYS

# A stream, and the primary key of one of its rows.
Key = tuple[str, str]


def keys(output: Output) -> list[Key]:
    """The keys of all records that are not inside others, in order."""
    return [_key(record) for record in output.of_type("RECORD") if record["stream"] in KEYS]


def safe_keys(output: Output) -> set[Key]:
    """Those of the records that a STATE of their stream follows: what a destination has for certain."""
    safe: set[Key] = set()
    waiting: dict[str, set[Key]] = defaultdict(set)
    for message in output.messages:
        if message["type"] == "RECORD" and message["record"]["stream"] in KEYS:
            waiting[message["record"]["stream"]].add(_key(message["record"]))
        elif message["type"] == "STATE":
            safe |= waiting.pop(message["state"]["stream"]["stream_descriptor"]["name"], set())
    return safe


def _key(record: Message) -> Key:
    return record["stream"], record["data"][KEYS[record["stream"]]]
