"""Runs the connector as Airbyte does, and reads what it wrote to stdout."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

Message = dict[str, Any]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuses a key that comes twice, which Python's parser would quietly let the later one win."""
    result = dict(pairs)
    assert len(result) == len(pairs), f"a key comes twice: {[key for key, _ in pairs]}"
    return result


def _no_constant(name: str) -> Any:
    raise AssertionError(f"{name} is not JSON")


def parse(line: str) -> Message:
    """One line of stdout as JSON, more strictly than Python alone would have it."""
    return json.loads(line, object_pairs_hook=_object, parse_constant=_no_constant)


@dataclass(frozen=True)
class Output:
    """What one run of the connector left behind."""

    command: list[str]
    stdout: str
    stderr: str
    exit_code: int

    @property
    def lines(self) -> list[str]:
        """The lines of stdout, without the line break at the end of each."""
        return self.stdout.removesuffix("\n").split("\n") if self.stdout else []

    @cached_property
    def messages(self) -> list[Message]:
        """Every line as a message; a line that is not JSON is an error."""
        return [parse(line) for line in self.lines]

    def of_type(self, kind: str) -> list[Message]:
        """The bodies of all messages of a type: what stands under its own key."""
        body = {"CONNECTION_STATUS": "connectionStatus"}.get(kind, kind.lower())
        return [message[body] for message in self.messages if message["type"] == kind]

    def records(self, stream: str | None = None) -> list[dict[str, Any]]:
        """The data of all records, or of one stream's."""
        return [record["data"] for record in self.of_type("RECORD") if stream in (None, record["stream"])]

    def states(self, stream: str | None = None) -> list[dict[str, Any]]:
        """All states, or one stream's."""
        states = self.of_type("STATE")
        return [state for state in states if stream in (None, state["stream"]["stream_descriptor"]["name"])]

    def traces(self, kind: str) -> list[Message]:
        """All traces of a kind, such as `ERROR`."""
        return [trace for trace in self.of_type("TRACE") if trace["type"] == kind]

    def complete(self) -> set[str]:
        """The streams that ended well."""
        told = [trace["stream_status"] for trace in self.traces("STREAM_STATUS")]
        return {status["stream_descriptor"]["name"] for status in told if status["status"] == "COMPLETE"}

    def expect(self, exit_code: int = 0) -> Output:
        """This, if the run ended as it should; otherwise says what it told."""
        told = [trace["error"] for trace in self.traces("ERROR")]
        self.expect_exit(exit_code, f"errors {told}")
        assert exit_code or not told, f"a good end, but errors: {told}"
        return self

    def expect_exit(self, code: int, told: object = "") -> Output:
        """This, whatever was written, if it ended with that exit code."""
        assert self.exit_code == code, f"exit code {self.exit_code}, {told}, stderr: {self.stderr[-2000:]}"
        return self


@dataclass(frozen=True)
class Connector:
    """The connector's executable."""

    path: str

    def run(self, *words: str, **inputs: Any) -> Output:
        """Runs a command to its end. `config`, `catalog` and `state` are given as a path, or as what the file holds."""
        with self._started(*words, **inputs) as process:
            stdout, stderr = process.communicate(timeout=120)
        return Output([*words], _text(stdout), _text(stderr), process.returncode)

    def interrupt(self, when: Callable[[Message], bool], *words: str, **inputs: Any) -> Output:
        """Runs a command and sends it SIGTERM at the first message of which `when` is true."""
        with self._started(*words, **inputs) as process:
            assert process.stdout is not None
            seen: list[bytes] = []
            for line in process.stdout:
                seen.append(line)
                if when(parse(line.decode())):
                    process.send_signal(signal.SIGTERM)
                    break
            else:
                raise AssertionError("the command ended before it could be interrupted")
            # Not `communicate`, which would miss what has been read ahead. stderr is too little to fill its pipe.
            seen += process.stdout.readlines()
            stderr = process.stderr.read() if process.stderr else b""
            process.wait(timeout=60)
        return Output([*words], _text(b"".join(seen)), _text(stderr), process.returncode)

    def _started(self, *words: str, **inputs: Any) -> _Started:
        return _Started(self.path, words, inputs)


class _Started:
    """A process and the files it reads, for as long as it runs."""

    def __init__(self, path: str, words: tuple[str, ...], inputs: dict[str, Any]) -> None:
        self._path, self._words, self._inputs = path, words, inputs

    def __enter__(self) -> subprocess.Popen[bytes]:
        self._folder = tempfile.TemporaryDirectory(prefix="source-navan-run-")
        files = [word for name, value in self._inputs.items() for word in (f"--{name}", self._file(name, value))]
        # RUST_LOG would turn on logs that the user has not asked for.
        environment = {key: value for key, value in os.environ.items() if key != "RUST_LOG"}
        self._process = subprocess.Popen(
            [self._path, *self._words, *files],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            # A platform starts it anywhere; nothing may hang on where.
            cwd=self._folder.name,
        )
        return self._process

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe:
                pipe.close()
        self._folder.cleanup()

    def _file(self, name: str, value: Any) -> str:
        if isinstance(value, Path):
            return str(value.resolve())
        path = Path(self._folder.name) / f"{name}.json"
        path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
        return str(path)


def _text(output: bytes) -> str:
    return output.decode("utf-8", errors="strict")


def last_states(output: Output, *streams: str) -> list[dict[str, Any]]:
    """The last state of each stream, as a platform hands them back: payloads of STATE in an array."""
    latest = {state["stream"]["stream_descriptor"]["name"]: state for state in output.states()}
    return [platform_state(state) for name, state in latest.items() if not streams or name in streams]


def platform_state(state: dict[str, Any]) -> dict[str, Any]:
    """A state as it comes back: without the statistics."""
    return {"type": state["type"], "stream": state["stream"]}


def by_key(records: list[dict[str, Any]], key: list[list[str]]) -> Iterator[tuple[Any, ...]]:
    """The primary key of each record."""
    for record in records:
        yield tuple(_at(record, path) for path in key)


def _at(record: Any, path: list[str]) -> Any:
    for name in path:
        record = record.get(name) if isinstance(record, dict) else None
    return record
