"""The same pages split into rows by serde_json, as a measure of what any reader of rows has to do."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Split:
    """The program, and a folder with the pages."""

    binary: Path
    folder: Path

    def cpu(self, rows: int) -> float:
        """Seconds of CPU that the splitting takes, without the reading of files.

        Ends the benchmark if a row is missing.
        """
        printed = subprocess.run([self.binary, self.folder], capture_output=True, text=True, check=True).stdout
        found, seconds = printed.split()
        if int(found) != rows:
            raise SystemExit(f"serde_json found {found} rows instead of {rows}")
        return float(seconds)
