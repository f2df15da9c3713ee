"""Writes the twelve answers, as `dbt build` left them in a DuckDB file, into one HTML file that needs nothing else.

python report.py navan.duckdb report.html --today 2026-11-22
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from datetime import date
from decimal import Decimal
from html import escape
from pathlib import Path
from string import Template
from typing import Any

import duckdb
import vl_convert
from days import Days
from sections import SECTIONS, Section
from sentences import Row

HERE = Path(__file__).parent
# Each row of these is a case of its own, whatever its currency.
CASES = {"navan_reimbursements_waiting", "navan_card_transactions_without_receipt"}
# Where a table is read from its top.
NEWEST_FIRST = {"month", "month_end", "year"}
SECTION = """<section id="{model}">
<p class="question">{question}</p>
<h2></h2>
<div class="chart"></div>
<p class="note">{note}</p>
<details><summary></summary><div class="table" tabindex="0"></div></details>
</section>"""


class Answers:
    """The rows of each answer, and the currency that the reader sees first."""

    def __init__(self, database: Path, schema: str, currency: str | None = None) -> None:
        self.currency = currency
        self.columns: dict[str, list[str]] = {}
        self.rows: dict[str, list[Row]] = {}
        with duckdb.connect(str(database), read_only=True) as connection:
            for model in (section.model for section in SECTIONS):
                table = f'"{schema}"."{model}"'
                self.columns[model] = connection.table(table).columns
                order = (f"{column} DESC" if column in NEWEST_FIRST else column for column in self.columns[model])
                result = connection.execute(f"SELECT * FROM {table} ORDER BY {', '.join(order)}")
                self.rows[model] = [dict(zip(self.columns[model], row, strict=True)) for row in result.fetchall()]

    def currencies(self) -> list[str]:
        """Those that something was spent in: the chosen one, then that of most costs."""
        costs: Counter[str] = Counter()
        for row in self.rows["navan_spend_by_vendor"]:
            costs[row["currency"]] += row["costs"]
        return sorted(costs, key=lambda currency: (currency != self.currency, -costs[currency]))

    def of(self, model: str, currency: str) -> list[Row]:
        """The rows in a currency, where it matters."""
        if not self.is_by_currency(model):
            return self.rows[model]
        return [row for row in self.rows[model] if row["currency"] == currency]

    def is_by_currency(self, model: str) -> bool:
        return "currency" in self.columns[model] and model not in CASES

    def embedded(self) -> dict[str, Any]:
        """All of them as they stand in the page."""
        return {
            model: {
                "columns": self.columns[model],
                "rows": [[plain(value) for value in row.values()] for row in rows],
                "is_by_currency": self.is_by_currency(model),
            }
            for model, rows in self.rows.items()
        }


def plain(value: Any) -> Any:
    """A value as JSON has it. A decimal of 15 digits or fewer is the same as a float."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return str(value) if isinstance(value, date) else value


def embedded_section(section: Section, answers: Answers, days: Days) -> dict[str, Any]:
    """A section as it stands in the page: its chart, and what it says in each currency."""
    says = {}
    for currency in answers.currencies():
        # Only of shares are rows of all currencies looked at together.
        rows = answers.of(section.model, currency) if section.is_by_currency else answers.rows[section.model]
        said = section.says(rows, days, currency)
        nothing = section.nothing.format(currency=currency, month=f"{days.month:%B}")
        says[currency] = {"title": said or nothing, "is_empty": said is None}
    return {"model": section.model, "chart": section.chart(days), "says": says}


def script(value: Any) -> str:
    """JSON that can stand in a script element."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def page(answers: Answers, days: Days, about: str) -> str:
    """The whole report."""
    listed = answers.currencies()
    sections = [embedded_section(section, answers, days) for section in SECTIONS]
    shells = (
        SECTION.format(model=section.model, question=escape(section.question), note=escape(section.note))
        for section in SECTIONS
    )
    return Template((HERE / "page.html").read_text(encoding="utf-8")).substitute(
        style=(HERE / "page.css").read_text(encoding="utf-8"),
        script=(HERE / "page.js").read_text(encoding="utf-8"),
        library=vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;").replace("</script", "<\\/script"),
        about=escape(about),
        shells="\n".join(shells),
        answers=script(answers.embedded()),
        sections=script({"sections": sections, "currencies": listed}),
    )


def main() -> None:
    """Reads the answers, and writes the report."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("database", type=Path)
    options.add_argument("report", type=Path)
    options.add_argument("--schema", default="analytics", help="where dbt has put the answers")
    options.add_argument("--today", type=date.fromisoformat, default=date.today(), help="the package's navan_today")
    options.add_argument("--about", default="", help="a sentence on where the data is from")
    options.add_argument("--currency", help="the one that is shown first; that of most costs if not given")
    given = options.parse_args()
    if not given.database.is_file():
        options.error(f"{given.database} is no file")
    days = Days(given.today)
    about = f"As of {given.today:%-d %B %Y}. {given.about}".strip()
    answers = Answers(given.database, given.schema, given.currency)
    given.report.write_text(page(answers, days, about), encoding="utf-8")
    print(given.report)


if __name__ == "__main__":
    main()
