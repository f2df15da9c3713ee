"""`.ci/address`, the step of a release that fills in the repository's address, in a repository of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from settings import ROOT

FILES = ("Cargo.toml", "metadata.yaml", "spec.json")
PLACEHOLDER = "https://example.invalid/source-navan"
ADDRESS = "https://github.com/acme/source-navan"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A repository with the files that name the address, and what a release runs."""
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "address", tmp_path / ".ci")
    (tmp_path / "Cargo.toml").write_text(f'[package]\nrepository = "{PLACEHOLDER}"\n', encoding="utf-8")
    (tmp_path / "metadata.yaml").write_text(f"documentationUrl: {PLACEHOLDER}#in-airbyte\n", encoding="utf-8")
    (tmp_path / "spec.json").write_text(f'{{"documentationUrl": "{PLACEHOLDER}#in-airbyte"}}\n', encoding="utf-8")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    return tmp_path


def git(clone: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=clone, check=True)


def fill(clone: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [clone / ".ci" / "address", *words], env=os.environ | environment, capture_output=True, text=True
    )


def content(clone: Path) -> str:
    return "".join((clone / name).read_text(encoding="utf-8") for name in FILES)


@pytest.mark.parametrize(
    "origin",
    [ADDRESS, f"{ADDRESS}.git", "git@github.com:acme/source-navan.git", "ssh://git@github.com/acme/source-navan.git"],
)
def test_the_address_is_that_of_the_remote(origin: str, clone: Path) -> None:
    before = content(clone)
    git(clone, "remote", "add", "origin", origin)
    assert fill(clone).returncode == 0
    assert content(clone) == before.replace(PLACEHOLDER, ADDRESS)
    assert {path.name for path in clone.iterdir()} == {".ci", ".git", *FILES}


def test_an_address_can_be_given_and_then_stays(clone: Path) -> None:
    assert fill(clone, ADDRESS).returncode == 0
    filled = content(clone)
    assert fill(clone, "https://gitlab.com/acme/source-navan").returncode == 0
    assert content(clone) == filled


@pytest.mark.parametrize("origin", [None, "/srv/git/source-navan", "https://token@github.com/acme/x", PLACEHOLDER])
def test_a_release_without_a_public_address_ends(origin: str | None, clone: Path) -> None:
    before = content(clone)
    if origin:
        git(clone, "remote", "add", "origin", origin)
    refused = fill(clone)
    assert refused.returncode == 1
    assert "no public address" in refused.stderr
    assert "token" not in refused.stderr + refused.stdout
    assert content(clone) == before


def test_a_rehearsal_changes_nothing(clone: Path) -> None:
    before = content(clone)
    told = fill(clone, ADDRESS, DRY_RUN="true")
    assert (told.returncode, told.stdout) == (0, f"{PLACEHOLDER} becomes {ADDRESS}.\n")
    assert content(clone) == before
