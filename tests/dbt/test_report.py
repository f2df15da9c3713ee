"""The report that `dbt/demo` writes: its numbers are the package's, it needs no network, and it fits a phone."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import browser
from browser import Page
from load import ROOT
from truth import ANSWERS
from warehouse import DuckDB

WIDTHS = (1280, 400)


@dataclass
class Demo:
    """What the command left: the report, and the tables that it is of."""

    report: Path
    warehouse: DuckDB

    @property
    def html(self) -> str:
        return self.report.read_text(encoding="utf-8")

    def embedded(self, name: str) -> Any:
        """The JSON that the page has under this name, every digit of it."""
        (found,) = re.findall(rf'<script type="application/json" id="{name}">(.*?)</script>', self.html, re.DOTALL)
        return json.loads(found, parse_float=Decimal)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """A run of the command, for a company smaller than its own."""
    folder = tmp_path_factory.mktemp("demo")
    made = Demo(folder / "report.html", DuckDB(folder / "navan.duckdb"))
    sizes = ("--bookings", "600", "--transactions", "40", "--users", "40")
    command = [
        sys.executable,
        ROOT / "dbt" / "report" / "demo.py",
        made.report,
        "--database",
        made.warehouse.path,
        *sizes,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return made


@pytest.fixture(params=WIDTHS)
def page(request: pytest.FixtureRequest, demo: Demo) -> Iterator[Page]:
    """The report in a browser, on a desk and on a phone."""
    if not browser.CHROMIUM and os.environ.get("SOURCE_NAVAN_SKIP") != "never":
        pytest.skip("Chromium is not installed")
    scheme = "light" if request.param == WIDTHS[0] else "dark"
    with browser.opened(demo.report, width=request.param, scheme=scheme) as opened:
        opened.wait_for("document.documentElement.dataset.drawn")
        yield opened


@pytest.mark.parametrize("answer", ANSWERS)
def test_its_numbers_are_those_of_the_answer(demo: Demo, answer: str) -> None:
    shown = demo.embedded("answers")[answer]
    columns = [f'"{column}"' for column in shown["columns"]]
    told = demo.warehouse.query(f"select {', '.join(columns)} from {answer}")
    assert counted(shown["rows"]) == counted([*row.values()] for row in told)
    assert len(columns) == len(demo.warehouse.query(f"describe {answer}"))


def counted(rows: Iterable[list[Any]]) -> Counter[tuple[Any, ...]]:
    """The rows, in whatever order. JSON has no days."""
    return Counter(tuple(str(value) if isinstance(value, date) else value for value in row) for row in rows)


def test_it_may_fetch_nothing(demo: Demo) -> None:
    shell = re.sub(r"<script>.*?</script>", "", demo.html, flags=re.DOTALL)
    assert "default-src 'none'" in shell
    assert not re.search(r"\b(?:src|href)=|@import|url\(", shell)


def test_it_asks_for_nothing_and_complains_of_nothing(page: Page, demo: Demo) -> None:
    assert {url for url in page.requests if not url.startswith("data:")} == {demo.report.as_uri()}
    assert page.errors == []


def test_it_is_as_wide_as_the_screen(page: Page) -> None:
    assert page.value("document.documentElement.scrollWidth") <= page.value("innerWidth")


def test_each_answer_that_says_something_has_a_chart(page: Page, demo: Demo) -> None:
    chosen = page.value("document.getElementById('currency').value")
    for section in demo.embedded("sections")["sections"]:
        model, says = section["model"], section["says"][chosen]
        assert page.value(f"document.querySelector('#{model} h2').textContent") == says["title"]
        marks = page.value(
            f"document.querySelectorAll('#{model} .chart .mark-rect path, #{model} .chart .mark-line path').length"
        )
        assert (marks == 0) == says["is_empty"], model


def test_a_table_has_the_rows_of_the_chosen_currency(page: Page, demo: Demo) -> None:
    other = demo.embedded("sections")["currencies"][1]
    page.value(f"{{ const s = document.getElementById('currency'); s.value = '{other}'; s.onchange(); }}")
    page.wait_for(f"document.documentElement.dataset.drawn === '{other}'")
    page.value("document.querySelector('#navan_spend_by_vendor summary').click()")
    page.wait_for("!!document.querySelector('#navan_spend_by_vendor td')")
    shown = page.value("document.querySelectorAll('#navan_spend_by_vendor tbody tr').length")
    (told,) = demo.warehouse.query(f"select count(*) as rows from navan_spend_by_vendor where currency = '{other}'")
    assert shown == told["rows"]
    assert page.value("document.documentElement.scrollWidth") <= page.value("innerWidth")


def test_its_first_sentence_is_a_sum_of_the_answer(demo: Demo) -> None:
    says = demo.embedded("sections")["sections"][0]["says"]
    for currency in demo.embedded("sections")["currencies"]:
        told = demo.warehouse.query(
            f"select department, sum(spend) as spend from navan_spend_by_department where currency = '{currency}'"
            " and month = (select date_trunc('month', current_date) - interval 1 month) group by department"
        )
        if not says[currency]["is_empty"]:
            named = {row["department"]: row["spend"] for row in told if row["department"] != "(none)"}
            most = max(named, key=lambda department: named[department])
            amounts = f"{named[most]:,.0f} of {sum(row['spend'] for row in told):,.0f}\N{NO-BREAK SPACE}{currency}"
            assert says[currency]["title"].startswith(f"{most} spent most in ")
            assert says[currency]["title"].endswith(f": {amounts}.")
