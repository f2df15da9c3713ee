"""The `docker run` of docs/docker.md, word for word, against the sandbox."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import by_hand
import children
from connector import Output
from container import Image, run
from destination import keys
from sandbox import COUNTED, KEYS, Sandbox, sandbox
from settings import ROOT


@pytest.fixture(scope="module")
def navan(bridge_address: str) -> Iterator[Sandbox]:
    """A sandbox that containers reach."""
    with sandbox(host=bridge_address) as running:
        yield running


@pytest.fixture(scope="module")
def folder(navan: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the reader of that page stands: `secrets/` is below."""
    folder = tmp_path_factory.mktemp("by_hand")
    by_hand.write_secrets(folder / "secrets", **navan.config())
    return folder


def lines(command: str, image: Image) -> list[str]:
    """The page's lines with that command in them. The image may go by another name here."""
    (built,) = by_hand.lines("docker build -t ")
    with_command = (line for line in by_hand.lines("docker run ") if command in line.split())
    return [line.replace(built.split()[3], image.name) for line in with_command]


def typed(command: str, image: Image, folder: Path) -> Output:
    """Runs the first of the page's lines with that command in them."""
    return run(lines(command, image)[0], cwd=folder)


def test_spec(image: Image, folder: Path) -> None:
    (spec,) = typed("spec", image, folder).expect().of_type("SPEC")
    assert spec == json.loads((ROOT / "spec.json").read_text(encoding="utf-8"))


def test_check(image: Image, folder: Path) -> None:
    (status,) = typed("check", image, folder).expect().of_type("CONNECTION_STATUS")
    assert status == {"status": "SUCCEEDED"}


def test_discover(image: Image, folder: Path) -> None:
    (catalog,) = typed("discover", image, folder).expect().of_type("CATALOG")
    assert {stream["name"] for stream in catalog["streams"]} == {*KEYS, *children.LISTS, *COUNTED}


def test_read_brings_every_row_once(image: Image, folder: Path, navan: Sandbox) -> None:
    output = typed("read", image, folder).expect()
    assert output.complete() == {"BOOKING", "TRANSACTION", "USER"}
    assert sorted(keys(output)) == sorted(navan.keys())


def test_the_output_of_a_read_is_the_state_of_the_next(image: Image, folder: Path, navan: Sandbox) -> None:
    _, into_a_file, from_the_file = lines("read", image)
    run(into_a_file, cwd=folder).expect_exit(0)
    second = run(from_the_file, cwd=folder).expect()
    assert 0 < len(second.records("TRANSACTION")) < navan.get("facts")["TRANSACTION"]["rows"]
