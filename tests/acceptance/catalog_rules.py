"""Airbyte's rules for what `discover` says. Each takes the list of streams and names what breaks it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import jsonschema

from schema_walk import field, subschemas, types

Streams = list[dict[str, Any]]

_AIRBYTE_TYPES = {
    "timestamp_with_timezone": {"string"},
    "timestamp_without_timezone": {"string"},
    "time_with_timezone": {"string"},
    "time_without_timezone": {"string"},
    "integer": {"integer", "number"},
}


# Read by the days that are asked for: no field of a record tells how far.
WITHOUT_CURSOR = ("TRANSACTION_RECEIPT",)


def some_streams(streams: Streams) -> Iterator[str]:
    """There are streams, each named once."""
    if not streams:
        yield "there is no stream"
    yield from (f"{name} comes {n} times" for name, n in Counter(s["name"] for s in streams).items() if n > 1)


def sync_modes(streams: Streams) -> Iterator[str]:
    """A stream has sync modes; one that is incremental says so in full and can be resumed."""
    for stream in streams:
        modes = stream.get("supported_sync_modes") or []
        if not modes or not {*modes} <= {"full_refresh", "incremental"}:
            yield f"{stream['name']} has the sync modes {modes}"
        if "incremental" in modes:
            if stream.get("is_resumable") is not True:
                yield f"{stream['name']} is incremental and not resumable"
            is_named = stream.get("default_cursor_field") or stream["name"] in WITHOUT_CURSOR
            if stream.get("source_defined_cursor") and not is_named:
                yield f"{stream['name']} defines its cursor and does not name it"


def cursors_exist(streams: Streams) -> Iterator[str]:
    """A cursor is a field of the schema."""
    for stream in streams:
        cursor = stream.get("default_cursor_field")
        if cursor and field(stream["json_schema"], cursor) is None:
            yield f"{stream['name']} has no {'.'.join(cursor)}"


def keys_exist(streams: Streams) -> Iterator[str]:
    """Each part of a primary key is a field of the schema, and a scalar."""
    for stream in streams:
        for path in stream.get("source_defined_primary_key") or []:
            found = field(stream["json_schema"], path)
            if found is None:
                yield f"{stream['name']} has no {'.'.join(path)}"
            elif {"object", "array"} & {*types(found)}:
                yield f"{stream['name']}: {'.'.join(path)} is no scalar"


def valid_schemas(streams: Streams) -> Iterator[str]:
    """Each schema is a JSON Schema of an object."""
    for stream in streams:
        schema = stream["json_schema"]
        if "object" not in types(schema):
            yield f"{stream['name']} is not of objects"
        for error in jsonschema.Draft7Validator(jsonschema.Draft7Validator.META_SCHEMA).iter_errors(schema):
            yield f"{stream['name']} {error.json_path}: {error.message}"


def no_forbidden_keywords(streams: Streams) -> Iterator[str]:
    """No keyword that destinations do not know."""
    for stream in streams:
        for path, schema in subschemas(stream["json_schema"]):
            yield from (f"{stream['name']} {path} uses {word}" for word in ("$ref", "allOf", "not") if word in schema)


def open_objects(streams: Streams) -> Iterator[str]:
    """`additionalProperties` is true wherever it stands, and stands at the top."""
    for stream in streams:
        for path, schema in subschemas(stream["json_schema"]):
            if schema.get("additionalProperties", path != "#") is not True:
                yield f"{stream['name']} {path} is closed"


def known_types(streams: Streams) -> Iterator[str]:
    """Each `airbyte_type` is one of Airbyte's and fits the JSON type; times are strings."""
    for stream in streams:
        for path, schema in subschemas(stream["json_schema"]):
            given, named = {*types(schema)}, schema.get("airbyte_type")
            if named and not given & _AIRBYTE_TYPES.get(named, set()):
                yield f"{stream['name']} {path}: {named} on {sorted(given)}"
            if schema.get("format") in ("date", "date-time", "time") and "string" not in given:
                yield f"{stream['name']} {path}: {schema['format']} on {sorted(given)}"


RULES: list[Callable[[Streams], Iterator[str]]] = [
    some_streams,
    sync_modes,
    cursors_exist,
    keys_exist,
    valid_schemas,
    no_forbidden_keywords,
    open_objects,
    known_types,
]
