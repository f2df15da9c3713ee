"""The sandbox's image, which `monitoring/compose.yaml` has built."""

from __future__ import annotations

import subprocess
import time

from container import CONFINED, DOCKER_TIMEOUT_S, Image, logs
from settings import ROOT

BUILDER = ROOT / "tests" / "image" / "builder"
TAG = "source-navan/sandbox:dev"


def test_it_serves_what_its_settings_say(image: Image) -> None:
    # By `image`, base images are here.
    del image
    words = ["--quiet", "--file", ROOT / "monitoring" / "sandbox.Dockerfile", "--tag", TAG, ROOT]
    subprocess.run([BUILDER, *words], check=True)
    settings = ROOT / "monitoring" / "stack" / "sandbox.json"
    built = Image(TAG).having(*CONFINED, "--volume", f"{settings}:/stack/sandbox.json:ro")
    with built.started("--settings", "/stack/sandbox.json") as container:
        until = time.monotonic() + DOCKER_TIMEOUT_S
        while not (said := logs(container).stdout):
            assert time.monotonic() < until, "it says nothing"
            time.sleep(0.1)
        assert '"client_id":"simulated"' in said
        asked = ["docker", "exec", container, "wget", "-q", "-O", "-", "http://127.0.0.1:8080/sandbox/clock"]
        assert '"now":' in subprocess.check_output(asked, text=True, timeout=DOCKER_TIMEOUT_S)
