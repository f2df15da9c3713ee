"""Navan into a DuckDB file with PyAirbyte, and three questions to it in SQL.

    pip install airbyte==0.71.3
    python navan_to_duckdb.py config.json navan.duckdb source-navan
    python navan_to_duckdb.py config.json navan.duckdb source-navan/source-navan:dev
    python navan_to_duckdb.py config.json navan.duckdb airbyte_source_navan-0.1.0-py3-none-macosx_11_0_arm64.whl

`config.json` is the connector's configuration. The last word is the connector: an executable, an image if it has a
tag, or a wheel, which PyAirbyte installs. Each run brings the file up to date; BOOKING and TRANSACTION are read from
where the last run ended.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

# PyAirbyte reads these when it is imported. Offline mode keeps it from looking into Airbyte's public registry, which
# has another connector of this name; telemetry goes with it.
os.environ.setdefault("AIRBYTE_OFFLINE_MODE", "1")
os.environ.setdefault("DO_NOT_TRACK", "1")

import airbyte as ab  # noqa: E402

SPENT_BY_BOOKING_TYPE = """
    SELECT b.bookingtype, count(*) AS expenses, sum(t.posted_amount) AS posted
    FROM "transaction" t
    JOIN transaction_booking tb ON tb.transaction_id = t.id AND tb.modified_timestamp = t.modified_timestamp
    JOIN booking b ON b.uuid = tb.booking_uuid
    GROUP BY b.bookingtype
    ORDER BY expenses DESC, b.bookingtype
"""

LAST_CHANGED = 'SELECT id, modified_timestamp FROM "transaction" ORDER BY modified_timestamp DESC LIMIT 3'


def source(connector: str, config: dict[str, Any]) -> ab.Source:
    """The connector with all its streams chosen."""
    if connector.endswith(".whl"):
        how = "pip_url"
    else:
        how = "docker_image" if ":" in Path(connector).name else "local_executable"
    return ab.get_source("source-navan", config=config, streams="*", **{how: connector})


def cache(path: Path) -> ab.DuckDBCache:
    """The DuckDB file, with PyAirbyte's own files beside it."""
    return ab.DuckDBCache(db_path=path, cache_dir=path.parent / "cache")


def ask(into: ab.DuckDBCache, sql: str) -> list[tuple[Any, ...]]:
    """The rows that a query gives."""
    with into.get_sql_engine().connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(sql)]


def main(config: str, file: str, connector: str = "source-navan") -> None:
    """One sync, in which new and changed rows replace the old ones, and what the file holds afterwards."""
    navan = source(connector, json.loads(Path(config).read_text(encoding="utf-8")))
    into = cache(Path(file).absolute())
    navan.check()
    result = navan.read(cache=into)
    print(f"{result.processed_records} records read")
    print()
    for stream in sorted(navan.get_selected_streams()):
        ((rows,),) = ask(into, f'SELECT count(*) FROM "{stream.lower()}"')
        print(stream, rows, sep="\t")
    for sql in (SPENT_BY_BOOKING_TYPE, LAST_CHANGED):
        print()
        for row in ask(into, sql):
            print(*row, sep="\t")


if __name__ == "__main__":
    main(*sys.argv[1:])
