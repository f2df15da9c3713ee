"""The same rows by Airbyte's low-code engine: PyPI's airbyte-cdk, run on manifest.yaml."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from connector import STREAMS, catalog
from curl import CREATED_FROM, FIELD_GROUPS, MODIFIED_FROM
from programs import HERE, ROOT, Cost, run
from sandbox import NOW, TYPES, Sandbox

REQUIREMENTS = HERE / "requirements.txt"


def version() -> str:
    """The pinned version of airbyte-cdk."""
    pins = dict(line.split("==") for line in REQUIREMENTS.read_text().splitlines() if "==" in line and line[0] != "#")
    return pins["airbyte-cdk"]


def install() -> Path:
    """A virtual environment with what the requirements pin, made once for each content of them."""
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    content = hashlib.sha256(REQUIREMENTS.read_bytes() + python.encode()).hexdigest()[:16]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "source-navan-bench")
    folder = cache / content
    if not (folder / "complete").exists():
        print("Installing airbyte-cdk (once) ...", file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        quiet = ["--quiet", "--disable-pip-version-check"]
        subprocess.run([folder / "bin/pip", "install", *quiet, "--no-deps", "--requirement", REQUIREMENTS], check=True)
        (folder / "complete").touch()
    return folder


@dataclass
class Counter:
    """Counts records by stream in an output that comes in pieces."""

    records: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STREAMS, 0))
    rest: bytes = b""

    def take(self, piece: bytes) -> None:
        """The next piece."""
        whole, newline, rest = (self.rest + piece).rpartition(b"\n")
        self.rest = rest
        for stream in STREAMS:
            self.records[stream] += (b"\n" + whole + newline).count(_BEGIN % stream.encode())


_BEGIN = b'\n{"type":"RECORD","record":{"stream":"%s",'


def manifest(normalize: bool) -> str:
    """The manifest; whether the engine brings values to the types of the schemas."""
    text = (HERE / "manifest.yaml").read_text()
    text = text.replace("<normalization>", "Default" if normalize else "None")
    for stream in ("booking", "transaction"):
        # JSON on one line is YAML as well.
        schema = json.dumps(json.loads((ROOT / f"schemas/{stream}.json").read_text()))
        text = text.replace(f"<{stream} schema>", schema)
    return text


def read(environment: Path, sandbox: Sandbox, normalize: bool) -> Cost:
    """Reads BOOKING and TRANSACTION; the output is only counted. Ends the benchmark if a row is missing."""
    config = {
        **sandbox.credential,
        "created_from": int(CREATED_FROM.timestamp()),
        "created_to": int(NOW.timestamp()),
        "modified_from": MODIFIED_FROM,
        "modified_to": f"{NOW:%Y-%m-%d}",
        "field_groups": FIELD_GROUPS,
        "types": TYPES,
    }
    counter = Counter()
    with tempfile.TemporaryDirectory() as folder:
        command: list[str | Path] = [environment / "bin/source-declarative-manifest", "read"]
        files = {
            "config": json.dumps(config),
            "catalog": json.dumps(catalog(STREAMS)),
            "manifest-path": manifest(normalize),
        }
        for option, text in files.items():
            path = Path(folder, option)
            path.write_text(text)
            command += [f"--{option}", path]
        cost = run(command, counter.take)
    if counter.records != {stream: sandbox.rows[stream] for stream in STREAMS}:
        raise SystemExit(f"airbyte-cdk brought {counter.records} instead of {sandbox.rows}")
    return cost
