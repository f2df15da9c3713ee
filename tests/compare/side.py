"""One of the two connectors in a case: how it is run, and what it wrote."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import navan

from catalogs import configure
from connector import Connector, Message, Output

# How often a read is done that began late.
TRIES = 3
MODES = {"BOOKING": "full_refresh", "TRANSACTION": "incremental", "USER": "full_refresh"}


@dataclass(frozen=True)
class How:
    """How a run goes, and so what of it must be equal."""

    label: str
    # With one request at a time, and nothing else that hangs on time, all that happens is determined.
    one_at_a_time: bool = False
    # Waits, or what comes at some time, decide on counts and on the time at which a read begins.
    timed: bool = False
    # Rows move while they are read, so that some may come twice.
    distinct: bool = False


EXACT = How("one at a time", one_at_a_time=True)
BESIDE = How("side by side")
TIMED = How("one at a time", one_at_a_time=True, timed=True)
TIMED_BESIDE = How("side by side", timed=True)
MOVING = How("side by side", timed=True, distinct=True)


@dataclass(frozen=True)
class Run:
    """One run of a connector."""

    label: str
    how: How
    output: Output


class Served(Protocol):
    """What a connector reads from."""

    def config(self, **changes: Any) -> dict[str, Any]:
        """A configuration with which it is read."""

    @property
    def now(self) -> str:
        """The time at which each run begins."""

    def rewind(self) -> None:
        """Makes it as it was at the beginning."""


@dataclass
class Side:
    """One of the two connectors in one case."""

    connector: Connector
    sandbox_binary: str
    runs: list[Run] = field(default_factory=list)

    def sandbox(self, **settings: Any) -> AbstractContextManager[navan.Sandbox]:
        """A sandbox of its own; settings as `navan.sandbox` takes them."""
        return navan.sandbox(self.sandbox_binary, **settings)

    def run(self, *words: str, label: str = "", how: How = EXACT, **inputs: Any) -> Output:
        """Runs a command; `config`, `catalog` and `state` are paths, or what the files hold."""
        return self._keep(label or " ".join(words), how, self.connector.run(*words, **inputs))

    def read(
        self,
        served: Served,
        *,
        how: How = EXACT,
        catalog: Any = None,
        state: Any = None,
        label: str = "read",
        **config: Any,
    ) -> Output:
        """Reads streams, by default all, each as a user would."""
        pool = {"max_concurrency": 1} if how.one_at_a_time else {}
        inputs = {"config": served.config(**pool, **config), "catalog": chosen() if catalog is None else catalog}
        if state is not None:
            inputs["state"] = state
        # The log of requests tells what was asked for, as far as that is determined.
        words = ("read", "--debug") if how.one_at_a_time else ("read",)
        for _ in range(TRIES):
            _begin(served)
            output = self.connector.run(*words, **inputs)
            if how.timed or not began_late(output, served.now):
                break
        return self._keep(f"{label}, {how.label}", how, output)

    def check(self, served: Served, *, label: str = "check", how: How = EXACT, **config: Any) -> Output:
        """Runs `check`, which makes one request after the other."""
        _begin(served)
        return self._keep(label, how, self.connector.run("check", "--debug", config=served.config(**config)))

    def interrupt(self, served: Served, when: Callable[[Message], bool], **config: Any) -> Output:
        """Reads until `when` is true of a message, and then sends SIGTERM."""
        inputs = {"config": served.config(**config), "catalog": chosen()}
        _begin(served)
        return self._keep("read, interrupted", TIMED_BESIDE, self.connector.interrupt(when, "read", **inputs))

    def _keep(self, label: str, how: How, output: Output) -> Output:
        self.runs.append(Run(label, how, output))
        return output


def _begin(served: Served) -> None:
    """Sets the server's clock, and that of a connector that is built for development: it believes no other one."""
    served.rewind()
    os.environ["SOURCE_NAVAN_NOW"] = served.now


def began_late(output: Output, now: str) -> bool:
    """Whether a read began in another second than the clock was set to, as its states and refusals tell.

    The machine may have been busy for so long; a connector that does so again and again is compared as it is.
    """
    second = int(datetime.fromisoformat(now).timestamp())
    told = rf"{now[:17]}(?!{now[17:19]})\d\dZ|createdTo=(?!{second})\d+"
    return any(re.search(told, line) for line in output.lines if not line.startswith('{"type":"RECORD",'))


Play = Callable[[Side], object]


@dataclass(frozen=True)
class Case:
    """Something to be done with both connectors; `slow` if it waits for the last of eight tries."""

    name: str
    play: Play
    slow: bool = False


def chosen(*streams: str, modes: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    """A configured catalog of some streams, by default all; `more` goes to each of them but for `namespace`."""
    stream = {"namespace": more.pop("namespace")} if "namespace" in more else {}
    modes = {**MODES, **(modes or {})}
    return {"streams": [configure({"name": name, **stream}, modes[name], **more) for name in streams or MODES]}
