"""The image as platforms run it: confined, by a shell, into pipes, and stopped before its time."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import readme
from connector import Output
from container import CONFINED, PATIENCE_S, Image, docker, logs
from record_rules import keys, keys_before_states
from sandbox import Sandbox, sandbox

READ = ("read", "--config", "/secrets/config.json", "--catalog", "/secrets/catalog.json")
# As the launcher has it, whose shell takes the place of the entry point.
LAUNCH = 'eval "$AIRBYTE_ENTRYPOINT read --config config.json --catalog catalog.json" > /pipes/stdout 2> /pipes/stderr'
CHUNK = 16 * 1024


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
        readme.write_secrets(secrets, **navan.config())
        yield Company(navan, image.having("--volume", f"{secrets}:/secrets:ro"), secrets)


def assert_whole(output: Output, navan: Sandbox) -> None:
    """A read that got everything, each row once."""
    assert output.expect().complete() == {"BOOKING", "TRANSACTION", "USER"}
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


@dataclass(frozen=True)
class Launch:
    """A container that the launcher's shell started, and the pipes it writes to."""

    process: subprocess.Popen[bytes]
    stdout: int
    stderr: int

    def stderr_text(self) -> str:
        return os.read(self.stderr, CHUNK).decode()


@pytest.fixture
def launch(company: Company, tmp_path: Path) -> Iterator[Launch]:
    """Runs `read` as on Kubernetes: by `sh`, from another working directory, into named pipes."""
    pipes = tmp_path / "pipes"
    pipes.mkdir()
    for name in ("stdout", "stderr"):
        os.mkfifo(pipes / name)
        (pipes / name).chmod(0o666)
    pipes.chmod(0o755)
    image = company.image.having(
        *CONFINED, "--volume", f"{pipes}:/pipes", "--workdir", "/secrets", "--entrypoint", "sh"
    )
    process = subprocess.Popen(image.command("-c", LAUNCH))
    try:
        # Each waits until the shell in the container opens the other end.
        ends = [os.open(pipes / name, os.O_RDONLY) for name in ("stdout", "stderr")]
        yield Launch(process, *ends)
    finally:
        process.kill()
        process.wait()


def test_a_launched_read_into_a_pipe_with_a_slow_reader(company: Company, launch: Launch) -> None:
    """One that begins late, and then takes much less at a time than the connector has."""
    time.sleep(2)
    chunks = []
    while chunk := os.read(launch.stdout, CHUNK):
        chunks.append(chunk)
        time.sleep(0.02)
    code = launch.process.wait(PATIENCE_S)
    assert launch.stderr_text() == ""
    assert_whole(Output([LAUNCH], b"".join(chunks).decode(), "", code), company.navan)


def test_a_launched_read_whose_reader_goes_away_ends(launch: Launch) -> None:
    """By itself, without a word, and not as a success."""
    assert os.read(launch.stdout, CHUNK)
    os.close(launch.stdout)
    assert launch.process.wait(20) != 0
    assert launch.stderr_text() == ""


def test_docker_stop_ends_a_read_in_order_and_leaves_a_state_to_go_on_from(company: Company) -> None:
    company.navan.post("faults", {"latency_ms": 250})
    with company.image.started(*READ) as container:
        until = time.monotonic() + PATIENCE_S
        while not keys_before_states(logs(container)):
            assert time.monotonic() < until, "no state that covers a record"
            time.sleep(0.05)
        began = time.monotonic()
        docker("stop", "--time", "60", container)
        waited = time.monotonic() - began
        first = logs(container)
    # By the signal itself: not by a crash, and not by the engine's patience, after which it kills.
    assert first.exit_code == 143
    assert waited < 30
    assert first.stderr == ""
    assert "TRANSACTION" not in first.complete(), "it had ended before it was stopped, so nothing was tested"
    safe = keys_before_states(first)

    company.navan.post("faults", {"latency_ms": 0})
    (company.secrets / "first.jsonl").write_text(first.stdout, encoding="utf-8")
    second = company.image.run(*READ, "--state", "/secrets/first.jsonl").expect()
    assert second.complete() == {"BOOKING", "TRANSACTION", "USER"}
    assert safe | {*keys(second)} == company.navan.keys()
