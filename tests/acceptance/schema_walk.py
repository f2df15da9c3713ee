"""Walks a JSON Schema, so that a property that happens to be called `not` is not taken for the keyword."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]

_NAMED = ("properties", "patternProperties", "definitions", "$defs")
_LISTED = ("allOf", "anyOf", "oneOf")
_SINGLE = ("items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames")


def subschemas(schema: Any, path: str = "#") -> Iterator[tuple[str, Schema]]:
    """Every schema within a schema, itself included, each with a JSON pointer to it."""
    if not isinstance(schema, dict):
        return
    yield path, schema
    for keyword in _NAMED:
        for name, inner in (schema.get(keyword) or {}).items():
            yield from subschemas(inner, f"{path}/{keyword}/{name}")
    for keyword in _LISTED:
        for number, inner in enumerate(schema.get(keyword) or []):
            yield from subschemas(inner, f"{path}/{keyword}/{number}")
    for keyword in _SINGLE:
        inner = schema.get(keyword)
        for number, one in enumerate(inner if isinstance(inner, list) else [inner]):
            yield from subschemas(one, f"{path}/{keyword}" + (f"/{number}" if isinstance(inner, list) else ""))


def properties(schema: Schema) -> Iterator[tuple[str, str, Schema]]:
    """Every named property, at any depth: its pointer, its name and its schema."""
    for path, inner in subschemas(schema):
        for name, described in (inner.get("properties") or {}).items():
            yield f"{path}/properties/{name}", name, described


def types(schema: Schema) -> list[str]:
    """The JSON types that a schema names."""
    given = schema.get("type", [])
    return [given] if isinstance(given, str) else list(given)


def field(schema: Schema, path: list[str]) -> Schema | None:
    """The schema of a field, which may lie deeper."""
    found: Any = schema
    for name in path:
        found = (found.get("properties") or {}).get(name) if isinstance(found, dict) else None
    return found
