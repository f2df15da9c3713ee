"""What both connectors read: the sandbox with any settings, at a time of its own."""

from __future__ import annotations

import json
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

# Long past, since the connector refuses a `start_date` in the future of the machine's own clock.
NOW = "2024-11-22T09:00:00Z"
TODAY, HOUR = NOW[:10], NOW[:13]


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox."""

    url: str
    client_id: str
    client_secret: str
    settings: dict[str, Any]

    def config(self, **changes: Any) -> dict[str, Any]:
        """A configuration of the connector with which it reads this sandbox; what is None is left out."""
        config = {
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "api_url": self.url,
            **changes,
        }
        return {name: value for name, value in config.items() if value is not None}

    @property
    def now(self) -> str:
        """The time at which each run begins."""
        return self.settings["now"]

    def rewind(self) -> None:
        """Before each run: the clock stands at the beginning again, faults and limit count anew."""
        self._post("faults", self.settings.get("faults", {}))
        self._post("limit", self.settings.get("limit"))
        self._post("clock", {"now": self.now})

    def at(self, now: str) -> Sandbox:
        """The same, with the clock at another time from the next run on."""
        return replace(self, settings={**self.settings, "now": now})

    def _post(self, what: str, body: Any) -> None:
        request = urllib.request.Request(
            f"{self.url}/sandbox/{what}",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            answer.read()


@contextmanager
def sandbox(binary: str, **settings: Any) -> Iterator[Sandbox]:
    """Runs a sandbox with odd values and settings, which are those of sandbox/src/settings.rs."""
    settings = {"now": NOW, **settings}
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        json.dump(settings, file)
        file.flush()
        with subprocess.Popen([binary, "--odd", "--settings", file.name], stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                yield Sandbox(**json.loads(process.stdout.readline()), settings=settings)
            finally:
                process.terminate()
