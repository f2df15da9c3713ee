"""Cases about the command line and its files: what is said to those that are wrong, word for word."""

from __future__ import annotations

import json
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cases_sandbox import CURSORS, state
from side import Case, Play, Side, chosen

GOOD = {"client_id": "an id", "client_secret": "a secret of some length", "api_url": "http://127.0.0.1:1"}


def config(**changes: Any) -> str:
    """The text of a configuration file."""
    return json.dumps({**GOOD, **changes})


def without(name: str) -> str:
    """One that lacks a property."""
    return json.dumps({key: value for key, value in GOOD.items() if key != name})


VALUES: dict[str, list[Any]] = {
    "client_id": [7, "", " ", "Client ID:", "\u200b", [], None, True],
    "client_secret": [7, "", "Secret Key: ", {}, None],
    "region": ["asia", "EU", " eu ", 7, None, "", ["us"]],
    "start_date": [
        "yesterday",
        "2024-02-31T00:00:00Z",
        "2024-01-01",
        "2099-01-01T00:00:00Z",
        "2024-01-01T00:00:00+01:00",
        7,
        "",
        None,
    ],
    "lookback_days": [0, 32, 1.5, 2.0, "2", -1, 10**30, True, None],
    "transaction_types": [[], ["taxis"], ["fees", "fees"], "fees", [7], {}, ["fees", "x" * 60], None, [None]],
    "max_concurrency": [0, 33, 1.0, "4", -3, None],
    "requests_per_second": [0, -1, "1", 0.0, 1e-9, None, []],
    "api_url": [
        "nonsense",
        "ftp://127.0.0.1",
        "http://8.8.8.8",
        "http://navan.example",
        "https://u:p@navan.example",
        "http://127.0.0.1:1/?q",
        "http://127.0.0.1:1#f",
        "http://172.32.0.1",
        "http://[::2]",
        "file:///",
        "x" * 100,
        7,
    ],
}
# The last of two equal properties, unknown ones, and what copying adds.
CONFIGS = [
    *(config(**{name: value}) for name, values in VALUES.items() for value in values),
    *map(without, ("client_id", "client_secret")),
    "",
    " ",
    "{",
    "null",
    "7",
    '"text"',
    "[]",
    "[{}]",
    "{}",
    "{'client_id':1}",
    '{"client_id":"a",}',
    "\ufeff{}",
    config() + "x",
    "[" * 200,
    '{"client_id":7,"client_id":"a","client_secret":"b","region":"asia"}',
    config(unknown={"a": 1}, region="asia"),
]

CATALOGS = [
    "",
    "{",
    "null",
    "7",
    "[]",
    "{}",
    '{"streams":null}',
    '{"streams":{}}',
    '{"streams":[7]}',
    '{"streams":[{}]}',
    "[" * 200,
    '{"streams":[{"stream":{}}]}',
    '{"streams":[{"stream":{"name":"BOOKING"}}]}',
    '{"streams":[{"stream":{"name":7},"sync_mode":"full_refresh"}]}',
    '{"streams":[{"stream":{"name":"BOOKING"},"sync_mode":"sideways"}]}',
    '{"streams":[{"stream":{"name":"BOOKING"},"sync_mode":null}]}',
    '{"streams":[{"stream":{"name":"BOOKING"},"sync_mode":"full_refresh","sync_id":"7"}]}',
    '{"streams":[{"stream":{"name":"BOOKING"},"sync_mode":"full_refresh","sync_id":1.5}]}',
    '{"streams":[{"stream":{"name":"BOOKING","namespace":7},"sync_mode":"full_refresh"}]}',
    '{"streams":[{"stream":{"name":"BOOKING"},"sync_mode":"full_refresh","destination_sync_mode":7}]}',
    '{"streams":[{"stream":{"name":"booking"},"sync_mode":"full_refresh"}]}',
    '{"streams":[{"stream":{"name":"a\\"\\u2028"},"sync_mode":"full_refresh"}]}',
    json.dumps({"streams": chosen("USER")["streams"] * 2}),
    json.dumps({"streams": chosen("USER", "BOOKING")["streams"] + chosen("USER")["streams"]}),
    "\ufeff" + json.dumps(chosen("USER")),
    json.dumps(chosen("USER")) + " x",
]

