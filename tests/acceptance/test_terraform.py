"""The Terraform in examples and docs, without Terraform: syntax, names, and the configurations that it makes."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import Counter
from types import SimpleNamespace
from typing import Any

import hcl2
import jsonschema
import pytest
import yaml

from pages import blocks
from settings import ROOT

EXAMPLE = ROOT / "examples" / "terraform"
SPEC = json.loads((ROOT / "spec.json").read_text(encoding="utf-8"))["connectionSpecification"]
STREAMS = {path.stem.upper() for path in (ROOT / "schemas").iterdir()}
OPTIONS = hcl2.SerializationOptions(with_comments=False, explicit_blocks=False, strip_string_quotes=True)
MAIN = (EXAMPLE / "main.tf").read_text(encoding="utf-8")
# What stands for the values that an apply fills in.
SAMPLES = {
    "var.credentials[each.key].client_id": "3f2b8c1e-7d54-4a96-9c0b-5e1f6a7d8e90",
    "var.credentials[each.key].client_secret": "a secret",
    "var.navan_client_id": "3f2b8c1e-7d54-4a96-9c0b-5e1f6a7d8e90",
    "var.navan_client_secret": "a secret",
    "var.pushgateway_url": "https://pushgateway.example",
}


def parsed(text: str) -> dict[str, Any]:
    return hcl2.loads(text, serialization_options=OPTIONS)


def resources(text: str, kind: str) -> list[dict[str, Any]]:
    """The resources of a type."""
    of_kind = [resource[kind] for resource in parsed(text).get("resource", []) if kind in resource]
    return [body for named in of_kind for body in named.values()]


def variables() -> dict[str, dict[str, Any]]:
    declared = parsed((EXAMPLE / "variables.tf").read_text(encoding="utf-8"))["variable"]
    return {name: body for variable in declared for name, body in variable.items()}


def values() -> dict[str, Any]:
    return parsed((EXAMPLE / "tenants.tfvars").read_text(encoding="utf-8"))


def defaults() -> dict[str, str]:
    """What a tenant has that says nothing: the names and defaults in the type of `tenants`."""
    return dict(re.findall(r'(\w+) = optional\(string, "(\w+)"\)', variables()["tenants"]["type"]))


def configuration(source: dict[str, Any]) -> dict[str, Any]:
    """The object that a source's configuration is made of, with expressions for values."""
    written = re.fullmatch(r"\$\{jsonencode\((\{.*\})\)\}", source["configuration"], flags=re.DOTALL)
    assert written, source["configuration"]
    return parsed(f"configuration = {written[1]}\n")["configuration"]


def filled(value: Any, of_tenant: dict[str, str]) -> Any:
    """The same with values in the place of expressions."""
    if isinstance(value, dict):
        return {key: filled(inner, of_tenant) for key, inner in value.items()}
    expression = re.fullmatch(r"\$\{(.*)\}", value)
    return (SAMPLES | of_tenant)[expression[1]] if expression else value


def unknown(config: dict[str, Any], schema: dict[str, Any], path: str = "") -> list[str]:
    """The properties that the specification does not have; it forbids none, so that old configurations pass."""
    found = []
    for name, value in config.items():
        inner = schema["properties"].get(name)
        if inner is None:
            found.append(path + name)
        elif isinstance(value, dict):
            found += unknown(value, inner, f"{path}{name}.")
    return found


def accepted(config: dict[str, Any]) -> None:
    assert unknown(config, SPEC) == []
    jsonschema.validate(config, SPEC)


def test_each_variable_that_is_used_is_declared_and_the_other_way_round() -> None:
    assert set(re.findall(r"\bvar\.(\w+)", MAIN)) == variables().keys()
    (local,) = parsed(MAIN)["locals"]
    assert set(re.findall(r"\blocal\.(\w+)", MAIN)) == local.keys()


def test_the_values_are_of_variables_and_only_the_secret_is_missing() -> None:
    declared = variables()
    assert values().keys() <= declared.keys()
    missing = {name for name, body in declared.items() if "default" not in body} - values().keys()
    assert missing == {"credentials"}
    assert declared["credentials"]["sensitive"] is True


