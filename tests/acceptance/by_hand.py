"""docs/docker.md, as somebody who follows it types it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pages import blocks

_PAGE = "docs/docker.md"


def lines(start: str) -> list[str]:
    """The commands that begin with these words."""
    return [line for block in blocks(_PAGE, "sh") for line in block.splitlines() if line.startswith(start)]


def write_secrets(folder: Path, **of_the_sandbox: Any) -> None:
    """Puts the page's two files into `secrets/`: the configuration with the sandbox's values, and the catalog."""
    config, catalog = map(json.loads, blocks(_PAGE, "json"))
    folder.mkdir()
    write(folder / "config.json", json.dumps({**config, **of_the_sandbox}))
    write(folder / "catalog.json", json.dumps(catalog))
    folder.chmod(0o755)


def write(path: Path, text: str) -> None:
    """Writes a file that the user in a container can read, who is another one."""
    path.write_text(text, encoding="utf-8")
    path.chmod(0o644)
