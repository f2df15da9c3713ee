"""Every line that any command writes to stdout is a message of Airbyte's protocol, and nothing else is there.

Parsed with Airbyte's own models, which let unknown fields pass; so they are looked for as well.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from airbyte_protocol.models import AirbyteMessage
from pydantic import BaseModel

from conftest import Outcome
from connector import Output
from scenarios import SCENARIOS

# Objects that are anyone's to fill; everything else has only the fields of the protocol.
FREE = {"AirbyteStateBlob"}


@pytest.fixture(scope="module", params=SCENARIOS)
def output(request: pytest.FixtureRequest, outcome: Outcome) -> Output:
    return outcome(request.param)


def unknown(value: object, path: str) -> Iterator[str]:
    """The fields of a parsed message that the protocol does not know."""
    if isinstance(value, BaseModel):
        known = {*value.__fields__} | {field.alias for field in value.__fields__.values()}
        for name, inner in value.__dict__.items():
            if name not in known and type(value).__name__ not in FREE:
                yield f"{path}.{name}"
            yield from unknown(inner, f"{path}.{name}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from unknown(inner, f"{path}[{number}]")


@pytest.mark.parametrize("name", SCENARIOS)
def test_it_ends_as_it_should(name: str, outcome: Outcome) -> None:
    output = outcome(name)
    assert output.exit_code in SCENARIOS[name].exit_codes, f"{output.stderr[-1000:]}\n{output.lines[-1:]}"


def test_lines_are_whole(output: Output) -> None:
    """Each ends with a line feed, none is empty, and none holds what another reader takes for a line break."""
    assert output.stdout.endswith("\n")
    assert all(line.strip() for line in output.lines)
    assert output.stdout.splitlines() == output.lines


def test_lines_are_messages(output: Output) -> None:
    """Each parses, has no unknown field, and is the same when it is written again."""
    for line, message in zip(output.lines, output.messages, strict=True):
        parsed = AirbyteMessage.parse_raw(line)
        assert [*unknown(parsed, "message")] == [], line[:500]
        assert json.loads(parsed.json(exclude_unset=True)) == message, line[:500]


def test_there_is_one_body_of_the_right_type(output: Output) -> None:
    for message in output.messages:
        body = {"CONNECTION_STATUS": "connectionStatus"}.get(message["type"], message["type"].lower())
        assert {*message} == {"type", body}


def test_nothing_is_said_on_stderr(output: Output) -> None:
    """Logs are messages; stderr is for what went wrong before there could be any."""
    assert output.stderr == ""
