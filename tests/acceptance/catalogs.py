"""Configured catalogs, made of what `discover` says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Catalog = dict[str, Any]


def load(path: Path) -> Catalog:
    """A configured catalog from the repository."""
    return json.loads(path.read_text(encoding="utf-8"))


def configure(stream: dict[str, Any], sync_mode: str, **more: Any) -> dict[str, Any]:
    """One stream of `discover`'s catalog, chosen with a sync mode."""
    return {
        "stream": stream,
        "sync_mode": sync_mode,
        "destination_sync_mode": "append_dedup" if sync_mode == "incremental" else "overwrite",
        "cursor_field": stream.get("default_cursor_field") or [],
        "primary_key": stream.get("source_defined_primary_key") or [],
        **more,
    }


def with_mode(catalog: Catalog, sync_mode: str) -> Catalog:
    """The streams of a configured catalog that know a sync mode, all chosen with it."""
    able = [entry for entry in catalog["streams"] if sync_mode in entry["stream"]["supported_sync_modes"]]
    return {"streams": [{**entry, "sync_mode": sync_mode} for entry in able]}


def names(catalog: Catalog) -> set[str]:
    """The streams of a configured catalog."""
    return {entry["stream"]["name"] for entry in catalog["streams"]}
