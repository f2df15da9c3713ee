"""What Airbyte asks of `acceptance-test-config.yml` at strictness `high`: everything is tested, nothing bypassed."""

from __future__ import annotations

import json

import pytest
import yaml

from conftest import ConfigOf
from connector import Connector
from settings import ROOT, SECTIONS, Case, cases, load

ALL = [case for section in SECTIONS for case in cases(section)]


def _without_defaults(value: object) -> object:
    """Leaves out nulls, `false` and empty lists, which mean the same as nothing."""
    if isinstance(value, dict):
        return {key: _without_defaults(inner) for key, inner in value.items() if inner not in (None, False, [])}
    return value


def test_strictness_is_high() -> None:
    assert load()["test_strictness_level"] == "high"


def test_every_section_is_tested_and_nothing_bypassed() -> None:
    sections = load()["acceptance_tests"]
    assert {*sections} == {*SECTIONS}
    assert "bypass_reason" not in json.dumps({**sections, "basic_read": None})


def test_the_image_is_the_one_of_the_metadata() -> None:
    metadata = yaml.safe_load((ROOT / "metadata.yaml").read_text(encoding="utf-8"))["data"]
    assert load()["connector_image"].rsplit(":", 1)[0] == metadata["dockerRepository"]


@pytest.mark.parametrize("case", ALL, ids=str)
def test_files_exist_and_secrets_are_not_in_git(case: Case) -> None:
    assert case.entry["config_path"].startswith("secrets/")
    assert "/secrets" in (ROOT / ".gitignore").read_text(encoding="utf-8").split()
    paths = [value for name, value in case.entry.items() if name.endswith("_path") and name != "config_path"]
    paths += list((case.entry.get("future_state") or {}).values())
    assert [path for path in paths if not (ROOT / path).is_file()] == []


@pytest.mark.parametrize("case", cases("basic_read"), ids=str)
def test_a_stream_that_may_be_empty_has_a_reason(case: Case) -> None:
    assert [stream["name"] for stream in case.entry["empty_streams"] if not stream.get("bypass_reason")] == []


@pytest.mark.parametrize("case", cases("incremental"), ids=str)
def test_incremental_has_a_future_state_and_a_threshold(case: Case) -> None:
    assert case.entry["future_state"]["future_state_path"]
    lookback = json.loads((ROOT / "spec.json").read_text(encoding="utf-8"))["connectionSpecification"]["properties"]
    assert case.entry["threshold_days"] == lookback["lookback_days"]["default"] + 1


@pytest.mark.parametrize("case", [case for case in ALL if "configured_catalog_path" in case.entry], ids=str)
def test_the_configured_catalog_is_what_discover_says(case: Case, connector: Connector, config_of: ConfigOf) -> None:
    (catalog,) = connector.run("discover", config=config_of(case)).expect().of_type("CATALOG")
    discovered = {stream["name"]: stream for stream in catalog["streams"]}
    configured = json.loads(case.file("configured_catalog_path").read_text(encoding="utf-8"))["streams"]
    assert [entry["stream"]["name"] for entry in configured] == [*discovered]
    for entry in configured:
        # Said shortly, since the difference of two schemas is long.
        stale = _without_defaults(entry["stream"]) != _without_defaults(discovered[entry["stream"]["name"]])
        assert not stale, (
            f"{case.entry['configured_catalog_path']} is not what discover says of {entry['stream']['name']}"
        )
