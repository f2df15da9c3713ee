"""The staging models hold what Navan has, whatever the connector's destination has made of its rows."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from types import ModuleType
from typing import Any

import pytest

import children
from conftest import Built
from warehouse import PACKAGE, DuckDB, Project, Row, Warehouse


def generator() -> ModuleType:
    """The script that makes the models."""
    loader = SourceFileLoader("generate", str(PACKAGE / "generate"))
    module = module_from_spec(spec_from_loader(loader.name, loader))
    sys.modules[loader.name] = module
    loader.exec_module(module)
    return module


STREAMS = {stream.name: stream for stream in generator().streams()}
# Those whose rows the sandbox tells.
TOLD = ("BOOKING", "TRANSACTION", "USER")
STAGING = ("--select", "staging", "--indirect-selection", "cautious", "--exclude-resource-type", "unit_test")
# PyAirbyte reads numbers as 64-bit floats.
DIGITS = Decimal("1e-9")


def test_models_are_as_they_are_made_from_the_schemas() -> None:
    checked = subprocess.run([PACKAGE / "generate", "--check"], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("stream", TOLD)
def test_rows_are_navans(built: Built, stream: str) -> None:
    (key,) = STREAMS[stream].key
    rows = getattr(built.company, f"{stream.lower()}_rows")
    there = {row[key]: row for row in built.query(f"select * from {STREAMS[stream].model}")}
    assert there.keys() == {row[key] for row in rows}
    for row in rows:
        expected = {column.name: value for column in STREAMS[stream].columns for value in told(row, column)}
        if built.warehouse.target == "postgres":
            # There PyAirbyte writes a text of digits as a number, `10000000.0`.
            expected = {name: value for name, value in expected.items() if not is_number(value)}
        found = there[row[key]]
        assert {name: found[name] for name in expected} == expected


def test_lists_are_those_of_the_rows(built: Built) -> None:
    """Not those of bookings that are gone, nor what an older version had more of."""
    company = built.company
    rows = [("BOOKING", row) for row in company.booking_rows] + [
        ("TRANSACTION", row) for row in company.transaction_rows
    ]
    counted = {
        child: built.query(f"select count(*) as number from {STREAMS[child].model}")[0]["number"]
        for child in children.LISTS
    }
    assert counted == children.counts(rows)


def is_number(value: Any) -> bool:
    """Whether PyAirbyte takes a text for one."""
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return isinstance(value, str)


def told(row: Row, column: Any) -> list[Any]:
    """What a row of Navan's says of a column, as Python has it; nothing of lists and objects, whose JSON differs."""
    value: Any = row
    for name in column.path.split("."):
        value = (value or {}).get(name)
    if column.kind == "json":
        return []
    if value is None or (value == "" and column.kind != "string"):
        return [None]
    match column.kind:
        case "number":
            return [Decimal(value).quantize(DIGITS)]
        case "integer":
            return [int(value)]
        case "boolean":
            return [value if isinstance(value, bool) else str(value).lower() in ("true", "yes")]
        case "date":
            return [date.fromisoformat(value[:10])]
        case "timestamp":
            return [datetime.fromisoformat(value).astimezone(UTC).replace(tzinfo=None)]
        case _:
            return [value if isinstance(value, str) else json.dumps(value)]


@pytest.fixture(scope="module")
def loaded(all_built: dict[tuple[str, str], Built]) -> tuple[DuckDB, DuckDB]:
    """DuckDB after each turn."""
    return all_built["duckdb", "first"].warehouse, all_built["duckdb", "second"].warehouse


def test_appended_rows_come_to_the_same(project: Project, loaded: tuple[DuckDB, DuckDB], scratch: DuckDB) -> None:
    """Both syncs, and the second once more, as a destination leaves them that only appends."""
    first, second = loaded
    statements = [f"attach '{first.path}' as first", f"attach '{second.path}' as second"]
    for stream in STREAMS:
        table = f'"{stream.lower()}"'
        statements.append(
            f"""create table {table} as
            from (
                from first.main.{table}
                union all by name from second.main.{table}
                union all by name from second.main.{table}
            )
            order by hash(_airbyte_raw_id)"""
        )
    scratch.execute(*statements)
    assert project.build(scratch, *STAGING).is_good
    same_staging(scratch, second)


