"""Airbyte's own checks of a connector's folder: `connector_qa` and the metadata validator of `airbyte-internal-ops`.

They are made for Airbyte's repository, where the connectors written in Python, Java or YAML are. Each is run on this
repository, past the question for the language that comes first, but for those that `NOT_APPLICABLE` names.
"""

from __future__ import annotations

import functools
import json
import shutil
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from airbyte_ops_mcp.connector_ops.utils import Connector
from airbyte_ops_mcp.connector_qa.checks import ENABLED_CHECKS, metadata
from airbyte_ops_mcp.connector_qa.models import Check, CheckResult, CheckStatus
from airbyte_ops_mcp.metadata_validator import ValidatorOptions
from airbyte_ops_mcp.registry.validate import ValidateOptions, validate_metadata

from settings import ROOT

PAGE = ROOT / "docs" / "airbyte.md"

NOT_APPLICABLE = {
    "CheckConnectorLanguageTag": "knows Python, Java and YAML only, by their build files; the tag is language:rust",
    "CheckConnectorCDKTag": "asks for the tag of one of the CDKs for Python; there is none here: cdk:none",
    "CheckConnectorUsesPoetry": "asks for pyproject.toml and poetry.lock; Cargo.toml and Cargo.lock take their place",
    "CheckConnectorLicenseMatchInPyproject": "compares with Poetry's pyproject.toml; there is none",
    "CheckConnectorVersionMatchInPyproject": "the same; tests/it/release.rs compares the versions here",
    "CheckPublishToPyPiIsDeclared": "is for connectors that are Python packages of Airbyte's on PyPI",
    "CheckManifestOnlyConnectorBaseImage": "asks for the base image of connectors written in YAML",
    "CheckConnectorUsesPythonBaseImage": "asks for Airbyte's base image for Python, and for no Dockerfile",
    "CheckForAirbyteCloudSectionContent": "asks about Airbyte Cloud, which takes no connectors that are images",
    "CheckDocumentationLinks": "opens every link of the page; without a network it passes whatever is there",
    "CheckVersionIncrement": "compares with the version in Airbyte's repository, where this connector is not",
}

# What may name an address that is not encrypted, which `CheckConnectorUsesHTTPSOnly` looks for in every file.
MAY_SAY_HTTP = {
    "docs": "the addresses of proxies",
    "monitoring": "the programs of one machine's stack, which talk to each other",
    "sandbox": "a server for tests, no part of the connector",
    "spec.json": "`api_url`, which takes such an address for tests, if it is a loopback or private one",
    "src/config": "refuses any other one",
    "src/monitor/otlp/environment.rs": "the addresses of collectors, which stand beside the connector, in its tests",
    "src/streams/erd.rs": "the name of SVG's namespace, which nobody asks for",
}


@dataclass(frozen=True)
class OurConnector(Connector):
    """This repository where the checks expect a folder of Airbyte's."""

    folder: Path = ROOT
    page: Path = PAGE

    @property
    def code_directory(self) -> Path:
        return self.folder

    @property
    def documentation_file_path(self) -> Path:
        return self.page

    @property
    def connector_spec_file_content(self) -> dict[str, Any]:
        return json.loads((ROOT / "spec.json").read_text(encoding="utf-8"))


def tracked() -> list[str]:
    """The files of the repository, without what builds and people leave beside them."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    return [name for name in listed.stdout.split("\0") if name]


def may_say_http(name: str) -> bool:
    return any(Path(name).is_relative_to(place) for place in MAY_SAY_HTTP)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source-navan")
    for name in tracked():
        if not may_say_http(name):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    return folder


@pytest.fixture
def ours(folder: Path) -> OurConnector:
    return OurConnector("source-navan", folder)


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Docker Hub is not asked, and nobody else either: a check that wants to know something elsewhere fails."""
    monkeypatch.setattr(
        metadata, "ValidatorOptions", functools.partial(ValidatorOptions, disable_dockerhub_checks=True)
    )

    def refuse(_: socket.socket, address: Any) -> None:
        pytest.fail(f"a check asks {address}")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def name_of(check: Check) -> str:
    return type(check).__name__


def result_of(name: str, connector: OurConnector) -> CheckResult:
    """What a check says. Not by `run`, which stops at a language that it does not know."""
    (check,) = (check for check in ENABLED_CHECKS if name_of(check) == name)
    return check._run(connector)


@pytest.mark.parametrize("name", [name_of(check) for check in ENABLED_CHECKS if name_of(check) not in NOT_APPLICABLE])
def test_a_check_passes(name: str, ours: OurConnector) -> None:
    result = result_of(name, ours)
    assert result.status is CheckStatus.PASSED, result.message


def test_each_exception_is_a_check_that_there_is() -> None:
    assert NOT_APPLICABLE.keys() <= {name_of(check) for check in ENABLED_CHECKS}


@pytest.mark.parametrize("place", MAY_SAY_HTTP)
def test_each_place_that_may_say_http_does(place: str) -> None:
    files = (ROOT / name for name in tracked() if Path(name).is_relative_to(place))
    assert any("http://" in file.read_text(encoding="utf-8") for file in files)


def test_the_metadata_can_be_published() -> None:
    """By the validators that Airbyte's registry runs before it takes a connector."""
    data = yaml.safe_load((ROOT / "metadata.yaml").read_text(encoding="utf-8"))["data"]
    assert validate_metadata(data, ValidateOptions(docs_path=str(PAGE))).errors == []


def test_the_pictures_of_the_docs_are_svg() -> None:
    """As the icon is by Airbyte's check."""
    pictures = sorted((ROOT / "docs").glob("*.svg"))
    assert {"architecture.svg", "erd.svg"} <= {picture.name for picture in pictures}
    assert {ElementTree.parse(picture).getroot().tag for picture in pictures} == {"{http://www.w3.org/2000/svg}svg"}


@pytest.mark.parametrize(
    "name",
    [
        "CheckChangelogEntry",
        "CheckDocumentationHeadersOrder",
        "CheckIpAllowListSectionContent",
        "CheckPrerequisitesSectionDescribesRequiredFieldsFromSpec",
        "CheckSupportedSyncModesSectionContent",
    ],
)
def test_a_page_of_another_form_is_refused(name: str, folder: Path) -> None:
    result = result_of(name, OurConnector("source-navan", folder, ROOT / "docs" / "pyairbyte.md"))
    assert result.status is CheckStatus.FAILED


@pytest.mark.parametrize("change", [{"definitionId": "navan"}, {"supportsFiles": True}, {"tags": ["rust"]}], ids=str)
def test_metadata_of_another_form_is_refused(change: dict[str, Any], tmp_path: Path) -> None:
    whole = yaml.safe_load((ROOT / "metadata.yaml").read_text(encoding="utf-8"))
    whole["data"] |= change
    (tmp_path / "metadata.yaml").write_text(yaml.safe_dump(whole), encoding="utf-8")
    assert result_of("ValidateMetadata", OurConnector("source-navan", tmp_path)).status is CheckStatus.FAILED
