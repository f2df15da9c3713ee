"""The SQL in docs/data-guide.md, and the answers printed below it.

python guide.py            # loads the sandbox that the guide describes, and prints where it answers otherwise
python guide.py --write    # writes the answers into the guide
"""

from __future__ import annotations

import argparse
import difflib
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

import load
from load import ROOT
from sandbox import Sandbox, sandbox

GUIDE = ROOT / "docs" / "data-guide.md"
# A block of SQL, and the table that answers it, if one follows.
BLOCK = re.compile(
    r"^```sql\n(?P<sql>.*?)^```\n(?P<answer>(?:\n(?:\|[^\n]*\n)+|\n_No rows\._\n)?)", re.MULTILINE | re.DOTALL
)
HEADING = re.compile(r"^### (\d+)\. ", re.MULTILINE)


@dataclass
class Block:
    """SQL of the guide, and what it prints as the answer."""

    # The number of the question; None where a view is made.
    question: int | None
    sql: str
    answer: str


def blocks(guide: str) -> list[Block]:
    """All SQL of the guide, in its order."""
    found = []
    for match in BLOCK.finditer(guide):
        questions = HEADING.findall(guide, 0, match.start())
        is_asked = match["answer"] != "" and bool(questions)
        found.append(Block(int(questions[-1]) if is_asked else None, match["sql"], match["answer"]))
    return found


def options(guide: str) -> dict[str, Any]:
    """The options with which the guide starts the sandbox."""
    (command,) = re.findall(r"^cargo run .*-p navan-sandbox -- (.*)$", guide, re.MULTILINE)
    return dict(re.findall(r"--(\S+) (\S+)", command))


@contextmanager
def company(guide: str) -> Iterator[Sandbox]:
    """The sandbox that the guide describes."""
    given = options(guide)
    sizes = {name: int(given[name]) for name in ("bookings", "transactions", "users")}
    with sandbox(odd=False, now=given["now"], settings={"seed": int(given["seed"])}, **sizes) as navan:
        yield navan


def shown(value: Any) -> str:
    """A value as the guide prints it: of a number the digits that say something, of money two at least."""
    if isinstance(value, float):
        value = Decimal(str(value))
    if isinstance(value, Decimal):
        whole, _, fraction = f"{value.normalize():,f}".partition(".")
        return f"{whole}.{fraction:0<2}"
    return "" if value is None else str(value)


def table(columns: list[str], rows: list[tuple[Any, ...]]) -> str:
    """A Markdown table, with numbers at the right."""
    if not rows:
        return "\n_No rows._\n"
    is_number = [all(isinstance(row[nth], int | float | Decimal | None) for row in rows) for nth in range(len(columns))]
    lines = [columns, ["--:" if number else "---" for number in is_number]]
    lines += [[shown(value) for value in row] for row in rows]
    return "\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines)


@dataclass
class Answer:
    """What the tables say to a question of the guide."""

    question: int
    printed: str
    columns: list[str]
    rows: list[tuple[Any, ...]]
    answer: str


def answers(database: Path, guide: str) -> Iterator[Answer]:
    """Runs all SQL of the guide, and gives what it answers beside what the guide prints."""
    with duckdb.connect(str(database)) as connection:
        for block in blocks(guide):
            result = connection.execute(block.sql)
            if block.question:
                columns = [column[0] for column in result.description]
                rows = result.fetchall()
                yield Answer(block.question, block.answer, columns, rows, table(columns, rows))


def main() -> None:
    """Compares the guide with the sandbox, or brings it up to date."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    is_writing = parser.parse_args().write
    guide = updated = GUIDE.read_text(encoding="utf-8")
    with company(guide) as navan, tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "navan.duckdb"
        load.load(navan, database)
        for answer in answers(database, guide):
            sql = next(block.sql for block in blocks(guide) if block.question == answer.question)
            updated = updated.replace(f"{sql}```\n{answer.printed}", f"{sql}```\n{answer.answer}")
    if is_writing:
        GUIDE.write_text(updated, encoding="utf-8")
    sys.stdout.writelines(difflib.unified_diff(guide.splitlines(True), updated.splitlines(True), "guide", "sandbox"))


if __name__ == "__main__":
    main()
