"""Airbyte's rules for records. Each takes the records of a stream and the stream, and names what breaks it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from itertools import islice
from typing import Any

import jsonschema

from connector import by_key

Record = dict[str, Any]

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})?", re.ASCII)
_MOST_TOLD = 5


def moment(text: str) -> datetime:
    """A moment as Airbyte writes it."""
    if not _MOMENT.fullmatch(text):
        raise ValueError(f"{text!r} is no date-time")
    return datetime.fromisoformat(text)


def _formats() -> jsonschema.FormatChecker:
    """Without these two, the library would let any string pass, depending on what else is installed."""
    checker = jsonschema.FormatChecker(formats=())
    checker.checks("date", raises=ValueError)(
        lambda value: not isinstance(value, str) or (bool(_DATE.fullmatch(value)) and bool(date.fromisoformat(value)))
    )
    checker.checks("date-time", raises=ValueError)(lambda value: not isinstance(value, str) or bool(moment(value)))
    return checker


def _airbyte_type(_: Any, named: str, value: Any, __: Any) -> Iterator[jsonschema.ValidationError]:
    """A timestamp has an offset if its type says so, and none otherwise."""
    found = _MOMENT.fullmatch(value) if isinstance(value, str) else None
    if found and (found[2] is not None) == (named == "timestamp_without_timezone"):
        yield jsonschema.ValidationError(f"{value!r} is no {named}")


def _strict_integer(_: Any, value: Any) -> bool:
    """JSON Schema takes 1.0 for an integer; destinations do not."""
    return isinstance(value, int) and not isinstance(value, bool)


_Validator = jsonschema.validators.extend(
    jsonschema.Draft7Validator,
    validators={"airbyte_type": _airbyte_type},
    type_checker=jsonschema.Draft7Validator.TYPE_CHECKER.redefine("integer", _strict_integer),
)


def invalid(records: list[Record], stream: dict[str, Any]) -> list[str]:
    """Where records differ from their schema: the first few, never with more of a row than the value."""
    validator = _Validator(stream["json_schema"], format_checker=_formats())
    errors = (
        f"{stream['name']} #{number} {error.json_path}: {error.message[:200]}"
        for number, record in enumerate(records)
        for error in validator.iter_errors(record)
    )
    return [*islice(errors, _MOST_TOLD)]


def strange(records: list[Record], stream: dict[str, Any]) -> list[str]:
    """Records that share no field with the schema, which an open schema would let pass."""
    known = {*stream["json_schema"]["properties"]}
    return [f"{stream['name']} #{n}: {sorted(record)[:5]}" for n, record in enumerate(records) if not known & {*record}]


def null_keys(records: list[Record], stream: dict[str, Any]) -> list[str]:
    """Records without a whole primary key."""
    keys = by_key(records, stream.get("source_defined_primary_key") or [])
    return [f"{stream['name']} #{number}: {key}" for number, key in enumerate(keys) if None in key]


def duplicates(records: list[Record], stream: dict[str, Any]) -> list[str]:
    """Keys that come more than once within one read."""
    counted = Counter(by_key(records, stream.get("source_defined_primary_key") or []))
    return [f"{stream['name']} {key}: {count} times" for key, count in counted.items() if count > 1]


def as_set(records: list[Record]) -> Counter[str]:
    """Records without their order, to be compared."""
    return Counter(json.dumps(record, sort_keys=True) for record in records)
