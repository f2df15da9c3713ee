"""What the tests share: the company loaded into each database, and built, twice."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

import pytest

import load
import postgres
from facts import Company
from sandbox import TODAY
from truth import handed_over
from warehouse import DuckDB, Postgres, Project, Row, Run, Warehouse

TARGETS = ("duckdb", "postgres")
# Before anything has changed, and after: the second time, dbt finds what it has built the first time.
TURNS = ("first", "second")
# Navan's own sync posts nothing to the ERP here, and a month is closed with the first turn.
ERP = {"navan_erp_skip_synced": False, "navan_erp_default_legal_entity": "Acme Inc."}
CLOSED_THROUGH = TODAY.replace(day=1) - timedelta(days=1)


@dataclass
class Built:
    """What a database holds after a sync and a build, and what is true of the company at that time."""

    warehouse: Warehouse
    company: Company
    run: Run
    # The transactions that were handed over to the ERP by then, and the day of their journal.
    journals: dict[str, date] = field(default_factory=dict)

    def query(self, sql: str) -> list[Row]:
        """The rows that a query gives; its tables are those that dbt has built, if it names no schema."""
        return self.warehouse.query(sql)


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project that builds."""
    return Project.at(tmp_path_factory.mktemp("project"), navan_today=TODAY.isoformat(), **ERP)


@pytest.fixture
def scratch(tmp_path_factory: pytest.TempPathFactory) -> DuckDB:
    """A DuckDB file that is not there yet."""
    return DuckDB(tmp_path_factory.mktemp("scratch") / "scratch.duckdb")


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str | None]:
    """A server; none where PostgreSQL is not installed, unless it must be."""
    if postgres.programs() is None and postgres.PROGRAMS not in os.environ:
        assert os.environ.get("SOURCE_NAVAN_SKIP") != "never", "PostgreSQL is not installed"
        yield None
        return
    with postgres.postgres() as url:
        yield url


@pytest.fixture(scope="session")
def all_built(
    project: Project, postgres_url: str | None, tmp_path_factory: pytest.TempPathFactory
) -> dict[tuple[str, str], Built]:
    """Each database after each turn, by its target and the turn."""
    first: list[Warehouse] = [DuckDB(tmp_path_factory.mktemp("duckdb") / "first.duckdb")]
    first += [Postgres(postgres_url)] if postgres_url else []
    built = {}

    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor())
        navan = stack.enter_context(load.company(now=load.BEGAN))

        def turn(name: str, warehouses: list[Warehouse], company: Company) -> None:
            """Loads and builds all of them, side by side."""

            variables = {"navan_today": company.today.isoformat()}
            words = ["--exclude-resource-type", "unit_test"]
            if name == TURNS[0]:
                # Rules are proved once.
                words = []
                variables |= {"navan_closed_through": CLOSED_THROUGH.isoformat()}

            def one(warehouse: Warehouse) -> Run:
                warehouse.load(navan)
                return project.build(warehouse, *words, **variables)

            for warehouse, run in zip(warehouses, pool.map(one, warehouses), strict=True):
                built[warehouse.target, name] = Built(warehouse, company, run, journals)

        began = datetime.fromisoformat(load.BEGAN).date()
        before = Company.of(navan, began)
        journals = handed_over(before, CLOSED_THROUGH)
        turn("first", first, before)
        second = [warehouse.copy("second") for warehouse in first]
        load.change(navan)
        turn("second", second, Company.of(navan, TODAY, before=before))
    return built


@pytest.fixture(scope="session", params=[(target, turn) for target in TARGETS for turn in TURNS], ids="-".join)
def built(request: pytest.FixtureRequest, all_built: dict[tuple[str, str], Built]) -> Built:
    """One database after one turn."""
    if request.param not in all_built:
        pytest.skip("PostgreSQL is not installed")
    return all_built[request.param]
