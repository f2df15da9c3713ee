"""The simulated Navan, loaded by PyAirbyte with the connector into DuckDB or PostgreSQL.

    python load.py raw.duckdb                       # a small company, as it is now
    python load.py raw.duckdb --rows rows           # and its rows as Navan has them, as JSON Lines
    python load.py raw.duckdb --config config.json  # one more sync of what the configuration names

A database is a DuckDB file or the URL of a PostgreSQL database. What is loaded stands in PyAirbyte's own schema:
`main` in DuckDB, `airbyte_raw` in PostgreSQL. SOURCE_NAVAN_BIN and NAVAN_SANDBOX_BIN name the binaries.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "tests" / "acceptance"), str(ROOT / "examples")]

from sandbox import KEYS, NOW, TODAY, Sandbox, sandbox  # noqa: E402
from settings import CONNECTOR  # noqa: E402

# So long after the first sync a sweep finds which bookings are gone.
SWEEP_DAYS = 8
# The connector believes a clock that is behind its own.
BEGAN = f"{TODAY - timedelta(days=SWEEP_DAYS)}T09:00:00Z"
# Bookings that are young enough to be read again, where Navan cannot be asked for changes.
YOUNG = {"first_booking": f"{TODAY - timedelta(days=365)}T00:00:00Z"}


def company(*, odd: bool = False, now: str = NOW) -> AbstractContextManager[Sandbox]:
    """The sandbox with a company that is small, and has all that a larger one has."""
    return sandbox(bookings=150, transactions=40, users=60, odd=odd, settings=YOUNG, now=now)


def change(navan: Sandbox) -> None:
    """Rows of each kind change, come and go, and days pass, until the next sync finds all of it."""
    kinds = [*navan.get("facts")["TRANSACTION"]["types"]]
    for index in range(0, 150, 6):
        navan.touch("BOOKING", index)
    for index in range(1, 150, 30):
        navan.delete("BOOKING", index)
    navan.insert("BOOKING", 6)
    for kind in kinds:
        for index in range(0, 40, 8):
            navan.touch("TRANSACTION", index, kind)
        navan.insert("TRANSACTION", 2, kind)
    for index in range(0, 60, 20):
        navan.touch("USER", index)
    navan.insert("USER", 2)
    navan.post("clock", {"advance_s": SWEEP_DAYS * 86400})


def write_rows(navan: Sandbox, folder: Path) -> None:
    """Each stream's rows as Navan has them, in a file each; of `TRANSACTION`, in a file for each type."""
    folder.mkdir(parents=True, exist_ok=True)
    for stream in KEYS:
        kinds = navan.get("facts")[stream].get("types", [None])
        for kind in kinds:
            name = f"{stream}.{kind}" if kind else stream
            lines = "".join(f"{json.dumps(row)}\n" for row in navan.rows(stream, kind))
            (folder / f"{name}.jsonl").write_text(lines, encoding="utf-8")


def load(navan: Sandbox, database: str | Path) -> None:
    """One sync of all streams, in a process of its own as each sync is: whoever has opened a DuckDB file locks it."""
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as config:
        json.dump(navan.config(), config)
        config.flush()
        command = [sys.executable, __file__, str(database), "--config", config.name]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]


def sync(config: dict[str, Any], database: str) -> None:
    """One sync of all streams with PyAirbyte, which goes on from where the last one into this database ended."""
    with tempfile.TemporaryDirectory(prefix="source-navan-load-", ignore_cleanup_errors=True) as own:
        # PyAirbyte reads these when it is imported; by default it makes folders where it is started from.
        os.environ |= dict.fromkeys(("AIRBYTE_LOGGING_ROOT", "AIRBYTE_PROJECT_DIR", "AIRBYTE_CACHE_ROOT"), own)
        # Not PyAirbyte itself: the example says first how it is to be.
        import navan_to_duckdb as example

        if database.startswith("postgresql://"):
            url = urlsplit(database)
            into = example.ab.caches.PostgresCache(
                host=url.hostname,
                port=url.port,
                username=url.username,
                password=url.password,
                database=url.path.removeprefix("/"),
                cache_dir=Path(own, "cache"),
            )
        else:
            into = example.cache(Path(database).absolute())
        example.source(CONNECTOR, config).read(cache=into)


def main() -> None:
    """One sync, of the sandbox or of what a configuration names."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("database")
    options.add_argument("--config", type=Path)
    options.add_argument("--rows", type=Path)
    given = options.parse_args()
    if given.config:
        sync(json.loads(given.config.read_text(encoding="utf-8")), given.database)
        return
    with company() as navan:
        load(navan, given.database)
        if given.rows:
            write_rows(navan, given.rows)


if __name__ == "__main__":
    main()