def test_a_tenant_is_called_what_a_label_may_be() -> None:
    (validation,) = variables()["tenants"]["validation"]
    pattern = SPEC["properties"]["monitoring"]["properties"]["tenant_name"]["pattern"]
    assert f'regex("{pattern}", name)' in validation["condition"]


def test_a_tenant_that_says_nothing_has_the_defaults_of_the_specification() -> None:
    assert defaults() == {name: SPEC["properties"][name]["default"] for name in defaults()}
    assert defaults().keys() == {"region", "personal_data"}


@pytest.mark.parametrize("tenants", [values()["tenants"], parsed(blocks("docs/tenants.md", "hcl")[0])["tenants"]])
def test_each_tenants_configuration_is_one(tenants: dict[str, dict[str, str]]) -> None:
    (source,) = resources(MAIN, "airbyte_source")
    assert len(tenants) == 3
    for name, said in tenants.items():
        assert said.keys() <= defaults().keys()
        of_tenant = {f"each.value.{key}": value for key, value in (defaults() | said).items()} | {"each.key": name}
        accepted(filled(configuration(source), of_tenant))


def test_what_the_page_on_airbyte_has_is_the_same() -> None:
    one, connections = blocks("docs/airbyte.md", "hcl")
    (source,) = resources(one, "airbyte_source")
    accepted(filled(configuration(source), {}))
    (of_example,) = resources(MAIN, "airbyte_source")
    assert source.keys() == of_example.keys() - {"for_each"}
    (definition,), (of_example,) = (resources(text, "airbyte_source_definition") for text in (one, MAIN))
    assert definition.keys() == of_example.keys()
    (of_example,) = resources(MAIN, "airbyte_connection")
    for connection in resources(connections, "airbyte_connection"):
        assert connection.keys() == of_example.keys() - {"for_each"}


def test_connections_are_of_streams_that_there_are() -> None:
    _, page = blocks("docs/airbyte.md", "hcl")
    connections = resources(MAIN, "airbyte_connection") + resources(page, "airbyte_connection")
    assert len(connections) == 3
    for connection in connections:
        for stream in connection["configurations"]["streams"]:
            assert stream["name"] in STREAMS
            assert stream["sync_mode"] in {"incremental_deduped_history", "full_refresh_overwrite"}
            # Never overwritten: what is older than Navan keeps would be lost.
            assert stream["name"] != "TRANSACTION" or stream["sync_mode"] == "incremental_deduped_history"


def test_the_image_is_of_this_version() -> None:
    metadata = yaml.safe_load((ROOT / "metadata.yaml").read_text(encoding="utf-8"))["data"]
    assert values()["image_tag"] == metadata["dockerImageTag"]


def schedules(names: list[str]) -> list[str]:
    """The schedule of each tenant, by the example's own expressions, which Python takes for its own."""
    (local,) = parsed(MAIN)["locals"]
    minute_of, daily = (local[name].removesuffix("}}").split("=>", 1)[1].strip() for name in ("minute_of", "daily"))
    first_hour, hours = (variables()[name]["default"] for name in ("first_hour", "hours"))
    functions = {
        "var": SimpleNamespace(first_hour=first_hour, hours=hours),
        "parseint": int,
        "substr": lambda text, start, length: text[start : start + length],
        "sha1": lambda text: hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest(),
        "floor": math.floor,
        "format": lambda text, *words: text % words,
    }
    minutes = [eval(minute_of, functions | {"name": name}) for name in names]
    return [eval(daily, functions | {"minute": minute}) for minute in minutes]


def test_schedules_are_spread_and_stay() -> None:
    names = [f"tenant-{number}" for number in range(300)]
    crons = schedules(names)
    times = [re.fullmatch(r"0 ([0-5]?[0-9]) ([0-9]+) \* \* \? UTC", cron) for cron in crons]
    assert all(times)
    assert {int(time[2]) for time in times if time} == {1, 2, 3, 4, 5}
    # 300 tenants in 300 minutes, by chance.
    assert max(Counter(crons).values()) < 8
    # Who comes or goes moves nobody else.
    assert schedules(names[5:]) == crons[5:]
