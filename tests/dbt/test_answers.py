"""The package's twelve answers are those computed from the sandbox's own rows, to the cent."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any

import pytest

import load
from conftest import Built
from facts import Company
from sandbox import TODAY, sandbox
from truth import ANSWERS, accruals
from values import Row
from warehouse import DuckDB, Project


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_is_true(built: Built, answer: str) -> None:
    compare(built, answer)
    assert built.query(f"select * from {answer}")


def test_tables_that_are_looked_for_in_vain_are_no_answer(project: Project, scratch: DuckDB) -> None:
    run = project.build(scratch, "--select", "stg_navan__booking", name="vain", navan_schema="typo")
    assert not run.is_good
    assert 'schema "typo"' in run.printed
    assert "Set navan_database, navan_schema and navan_table_prefix" in run.printed


@pytest.fixture(scope="module")
def with_gaps(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A company of which much is not told: no currency, no department, no receipt."""
    warehouse = DuckDB(tmp_path_factory.mktemp("gaps") / "gaps.duckdb")
    with sandbox(bookings=150, transactions=40, users=60, odd=False, settings=load.YOUNG | {"odd_gaps": True}) as navan:
        company = Company.of(navan, TODAY)
        warehouse.load(navan)
    # Without the tests: that a line has no account, for one, is an error to them.
    words = ("--exclude-resource-type", "test", "--exclude-resource-type", "unit_test")
    run = project.build(warehouse, *words, name="gaps", navan_today=TODAY.isoformat())
    assert run.is_good, run.printed
    return Built(warehouse, company, run)


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_is_true_where_much_is_not_told(with_gaps: Built, answer: str) -> None:
    compare(with_gaps, answer)
    assert with_gaps.query(f"select * from {answer}")


def compare(built: Built, answer: str) -> None:
    """The rows are the same, in whatever order."""
    truth = partial(accruals, journals=built.journals) if answer == "navan_accruals" else ANSWERS[answer]
    told, true = rows(built.query(f"select * from {answer}")), rows([*truth(built.company)])
    assert [*(told - true)] == [*(true - told)] == []


def rows(of: list[Row]) -> Counter[tuple[tuple[str, Any], ...]]:
    """Rows that can be compared. An amount is a number and nothing else: 1 is 1.00."""
    return Counter(tuple(sorted(row.items())) for row in of)
