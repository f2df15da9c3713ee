"""The simulated Navan that the connector reads in these tests."""

from __future__ import annotations

import json
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from settings import SANDBOX

# The same hour each day, so that what a read finds does not hang on the hour; another day would not be believed.
TODAY = datetime.now(UTC).date()
NOW = f"{TODAY}T09:00:00Z"
# The first of the month two months back: the API has no changes from before.
_LAST_MONTH = TODAY.replace(day=1) - timedelta(days=1)
RETENTION_START = (_LAST_MONTH.replace(day=1) - timedelta(days=1)).replace(day=1)
# The primary key of each stream whose rows the sandbox tells.
KEYS = {"BOOKING": "uuid", "TRANSACTION": "id", "USER": "id"}
# The streams of which it tells only how many rows they have; those that are in rows are none of them.
COUNTED = ("TRANSACTION_RECEIPT", "CUSTOM_FIELD", "GL_CODE", "TAX_MAPPING", "SCIM_USER")


@dataclass(frozen=True)
class Sandbox:
    """A running sandbox: where it is, who may enter, and how to change what it holds."""

    url: str
    client_id: str
    client_secret: str

    def config(self, **changes: Any) -> dict[str, Any]:
        """A configuration of the connector with which it reads this sandbox."""
        return {
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "api_url": self.url,
            "start_date": "2015-01-01T00:00:00Z",
            "lookback_days": 1,
            "scim_url": f"{self.url}/scim/v2",
            "scim_token": self.get("settings")["scim_token"],
            **changes,
        }

    def get(self, what: str) -> Any:
        """What `/sandbox/<what>` says."""
        with urllib.request.urlopen(f"{self.url}/sandbox/{what}", timeout=60) as answer:
            return json.load(answer)

    def rows(self, stream: str, kind: str | None = None) -> list[dict[str, Any]]:
        """All rows of a stream as they are now, in the sandbox's own order, which is that of their keys."""
        query = f"stream={stream}" + (f"&type={kind}" if kind else "")
        with urllib.request.urlopen(f"{self.url}/sandbox/rows?{query}", timeout=60) as answer:
            return [json.loads(line) for line in answer]

    def all_rows(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every row, with its stream."""
        kinds: dict[str, list[str | None]] = {stream: [None] for stream in KEYS}
        kinds["TRANSACTION"] = [*self.get("facts")["TRANSACTION"]["types"]]
        for stream, of_stream in kinds.items():
            for kind in of_stream:
                yield from ((stream, row) for row in self.rows(stream, kind))

    def keys(self) -> set[tuple[str, str]]:
        """The stream and primary key of every row."""
        return {(stream, row[KEYS[stream]]) for stream, row in self.all_rows()}

    def post(self, what: str, body: Any) -> Any:
        """Asks `/sandbox/<what>` for a change."""
        request = urllib.request.Request(
            f"{self.url}/sandbox/{what}",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def touch(self, stream: str, index: int, kind: str | None = None) -> None:
        """Changes a row; one that is not there is a mistake of the test."""
        target = {"stream": stream, "index": index} | ({"type": kind} if kind else {})
        assert self.post("touch", target)["found"], f"no row {index} in {stream}"

    def delete(self, stream: str, index: int) -> None:
        """Takes a row out; one that is not there is a mistake of the test."""
        assert self.post("delete", {"stream": stream, "index": index})["found"], f"no row {index} in {stream}"

    def insert(self, stream: str, count: int, kind: str | None = None) -> None:
        """Adds new rows."""
        self.post("insert", {"stream": stream, "count": count} | ({"type": kind} if kind else {}))


@contextmanager
def sandbox(
    *,
    bookings: int = 300,
    transactions: int = 60,
    users: int = 120,
    host: str | None = None,
    odd: bool = True,
    settings: dict[str, Any] | None = None,
    faults: dict[str, Any] | None = None,
    limit: dict[str, Any] | None = None,
    now: str = NOW,
) -> Iterator[Sandbox]:
    """Runs a sandbox of its own, whose clock begins at `now`; `transactions` counts each of the nine types.

    With `host`, it listens at every address and is named by that one: a container cannot reach this machine's loopback.
    Its rows have odd values, unless `odd` is false. `settings` are others of its own.
    """
    sizes = {"bookings": bookings, "transactions": transactions, "users": users}
    command = [SANDBOX, "--now", now, *(word for name, value in sizes.items() for word in (f"--{name}", str(value)))]
    command += ["--bind", "0.0.0.0"] if host else []
    command += ["--odd"] if odd else []
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        json.dump(settings or {}, file)
        file.flush()
        command += ["--settings", file.name]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        # By the time it greets, it has read its settings.
        hello = json.loads(process.stdout.readline())
    try:
        url = f"http://{host}:{hello['url'].rsplit(':', 1)[1]}" if host else hello["url"]
        running = Sandbox(url, hello["client_id"], hello["client_secret"])
        if faults:
            running.post("faults", faults)
        if limit:
            running.post("limit", limit)
        yield running
    finally:
        process.terminate()
        process.wait(timeout=10)
        if process.stdout:
            process.stdout.close()
