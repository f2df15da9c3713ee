"""Airbyte's rules for a connector's specification. Each takes `connectionSpecification` and names what breaks it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

import jsonschema

from schema_walk import Schema, properties, subschemas, types

_SECRET_NAMES = {
    "certificate",
    "credentials",
    "jwt",
    "key",
    "secret",
    "service_account",
    "service_account_info",
    "token",
}
_SECRET_ENDS = ("_token", "_secret", "password", "api_key", "apikey", "secret_key", "private_key", "access_key")
_FORBIDDEN = ("$ref", "not", "anyOf", "allOf", "patternProperties", "if", "then", "else")
_DATE = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
# As the date picker of Airbyte's form writes a moment: the time may be left out, or a Z stands at the end.
_DATE_TIMES = {
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2})?$",
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)?$",
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$",
}


def is_secret_name(name: str) -> bool:
    """Whether a property of this name is expected to be a secret, however its words are joined."""
    snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().replace("-", "_")
    return snake in _SECRET_NAMES or snake.endswith(_SECRET_ENDS)


def valid_json_schema(spec: Schema) -> Iterator[str]:
    """It is a JSON Schema."""
    for error in jsonschema.Draft7Validator(jsonschema.Draft7Validator.META_SCHEMA).iter_errors(spec):
        yield f"{error.json_path}: {error.message}"


def secrets_marked(spec: Schema) -> Iterator[str]:
    """A property that is named like a secret and can hold one is marked as one, or forms and logs show it."""
    for path, name, schema in properties(spec):
        holds = {"string", "integer", "number"} & set(types(schema)) and "const" not in schema
        if is_secret_name(name) and holds and schema.get("airbyte_secret") is not True:
            yield f"{path} is named like a secret and lacks airbyte_secret"
        if schema.get("airbyte_secret") and not holds:
            yield f"{path} is marked as a secret but cannot hold one"


def one_type(spec: Schema) -> Iterator[str]:
    """A property has one type, or one and null; the form has one input for it."""
    for path, _, schema in properties(spec):
        given = types(schema)
        if len([kind for kind in given if kind != "null"]) != 1 or len(given) > 2 or len(set(given)) != len(given):
            yield f"{path} has the types {given}"


def no_empty_objects(spec: Schema) -> Iterator[str]:
    """An object has properties or variants."""
    for path, schema in subschemas(spec):
        if "object" in types(schema) and not schema.get("properties") and not schema.get("oneOf"):
            yield f"{path} is an object of nothing"


def no_forbidden_keywords(spec: Schema) -> Iterator[str]:
    """Nothing that the form cannot draw."""
    for path, schema in subschemas(spec):
        for keyword in _FORBIDDEN:
            if keyword in schema:
                yield f"{path} uses {keyword}"


def one_of_is_told_apart(spec: Schema) -> Iterator[str]:
    """The variants of an object share exactly one property that is a `const`, by which the form tells them apart."""
    for path, schema in subschemas(spec):
        variants = schema.get("oneOf")
        if variants is None:
            continue
        if types(schema) != ["object"]:
            yield f"{path} has oneOf and is not an object"
        if any(types(variant) != ["object"] or not variant.get("properties") for variant in variants):
            yield f"{path} has a variant that is no object with properties"
            continue
        shared = set.intersection(*({*variant["properties"]} for variant in variants)) if variants else set()
        constant = [name for name in shared if all("const" in variant["properties"][name] for variant in variants)]
        if len(constant) != 1:
            yield f"{path} has {len(constant)} const properties that all variants share"
            continue
        tellers = [variant["properties"][constant[0]] for variant in variants]
        if len({json.dumps(teller["const"]) for teller in tellers}) != len(tellers):
            yield f"{path} has variants of the same {constant[0]}"
        if any("default" in teller or "enum" in teller for teller in tellers):
            yield f"{path} has default or enum on {constant[0]}"


def open_objects(spec: Schema) -> Iterator[str]:
    """`additionalProperties`, where it is set, is true: a later version may know more."""
    for path, schema in subschemas(spec):
        if schema.get("additionalProperties", True) is not True:
            yield f"{path} sets additionalProperties to {schema['additionalProperties']}"


def distinct_enums(spec: Schema) -> Iterator[str]:
    """No choice comes twice."""
    for path, schema in subschemas(spec):
        choices = [json.dumps(choice) for choice in schema.get("enum", [])]
        if len(choices) != len(set(choices)):
            yield f"{path} has a choice twice"


def dates_have_patterns(spec: Schema) -> Iterator[str]:
    """A date carries the pattern of what the form's date picker writes, and that pattern only stands on a date."""
    for path, _, schema in properties(spec):
        kind, pattern = schema.get("format"), schema.get("pattern")
        if kind == "date-time" and pattern not in _DATE_TIMES:
            yield f"{path} is a date-time with the pattern {pattern}"
        if kind == "date" and pattern != _DATE:
            yield f"{path} is a date with the pattern {pattern}"
        if (pattern in _DATE_TIMES and kind != "date-time") or (pattern == _DATE and kind != "date"):
            yield f"{path} has the pattern of a date and the format {kind}"


def examples_are_valid(spec: Schema) -> Iterator[str]:
    """What the form proposes can be entered."""
    for path, _, schema in properties(spec):
        proposed = [*schema.get("examples", []), *([schema["default"]] if "default" in schema else [])]
        for value in proposed:
            for error in jsonschema.Draft7Validator(schema).iter_errors(value):
                yield f"{path}: {error.message}"


RULES: list[Callable[[Schema], Iterator[str]]] = [
    valid_json_schema,
    secrets_marked,
    one_type,
    no_empty_objects,
    no_forbidden_keywords,
    one_of_is_told_apart,
    open_objects,
    distinct_enums,
    dates_have_patterns,
    examples_are_valid,
]
