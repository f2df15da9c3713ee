"""What the acceptance tests share: a sandbox, the connector, and the configurations of `acceptance-test-config.yml`."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import by_hand
from connector import Connector, Output
from container import Image
from sandbox import Sandbox, sandbox
from scenarios import SCENARIOS
from settings import CONNECTOR, IMAGE, ROOT, Case

ConfigOf = Callable[[Case], Path]
Outcome = Callable[[str], Output]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the one choice that is the user's: whether to read a real tenant."""
    parser.addoption(
        "--real-config",
        action="store_true",
        help="apply the rules to secrets/config.json, that is to a real Navan tenant, instead of the sandbox",
    )


@pytest.fixture(scope="session")
def connector() -> Connector:
    """The connector's executable."""
    return Connector(CONNECTOR)


@pytest.fixture(scope="session")
def shared_sandbox() -> Iterator[Sandbox]:
    """A sandbox that nobody changes."""
    with sandbox() as running:
        yield running


@pytest.fixture(scope="session")
def config_of(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ConfigOf:
    """Finds the configuration file of a case.

    Those under `secrets/` are not in the repository; unless a real one is asked for, one for the sandbox
    takes its place, under the same name in a temporary folder.
    """
    stand_in = tmp_path_factory.mktemp("stand-in")

    def find(case: Case) -> Path:
        relative = Path(case.entry["config_path"])
        if relative.parts[0] != "secrets":
            return ROOT / relative
        if request.config.getoption("--real-config"):
            real = ROOT / relative
            assert real.is_file(), f"--real-config needs {relative}"
            return real
        path = stand_in / relative
        if not path.exists():
            running: Sandbox = request.getfixturevalue("shared_sandbox")
            path.parent.mkdir(exist_ok=True)
            path.write_text(json.dumps(running.config()), encoding="utf-8")
        return path

    return find


@pytest.fixture(scope="session")
def outcome(connector: Connector) -> Outcome:
    """What the connector does in a scenario, which is run once however many tests look at it."""
    seen: dict[str, Output] = {}

    def find(name: str) -> Output:
        if name not in seen:
            seen[name] = SCENARIOS[name].run(connector)
        return seen[name]

    return find


@pytest.fixture(scope="session")
def image() -> Image:
    """The connector's image, without which what needs it is skipped."""
    if not IMAGE:
        pytest.skip("SOURCE_NAVAN_IMAGE names no image")
    return Image(IMAGE)


@pytest.fixture(scope="session")
def bridge_address(image: Image, tmp_path_factory: pytest.TempPathFactory) -> str:
    """This machine's address as a container sees it: where it sends what is not for its own network.

    The user may know better. The engine does not always know it, so a container is asked.
    """
    address = os.environ.get("SOURCE_NAVAN_HOST_ADDRESS")
    if not address:
        routes = map(str.split, image.shell("ip route").splitlines())
        (address,) = (words[2] for words in routes if words[0] == "default")
    secrets = tmp_path_factory.mktemp("bridge") / "secrets"
    with sandbox(host=address) as navan:
        by_hand.write_secrets(secrets, **navan.config())
        mounted = image.having("--volume", f"{secrets}:/secrets:ro")
        (status,) = mounted.run("check", "--config", "/secrets/config.json").expect().of_type("CONNECTION_STATUS")
    if status["status"] != "SUCCEEDED":
        pytest.fail(
            f"Containers do not reach this machine at {address} (check: {status['message']}): name an address of it "
            "that they reach, a private one, in SOURCE_NAVAN_HOST_ADDRESS."
        )
    return address
