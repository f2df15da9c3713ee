"""What the image is made of, and what it says of itself."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from container import Image, files
from settings import ROOT

MOST_BYTES = 25_000_000
BUILDER = ROOT / "tests" / "image" / "builder"
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def metadata() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "metadata.yaml").read_text(encoding="utf-8"))["data"]


def test_name_and_version_are_the_same_wherever_they_stand(image: Image, metadata: dict[str, Any]) -> None:
    version = tomllib.loads((ROOT / "Cargo.toml").read_text(encoding="utf-8"))["package"]["version"]
    assert metadata["dockerImageTag"] == version
    assert image.setting('{{index .Config.Labels "io.airbyte.version"}}') == version
    assert image.setting('{{index .Config.Labels "io.airbyte.name"}}') == metadata["dockerRepository"]
    assert image.run("--version").stdout == f"source-navan {version}\n"


def test_the_entry_point_is_absolute_and_the_launchers(image: Image) -> None:
    shell = image.having("--entrypoint", "sh")
    words = image.setting('{{join .Config.Entrypoint " "}}')
    assert words.startswith("/")
    assert shell.run("-c", 'printf %s "$AIRBYTE_ENTRYPOINT"').stdout == words


def test_the_user_is_airbyte_who_owns_its_folder(image: Image) -> None:
    assert image.setting("{{.Config.User}}") == "1000:1000", "by number, or Kubernetes cannot see that it is not root"
    shell = image.having("--entrypoint", "sh")
    assert shell.run("-c", "id").stdout == "uid=1000(airbyte) gid=1000(airbyte) groups=1000(airbyte)\n"
    assert shell.run("-c", "stat -c '%u:%g %F' /airbyte").stdout == "1000:1000 directory\n"


def test_it_holds_what_is_needed_and_nothing_else(image: Image, metadata: dict[str, Any]) -> None:
    base = re.findall(r"^FROM (\S+)", DOCKERFILE, flags=re.MULTILINE)[-1]
    assert metadata["connectorBuildOptions"]["baseImage"] == f"docker.io/library/{base}"
    of_the_base, all_files = files(base), files(image.name)
    assert of_the_base <= all_files
    assert all_files - of_the_base == {
        "etc/ssl/certs/ca-certificates.crt",
        "lib/libgcc_s.so.1",
        "usr/local/bin/source-navan",
    }


def test_it_is_small(image: Image) -> None:
    compressed = f"set -o pipefail; docker save {image.name} | gzip -c | wc -c"
    assert int(subprocess.check_output(["bash", "-c", compressed])) <= MOST_BYTES


def test_every_base_has_a_pinned_tag() -> None:
    stages = re.findall(r"^FROM (\S+)(?: AS (\S+))?$", DOCKERFILE, flags=re.MULTILINE)
    bases = {base for base, _ in stages} - {name for _, name in stages}
    assert len(bases) == 2
    assert all(re.fullmatch(r"\w+:\d+\.\d+\.\d+-[\w-]+", base) for base in bases), bases


def dependencies(context: Path) -> str:
    """The image that the Dockerfile's first stage makes of a folder."""
    words = [BUILDER, "--quiet", "--target", "dependencies", context]
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def test_a_change_to_the_sources_leaves_the_dependencies_in_the_cache(image: Image, tmp_path: Path) -> None:
    changed = tmp_path / "changed"
    for name in ("Cargo.toml", "Cargo.lock", "Dockerfile", ".dockerignore", "spec.json", "sandbox/Cargo.toml"):
        (changed / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, changed / name)
    for name in ("schemas", "src"):
        shutil.copytree(ROOT / name, changed / name)
    with (changed / "src" / "main.rs").open("a", encoding="utf-8") as file:
        file.write("// A change.\n")
    assert dependencies(changed) == dependencies(ROOT)
