"""Airbyte's rules for incremental reads: from the beginning, from every checkpoint, and from the future."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

import children
from catalogs import load, names, with_mode
from conftest import ConfigOf
from connector import Connector, Message, Output, last_states, platform_state
from record_rules import moment
from sandbox import sandbox
from settings import Case, cases


class Incremental:
    """A first read of the incremental streams of a case, and how to read again."""

    def __init__(self, case: Case, connector: Connector, config_of: ConfigOf) -> None:
        self.case = case
        self.catalog = with_mode(load(case.file("configured_catalog_path")), "incremental")
        self.threshold = timedelta(days=case.entry["threshold_days"])
        self.read = partial(connector.run, "read", config=config_of(case), catalog=self.catalog)
        self.first: Output = self.read().expect()

    def cursor(self, stream: str) -> str | None:
        """The name of a stream's cursor, in its records and in its state alike, if its records have one."""
        (entry,) = (entry for entry in self.catalog["streams"] if entry["stream"]["name"] == stream)
        (name,) = entry.get("cursor_field") or entry["stream"]["default_cursor_field"] or (None,)
        return name

    def reached(self, state: Message) -> datetime:
        """How far a state says that its stream has been read."""
        stream = state["stream"]["stream_descriptor"]["name"]
        return moment(state["stream"]["stream_state"][self.cursor(stream) or "synced_through"])

    def newest_last(self, output: Output, stream: str) -> list[datetime]:
        """The cursors of a stream's records; of those that have none, one that breaks no rule for each."""
        if cursor := self.cursor(stream):
            return sorted(moment(record[cursor]) for record in output.records(stream))
        return [self.reached(output.states(stream)[-1])] * len(output.records(stream))

    def may_be_quiet(self, stream: str) -> bool:
        """Whether a read can bring nothing: which bookings were written is known, and receipts are not of every day."""
        return stream.startswith("BOOKING") or stream == "TRANSACTION_RECEIPT"

    def key(self, stream: str, record: Message) -> tuple[Any, ...]:
        """The primary key of a record."""
        (entry,) = (entry for entry in self.catalog["streams"] if entry["stream"]["name"] == stream)
        return tuple(record[column] for (column,) in entry["stream"]["source_defined_primary_key"])

    def records_and_states(self, stream: str) -> list[Message]:
        """The records and states of a stream, in order."""
        found = []
        for message in self.first.messages:
            name = {
                "RECORD": lambda m: m["record"]["stream"],
                "STATE": lambda m: m["state"]["stream"]["stream_descriptor"]["name"],
            }.get(message["type"], lambda _: None)(message)
            if name == stream:
                found.append(message)
        return found


@pytest.fixture(scope="module", params=cases("incremental"), ids=str)
def incremental(request: pytest.FixtureRequest, connector: Connector, config_of: ConfigOf) -> Incremental:
    return Incremental(request.param, connector, config_of)


def test_there_are_incremental_streams(incremental: Incremental) -> None:
    assert names(incremental.catalog) == {"BOOKING", "TRANSACTION", "TRANSACTION_RECEIPT", *children.LISTS}


def test_a_first_read_yields_records_and_states_and_nothing_beyond_them(incremental: Incremental) -> None:
    for stream in names(incremental.catalog):
        assert incremental.first.records(stream)
        states = incremental.first.states(stream)
        assert states
        assert incremental.newest_last(incremental.first, stream)[-1] <= incremental.reached(states[-1])


def test_states_never_go_back(incremental: Incremental) -> None:
    for stream in names(incremental.catalog):
        reached = [incremental.reached(state) for state in incremental.first.states(stream)]
        assert reached == sorted(reached)


def test_a_second_read_yields_only_what_is_new(incremental: Incremental) -> None:
    second = incremental.read(state=last_states(incremental.first)).expect()
    for stream in names(incremental.catalog):
        reached = incremental.reached(incremental.first.states(stream)[-1])
        cursors = incremental.newest_last(second, stream)
        assert cursors or incremental.may_be_quiet(stream), "nothing at all, though the read goes back by lookback_days"
        assert all(cursor >= reached - incremental.threshold for cursor in cursors)
        assert len(cursors) < len(incremental.first.records(stream))


def test_every_checkpoint_is_a_place_to_start_from(incremental: Incremental) -> None:
    """From each, some records come, none too old; with those written before it, none is missing."""
    for stream in names(incremental.catalog):
        messages = incremental.records_and_states(stream)
        key = partial(incremental.key, stream)
        everything = {key(message["record"]["data"]) for message in messages if message["type"] == "RECORD"}
        for number, message in enumerate(messages):
            if message["type"] != "STATE":
                continue
            state = message["state"]
            output = incremental.read(state=[platform_state(state)]).expect()
            cursors = incremental.newest_last(output, stream)
            assert cursors or incremental.may_be_quiet(stream), f"nothing from {state}"
            assert all(cursor >= incremental.reached(state) - incremental.threshold for cursor in cursors)
            assert output.states(stream)
            before = {key(m["record"]["data"]) for m in messages[:number] if m["type"] == "RECORD"}
            after = {key(record) for record in output.records(stream)}
            assert before | after == everything, f"{len(everything - before - after)} are lost from {state}"


def test_from_the_future_no_record_comes_but_a_state(incremental: Incremental) -> None:
    future = load(incremental.case.file("future_state", "future_state_path"))
    output = incremental.read(state=future).expect()
    assert output.of_type("RECORD") == []
    given: dict[str, Any] = {state["stream"]["stream_descriptor"]["name"]: state for state in future}
    assert {*given} == names(incremental.catalog)
    for stream, state in given.items():
        states = output.states(stream)
        assert states
        assert incremental.reached(states[-1]) >= incremental.reached(state), "a state never goes back"


def test_a_change_in_between_is_read(connector: Connector) -> None:
    """What changed comes again, what was added comes, and the rest does not."""
    with sandbox(bookings=0, transactions=60, users=0) as navan:
        entry = {"sync_mode": "incremental", "destination_sync_mode": "append_dedup"}
        catalog = {"streams": [{"stream": {"name": "TRANSACTION"}, **entry}]}
        read = partial(connector.run, "read", config=navan.config(), catalog=catalog)
        first = read().expect()
        before = {row["id"]: row for row in navan.rows("TRANSACTION", "fees")}
        navan.touch("TRANSACTION", 3, "fees")
        navan.insert("TRANSACTION", 2, "fees")
        navan.post("clock", {"advance_s": 3600})
        changed = {row["id"] for row in navan.rows("TRANSACTION", "fees") if row != before.get(row["id"])}
        second = read(state=last_states(first)).expect()
        assert len(changed) == 3
        assert changed <= {record["id"] for record in second.records()}
        assert len(second.records()) < len(first.records()) / 4
