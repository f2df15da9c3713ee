"""The order of messages, and what the models of the protocol do not say of them."""

from __future__ import annotations

import re

import pytest

from conftest import Outcome
from connector import Message, Output
from scenarios import SCENARIOS

READS = [name for name in SCENARIOS if name.startswith("read") and "bad config" not in name and "state is" not in name]
ONE_ANSWER = {"spec": "SPEC", "check": "CONNECTION_STATUS", "discover": "CATALOG"}


@pytest.fixture(scope="module", params=READS)
def reading(request: pytest.FixtureRequest, outcome: Outcome) -> tuple[str, Output]:
    return request.param, outcome(request.param)


def of_stream(output: Output, stream: str) -> list[Message]:
    """What is said of one stream, in order."""
    found = []
    for message in output.messages:
        body = message.get("record") or message.get("state") or message.get("trace") or {}
        told = body.get("stream_status") or body.get("stream") or (body.get("estimate") or {}).get("name") or ""
        name = told["stream_descriptor"]["name"] if isinstance(told, dict) else told
        if name == stream:
            found.append(message)
    return found


def statuses(messages: list[Message]) -> list[str]:
    """The statuses of a stream, without the repetitions that a limit brings about."""
    told = [m["trace"]["stream_status"]["status"] for m in messages if m.get("trace", {}).get("stream_status")]
    return [status for number, status in enumerate(told) if told[number - 1 : number] != [status]]


@pytest.mark.parametrize("name", [name for name in SCENARIOS if name.split()[0].strip(",") in ONE_ANSWER])
def test_there_is_one_answer(name: str, outcome: Outcome) -> None:
    output = outcome(name)
    expected = 0 if name == "discover, bad config" else 1
    assert len(output.of_type(ONE_ANSWER[name.split()[0].strip(",")])) == expected


@pytest.mark.parametrize("stream", ["BOOKING", "TRANSACTION", "USER"])
def test_statuses_come_in_order(reading: tuple[str, Output], stream: str) -> None:
    name, output = reading
    messages = of_stream(output, stream)
    failed = name == "read, one stream fails" and stream == "USER"
    ends = {"INCOMPLETE"} if failed else {"COMPLETE", "INCOMPLETE"} if "interrupted" in name else {"COMPLETE"}
    wrote = any(message["type"] == "RECORD" for message in messages)
    told = statuses(messages)
    assert told[0] == "STARTED"
    assert told[-1] in ends
    if "limited" not in name:
        assert told[1:-1] == (["RUNNING"] if wrote else [])
    assert messages[-1].get("trace", {}).get("stream_status"), "something comes after the end of the stream"


@pytest.mark.parametrize("stream", ["BOOKING", "TRANSACTION", "USER"])
def test_states_count_their_records(reading: tuple[str, Output], stream: str) -> None:
    name, output = reading
    since = 0
    ended_with_state = False
    for message in of_stream(output, stream):
        if message["type"] == "RECORD":
            since += 1
        elif message["type"] == "STATE":
            count = message["state"]["sourceStats"]["recordCount"]
            assert isinstance(count, float), "without a decimal point, Airbyte's platform cannot read it"
            assert count == since
            since, ended_with_state = 0, True
    if "interrupted" not in name and not (name == "read, one stream fails" and stream == "USER"):
        assert since == 0, "records that no state covers"
        assert ended_with_state


def test_numbers_are_of_the_right_kind(reading: tuple[str, Output]) -> None:
    _, output = reading
    assert all(type(record["emitted_at"]) is int for record in output.of_type("RECORD"))
    assert all({*record} - {"meta"} == {"stream", "data", "emitted_at"} for record in output.of_type("RECORD"))
    assert all("emitted_at" in trace for trace in output.of_type("TRACE"))
    estimates = [trace["estimate"] for trace in output.traces("ESTIMATE")]
    assert all(type(e[name]) is int for e in estimates for name in ("row_estimate", "byte_estimate") if name in e)


def test_a_failure_is_told_with_its_stream_and_kind(outcome: Outcome) -> None:
    output = outcome("read, one stream fails")
    (error,) = (trace["error"] for trace in output.traces("ERROR"))
    assert error["stream_descriptor"]["name"] == "USER"
    assert error["failure_type"] in {"config_error", "transient_error", "system_error"}
    assert error["message"]
    assert not re.search(r"panicked|RUST_BACKTRACE", output.stdout + output.stderr)


def test_waiting_for_the_limit_is_told(outcome: Outcome) -> None:
    output = outcome("read, limited")
    reasons = [
        reason for trace in output.traces("STREAM_STATUS") for reason in trace["stream_status"].get("reasons") or []
    ]
    assert reasons, "never throttled, so nothing was tested"
    assert all(reason["type"] == "RATE_LIMITED" and reason["rate_limited"]["quota_reset"] for reason in reasons)


def test_a_cancelled_read_leaves_a_state_to_go_on_from(outcome: Outcome) -> None:
    output = outcome("read, interrupted")
    assert output.states()
    assert output.stdout.endswith("\n")