POSITION = {"modified_timestamp": "2024-11-15T00:00:00Z"}
ONE = state("TRANSACTION", POSITION)
FORMS = [
    "",
    " \n",
    "null",
    "{}",
    "[]",
    "\ufeff{}",
    '{"TRANSACTION":{}}',
    '{"TRANSACTION":{"__ab_no_cursor_state_message":true}}',
    json.dumps(ONE),
    json.dumps(ONE[0]),
    json.dumps({"TRANSACTION": POSITION}),
    json.dumps({"type": "LEGACY", "data": {"TRANSACTION": POSITION}}),
    json.dumps({"type": "GLOBAL", "global": {"shared_state": None, "stream_states": [ONE[0]["stream"]]}}),
    json.dumps([ONE[0]["stream"]]),
    json.dumps({"type": "STATE", "state": ONE[0]}),
    json.dumps({"type": "LOG"}) + "\n\n" + json.dumps({"type": "STATE", "state": ONE[0]}) + '\n{"ty',
    json.dumps(state("TRANSACTION", {"modified_timestamp": "2024-10-01T00:00:00Z"}) + ONE),
    json.dumps(state("GONE", {"a": 1})),
    '[{"type":"STREAM","stream":{"stream_descriptor":{"name":"TRANSACTION"}}}]',
    '[{"type":"NEW"}]',
    '{"TRANSACTION":7,"a":[]}',
]
BAD_STATES = [
    "{",
    "7",
    '"x"',
    "true",
    "[1]",
    "[[1]]",
    '["a"]',
    '[{"type":"STREAM"}]',
    '[{"type":"STREAM","stream":{"stream_descriptor":{}}}]',
    '{"type":"GLOBAL","global":{"stream_states":[{}]}}',
    '{"type":"LOG"}\nnonsense\n{"type":"LOG"}',
    '{"type":"LOG"}{"type":"LOG"}\n{"type":"LOG"}',
    '{"type":"LOG"}\n{"a":1}\n{"type":"LOG"}',
    "[" * 200,
    *(
        json.dumps(state("TRANSACTION", bad))
        for bad in (
            {"modified_timestamp": "soon"},
            {"modified_timestamp": 7},
            {"modified_timestamp": ""},
            {"types": {"fees": {"synced_through": "soon"}}},
            {"types": {"fees": {"synced_through": False}}},
            {"types": {"fees": 7}},
            {"types": 7},
            7,
            [],
            "x",
        )
    ),
    *(
        json.dumps(state("BOOKING", bad))
        for bad in ({"next_created_from": "soon"}, {"next_created_from": 7}, {"next_created_from": ["a"]})
    ),
]


def with_configs(side: Side) -> None:
    """`check`, `discover` and `read` with each configuration."""
    for number, text in enumerate(CONFIGS):
        # `check` would go on to try one that is right after all.
        side.run("discover", config=text, label=f"discover with configuration {number}")
    for number, text in enumerate(CONFIGS[::9]):
        side.run("read", config=text, catalog={"streams": []}, label=f"read with configuration {9 * number}")
        if side.runs[9 * number].output.exit_code:
            side.run("check", config=text, label=f"check with configuration {9 * number}")


def with_catalogs(side: Side) -> None:
    """`read` with each catalog, of which none gets to the network but one."""
    with side.sandbox(bookings=0, transactions=0, users=2) as navan:
        for number, text in enumerate(CATALOGS):
            side.read(navan, catalog=text, label=f"read with catalog {number}")


def with_states(texts: list[str]) -> Play:
    """`read` with each state."""

    def play(side: Side) -> None:
        with side.sandbox(bookings=20, transactions=400, users=0) as navan:
            for number, text in enumerate(texts):
                side.read(
                    navan,
                    catalog=chosen("BOOKING", "TRANSACTION"),
                    state=text,
                    label=f"read with state {number}",
                    **CURSORS,
                )

    return play


def with_files(side: Side) -> None:
    """Files that are not there, are no files, or are not UTF-8."""
    with tempfile.TemporaryDirectory(prefix="source-navan-run-") as folder:
        bytes_file = Path(folder, "bytes.json")
        bytes_file.write_bytes(b'{"client_id":"\xff","a":1}')
        for what, path in (
            ("no file", Path(folder, "missing.json")),
            ("a folder", Path(folder)),
            ("bytes", bytes_file),
        ):
            for words, inputs in (
                (("check",), {"config": path}),
                (("discover",), {"config": path}),
                (("read",), {"config": path, "catalog": chosen()}),
                (("read",), {"config": GOOD, "catalog": path}),
                (("read",), {"config": GOOD, "catalog": {"streams": []}, "state": path}),
            ):
                side.run(*words, label=f"{words[0]} with {what} as {[*inputs][-1]}", **inputs)


def words(*lines: str) -> Play:
    """Command lines."""
    return lambda side: [side.run(*line.split()) for line in lines]


def unreachable(command: Callable[[Side, dict[str, Any]], object]) -> Play:
    """A server that is not there."""

    def play(side: Side) -> None:
        with socket.socket() as taken:
            # Bound and not listened at: nobody else gets it meanwhile.
            taken.bind(("127.0.0.1", 0))
            command(side, {**GOOD, "api_url": f"http://127.0.0.1:{taken.getsockname()[1]}"})

    return play


def _discovered(side: Side) -> None:
    for more in ({}, {"region": "eu"}, {"api_url": "https://navan.example"}):
        side.run("discover", config={**GOOD, **more})
        side.run("discover", "--debug", config={**GOOD, **more})


FILES = [
    Case("spec", words("spec", "spec --debug")),
    Case("discover", _discovered),
    Case(
        "command lines",
        words(
            "",
            "--help",
            "--version",
            "spec --help",
            "check --help",
            "discover --help",
            "read --help",
            "nonsense",
            "spec --nonsense",
            "check",
            "read",
            "read --config",
            "read --config a",
            "read --config a --catalog b --state",
            "spec spec",
            "--debug",
        ),
    ),
    Case("files that cannot be read", with_files),
    Case("bad configurations", with_configs),
    Case("bad catalogs", with_catalogs),
    Case("states in each form", with_states(FORMS)),
    Case("bad states", with_states(BAD_STATES)),
    Case("nobody there, for check", unreachable(lambda side, given: side.run("check", config=given))),
    Case(
        "nobody there, for read",
        unreachable(lambda side, given: side.run("read", config=given, catalog=chosen())),
        slow=True,
    ),
]
