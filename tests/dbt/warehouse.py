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

    @property
    def environment(self) -> dict[str, str]:
        """By which the project's profile finds it."""
        return {"NAVAN_DBT_DUCKDB": str(self.path)}

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
    def environment(self) -> dict[str, str]:
        """By which the project's profile finds it."""
        url = urlsplit(self.url)
        return {
            "PGHOST": str(url.hostname),
            "PGPORT": str(url.port),
            "PGUSER": str(url.username),
            "PGPASSWORD": str(url.password),
            "PGDATABASE": url.path.removeprefix("/"),
        }

    def load(self, navan: Sandbox) -> None:
        """One sync of all streams."""
        load.load(navan, self.url)

    def copy(self, name: str) -> Postgres:
        """The same once more, to go on with."""
        of_server = urlsplit(self.url)._replace(path="/template1").geturl()
        this = self.environment["PGDATABASE"]
        with psycopg.connect(of_server, autocommit=True) as connection:
            connection.execute(f"create database {name} template {this}")
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


@dataclass
class Run:
    """What a command of dbt's did, and what it left in its target folder."""

    printed: str
    is_good: bool
    target: Path

    @property
    def results(self) -> list[Result]:
        """Of each node; a run that has failed before has none."""
        written = self.read("run_results.json")["results"]
        return [Result(result["unique_id"], result["status"], result["message"]) for result in written]

    @property
    def why(self) -> str:
        """What went wrong, as dbt says it."""
        return self.printed[self.printed.find("Completed with") :]

    def read(self, name: str) -> Any:
        """One of dbt's artifacts."""
        return json.loads((self.target / name).read_text(encoding="utf-8"))


@dataclass
class Project:
    """A copy of dbt/ of its own, so that nothing is written into the repository."""

    folder: Path

    @classmethod
    def at(cls, folder: Path) -> Project:
        """Copies it to a folder and installs the package, by its path."""
        made = ("target", "logs", "dbt_packages")
        shutil.copytree(PACKAGE, folder / "dbt", ignore=shutil.ignore_patterns(*made))
        project = cls(folder / "dbt" / "integration_tests")
        run = project.dbt("deps", environment={}, target="duckdb", name="deps")
        assert run.is_good, run.why
        return project

    def build(self, warehouse: Warehouse, *words: str, name: str | None = None, **variables: Any) -> Run:
        """Builds and tests all that there is; `words` choose less of it."""
        return self.ask("build", warehouse, *words, name=name, **variables)

    def ask(self, command: str, warehouse: Warehouse, *words: str, name: str | None = None, **variables: Any) -> Run:
        """Any other command that looks at a database."""
        given = json.dumps({"navan_schema": warehouse.raw} | variables)
        words = (*words, "--vars", given)
        name = name or warehouse.target
        return self.dbt(command, *words, environment=warehouse.environment, target=warehouse.target, name=name)

    def dbt(self, command: str, *words: str, environment: dict[str, str], target: str, name: str) -> Run:
        """Runs dbt with a target folder of that name: two may run at a time with a name each."""
        folder = self.folder / "target" / name
        options = ["--profiles-dir", ".", "--target", target, "--target-path", folder, "--log-path", folder]
        if command == "deps":
            options = ["--profiles-dir", "."]
        done = subprocess.run(
            [DBT, "--no-use-colors", command, *words, *options],
            cwd=self.folder,
            env=os.environ | {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false"} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
        )
        return Run(done.stdout, done.returncode == 0, folder)