@pytest.mark.parametrize("target", ["duckdb", "postgres"])
def test_tables_are_found_by_any_name(project: Project, all_built: dict[tuple[str, str], Built], target: str) -> None:
    """Navan's own names, a prefix and a schema that need quotes, all values text, times with another offset."""
    if (target, "first") not in all_built:
        pytest.skip("PostgreSQL is not installed")
    warehouse = all_built[target, "first"].warehouse.copy("renamed")
    warehouse.execute('create schema "Raw Data"', *(renamed(warehouse, stream) for stream in STREAMS.values()))
    names = {"navan_schema": "Raw Data", "navan_table_prefix": "Navan_"}
    run = project.build(warehouse, *STAGING, name=f"renamed-{target}", **names)
    assert run.is_good, run.why
    same_staging(warehouse, all_built[target, "first"].warehouse)


def renamed(warehouse: Warehouse, stream: Any) -> str:
    """Copies a stream's raw table to such a one."""
    columns = []
    for name, field in stream.schema["properties"].items():
        text = f'cast("{name.lower()}" as text)'
        if field.get("format") == "date-time" and field.get("airbyte_type") != "timestamp_without_timezone":
            # Two hours ahead of UTC.
            text = f"""cast("{name.lower()}" + interval '2 hours' as text) || '+02:00'"""
        columns.append(f'{text} as "{name}"')
    columns.append("""cast(_airbyte_extracted_at as text) || '+00:00' as "_AIRBYTE_EXTRACTED_AT" """)
    raw = f'{warehouse.raw}."{stream.name.lower()}"'
    return f'create table "Raw Data"."Navan_{stream.name}" as select {", ".join(columns)} from {raw}'


def same_staging(one: Warehouse, other: Warehouse) -> None:
    """Each staging model has the same rows in both, of the same types."""
    for stream in STREAMS.values():
        order = ", ".join(f"{name} nulls first" for name in stream.key)
        rows = [warehouse.query(f"select * from {stream.model} order by {order}") for warehouse in (one, other)]
        assert rows[0] == rows[1], stream.name
        kinds = [types(warehouse, stream.model) for warehouse in (one, other)]
        assert kinds[0] == kinds[1], stream.name


def types(warehouse: Warehouse, model: str) -> list[Row]:
    """The columns of a model and their types."""
    return warehouse.query(
        f"""select column_name, data_type from information_schema.columns
        where table_schema = 'analytics' and table_name = '{model}' order by ordinal_position"""
    )


def test_streams_that_were_not_synced_are_empty_and_of_the_same_types(
    project: Project, loaded: tuple[DuckDB, DuckDB], scratch: DuckDB
) -> None:
    """And all that is built on them is built."""
    # That there is none at all would be an error.
    scratch.execute("create table custom_field (id varchar)")
    run = project.build(scratch, "--exclude-resource-type", "unit_test")
    assert run.is_good, run.why
    for stream in STREAMS.values():
        assert scratch.query(f"select * from {stream.model}") == []
        assert types(scratch, stream.model) == types(loaded[0], stream.model)


BOOKINGS = """
    create table booking as from (values
        -- Changed twice; a sync has read the second version again, and an older one comes late.
        ('changed', timestamp '2026-11-01 10:00', timestamp '2026-11-01 12:00', null, 'CONFIRMED'),
        ('changed', timestamp '2026-11-02 10:00', timestamp '2026-11-02 12:00', null, 'TICKETED'),
        ('changed', timestamp '2026-11-02 10:00', timestamp '2026-11-03 12:00', null, 'TICKETED'),
        ('changed', timestamp '2026-11-01 10:00', timestamp '2026-11-04 12:00', null, 'CONFIRMED'),
        -- Its list has become empty.
        ('emptied', timestamp '2026-11-01 10:00', timestamp '2026-11-01 12:00', null, 'CONFIRMED'),
        ('emptied', timestamp '2026-11-02 10:00', timestamp '2026-11-02 12:00', null, 'CONFIRMED'),
        -- One version, read twice, with a shorter list the second time.
        ('reread', timestamp '2026-11-01 10:00', timestamp '2026-11-01 12:00', null, 'CONFIRMED'),
        ('reread', timestamp '2026-11-01 10:00', timestamp '2026-11-02 12:00', null, 'CONFIRMED'),
        -- Deleted.
        ('deleted', timestamp '2026-11-01 10:00', timestamp '2026-11-01 12:00', null, 'CONFIRMED'),
        ('deleted', timestamp '2026-11-09 10:00', timestamp '2026-11-09 12:00', timestamp '2026-11-09 10:00', null),
        -- Deleted, and there again.
        ('back', timestamp '2026-11-01 10:00', timestamp '2026-11-01 12:00', null, 'CONFIRMED'),
        ('back', timestamp '2026-11-09 10:00', timestamp '2026-11-09 12:00', timestamp '2026-11-09 10:00', null),
        ('back', timestamp '2026-11-10 10:00', timestamp '2026-11-10 12:00', null, 'TICKETED'),
        -- Navan says no time.
        ('timeless', null, timestamp '2026-11-01 12:00', null, 'CONFIRMED')
    ) as t (uuid, lastModified, _airbyte_extracted_at, _ab_cdc_deleted_at, bookingStatus)
"""

