"""The image as platforms run it: confined, by a shell, into pipes, and stopped before its time."""

from __future__ import annotations

import os
import select
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

import by_hand
from connector import Output
from container import CONFINED, DOCKER_TIMEOUT_S, Image, docker, logs, named
from destination import keys, safe_keys
from sandbox import RETENTION_START, Sandbox, sandbox

READ = ("read", "--config", "/secrets/config.json", "--catalog", "/secrets/catalog.json")
# As the launcher has it, whose shell takes the place of the entry point.
LAUNCH = 'eval "$AIRBYTE_ENTRYPOINT read --config config.json --catalog catalog.json" > /pipes/stdout 2> /pipes/stderr'
CHUNK = 16 * 1024
STREAMS = {"BOOKING", "TRANSACTION", "USER"}


@dataclass(frozen=True)
class Company:
    """A sandbox, and the image with a configuration for it."""

    navan: Sandbox
    image: Image
    secrets: Path


@pytest.fixture
def company(image: Image, bridge_address: str, tmp_path: Path) -> Iterator[Company]:
    with sandbox(host=bridge_address) as navan:
        secrets = tmp_path / "secrets"
        by_hand.write_secrets(secrets, **navan.config())
        yield Company(navan, image.having("--volume", f"{secrets}:/secrets:ro"), secrets)


def assert_whole(output: Output, navan: Sandbox) -> None:
    """A read that got everything, each row once."""
    assert output.expect().complete() == STREAMS
    assert sorted(keys(output)) == sorted(navan.keys())


@pytest.mark.parametrize(
    "options",
    [CONFINED, (*CONFINED, "--user", "12345"), (*CONFINED, "--user", "54321:54321", "--workdir", "/")],
    ids=["confined", "confined, a random user", "confined, a random user and group, elsewhere"],
)
def test_a_confined_read(options: tuple[str, ...], company: Company) -> None:
    output = company.image.having(*options).run(*READ)
    assert output.stderr == ""
    assert_whole(output, company.navan)


class Launch:
    """`read` as on Kubernetes: by `sh`, from another working directory, into named pipes that this reads."""

    def __init__(self, image: Image, container: str, pipes: Path) -> None:
        pipes.mkdir()
        pipes.chmod(0o755)
        self._ends = {}
        for name in ("stdout", "stderr"):
            os.mkfifo(pipes / name)
            (pipes / name).chmod(0o666)
            # Does not wait for the shell in the container to open the other end; `read` does, with patience.
            self._ends[name] = os.open(pipes / name, os.O_RDONLY | os.O_NONBLOCK)
        image = image.having(*CONFINED, "--volume", f"{pipes}:/pipes", "--workdir", "/secrets", "--entrypoint", "sh")
        self._process = subprocess.Popen(image.command(container, "-c", LAUNCH))

    def read(self, name: str = "stdout") -> bytes:
        """The next bytes of a pipe; none when all who wrote to it are gone."""
        until = time.monotonic() + DOCKER_TIMEOUT_S
        while not select.select([self._ends[name]], [], [], 0.2)[0]:
            assert self._process.poll() is None, "it ended without opening its pipes"
            assert time.monotonic() < until, f"nothing comes on {name}"
        return os.read(self._ends[name], CHUNK)

    def close(self, name: str) -> None:
        """Goes away as a reader."""
        os.close(self._ends.pop(name))

    def exit_code(self) -> int:
        """Waits for the end."""
        return self._process.wait(DOCKER_TIMEOUT_S)

    def stop(self) -> None:
        """Leaves nothing behind but the container."""
        for name in [*self._ends]:
            self.close(name)
        self._process.kill()
        self._process.wait()


@pytest.fixture
def launch(company: Company, tmp_path: Path) -> Iterator[Launch]:
    with named() as container:
        launch = Launch(company.image, container, tmp_path / "pipes")
        yield launch
        launch.stop()


def test_a_launched_read_into_a_pipe_with_a_slow_reader(company: Company, launch: Launch) -> None:
    """One that begins late, and then takes much less at a time than the connector has."""
    time.sleep(2)
    chunks = []
    while chunk := launch.read():
        chunks.append(chunk)
        time.sleep(0.02)
    assert launch.read("stderr") == b""
    assert_whole(Output([LAUNCH], b"".join(chunks).decode(), "", launch.exit_code()), company.navan)


def test_a_launched_read_whose_reader_goes_away_ends(launch: Launch) -> None:
    """By itself, at once, without a word, and not as a success."""
    assert launch.read()
    launch.close("stdout")
    began = time.monotonic()
    assert launch.exit_code() != 0
    assert time.monotonic() - began < 20
    assert launch.read("stderr") == b""


def reached(output: Output) -> list[str]:
    """How far the last state says that each expense type has been read, those left out that have not begun."""
    states = output.states("TRANSACTION")
    if not states:
        return []
    return [kind["synced_through"] for kind in states[-1]["stream"]["stream_state"]["types"].values()]


def test_docker_stop_ends_a_read_in_order_and_leaves_a_state_to_go_on_from(company: Company) -> None:
    company.navan.post("faults", {"latency_ms": 250})
    two_weeks_in = RETENTION_START + timedelta(days=14)
    with company.image.started(*READ) as container:
        until = time.monotonic() + DOCKER_TIMEOUT_S
        # Some types are two weeks past the start of the retention: that much need not be read again.
        while sum(through > f"{two_weeks_in:%Y-%m-%d}" for through in reached(logs(container))) < 3:
            assert time.monotonic() < until, "no state that says so"
            time.sleep(0.05)
        began = time.monotonic()
        docker("stop", "--time", "60", container)
        waited = time.monotonic() - began
        first = logs(container)
    # By the signal itself: not by a crash, and not by the engine's patience, after which it kills.
    first.expect_exit(143)
    assert waited < 30
    assert first.stderr == ""
    assert "TRANSACTION" not in first.complete(), "it had ended before it was stopped, so nothing was tested"

    company.navan.post("faults", {"latency_ms": 0})
    by_hand.write(company.secrets / "first.jsonl", first.stdout)
    second = company.image.run(*READ, "--state", "/secrets/first.jsonl").expect()
    assert second.complete() == STREAMS
    every = company.navan.keys()
    assert safe_keys(first) | {*keys(second)} == every
    assert {*keys(second)} < every, "the state spared nothing"
