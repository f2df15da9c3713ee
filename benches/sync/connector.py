"""Reads by source-navan."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from programs import Cost, run
from sandbox import Sandbox

STREAMS = ("BOOKING", "TRANSACTION")


def catalog(streams: tuple[str, ...]) -> dict[str, Any]:
    """The streams, each to be read in full."""
    stream = {"json_schema": {"type": "object"}, "supported_sync_modes": ["full_refresh", "incremental"]}
    modes = {"sync_mode": "full_refresh", "destination_sync_mode": "overwrite"}
    return {"streams": [{"stream": {"name": name, **stream}, **modes} for name in streams]}


@dataclass(frozen=True)
class Connector:
    """The binary."""

    binary: Path

    def spec(self) -> Cost:
        """One `spec`."""
        return run([self.binary, "spec"])

    def lists(self) -> list[str]:
        """The streams whose rows are in the rows of others: those with a key of several columns."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "config.json")
            path.write_text(json.dumps({"client_id": "id", "client_secret": "secret"}))
            said = subprocess.run([self.binary, "discover", "--config", path], capture_output=True, check=True).stdout
        messages = (json.loads(line) for line in said.splitlines())
        (catalog,) = (message["catalog"] for message in messages if message["type"] == "CATALOG")
        return [s["name"] for s in catalog["streams"] if len(s["source_defined_primary_key"]) > 1]

    def read(self, sandbox: Sandbox, streams: tuple[str, ...] = STREAMS, **config: Any) -> Cost:
        """A read to /dev/null, of BOOKING and TRANSACTION if nothing else is said."""
        return self._read(sandbox, streams, config, None)

    def checked_read(
        self,
        sandbox: Sandbox,
        streams: tuple[str, ...] = STREAMS,
        rows: dict[str, int] | None = None,
        **config: Any,
    ) -> tuple[Cost, dict[str, Any]]:
        """A read to a pipe, of which the last lines are looked at: they hold the summary, which is returned as well.

        Ends the benchmark if a row is missing; `rows` is how many there are of each stream, all if not given. Of
        lists in rows nobody knows that.
        """
        last: deque[bytes] = deque(maxlen=64)
        cost = self._read(sandbox, streams, config, last.append)
        summary = _summary(b"".join(last))
        for stream in set(streams) & sandbox.rows.keys():
            came, expected = summary["streams"][stream]["records"], (rows or sandbox.rows)[stream]
            if came != expected:
                raise SystemExit(f"{stream}: {came} records instead of {expected}")
        return cost, summary

    def export(self, sandbox: Sandbox, stream: str, end: str) -> Cost:
        """An export of a stream into a file whose name has that end."""
        with tempfile.TemporaryDirectory() as folder:
            config, file = Path(folder, "config.json"), Path(folder, f"rows.{end}")
            config.write_text(json.dumps(sandbox.credential))
            cost = run([self.binary, "export", stream, "--to", file, "--config", config, "--quiet"])
            if not file.exists():
                raise SystemExit(f"The export left no {file.name}.")
            return cost

    def _read(self, sandbox: Sandbox, streams: tuple[str, ...], config: dict[str, Any], take: Any) -> Cost:
        with tempfile.TemporaryDirectory() as folder:
            files = {"config": {**sandbox.credential, **config}, "catalog": catalog(streams)}
            command: list[str | Path] = [self.binary, "read"]
            for name, content in files.items():
                path = Path(folder, f"{name}.json")
                path.write_text(json.dumps(content))
                command += [f"--{name}", path]
            return run(command, take)


def _summary(output: bytes) -> dict[str, Any]:
    """The summary in the last lines of a read."""
    for line in reversed(output.splitlines()):
        if b'{\\"command\\":' in line:
            return json.loads(json.loads(line)["log"]["message"])
    raise SystemExit("The connector wrote no summary.")
