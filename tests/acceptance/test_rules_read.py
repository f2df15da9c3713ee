"""Airbyte's rules for `read` without a state: basic read and full refresh."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest

import children
import record_rules
from catalogs import load, names, with_mode
from conftest import ConfigOf
from connector import Connector, Output
from sandbox import COUNTED, KEYS, Sandbox, sandbox
from settings import Case, cases

STREAMS = (*KEYS, *children.LISTS, *COUNTED)


@pytest.fixture(scope="module", params=cases("basic_read"), ids=str)
def basic_read(request: pytest.FixtureRequest, connector: Connector, config_of: ConfigOf) -> tuple[Case, Output]:
    """One read of all that the case's catalog chooses."""
    case: Case = request.param
    return case, connector.run("read", config=config_of(case), catalog=case.file("configured_catalog_path"))


def streams_of(case: Case) -> list[dict[str, Any]]:
    return [entry["stream"] for entry in load(case.file("configured_catalog_path"))["streams"]]


def test_the_read_ends_as_the_case_says(basic_read: tuple[Case, Output]) -> None:
    case, output = basic_read
    output.expect(exit_code={"succeed": 0, "failed": 1}[case.entry["status"]])


def test_every_stream_yields_records(basic_read: tuple[Case, Output]) -> None:
    case, output = basic_read
    excused = {stream["name"] for stream in case.entry["empty_streams"]}
    assert [stream["name"] for stream in streams_of(case) if not output.records(stream["name"])] == sorted(excused)


def test_no_record_of_another_stream(basic_read: tuple[Case, Output]) -> None:
    case, output = basic_read
    assert {record["stream"] for record in output.of_type("RECORD")} <= {stream["name"] for stream in streams_of(case)}


def test_every_record_matches_its_schema(basic_read: tuple[Case, Output]) -> None:
    case, output = basic_read
    for stream in streams_of(case):
        records = output.records(stream["name"])
        assert record_rules.invalid(records, stream) == []
        assert record_rules.strange(records, stream) == []


def test_no_key_is_null_or_comes_twice(basic_read: tuple[Case, Output]) -> None:
    case, output = basic_read
    for stream in (stream for stream in streams_of(case) if stream["source_defined_primary_key"]):
        records = output.records(stream["name"])
        assert record_rules.null_keys(records, stream) == []
        assert record_rules.duplicates(records, stream) == []


INVALID_CATALOGS: dict[str, Any] = {
    "unknown stream in an unknown mode": {
        "streams": [
            {
                "stream": {
                    "name": "__AIRBYTE__stream_that_does_not_exist",
                    "json_schema": {"type": "object", "properties": {"f1": {"type": "string"}}},
                    "supported_sync_modes": ["full_refresh"],
                },
                "sync_mode": "INVALID",
                "destination_sync_mode": "INVALID",
            }
        ]
    },
    "unknown mode": {
        "streams": [{"stream": {"name": "USER"}, "sync_mode": "INVALID", "destination_sync_mode": "overwrite"}]
    },
    "unknown stream": {
        "streams": [{"stream": {"name": "NOPE"}, "sync_mode": "full_refresh", "destination_sync_mode": "overwrite"}]
    },
    "no streams": {},
    "not JSON": "{",
}


@pytest.mark.parametrize("catalog", INVALID_CATALOGS.values(), ids=INVALID_CATALOGS)
@pytest.mark.parametrize("case", cases("basic_read"), ids=str)
def test_an_invalid_catalog_gives_an_error_trace(
    case: Case, catalog: Any, connector: Connector, config_of: ConfigOf
) -> None:
    output = connector.run("read", config=config_of(case), catalog=catalog).expect(exit_code=1)
    assert output.traces("ERROR")
    assert output.of_type("RECORD") == []


@pytest.mark.parametrize("case", cases("full_refresh"), ids=str)
def test_two_full_refreshes_give_the_same_records(case: Case, connector: Connector, config_of: ConfigOf) -> None:
    catalog = with_mode(load(case.file("configured_catalog_path")), "full_refresh")
    assert names(catalog) == {*STREAMS}
    read = partial(connector.run, "read", config=config_of(case), catalog=catalog)
    first, second = read().expect(), read().expect()
    for stream in STREAMS:
        assert first.records(stream)
        # The sets are too long to be shown.
        same = record_rules.as_set(first.records(stream)) == record_rules.as_set(second.records(stream))
        assert same, f"{stream}: {len(first.records(stream))} records, then {len(second.records(stream))}, not the same"


