"""From the simulated Navan to the report: loaded by PyAirbyte into DuckDB, built by dbt. `dbt/demo` runs it."""

from __future__ import annotations

import argparse
import sys
import tempfile
from datetime import datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "tests" / "dbt"), str(ROOT / "tests" / "acceptance")]

import report  # noqa: E402
from days import Days  # noqa: E402

from sandbox import NOW, sandbox  # noqa: E402
from warehouse import SCHEMA, DuckDB, Project  # noqa: E402


def main() -> None:
    """From nothing to the report."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("report", type=Path, nargs="?", default=Path("navan-report.html"), help="what is written")
    options.add_argument("--database", type=Path, help="a DuckDB file to keep; a new one")
    options.add_argument("--currency", default="USD", help="the one that is shown first")
    options.add_argument("--now", default=NOW, help="when the company is looked at, such as 2026-11-22T09:00:00Z")
    for name, size in (("seed", 1), ("bookings", 3000), ("transactions", 120), ("users", 60)):
        options.add_argument(f"--{name}", type=int, default=size, help=f"of the sandbox; {size} if not given")
    given = options.parse_args()
    if given.database and given.database.exists():
        options.error(f"{given.database} is there already")
    today = datetime.fromisoformat(given.now).date()
    sizes = {"bookings": given.bookings, "transactions": given.transactions, "users": given.users}
    with tempfile.TemporaryDirectory(prefix="navan-demo-") as folder:
        warehouse = DuckDB(given.database or Path(folder) / "navan.duckdb")
        say(f"Loading {given.bookings} bookings and what was spent with PyAirbyte")
        with sandbox(odd=False, now=given.now, settings={"seed": given.seed}, **sizes) as navan:
            warehouse.load(navan)
        say("Building and testing the models with dbt")
        # The rules are proved by the package's own tests.
        words = ("--exclude-resource-type", "unit_test")
        run = Project.at(Path(folder) / "project").build(warehouse, *words, navan_today=str(today))
        if not run.is_good:
            sys.exit(run.printed)
        say("Writing the report")
        answers = report.Answers(warehouse.path, SCHEMA, given.currency)
        about = f"As of {today:%-d %B %Y}. A made-up company, from the sandbox."
        given.report.write_text(report.page(answers, Days(today), about), encoding="utf-8")
    print(given.report)


def say(what: str) -> None:
    """What it is at."""
    print(f"{what} ...", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
