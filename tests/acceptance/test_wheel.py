"""The wheel, as Python's users get it: by pip, by uvx, and by PyAirbyte, which installs and reads twice into DuckDB."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest

import children
import test_pyairbyte as pyairbyte
from sandbox import COUNTED, KEYS, sandbox
from settings import CONNECTOR, ROOT, WHEEL

pytestmark = pytest.mark.skipif(WHEEL is None, reason="SOURCE_NAVAN_WHEEL names no wheel")
CARGO = tomllib.loads((ROOT / "Cargo.toml").read_text(encoding="utf-8"))
VERSION = CARGO["package"]["version"]


def output(*words: str | Path, **variables: str) -> str:
    """What a command prints, if it ends well."""
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, env=os.environ | variables)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout


def specification(printed: str) -> Any:
    (message,) = map(json.loads, printed.splitlines())
    return message["spec"]["connectionSpecification"]


@pytest.fixture(scope="module")
def specified() -> Any:
    """What can be configured, by the executable that the other suites test."""
    return specification(output(CONNECTOR, "spec"))


def test_it_is_the_executable_that_the_other_suites_test() -> None:
    """Byte by byte: maturin has taken what cargo had built, so that a release is built once."""
    with zipfile.ZipFile(WHEEL) as wheel:
        (name,) = (name for name in wheel.namelist() if ".data/scripts/" in name)
        packed = hashlib.sha256(wheel.read(name)).hexdigest()
    assert Path(name).name == "source-navan"
    assert packed == hashlib.sha256(Path(CONNECTOR).read_bytes()).hexdigest()


def test_its_name_says_for_which_machines_it_is() -> None:
    name = f"airbyte_source_navan-{re.escape(VERSION)}-py3-none-"
    assert re.fullmatch(name + r"(manylinux|macosx)\w+\.whl", Path(WHEEL).name)


def test_pip_installs_the_program_and_no_other_package(tmp_path: Path) -> None:
    output(sys.executable, "-m", "venv", tmp_path / "venv")
    programs = tmp_path / "venv" / "bin"
    packages = ["-m", "pip", "--disable-pip-version-check"]
    before = json.loads(output(programs / "python", *packages, "list", "--format=json"))
    output(programs / "python", *packages, "install", "--no-index", WHEEL)
    after = json.loads(output(programs / "python", *packages, "list", "--format=json"))
    added = [package for package in after if package not in before]
    assert added == [{"name": "airbyte-source-navan", "version": VERSION}]
    assert output(programs / "source-navan", "--version") == f"source-navan {VERSION}\n"


def test_what_pypi_shows_of_it_is_in_cargo_toml_and_readme() -> None:
    with zipfile.ZipFile(WHEEL) as wheel:
        (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
        shown = message_from_bytes(wheel.read(name))
    assert shown["Summary"] == CARGO["package"]["description"]
    assert shown["License"] == CARGO["workspace"]["package"]["license"]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert shown.get_payload(decode=True).decode().strip() == readme.strip()


def test_uvx_runs_it(tmp_path: Path, specified: Any) -> None:
    uvx = Path(sys.executable).parent / "uvx"
    own = {"UV_CACHE_DIR": str(tmp_path / "cache"), "UV_OFFLINE": "1", "UV_PYTHON_DOWNLOADS": "never"}
    assert specification(output(uvx, "--from", WHEEL, "source-navan", "spec", **own)) == specified


def test_pyairbyte_installs_it_and_reads_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # PyAirbyte calls uv, which is where its own program is once the environment is active.
    monkeypatch.setenv("PATH", os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    monkeypatch.setenv("AIRBYTE_INSTALL_DIR", str(tmp_path / "installed"))
    with sandbox(bookings=120, transactions=20, users=30, settings=pyairbyte.YOUNG, odd=False) as navan:
        first = pyairbyte.run(navan, WHEEL, tmp_path)
        pyairbyte.change(navan)
        second = pyairbyte.run(navan, WHEEL, tmp_path)
        facts = navan.get("facts")
        of_lists = children.counts([*navan.all_rows()])
    installed = tmp_path / "installed" / ".venv-source-navan" / "bin" / "source-navan"
    assert installed.is_file()
    assert first.records() == sum(first.counts.values()) > second.records() > 0
    rows = {stream: facts[stream]["rows"] for stream in (*KEYS, *COUNTED)}
    assert {stream: second.counts[stream] for stream in rows} == rows
    # A list that became shorter leaves rows behind.
    assert all(second.counts[child] >= count for child, count in of_lists.items())
