"""The SQL is written as dbt/.sqlfluff has it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from warehouse import DBT, SCHEMA, DuckDB, Project


def test_sqlfluff_finds_nothing(project: Project, tmp_path: Path) -> None:
    """The staging models are calls of one macro, so that one of them is enough."""
    # Their SQL is looked at, so there has to be a table.
    database = DuckDB(tmp_path / "navan.duckdb")
    database.execute(f"create schema {SCHEMA}", f"create table {SCHEMA}.custom_field (id varchar)")
    package = project.folder.parent
    warehouse = DuckDB(tmp_path / "nothing.duckdb")
    # Without any table of Navan's, the staging models say so and nothing else.
    warehouse.execute(f"create schema {SCHEMA}", f"create table {SCHEMA}.custom_field (id varchar)")
    words = ["models/answers", "models/erp", "models/intermediate", "models/marts", "tests"]
    words += ["models/staging/stg_navan__booking_segment.sql"]
    done = subprocess.run(
        [DBT.with_name("sqlfluff"), "lint", "--disable-progress-bar", "--processes", "2", *words],
        cwd=package,
        env=os.environ | {"NAVAN_DBT_DUCKDB": str(warehouse.path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
