"""What docs/data-guide.md says: its SQL runs on what PyAirbyte leaves, and the answers that it prints are true."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

import guide
import load
from facts import Company
from guide import GUIDE, Answer
from truth import ANSWERS
from values import Row

TEXT = GUIDE.read_text(encoding="utf-8")
# The connector takes a server's clock that is a year behind for none.
BELIEVED = timedelta(days=360)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Company, list[Answer]]]:
    """The company that the guide describes, and what its SQL finds out about it."""
    now = datetime.fromisoformat(guide.options(TEXT)["now"])
    if datetime.now(UTC) - now > BELIEVED:
        pytest.skip(
            f"{now:%F}, the day of the data guide, is over a year ago: give it another one, and run guide.py --write"
        )
    database = tmp_path_factory.mktemp("guide") / "navan.duckdb"
    with guide.company(TEXT) as navan:
        load.load(navan, database)
        yield Company.of(navan, now.date()), list(guide.answers(database, TEXT))


def test_there_are_twelve_questions(told: tuple[Company, list[Answer]]) -> None:
    assert [answer.question for answer in told[1]] == list(range(1, 13))


@pytest.mark.parametrize("nth", range(12))
def test_the_guide_prints_what_its_sql_answers(told: tuple[Company, list[Answer]], nth: int) -> None:
    answer = told[1][nth]
    assert answer.printed == answer.answer


@pytest.mark.parametrize("nth", range(12))
def test_the_guide_agrees_with_the_package(told: tuple[Company, list[Answer]], nth: int) -> None:
    company, answers = told
    answer, model = answers[nth], [*ANSWERS.values()][nth]
    true = [comparable(row, answer.columns) for row in model(company)]
    for row in answer.rows:
        assert comparable(dict(zip(answer.columns, row, strict=True)), answer.columns) in true


def comparable(row: Row, columns: list[str]) -> list[Any]:
    """The columns that the guide asks for, each number as a decimal."""
    return [number(row[column]) for column in columns]


def number(value: Any) -> Any:
    """A float, which DuckDB makes of a quotient, as the digits that it is printed with."""
    return Decimal(str(value)) if isinstance(value, int | float) and not isinstance(value, bool) else value
