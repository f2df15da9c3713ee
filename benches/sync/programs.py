"""The programs that are measured, and what a run of one costs."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]


@dataclass(frozen=True)
class Cost:
    """What a run took: seconds by the clock, seconds of CPU (user and system), and at most so much memory (MiB)."""

    wall: float
    cpu: float
    peak: float


@dataclass(frozen=True)
class Binaries:
    """The connector, the sandbox, and by name the crates in `benches/`, built for release."""

    connector: Path
    sandbox: Path
    crates: dict[str, Path]


def binaries(crates: Sequence[str]) -> Binaries:
    """Builds the crates, and both programs unless SOURCE_NAVAN_BIN and NAVAN_SANDBOX_BIN name them."""
    given = [os.environ.get(name) for name in ("SOURCE_NAVAN_BIN", "NAVAN_SANDBOX_BIN")]
    if not all(given):
        subprocess.run(["cargo", "build", "--release", "--locked"], cwd=ROOT, check=True)
    target = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target").resolve()
    built = target / "release"
    connector, sandbox = (
        Path(path or built / name).resolve()
        for path, name in zip(given, ("source-navan", "navan-sandbox"), strict=True)
    )
    for crate in crates:
        # Not --locked: the connector's dependencies, which a crate here can have too, change without it.
        manifest = ["--manifest-path", ROOT / f"benches/{crate}/Cargo.toml", "--target-dir", target]
        subprocess.run(["cargo", "build", "--release", *manifest], check=True)
    return Binaries(connector, sandbox, {crate: built / crate for crate in crates})


def run(command: list[str | Path], take: Callable[[bytes], object] | None = None) -> Cost:
    """Runs a program to its end. What it prints goes to `take` in pieces, or to /dev/null."""
    told, tell = os.pipe()
    launcher = [sys.executable, "-I", "-S", HERE / "launch.py", str(tell), *command]
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(
            launcher,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if take else subprocess.DEVNULL,
            stderr=complaints,
            pass_fds=(tell,),
        )
        os.close(tell)
        if take and process.stdout:
            while piece := os.read(process.stdout.fileno(), 1 << 20):
                take(piece)
            process.stdout.close()
        process.wait()
        with os.fdopen(told) as answer:
            code, *numbers = answer.read().split() or ["launcher failed"]
        if code != "0":
            complaints.seek(0)
            sys.stderr.write(complaints.read().decode(errors="replace")[-4000:])
            raise SystemExit(f"{command[0]} ended with {code}")
    return Cost(*map(float, numbers))
