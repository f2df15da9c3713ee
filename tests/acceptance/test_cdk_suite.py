"""Airbyte's own harness, `airbyte_cdk.test.standard_tests`, on the image and, as far as it goes, on the executable.

The suite runs the image that SOURCE_NAVAN_IMAGE names, with this repository's `acceptance-test-config.yml`, against
a sandbox that the containers reach over Docker's bridge. It asserts little about what is read, so the checks that
the harness keeps for connectors written in Python are applied to the executable below.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from airbyte_cdk.models import ConfiguredAirbyteCatalogSerializer
from airbyte_cdk.models.connector_metadata import MetadataFile
from airbyte_cdk.test.entrypoint_wrapper import EntrypointOutput
from airbyte_cdk.test.models import ConnectorTestScenario
from airbyte_cdk.test.standard_tests._catalog_checks import find_catalog_problems, format_catalog_problems
from airbyte_cdk.test.standard_tests._read_assertions import assert_read_records
from airbyte_cdk.test.standard_tests._spec_compatibility import compare_specs
from airbyte_cdk.test.standard_tests._spec_lint import (
    assert_no_secrets_in_output,
    assert_spec_is_valid,
    get_single_spec,
)
from airbyte_cdk.test.standard_tests.docker_base import DockerConnectorTestSuite

from catalogs import load
from conftest import ConfigOf
from connector import Connector, Output
from sandbox import sandbox
from settings import IMAGE, ROOT, SECTIONS, cases

# Gone when the run ends, also one that collects the scenarios and then runs none.
_PLACES = tempfile.TemporaryDirectory(prefix="source-navan-cdk-")


def stand_in(config_path: Path) -> Path:
    """Where the sandbox's configuration takes the place of one under `secrets/`.

    The harness collects its scenarios before any sandbox runs, so the place must be known earlier than
    the content. The name stays, since the harness only reads with names it knows.
    """
    return Path(_PLACES.name) / config_path.name


@pytest.mark.skipif(IMAGE is None, reason="SOURCE_NAVAN_IMAGE names no image")
class TestImage(DockerConnectorTestSuite):
    """Airbyte's suite, its scenarios pointed at the sandbox."""

    @classmethod
    def get_scenarios(cls) -> list[ConnectorTestScenario]:
        scenarios = super().get_scenarios()
        # With a scenario by hand, or under fewer sections, the harness would skip and still be green.
        collected = {section for scenario in scenarios for section in scenario.sections}
        assert collected == {*SECTIONS} - {"incremental"}
        return [
            scenario.model_copy(update={"config_path": stand_in(scenario.config_path)})
            for scenario in scenarios
            if scenario.config_path
        ]

    @pytest.fixture(scope="class", autouse=True)
    def _sandbox(self, request: pytest.FixtureRequest) -> Iterator[None]:
        """A sandbox that containers reach, and its configuration where the scenarios look for it."""
        with sandbox(host=request.getfixturevalue("bridge_address")) as navan:
            places = {scenario.config_path for scenario in self.get_scenarios() if scenario.config_path}
            for place in places:
                place.write_text(json.dumps(navan.config()), encoding="utf-8")
            yield


def harness_output(output: Output) -> EntrypointOutput:
    """What the harness makes of a run."""
    return EntrypointOutput(messages=output.stdout.splitlines())


@pytest.fixture(scope="module")
def config(config_of: ConfigOf) -> Path:
    (case, *_) = cases("basic_read")
    return config_of(case)


def test_the_metadata_is_valid() -> None:
    assert MetadataFile.from_file(ROOT / "metadata.yaml").data.dockerRepository


def test_the_harness_accepts_the_spec_of_the_executable(connector: Connector) -> None:
    spec = get_single_spec(harness_output(connector.run("spec")), connector_name="source-navan")
    assert_spec_is_valid(spec, connector_name="source-navan")


# What Airbyte's low-code connector for Navan asks for. Who comes from there keeps the configuration (docs/airbyte.md).
PUBLISHED: dict[str, Any] = {
    "type": "object",
    "required": ["client_id", "client_secret", "start_date"],
    "properties": {
        "client_id": {"type": "string", "airbyte_secret": True},
        "client_secret": {"type": "string", "airbyte_secret": True},
        "start_date": {
            "type": "string",
            "format": "date-time",
            "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$",
        },
    },
    "additionalProperties": True,
}


def test_a_configuration_of_airbytes_own_connector_stays_good(connector: Connector) -> None:
    (spec,) = connector.run("spec").expect().of_type("SPEC")
    assert compare_specs({"connectionSpecification": PUBLISHED}, spec).breaking == []


@pytest.mark.parametrize("words", [("check",), ("check", "--debug"), ("discover", "--debug")], ids=" ".join)
def test_the_harness_finds_no_secret(words: tuple[str, ...], connector: Connector, config: Path) -> None:
    spec = get_single_spec(harness_output(connector.run("spec")), connector_name="source-navan")
    given: dict[str, Any] = json.loads(config.read_text(encoding="utf-8"))
    assert_no_secrets_in_output(
        harness_output(connector.run(*words, config=config)),
        spec=spec,
        config=given,
        verb=words[0],
        connector_name="source-navan",
    )


def test_the_harness_accepts_the_catalog_of_the_executable(connector: Connector, config: Path) -> None:
    """All its checks, also those that it does not yet enforce."""
    catalog = harness_output(connector.run("discover", config=config)).catalog.catalog
    assert catalog
    problems = find_catalog_problems(catalog)
    assert not problems, format_catalog_problems(problems)


@pytest.mark.parametrize("case", cases("basic_read"), ids=str)
def test_the_harness_accepts_the_records_of_the_executable(case: Any, connector: Connector, config: Path) -> None:
    catalog = case.file("configured_catalog_path")
    output = harness_output(connector.run("read", config=config, catalog=catalog))
    assert not output.errors
    assert_read_records(
        records=output.records,
        configured_catalog=ConfiguredAirbyteCatalogSerializer.load(load(catalog)),
        require_records_per_stream=True,
        validate_schema=True,
    )
