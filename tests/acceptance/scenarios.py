"""Every way to run the connector that writes something else to stdout, for the tests of the protocol."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from catalogs import configure
from connector import Connector, Output, last_states
from sandbox import Sandbox, sandbox
from settings import ROOT

Config = dict[str, Any]
BAD_CONFIG = ROOT / "integration_tests" / "invalid_config.json"
# Slow enough to be interrupted, or to be seen waiting.
SLOW = {"latency_ms": 100}


def catalog(connector: Connector, navan: Sandbox, **more: Any) -> dict[str, Any]:
    """All streams, incremental where they can be."""
    (found,) = connector.run("discover", config=navan.config()).of_type("CATALOG")
    return {"streams": [configure(stream, stream["supported_sync_modes"][-1], **more) for stream in found["streams"]]}


def read(connector: Connector, *words: str, state: Any = None, nulls: bool = False, **wrong: Any) -> Output:
    """A read of all streams of a sandbox in which things go wrong as told."""
    with sandbox(bookings=120, transactions=20, users=40, **wrong) as navan:
        more: dict[str, Any] = {"state": state} if state is not None else {}
        optional = ("generation_id", "minimum_generation_id", "sync_id", "destination_object_name", "include_files")
        chosen = catalog(connector, navan, **(dict.fromkeys(optional) if nulls else {}))
        return connector.run("read", *words, config=navan.config(), catalog=chosen, **more)


def command(connector: Connector, *words: str, config: Any = None) -> Output:
    """One of the other commands, by default with a configuration that works."""
    with sandbox(bookings=5, transactions=5, users=5) as navan:
        inputs = {} if words[0] == "spec" else {"config": config if config is not None else navan.config()}
        return connector.run(*words, **inputs)


def wrong_secret(connector: Connector) -> Output:
    """A check with a secret that Navan refuses."""
    with sandbox(bookings=5, transactions=5, users=5) as navan:
        return connector.run("check", config=navan.config(client_secret="wrong"))


def second_read(connector: Connector) -> Output:
    """A read from the states of the one before."""
    with sandbox(bookings=120, transactions=20, users=40) as navan:
        chosen = catalog(connector, navan)
        first = connector.run("read", config=navan.config(), catalog=chosen).expect()
        return connector.run("read", config=navan.config(), catalog=chosen, state=last_states(first))


def empty(connector: Connector) -> Output:
    """A read of streams without a row."""
    with sandbox(bookings=0, transactions=0, users=0) as navan:
        return connector.run("read", config=navan.config(), catalog=catalog(connector, navan))


def interrupted(connector: Connector) -> Output:
    """A read that is cancelled after its first state."""
    with sandbox(bookings=3000, transactions=2000, users=1000, faults=SLOW) as navan:
        return connector.interrupt(
            lambda message: message["type"] == "STATE",
            "read",
            "--debug",
            config=navan.config(),
            catalog=catalog(connector, navan),
        )


def failing(connector: Connector) -> Output:
    """A read in which one stream fails and the others finish."""
    refused = {"n": 1, "fault": {"status": 403}, "endpoint": "/v1/users"}
    return read(connector, faults={"every": [refused]})


def troubled(connector: Connector) -> Output:
    """A read with faults that pass: what the protocol says of retries."""
    kinds: list[Any] = [{"status": 503}, "drop", "cut", {"html": 502}]
    every = [{"n": 23, "offset": 5 * number, "fault": fault} for number, fault in enumerate(kinds)]
    return read(connector, "--debug", faults={"every": every})


def limited(connector: Connector) -> Output:
    """A read that has to wait for Navan's limit."""
    return read(connector, limit={"per_second": 30.0, "burst": 20.0, "tell": "retry_after_seconds"})


FUTURE = json.loads((ROOT / "integration_tests" / "future_state.json").read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Scenario:
    """What is run, and the exit codes it may end with."""

    run: Callable[[Connector], Output]
    exit_codes: frozenset[int] = frozenset({0})


def fails(run: Callable[[Connector], Output]) -> Scenario:
    """A scenario that must end badly."""
    return Scenario(run, frozenset({1}))


SCENARIOS: dict[str, Scenario] = {
    "spec": Scenario(lambda c: command(c, "spec")),
    "spec --debug": Scenario(lambda c: command(c, "spec", "--debug")),
    "check": Scenario(lambda c: command(c, "check")),
    "check --debug": Scenario(lambda c: command(c, "check", "--debug")),
    "check, wrong secret": Scenario(wrong_secret),
    "check, bad config": Scenario(lambda c: command(c, "check", config=BAD_CONFIG)),
    "check, config is not JSON": Scenario(lambda c: command(c, "check", config="{")),
    "discover": Scenario(lambda c: command(c, "discover")),
    "discover, bad config": fails(lambda c: command(c, "discover", config=BAD_CONFIG)),
    "read": Scenario(read),
    "read --debug": Scenario(lambda c: read(c, "--debug")),
    "read, nulls in the catalog": Scenario(lambda c: read(c, nulls=True)),
    "read, from a state": Scenario(second_read),
    "read, from the future": Scenario(lambda c: read(c, state=FUTURE)),
    "read, empty streams": Scenario(empty),
    "read, bad config": fails(lambda c: c.run("read", config=BAD_CONFIG, catalog={"streams": []})),
    "read, state is not JSON": fails(lambda c: read(c, state="{")),
    "read, one stream fails": fails(failing),
    "read, faults that pass": Scenario(troubled),
    "read, limited": Scenario(limited),
    # Cancelled: a good end, or death by the signal, which Python tells as -15.
    "read, interrupted": Scenario(interrupted, frozenset({0, -15})),
}
