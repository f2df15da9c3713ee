"""`monitoring/compose.yaml`: what it mounts is there, fits together, and is taken by the programs that read it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest
import yaml

from connector import Connector
from pages import blocks
from settings import ROOT, SANDBOX

MONITORING = ROOT / "monitoring"
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load((MONITORING / "compose.yaml").read_text(encoding="utf-8"))[
    "services"
]
OWN = {"connector": "source-navan/source-navan:dev", "sandbox": "source-navan/sandbox:dev"}


def mounts(service: str) -> dict[str, Path]:
    """The files that a service finds, by where it finds them."""
    found = {}
    for volume in SERVICES[service].get("volumes", []):
        source, target, mode = volume.split(":")
        assert mode == "ro", volume
        found[target] = MONITORING / source
    return found


def inside(service: str, folder: Path) -> Path:
    """A folder with all that a service finds, each file in its place."""
    for target, source in mounts(service).items():
        place = folder / target.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, place)
    return folder


def read(name: str) -> Any:
    """A file of monitoring/, as YAML, which JSON is too."""
    return yaml.safe_load((MONITORING / name).read_text(encoding="utf-8"))


def tool(name: str) -> str:
    """A program of Prometheus', without which its check is skipped."""
    found = os.environ.get(f"SOURCE_NAVAN_{name.upper()}") or shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not installed")
    return found


def checks(*words: str | Path) -> None:
    checked = subprocess.run(words, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_the_page_has_the_command() -> None:
    assert "docker compose -f monitoring/compose.yaml up\n" in blocks("docs/monitoring.md", "sh")


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_has_a_version_or_is_built_here(service: str) -> None:
    about = SERVICES[service]
    if service in OWN:
        assert about["image"] == OWN[service]
        build = about["build"] if isinstance(about["build"], dict) else {"context": about["build"]}
        context = MONITORING / build["context"]
        assert (context / build.get("dockerfile", "Dockerfile")).is_file()
    else:
        assert re.fullmatch(r"[a-z/]+:v?[0-9]+\.[0-9]+\.[0-9]+", about["image"])


@pytest.mark.parametrize("service", SERVICES)
def test_what_is_mounted_is_there_and_no_port_is_open_to_others(service: str) -> None:
    for source in mounts(service).values():
        assert source.is_file(), source
    for port in SERVICES[service].get("ports", []):
        assert re.fullmatch(r"127\.0\.0\.1:([0-9]+):\1", port)


def test_the_sandbox_is_built_on_what_the_connector_is() -> None:
    def bases(file: str) -> set[str]:
        named = re.findall(r"^FROM (\S+)", (ROOT / file).read_text(encoding="utf-8"), flags=re.MULTILINE)
        return {name for name in named if ":" in name}

    assert bases("monitoring/sandbox.Dockerfile") == bases("Dockerfile")


def test_whoever_is_asked_is_a_service() -> None:
    prometheus = read("prometheus.yml")
    jobs = prometheus["scrape_configs"] + prometheus["alerting"]["alertmanagers"]
    asked = [f"http://{target}" for job in jobs for of in job["static_configs"] for target in of["targets"]]
    asked += [source["url"] for source in read("stack/grafana/datasources.yml")["datasources"]]
    config = read("stack/config.json")
    asked += [config["shared_state"]["redis_url"], config["monitoring"]["pushgateway_url"]]
    ports = {"prometheus": 9090, "pushgateway": 9091, "alertmanager": 9093, "redis": 6379}
    assert {(urlsplit(url).hostname, urlsplit(url).port) for url in asked} == set(ports.items())
    assert ports.keys() <= SERVICES.keys()


def test_prometheus_takes_what_it_finds(tmp_path: Path) -> None:
    checks(tool("promtool"), "check", "config", inside("prometheus", tmp_path) / "etc/prometheus/prometheus.yml")


def test_alertmanager_takes_what_it_finds_and_tells_nobody(tmp_path: Path) -> None:
    here, real = read("stack/alertmanager.yml"), read("alertmanager.yml")
    assert here["receivers"] == [{"name": here["route"]["receiver"]}]
    # In all else it is the real one.
    assert here["inhibit_rules"] == real["inhibit_rules"]
    others = {"receiver", "routes"}
    assert {key: here["route"][key] for key in here["route"] if key not in others} == {
        key: real["route"][key] for key in real["route"] if key not in others
    }
    checks(tool("amtool"), "check-config", inside("alertmanager", tmp_path) / "etc/alertmanager/alertmanager.yml")


def test_grafana_finds_the_dashboard_and_a_prometheus_for_it(tmp_path: Path) -> None:
    folder = inside("grafana", tmp_path)
    (provider,) = read("stack/grafana/dashboards.yml")["providers"]
    (dashboard,) = (folder / provider["options"]["path"].lstrip("/")).iterdir()
    assert dashboard.read_bytes() == (MONITORING / "dashboard.json").read_bytes()
    for kind in ("datasources", "dashboards"):
        assert (folder / "etc/grafana/provisioning" / kind / "navan.yml").is_file()
    sources = read("stack/grafana/datasources.yml")["datasources"]
    assert [source["type"] for source in sources if source.get("isDefault")] == ["prometheus"]
    # The link on the page.
    uid = json.loads(dashboard.read_text(encoding="utf-8"))["uid"]
    assert f"http://localhost:3000/d/{uid}?" in (ROOT / "docs/monitoring.md").read_text(encoding="utf-8")


def test_the_connector_is_let_in(connector: Connector) -> None:
    config = read("stack/config.json")
    assert urlsplit(config["api_url"]).port == read("stack/sandbox.json")["port"]
    # The loop makes itself a key.
    config["shared_state"]["encryption_key"] = connector.run("key").stdout.strip()
    command = [SANDBOX, "--settings", MONITORING / "stack" / "sandbox.json", "--bind", "127.0.0.1", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as sandbox:
        assert sandbox.stdout is not None
        config["api_url"] = json.loads(sandbox.stdout.readline())["url"]
        checked = connector.run("check", config=config)
        sandbox.terminate()
    (status,) = checked.of_type("CONNECTION_STATUS")
    assert status["status"] == "SUCCEEDED", status


def test_the_picture_of_the_dashboard_has_each_panel() -> None:
    drawn = {element.text for element in ElementTree.parse(ROOT / "docs" / "dashboard.svg").iter()}
    dashboard = read("dashboard.json")
    assert {panel["title"] for panel in dashboard["panels"]} <= drawn, "monitoring/draw draws it anew"
