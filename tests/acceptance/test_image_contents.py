"""What the image is made of, and what it says of itself."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from container import Image, docker
from settings import ROOT

MOST_BYTES = 25_000_000
BUILDER = ROOT / "tests" / "image" / "builder"
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
ENTRY_POINT = "/usr/local/bin/source-navan"


@pytest.fixture(scope="module")
def metadata() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "metadata.yaml").read_text(encoding="utf-8"))["data"]


@pytest.fixture(scope="module")
def base() -> Image:
    """The image that the last stage begins with."""
    return Image(re.findall(r"^FROM (\S+)", DOCKERFILE, flags=re.MULTILINE)[-1])


def test_its_settings_are_what_airbyte_asks_and_no_more(image: Image, base: Image, metadata: dict[str, Any]) -> None:
    config = image.about()["Config"]
    assert config["Entrypoint"] == [ENTRY_POINT]
    assert config["Cmd"] is None
    # By number, or Kubernetes cannot see that it is not root.
    assert config["User"] == "1000:1000"
    assert config["WorkingDir"] == "/airbyte"
    assert config["Labels"] == {
        "io.airbyte.name": metadata["dockerRepository"],
        "io.airbyte.version": metadata["dockerImageTag"],
    }
    inherited = {word for word in base.about()["Config"]["Env"] or [] if not word.startswith("PATH=")}
    own = {word for word in config["Env"] if not word.startswith("PATH=")}
    assert own - inherited == {f"AIRBYTE_ENTRYPOINT={ENTRY_POINT}"}
    assert not config.get("Volumes")
    assert not config.get("ExposedPorts")


def test_the_binary_is_the_version_that_the_label_names(image: Image, metadata: dict[str, Any]) -> None:
    assert image.run("--version").stdout == f"source-navan {metadata['dockerImageTag']}\n"


def test_the_user_is_airbyte_who_owns_its_folder(image: Image) -> None:
    assert image.shell("id") == "uid=1000(airbyte) gid=1000(airbyte) groups=1000(airbyte)\n"
    assert image.shell("stat -c '%u:%g %F' /airbyte") == "1000:1000 directory\n"


def test_it_holds_what_is_needed_and_nothing_else(image: Image, base: Image) -> None:
    of_the_base, all_files = base.files(), image.files()
    assert of_the_base <= all_files
    assert all_files - of_the_base == {
        "etc/ssl/certs/ca-certificates.crt",
        "lib/libgcc_s.so.1",
        ENTRY_POINT.removeprefix("/"),
    }


def test_it_is_small(image: Image) -> None:
    compressed = f"set -o pipefail; docker save {image.name} | gzip -c | wc -c"
    size = int(subprocess.check_output(["bash", "-c", compressed]))
    print(f"{size / 1e6:.1f} MB compressed")
    assert size <= MOST_BYTES


def test_every_base_has_a_pinned_tag() -> None:
    stages = re.findall(r"^FROM (\S+)(?: AS (\S+))?$", DOCKERFILE, flags=re.MULTILINE)
    bases = {base for base, _ in stages} - {name for _, name in stages}
    assert len(bases) == 2
    assert all(re.fullmatch(r"\w+:\d+\.\d+\.\d+-[\w-]+", base) for base in bases), bases


def dependencies(context: Path) -> list[str]:
    """The layers that the Dockerfile's first stage makes of a folder. Not the image's ID, which can tell the time."""
    tag = "source-navan-dependencies:test"
    subprocess.run([BUILDER, "--quiet", "--tag", tag, "--target", "dependencies", context], check=True)
    return json.loads(docker("image", "inspect", "--format", "{{json .RootFS.Layers}}", tag))


def test_a_change_to_the_sources_leaves_the_dependencies_in_the_cache(image: Image, tmp_path: Path) -> None:
    changed = tmp_path / "changed"
    for name in (
        "Cargo.toml",
        "Cargo.lock",
        "Dockerfile",
        ".dockerignore",
        "spec.json",
        "sandbox/Cargo.toml",
        "demo/Cargo.toml",
    ):
        (changed / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, changed / name)
    for name in ("schemas", "src"):
        shutil.copytree(ROOT / name, changed / name)
    with (changed / "src" / "main.rs").open("a", encoding="utf-8") as file:
        file.write("// A change.\n")
    assert dependencies(changed) == dependencies(ROOT)
