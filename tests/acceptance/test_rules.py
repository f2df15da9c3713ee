"""Airbyte's rules for `spec`, `check` and `discover`, applied to the connector and, as a proof, to mistakes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import jsonschema
import pytest

import catalog_rules
import spec_rules
from conftest import ConfigOf
from connector import Connector
from settings import ROOT, Case, cases

Rule = Callable[[Any], Iterator[str]]


def named(rule: Rule) -> str:
    return rule.__name__


def spec_of(connector: Connector) -> dict[str, Any]:
    (spec,) = connector.run("spec").expect().of_type("SPEC")
    return spec


@pytest.mark.parametrize("case", cases("spec"), ids=str)
def test_spec_is_the_file(case: Case, connector: Connector) -> None:
    assert spec_of(connector) == json.loads(case.file("spec_path").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", cases("spec"), ids=str)
def test_the_config_matches_the_spec(case: Case, connector: Connector, config_of: ConfigOf) -> None:
    config = json.loads(config_of(case).read_text(encoding="utf-8"))
    jsonschema.Draft7Validator(spec_of(connector)["connectionSpecification"]).validate(config)


@pytest.mark.parametrize("rule", spec_rules.RULES, ids=named)
def test_spec(rule: Rule, connector: Connector) -> None:
    assert [*rule(spec_of(connector)["connectionSpecification"])] == []


@pytest.mark.parametrize("case", cases("connection"), ids=str)
def test_check(case: Case, connector: Connector, config_of: ConfigOf) -> None:
    output = connector.run("check", config=config_of(case)).expect()
    wanted = {"succeed": "SUCCEEDED", "failed": "FAILED"}[case.entry["status"]]
    assert [status["status"] for status in output.of_type("CONNECTION_STATUS")] == [wanted]


def test_check_of_a_bad_config_fails_with_a_sentence(connector: Connector) -> None:
    output = connector.run("check", config=ROOT / "integration_tests" / "invalid_config.json").expect()
    (status,) = output.of_type("CONNECTION_STATUS")
    assert status["status"] == "FAILED"
    assert "region" in status["message"]


@pytest.mark.parametrize("command", ["discover", "read"])
def test_a_bad_config_is_a_config_error(command: str, connector: Connector) -> None:
    inputs: dict[str, Any] = {"catalog": {"streams": []}} if command == "read" else {}
    bad = ROOT / "integration_tests" / "invalid_config.json"
    output = connector.run(command, config=bad, **inputs).expect(exit_code=1)
    assert {trace["error"]["failure_type"] for trace in output.traces("ERROR")} == {"config_error"}
    assert output.of_type("CATALOG") == output.of_type("RECORD") == []


@pytest.mark.parametrize("rule", catalog_rules.RULES, ids=named)
@pytest.mark.parametrize("case", cases("discovery"), ids=str)
def test_discover(case: Case, rule: Rule, connector: Connector, config_of: ConfigOf) -> None:
    (catalog,) = connector.run("discover", config=config_of(case)).expect().of_type("CATALOG")
    assert [*rule(catalog["streams"])] == []


@pytest.mark.parametrize("command", ["check", "discover", "read"])
def test_no_secret_is_told(command: str, connector: Connector, config_of: ConfigOf) -> None:
    (case, *_) = cases("basic_read")
    catalog: dict[str, Any] = {"catalog": case.file("configured_catalog_path")} if command == "read" else {}
    output = connector.run(command, "--debug", config=config_of(case), **catalog).expect()
    described = spec_of(connector)["connectionSpecification"]["properties"]
    given = json.loads(config_of(case).read_text(encoding="utf-8"))
    secrets = {name: value for name, value in given.items() if described[name].get("airbyte_secret")}
    assert {*secrets} == {"client_id", "client_secret", "scim_token"}
    assert [name for name, value in secrets.items() if value in output.stdout + output.stderr] == []


# One mistake for each rule, as the only thing wrong.
_VARIANT = {"type": "object", "properties": {"kind": {"type": "string", "const": "a"}}}
SPEC_MISTAKES: dict[str, dict[str, Any]] = {
    "valid_json_schema": {"type": "strnig"},
    "secrets_marked": {"type": "string"},
    "one_type": {"type": ["string", "integer"]},
    "no_empty_objects": {"type": "object"},
    "no_forbidden_keywords": {"type": "string", "anyOf": [{"minLength": 1}]},
    "one_of_is_told_apart": {"type": "object", "oneOf": [_VARIANT, _VARIANT]},
    "open_objects": {"type": "object", "additionalProperties": False, "properties": {"a": {"type": "string"}}},
    "distinct_enums": {"type": "string", "enum": ["a", "a"]},
    "dates_have_patterns": {"type": "string", "format": "date-time"},
    "examples_are_valid": {"type": "integer", "minimum": 1, "default": 0},
}
STREAM_MISTAKES: dict[str, dict[str, Any]] = {
    "some_streams": {"name": "B"},
    "sync_modes": {"supported_sync_modes": []},
    "cursors_exist": {"default_cursor_field": ["b"]},
    "keys_exist": {"source_defined_primary_key": [["b"]]},
    "valid_schemas": {"json_schema": {"type": "object", "additionalProperties": True, "required": "a"}},
    "no_forbidden_keywords": {"json_schema": {"type": "object", "additionalProperties": True, "not": {}}},
    "open_objects": {"json_schema": {"type": "object", "additionalProperties": False}},
    "known_types": {
        "json_schema": {
            "type": "object",
            "additionalProperties": True,
            "properties": {"a": {"type": "number", "airbyte_type": "timestamp_with_timezone"}},
        }
    },
}


@pytest.mark.parametrize("rule", spec_rules.RULES, ids=named)
def test_a_spec_rule_finds_its_mistake(rule: Rule) -> None:
    name = "api_key" if rule is spec_rules.secrets_marked else "thing"
    mistaken = {"type": "object", "properties": {name: SPEC_MISTAKES[named(rule)]}}
    assert len([*rule(mistaken)]) == 1


@pytest.mark.parametrize("rule", catalog_rules.RULES, ids=named)
def test_a_discover_rule_finds_its_mistake(rule: Rule) -> None:
    schema = {"type": "object", "additionalProperties": True, "properties": {"a": {"type": "string"}}}
    good = {"name": "A", "json_schema": schema, "supported_sync_modes": ["full_refresh"]}
    assert [*rule([good, {**good, "name": "B"}])] == []
    assert len([*rule([{**good, "name": "B"}, {**good, **STREAM_MISTAKES[named(rule)]}])]) == 1
