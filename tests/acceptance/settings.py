"""`acceptance-test-config.yml`: which rules are applied to which configuration.

Airbyte's acceptance tests are driven by this file, so these are as well: what it leaves out is not
tested, and that is why a section that is missing is an error here and not an empty list.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
SECTIONS = ("spec", "connection", "discovery", "basic_read", "full_refresh", "incremental")


@dataclass(frozen=True)
class Case:
    """One entry under `tests` of one section."""

    section: str
    number: int
    entry: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.section}-{self.number}"

    def file(self, *names: str) -> Path:
        """The repository's file that the entry names, under a key or under keys within keys."""
        found: Any = self.entry
        for name in names:
            found = found[name]
        return ROOT / found


def load() -> dict[str, Any]:
    """The whole file."""
    return yaml.safe_load((ROOT / "acceptance-test-config.yml").read_text(encoding="utf-8"))


def cases(section: str) -> list[Case]:
    """The entries of a section, at least one."""
    tests = load()["acceptance_tests"][section]["tests"]
    assert tests, f"{section} has no tests"
    return [Case(section, number, entry) for number, entry in enumerate(tests)]


def executable(name: str, variable: str) -> str:
    """Where a program of this repository is: as the environment says, else where cargo puts release builds."""
    return str(Path(os.environ.get(variable) or ROOT / "target" / "release" / name).absolute())


CONNECTOR = executable("source-navan", "SOURCE_NAVAN_BIN")
SANDBOX = executable("navan-sandbox", "NAVAN_SANDBOX_BIN")
IMAGE = os.environ.get("SOURCE_NAVAN_IMAGE")
# A file. It is made by `run`.
WHEEL = os.environ.get("SOURCE_NAVAN_WHEEL")
