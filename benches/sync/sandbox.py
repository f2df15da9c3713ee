"""The simulated Navan that all sides read from."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

# The same hour each day; the connector does not believe a clock that is off by more than a day.
NOW = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0)

TYPES = (
    "card-transactions",
    "connect-transactions",
    "manual-transactions",
    "repayments",
    "fees",
    "adjustments",
    "daily-rebates",
    "disputes",
    "statement-payments",
)


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox; `transactions` counts those of each type."""

    url: str
    client_id: str
    client_secret: str
    bookings: int
    transactions: int
    users: int
    process: int

    @property
    def rows(self) -> dict[str, int]:
        """How many rows a complete read brings."""
        return {"BOOKING": self.bookings, "TRANSACTION": self.transactions * len(TYPES), "USER": self.users}

    @property
    def credential(self) -> dict[str, str]:
        """A configuration of the connector with all defaults."""
        return {"client_id": self.client_id, "client_secret": self.client_secret, "api_url": self.url}

    def token(self) -> str:
        """A token as a client fetches it."""
        form = {"grant_type": "client_credentials", "client_id": self.client_id, "client_secret": self.client_secret}
        return self._ask("/ta-auth/oauth/token", urllib.parse.urlencode(form).encode(), {})["access_token"]

    def page(self, target: str, token: str) -> Any:
        """A page of the API."""
        return self._ask(target, None, {"Authorization": f"Bearer {token}"})

    def set(self, what: str, value: Any) -> None:
        """Changes the limit or the faults."""
        self._ask(f"/sandbox/{what}", json.dumps(value).encode(), {"Content-Type": "application/json"})

    def count_anew(self) -> None:
        """Forgets the requests so far."""
        self.set("counts/reset", None)

    def counts(self) -> dict[str, Any]:
        """What was asked since."""
        return self._ask("/sandbox/counts", None, {})

    def cpu(self) -> float:
        """Seconds of CPU that the sandbox has used so far."""
        # clock_getcpuclockid(3), which Python does not have: the clock of all threads of a process.
        return time.clock_gettime((~self.process << 3) | 2)

    def _ask(self, target: str, body: bytes | None, headers: dict[str, str]) -> Any:
        request = urllib.request.Request(self.url + target, data=body, headers=headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)


@contextmanager
def sandbox(
    binary: Path,
    *,
    bookings: int = 0,
    transactions: int = 0,
    users: int = 0,
    latency_ms: int = 0,
    shuffled: bool = False,
) -> Iterator[Sandbox]:
    """Runs a sandbox whose rows have odd values; `transactions` is for each of the nine types.

    With `shuffled`, the fields of each row come in an order of their own.
    """
    rows = {"bookings": bookings, "transactions": transactions, "users": users}
    command = [binary, "--odd", "--now", NOW.strftime("%Y-%m-%dT%H:%M:%SZ")]
    options = {**rows, "latency-ms": latency_ms}
    command += [word for name, value in options.items() for word in (f"--{name}", str(value))]
    with tempfile.NamedTemporaryFile("w", suffix=".json") as settings:
        json.dump({"shuffle_fields": True} if shuffled else {}, settings)
        settings.flush()
        with subprocess.Popen([*command, "--settings", settings.name], stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                hello = process.stdout.readline()
                if not hello:
                    raise SystemExit("The sandbox did not start.")
                yield Sandbox(**json.loads(hello), **rows, process=process.pid)
            finally:
                process.terminate()
