"""PyAirbyte, a real client, syncs twice into DuckDB, with rows changed in between; SQL says what arrived.

It is `examples/navan_to_duckdb.py` that runs, as a user would run it, with the executable and with the image.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import children
from sandbox import COUNTED, KEYS, TODAY, Sandbox, sandbox
from settings import CONNECTOR, IMAGE, ROOT

# PyAirbyte reads these when it is imported; by default it makes folders where it is started from.
OWN = tempfile.TemporaryDirectory(prefix="source-navan-pyairbyte-", ignore_cleanup_errors=True)
os.environ |= dict.fromkeys(("AIRBYTE_LOGGING_ROOT", "AIRBYTE_PROJECT_DIR", "AIRBYTE_CACHE_ROOT"), OWN.name)

import navan_to_duckdb as example  # noqa: E402

FEES = "fees"
# Bookings that are young enough to be read again, where Navan cannot be asked for changes.
YOUNG = {"first_booking": f"{TODAY - timedelta(days=365)}T00:00:00Z"}


@dataclass
class Run:
    """What one run of the script printed."""

    printed: str

    @property
    def counts(self) -> dict[str, int]:
        """The rows that the file then held of each stream.

        Not asked of the file: whoever opens it locks it, and the next run of the script must open it.
        """
        rows = re.findall(r"^([A-Z_]+)\t(\d+)$", self.printed, re.MULTILINE)
        return {stream: int(count) for stream, count in rows}

    def records(self) -> int:
        """How many records it read."""
        told = re.match(r"(\d+) records read\n", self.printed)
        assert told, self.printed
        return int(told[1])


@dataclass
class Synced:
    """What two syncs left: the sandbox as the second one saw it, and the DuckDB file."""

    sandbox: Sandbox
    cache: Any
    first: Run
    second: Run
    # The rows that were changed in between, as the sandbox has them now.
    changed: dict[str, dict[str, Any]]

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        return example.ask(self.cache, sql)

    def one(self, sql: str) -> Any:
        ((value,),) = self.ask(sql)
        return value


def run(navan: Sandbox, connector: str, folder: Path) -> Run:
    """Runs the script, in a process of its own as each sync is."""
    config, file = folder / "config.json", folder / "navan.duckdb"
    config.write_text(json.dumps(navan.config()), encoding="utf-8")
    script = ROOT / "examples" / "navan_to_duckdb.py"
    done = subprocess.run(
        [sys.executable, script, config, file, connector], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    # What PyAirbyte says of its progress comes before.
    printed = done.stdout[re.search(r"^\d+ records read$", done.stdout, re.MULTILINE).start() :]
    return Run(printed)


@pytest.fixture(scope="module", params=["local_executable", "docker_image"])
def synced(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Synced]:
    """Two syncs with one booking, one user and one transaction touched and some rows added in between."""
    image = request.param == "docker_image"
    host = request.getfixturevalue("bridge_address") if image else None
    connector = IMAGE if image else CONNECTOR
    folder = tmp_path_factory.mktemp(request.param)
    # PyAirbyte reads numbers as floats and stores them as DECIMAL(38, 9), whatever digits the connector passes on.
    with sandbox(bookings=200, transactions=30, users=60, host=host, settings=YOUNG, odd=False) as navan:
        first = run(navan, connector, folder)
        before = all_rows(navan)
        change(navan)
        second = run(navan, connector, folder)
        changed = {key: row for key, row in all_rows(navan).items() if before.get(key) != row}
        yield Synced(navan, example.cache(folder / "navan.duckdb"), first, second, changed)


def all_rows(navan: Sandbox) -> dict[str, dict[str, Any]]:
    """Every row of every stream by its key."""
    return {row[KEYS[stream]]: row for stream, row in navan.all_rows()}


def change(navan: Sandbox) -> None:
    """One old row of each stream changes, and each stream grows; an hour later, the next sync comes."""
    for stream, kind, added in (("BOOKING", None, 4), ("USER", None, 3), ("TRANSACTION", FEES, 5)):
        navan.touch(stream, 1, kind)
        navan.insert(stream, added, kind)
    # A read ends at the second in which it began; what changed within that second belongs to the next one.
    navan.post("clock", {"advance_s": 3600})


def test_counts_agree_with_navan(synced: Synced) -> None:
    facts = synced.sandbox.get("facts")
    first, second = synced.first.counts, synced.second.counts
    assert {stream: second[stream] for stream in KEYS} == {stream: facts[stream]["rows"] for stream in KEYS}
    assert {stream: second[stream] - first[stream] for stream in KEYS} == {"BOOKING": 4, "TRANSACTION": 5, "USER": 3}


def test_the_newest_generation_of_each_list_is_navans(synced: Synced) -> None:
    """As docs/data-types.md has it. A list that became shorter has left rows of its older version behind."""
    newest = {}
    for child, (parent, _) in children.LISTS.items():
        key, time = {"BOOKING": ("uuid", "lastmodified"), "TRANSACTION": ("id", "modified_timestamp")}[parent]
        newest[child] = synced.one(f"""SELECT count(*) FROM {child} AS item JOIN "{parent}" AS parent
            ON parent.{key} = item.{parent}_{key} AND parent.{time} = item.{time}""")
    expected = children.counts([*synced.sandbox.all_rows()])
    assert newest == expected
    assert all(synced.second.counts[child] >= rows for child, rows in expected.items())


@pytest.mark.parametrize(("table", "key"), [("booking", "uuid"), ('"transaction"', "id"), ('"user"', "id")])
def test_keys_are_unique(synced: Synced, table: str, key: str) -> None:
    assert synced.ask(f"SELECT {key} FROM {table} GROUP BY {key} HAVING count(*) > 1") == []
    assert synced.one(f"SELECT count(*) FROM {table} WHERE {key} IS NULL") == 0


def test_the_changed_rows_are_there(synced: Synced) -> None:
    fees = {row["id"] for row in synced.sandbox.rows("TRANSACTION", FEES)}
    assert len(synced.changed) == 3 + 4 + 3 + 5
    for key, row in synced.changed.items():
        if key in fees:
            check = f"""SELECT count(*) FROM "transaction" WHERE id = '{key}'
                AND CAST(modified_timestamp AS TIMESTAMP) = CAST('{row["modified_timestamp"]}' AS TIMESTAMP)"""
        elif "userName" in row:
            name, department = (str(row[name]).replace("'", "''") for name in ("userName", "department"))
            is_there = "IS NULL" if row["department"] is None else f"= '{department}'"
            check = f"""SELECT count(*) FROM "user" WHERE id = '{key}' AND username = '{name}'
                AND department {is_there}"""
        else:
            check = f"""SELECT count(*) FROM booking WHERE uuid = '{key}'
                AND CAST(lastmodified AS TIMESTAMP) = CAST('{row["lastModified"]}' AS TIMESTAMP)"""
        assert synced.one(check) == 1, f"{key} is not as it is now"


def test_sums_agree_with_navan(synced: Synced) -> None:
    facts = synced.sandbox.get("facts")
    total = synced.one("SELECT sum(grandtotal) FROM booking")
    assert total == Decimal(facts["BOOKING"]["grandTotal"])
    posted = synced.one('SELECT sum(posted_amount) FROM "transaction"')
    assert posted == Decimal(facts["TRANSACTION"]["posted_amount"])


def test_transactions_join_their_bookings(synced: Synced) -> None:
    bookings = {row["uuid"] for row in synced.sandbox.rows("BOOKING")}
    expected = sum(
        len({row.get("navan_booking_uuid"), (row.get("booking_details") or {}).get("navan_booking_uuids")} & bookings)
        for stream, row in synced.sandbox.all_rows()
        if stream == "TRANSACTION"
    )
    rows = synced.ask(example.SPENT_BY_BOOKING_TYPE)
    assert sum(expenses for _, expenses, _ in rows) == expected > 0
    assert all("\t".join(map(str, row)) in synced.second.printed for row in rows)


def test_the_second_sync_goes_on_from_where_the_first_ended(synced: Synced) -> None:
    counts = synced.second.counts
    assert synced.first.records() == sum(synced.first.counts.values())
    incremental = sum(count for stream, count in counts.items() if stream.startswith(("BOOKING", "TRANSACTION")))
    full = sum(counts.values()) - incremental
    assert full < synced.second.records() < full + incremental / 2
    state = synced.one("SELECT state_json FROM _airbyte_state WHERE stream_name = 'TRANSACTION'")
    assert '"synced_through"' in state


# What the sandbox has of odd values, in each row: types that differ from the schema's, fields that no schema has,
# numbers that no column holds.
ODDEST = {"mixed_types_every": 1, "new_field_every": 1, "odd_numbers": True, "shuffle_fields": True}


def test_the_oddest_data_loads_and_nothing_is_text_that_is_a_number_or_a_time(tmp_path: Path) -> None:
    with sandbox(bookings=200, transactions=30, users=60, settings=ODDEST) as navan:
        counts = run(navan, CONNECTOR, tmp_path).counts
        facts = navan.get("facts")
        of_lists = children.counts([*navan.all_rows()])
    assert counts == {stream: facts[stream]["rows"] for stream in (*KEYS, *COUNTED)} | of_lists
    into = example.cache(tmp_path / "navan.duckdb")
    columns = example.ask(into, "SELECT table_name, column_name, data_type FROM information_schema.columns")
    loaded = {(table.lower(), column.lower()): kind for table, column, kind in columns}
    texts = []
    for stream in counts:
        schema = json.loads((ROOT / "schemas" / f"{stream.lower()}.json").read_text(encoding="utf-8"))
        for name, field in schema["properties"].items():
            kinds = {field["type"]} if isinstance(field["type"], str) else set(field["type"])
            is_typed = kinds & {"number", "integer", "boolean"} or field.get("format") in ("date", "date-time")
            if is_typed and loaded.get((stream.lower(), name.lower())) in ("VARCHAR", None):
                texts.append((stream, name))
    assert texts == []
    odd = example.ask(into, "SELECT count(*) FROM booking WHERE _extra IS NOT NULL")
    assert odd == [(facts["BOOKING"]["rows"],)]


def test_bookings_are_navans_once_the_deleted_ones_are_left_out(tmp_path: Path) -> None:
    """Old bookings change, new ones come, some go; eight days later a sweep finds which."""
    # The connector believes a clock that is behind its own, and hardly one that is ahead.
    began = f"{TODAY - timedelta(days=8)}T09:00:00Z"
    with sandbox(bookings=260, transactions=3, users=9, odd=False, settings=YOUNG, now=began) as navan:
        run(navan, CONNECTOR, tmp_path)
        for index in range(0, 250, 5):
            navan.touch("BOOKING", index)
        navan.insert("BOOKING", 10)
        for index in range(1, 250, 40):
            navan.delete("BOOKING", index)
        navan.post("clock", {"advance_s": 8 * 86400})
        run(navan, CONNECTOR, tmp_path)
        rows = {row["uuid"]: row["lastModified"] for row in navan.rows("BOOKING")}
    into = example.cache(tmp_path / "navan.duckdb")
    stored = example.ask(into, "SELECT uuid, lastmodified, _ab_cdc_deleted_at FROM booking")
    assert len([uuid for uuid, _, deleted in stored if deleted]) == 7
    kept = {uuid: modified for uuid, modified, deleted in stored if not deleted}
    assert kept.keys() == rows.keys()
    for uuid, modified in kept.items():
        assert modified == datetime.fromisoformat(rows[uuid]).replace(tzinfo=None)