def test_the_records_are_the_rows_of_navan(
    connector: Connector, shared_sandbox: Sandbox, config_of: ConfigOf, request: pytest.FixtureRequest
) -> None:
    if request.config.getoption("--real-config"):
        pytest.skip("only the sandbox tells all its rows")
    (case, *_) = cases("full_refresh")
    output = connector.run("read", config=config_of(case), catalog=case.file("configured_catalog_path")).expect()
    facts = shared_sandbox.get("facts")
    expected = {name: facts[name]["rows"] for name in (*KEYS, *COUNTED)}
    expected |= children.counts([*shared_sandbox.all_rows()])
    assert {name: len(output.records(name)) for name in STREAMS} == expected


def test_a_retried_full_refresh_goes_on_where_its_state_says(connector: Connector) -> None:
    """BOOKING is resumable: what an attempt's state covers is not read again by the next, and nothing is lost."""
    with sandbox(bookings=16000, transactions=0, users=0) as navan:
        entry = {"sync_mode": "full_refresh", "destination_sync_mode": "overwrite", "sync_id": 7}
        catalog = {"streams": [{"stream": {"name": "BOOKING"}, **entry}]}
        read = partial(connector.run, "read", config=navan.config(), catalog=catalog)
        messages = [message for message in read().expect().messages if message["type"] in ("RECORD", "STATE")]
        everything = {message["record"]["data"]["uuid"] for message in messages if message["type"] == "RECORD"}
        states = [number for number, message in enumerate(messages) if message["type"] == "STATE"]
        assert len(everything) == 16000
        assert len(states) > 1, "no checkpoint on the way"
        sizes = []
        for number in states:
            before = {m["record"]["data"]["uuid"] for m in messages[:number] if m["type"] == "RECORD"}
            state = messages[number]["state"]
            again = read(state=[{"type": "STREAM", "stream": state["stream"]}]).expect()
            after = {record["uuid"] for record in again.records()}
            assert before | after == everything
            sizes.append(len(after))
            assert again.states()[-1]["stream"]["stream_state"]["__ab_full_refresh_sync_complete"] is True
        assert sizes == sorted(sizes, reverse=True), "a later checkpoint covers less"
        assert sizes[-1] == 0, "a completed attempt was read again"
        assert any(0 < size < len(everything) for size in sizes), "no checkpoint spares a retry anything"


STREAM = {
    "name": "S",
    "source_defined_primary_key": [["id"]],
    "json_schema": {
        "type": "object",
        "additionalProperties": True,
        "properties": {
            "id": {"type": ["null", "string"]},
            "n": {"type": "integer"},
            "day": {"type": "string", "format": "date"},
            "at": {"type": "string", "format": "date-time", "airbyte_type": "timestamp_with_timezone"},
        },
    },
}
MISTAKES = [
    {"id": 5},
    {"n": 1.0},
    {"n": "1"},
    {"day": "2026-02-30"},
    {"day": "2026-02-03T00:00:00Z"},
    {"day": "2026-W05-1"},
    {"at": "2026-02-03"},
    {"at": "2026-02-03 04:05:06Z"},
    {"at": "2026-02-03T04:05:06+0530"},
    {"at": "2026-02-03T25:00:00Z"},
    {"at": "2026-02-03T04:05:06"},
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=json.dumps)
def test_the_record_rules_find_a_mistake(mistake: dict[str, Any]) -> None:
    good = {"id": "a", "n": 1, "day": "2026-02-03", "at": "2026-02-03T04:05:06.789Z"}
    assert record_rules.invalid([good], STREAM) == []
    assert len(record_rules.invalid([good, {**good, **mistake}], STREAM)) == 1


def test_the_key_rules_find_a_mistake() -> None:
    assert len(record_rules.null_keys([{"id": None}, {}, {"id": "a"}], STREAM)) == 2
    assert len(record_rules.duplicates([{"id": "a"}, {"id": "a"}], STREAM)) == 1
    assert len(record_rules.strange([{"x": 1}], STREAM)) == 1
