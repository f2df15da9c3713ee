"""Databases that PyAirbyte loads and dbt builds on, and the project that builds: dbt/integration_tests."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
import psycopg
from psycopg.rows import dict_row

import load
from sandbox import Sandbox

PACKAGE = load.ROOT / "dbt"
DBT = Path(sys.executable).with_name("dbt")
# Where the models are built.
SCHEMA = "analytics"

Row = dict[str, Any]


@dataclass(frozen=True)
class DuckDB:
    """A DuckDB file. Whoever opens it locks it, so it is open only while it is asked."""

    path: Path
    target: str = "duckdb"
    # Where PyAirbyte puts its tables.
    raw: str = "main"

    def environment(self, folder: Path) -> dict[str, str]:
        """By which the profile finds it: always in one place of the project, or dbt would read all of that anew."""
        link = folder / "navan.duckdb"
        link.unlink(missing_ok=True)
        link.symlink_to(self.path.resolve())
        return {"NAVAN_DBT_DUCKDB": str(link)}

    def load(self, navan: Sandbox) -> None:
        """One sync of all streams."""
        load.load(navan, self.path)

    def copy(self, name: str) -> DuckDB:
        """The same once more, to go on with."""
        return DuckDB(Path(shutil.copy(self.path, self.path.with_name(f"{name}.duckdb"))))

    def query(self, sql: str) -> list[Row]:
        """The rows that a query gives; its tables are those that dbt has built, if it names no schema."""
        with duckdb.connect(self.path, read_only=True) as connection:
            found = connection.execute(f"set schema = '{SCHEMA}'").execute(sql)
            columns = [column[0] for column in found.description]
            return [dict(zip(columns, row, strict=True)) for row in found.fetchall()]

    def execute(self, *statements: str) -> None:
        """Changes what is there."""
        with duckdb.connect(self.path) as connection:
            for statement in statements:
                connection.execute(statement)


@dataclass(frozen=True)
class Postgres:
    """A database of a PostgreSQL server."""

    url: str
    target: str = "postgres"
    raw: str = "airbyte_raw"

    @property
    def database(self) -> str:
        return urlsplit(self.url).path.removeprefix("/")

    def environment(self, _: Path) -> dict[str, str]:
        """By which the profile finds it."""
        url = urlsplit(self.url)
        return {
            "PGHOST": str(url.hostname),
            "PGPORT": str(url.port),
            "PGUSER": str(url.username),
            "PGPASSWORD": str(url.password),
            "PGDATABASE": self.database,
        }

    def load(self, navan: Sandbox) -> None:
        """One sync of all streams."""
        load.load(navan, self.url)

    def copy(self, name: str) -> Postgres:
        """The same once more, to go on with."""
        of_server = urlsplit(self.url)._replace(path="/template1").geturl()
        with psycopg.connect(of_server, autocommit=True) as connection:
            connection.execute(f"create database {name} template {self.database}")
        return Postgres(urlsplit(self.url)._replace(path=f"/{name}").geturl())

    def query(self, sql: str) -> list[Row]:
        """The rows that a query gives; its tables are those that dbt has built, if it names no schema."""
        with psycopg.connect(self.url, row_factory=dict_row, options=f"-c search_path={SCHEMA}") as connection:
            return connection.execute(sql).fetchall()

    def execute(self, *statements: str) -> None:
        """Changes what is there."""
        with psycopg.connect(self.url) as connection:
            for statement in statements:
                connection.execute(statement)


Warehouse = DuckDB | Postgres


@dataclass(frozen=True)
class Result:
    """What became of one model, seed or test."""

    node: str
    status: str
    message: str | None

    @property
    def is_good(self) -> bool:
        return self.status in ("success", "pass")


@dataclass(frozen=True)
class Run:
    """What a command of dbt's did."""

    printed: str
    is_good: bool
    # Of each node; a run that has failed before has none.
    results: list[Result]
    # Its target folder, until the next run.
    target: Path

    @property
    def why(self) -> str:
        """What went wrong, as dbt says it."""
        return self.printed[self.printed.find("Completed with") :]

    def read(self, name: str) -> Any:
        """One of dbt's artifacts."""
        return json.loads((self.target / name).read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Project:
    """A copy of dbt/ of its own, so that nothing is written into the repository."""

    folder: Path
    # What it sets, unless a run is to have it otherwise. Where this changes, dbt reads the whole project anew.
    variables: dict[str, Any]

    @classmethod
    def at(cls, folder: Path, **variables: Any) -> Project:
        """Copies it to a folder and installs the package, by its path."""
        made = ("target", "logs", "dbt_packages")
        shutil.copytree(PACKAGE, folder / "dbt", ignore=shutil.ignore_patterns(*made))
        project = cls(folder / "dbt" / "integration_tests", variables)
        deps = project.dbt("deps", environment={})
        assert deps.returncode == 0, deps.stdout
        return project

    def build(self, warehouse: Warehouse, *words: str, name: str | None = None, **variables: Any) -> Run:
        """Builds and tests all that there is; `words` choose less of it."""
        return self.ask("build", warehouse, *words, name=name, **variables)

    def ask(self, command: str, warehouse: Warehouse, *words: str, name: str | None = None, **variables: Any) -> Run:
        """Any command that looks at a database. Two may run at a time, with a name each: that of the target folder."""
        environment = warehouse.environment(self.folder)
        target = self.folder / "target" / (name or warehouse.target)
        results = target / "run_results.json"
        results.unlink(missing_ok=True)
        given = {"navan_schema": warehouse.raw} | self.variables | variables
        options = ["--target", warehouse.target, "--target-path", str(target), "--log-path", str(target)]
        done = self.dbt(command, *words, "--vars", json.dumps(given), *options, environment=environment)
        written = json.loads(results.read_text(encoding="utf-8"))["results"] if results.exists() else []
        return Run(
            done.stdout,
            done.returncode == 0,
            [Result(result["unique_id"], result["status"], result["message"]) for result in written],
            target,
        )

    def dbt(self, *words: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
        """Runs dbt."""
        return subprocess.run(
            [DBT, "--no-use-colors", *words, "--profiles-dir", "."],
            cwd=self.folder,
            env=os.environ | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
        )