SEGMENTS = """
    create table booking_segment as from (values
        ('changed', 0, timestamp '2026-11-01 10:00', timestamp '2026-11-01 12:00', 'old'),
        ('changed', 1, timestamp '2026-11-01 10:00', timestamp '2026-11-01 12:00', 'old'),
        ('changed', 0, timestamp '2026-11-02 10:00', timestamp '2026-11-02 12:00', 'new'),
        ('changed', 0, timestamp '2026-11-02 10:00', timestamp '2026-11-03 12:00', 'new'),
        ('changed', 0, timestamp '2026-11-01 10:00', timestamp '2026-11-04 12:00', 'old'),
        ('changed', 1, timestamp '2026-11-01 10:00', timestamp '2026-11-04 12:00', 'old'),
        ('emptied', 0, timestamp '2026-11-01 10:00', timestamp '2026-11-01 12:00', 'old'),
        ('reread', 0, timestamp '2026-11-01 10:00', timestamp '2026-11-01 12:00', 'old'),
        ('reread', 1, timestamp '2026-11-01 10:00', timestamp '2026-11-01 12:00', 'old'),
        ('reread', 0, timestamp '2026-11-01 10:00', timestamp '2026-11-02 12:00', 'new'),
        ('deleted', 0, timestamp '2026-11-01 10:00', timestamp '2026-11-01 12:00', 'old'),
        ('back', 0, timestamp '2026-11-01 10:00', timestamp '2026-11-01 12:00', 'old'),
        ('back', 1, timestamp '2026-11-10 10:00', timestamp '2026-11-10 12:00', 'new'),
        ('timeless', 0, null, timestamp '2026-11-01 12:00', 'new')
    ) as t (booking_uuid, "index", lastModified, _airbyte_extracted_at, flight_number)
"""


# Of these, nobody has synced the parent.
ITEMS = """
    create table transaction_line_item as from (values
        ('changed', 0, timestamp '2026-11-01 10:00', timestamp '2026-11-01 12:00', 'old'),
        ('changed', 1, timestamp '2026-11-01 10:00', timestamp '2026-11-01 12:00', 'old'),
        ('changed', 0, timestamp '2026-11-02 10:00', timestamp '2026-11-02 12:00', 'new'),
        ('changed', 0, timestamp '2026-11-01 10:00', timestamp '2026-11-03 12:00', 'old'),
        ('emptied', 0, timestamp '2026-11-01 10:00', timestamp '2026-11-01 12:00', 'old')
    ) as t (transaction_id, "index", modified_timestamp, _airbyte_extracted_at, description)
"""


@pytest.fixture(scope="module")
def crafted(project: Project, tmp_path_factory: pytest.TempPathFactory) -> DuckDB:
    """What these are built into."""
    crafted = DuckDB(tmp_path_factory.mktemp("crafted") / "crafted.duckdb")
    crafted.execute(BOOKINGS, SEGMENTS, ITEMS)
    run = project.build(crafted, *STAGING)
    assert run.is_good, run.why
    return crafted


def test_of_each_row_the_newest_version_is_left(crafted: DuckDB) -> None:
    left = crafted.query("select uuid, booking_status from stg_navan__booking")
    confirmed = dict.fromkeys(("emptied", "reread", "timeless"), "CONFIRMED")
    ticketed = dict.fromkeys(("changed", "back"), "TICKETED")
    assert {row["uuid"]: row["booking_status"] for row in left} == confirmed | ticketed


def test_of_each_list_the_newest_version_of_its_row_is_left(crafted: DuckDB) -> None:
    left = crafted.query("select booking_uuid, position, flight_number from stg_navan__booking_segment")
    expected = {("changed", 0, "new"), ("reread", 0, "new"), ("back", 1, "new"), ("timeless", 0, "new")}
    assert {tuple(row.values()) for row in left} == expected


def test_without_its_row_the_newest_of_each_list_is_left(crafted: DuckDB) -> None:
    """Which is as much as anybody knows."""
    left = crafted.query("select transaction_id, position, description from stg_navan__transaction_line_item")
    assert {tuple(row.values()) for row in left} == {("changed", 0, "new"), ("emptied", 0, "old")}
