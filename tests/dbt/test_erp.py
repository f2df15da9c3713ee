"""The hand-over to the ERP, from a load to a file: a month is closed, changes come late, nothing is posted twice."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

import load
from conftest import CLOSED_THROUGH, ERP, TARGETS, Built
from sandbox import TODAY
from values import ZERO, Row, amount, month, month_end, rounded
from warehouse import DuckDB, Project, Warehouse

SPECS = Path(__file__).parent / "specs"
NETSUITE = yaml.safe_load((SPECS / "netsuite_journal.yml").read_text(encoding="utf-8"))
SAP = yaml.safe_load((SPECS / "sap_journal.yml").read_text(encoding="utf-8"))
# The month that is closed, and the one that is open then.
CLOSED, OPEN = month(CLOSED_THROUGH), month(TODAY)
CARDS = ["card-transactions", "connect-transactions"]
COSTS = [*CARDS, "manual-transactions", "fees", "adjustments", "daily-rebates"]
# By legal entity, currency and kind of line.
Totals = dict[tuple[str, str, str], Decimal]


@dataclass
class Story:
    """A database in which a month was closed, and the same after late changes; with the expenses at either time."""

    closed: Warehouse
    before: dict[str, Row]
    changed: Warehouse
    after: dict[str, Row]


@pytest.fixture(params=TARGETS)
def story(request: pytest.FixtureRequest, all_built: dict[tuple[str, str], Built]) -> Story:
    """Of each database. The second time, nobody says any more what is closed."""
    if (request.param, "first") not in all_built:
        pytest.skip("PostgreSQL is not installed")
    closed, changed = all_built[request.param, "first"], all_built[request.param, "second"]
    return Story(closed.warehouse, expenses(closed), changed.warehouse, expenses(changed))


def expenses(built: Built) -> dict[str, Row]:
    """The costs that Navan had then, by their identifier."""
    return {row["id"]: row for row in built.company.transaction_rows if row["_type"] in COSTS}


def lines(row: Row | None) -> Totals:
    """What a transaction amounts to, by kind of line; nothing if it waits, or is not there."""
    totals: Totals = defaultdict(Decimal)
    if row is None or row["approval_status"] == "PENDING":
        return totals
    posted = amount(row["posted_amount"]) or ZERO
    borne = ZERO if row["approval_status"] == "REJECTED" or row.get("personal") else posted
    parts = (row.get("tax_details") or {}).get("parts", []) if borne else []
    tax = sum((amount(part["amount"]) or ZERO for part in parts if part["reclaimable"]), ZERO)
    owed = posted - borne if row["_type"] in CARDS else ZERO
    of_ledger = row.get("legal_entity") or ERP["navan_erp_default_legal_entity"], row["posted_currency"]
    for kind, size in [("cost", borne - tax), ("tax", tax), ("employee", owed), ("counter", -borne - owed)]:
        totals[*of_ledger, kind] += rounded(size)
    return totals


def added(many: Iterable[Totals]) -> Totals:
    """Their sums, but for what comes to nothing."""
    sums: Totals = defaultdict(Decimal)
    for totals in many:
        for key, size in totals.items():
            sums[key] += size
    return {key: size for key, size in sums.items() if size}


def less(one: Totals, other: Totals) -> Totals:
    """One less the other."""
    return added([one, {key: -size for key, size in other.items()}])


def month_of(row: Row) -> date:
    """The first day of a transaction's month."""
    return month(date.fromisoformat(row["transaction_date"]))


def totals_of(warehouse: Warehouse, condition: str) -> Totals:
    """The sums of the journals' lines, but for what comes to nothing."""
    query = f"select legal_entity, currency, line_kind, amount from erp_journal_lines where {condition}"
    return added({tuple(row.values())[:3]: row["amount"]} for row in warehouse.query(query))


def closed_lines(warehouse: Warehouse) -> set[tuple[Any, ...]]:
    """The lines of the month that was closed, and before."""
    query = f"select * from erp_journal_lines where is_closed and posting_date <= date '{CLOSED_THROUGH}'"
    return {tuple(row.values()) for row in warehouse.query(query)}


def exported(warehouse: Warehouse, heading: str, folder: Path) -> list[list[str]]:
    """The file that the command below a heading of docs/erp.md writes from this database."""
    text = (load.ROOT / "docs" / "erp.md").read_text(encoding="utf-8")
    section = text.split(f'<a id="{heading}"></a>')[1].replace("2026-10-31", f"{CLOSED_THROUGH}")
    if isinstance(warehouse, DuckDB):
        command = re.search(r"```sql\n(COPY.*?)```", section, re.DOTALL)
        assert command
        file = folder / f"{heading}.csv"
        warehouse.execute(command[1].replace(f"'{file.name}'", f"'{file}'"))
        written = file.read_text(encoding="utf-8")
    else:
        # psql sends it as one that writes to itself.
        command = re.search(r"\n\\copy (.*) TO '.*?' (.*)\n", section)
        assert command
        statement = f"copy {command[1]} to stdout {command[2]}"
        with psycopg.connect(warehouse.url) as connection, connection.cursor().copy(statement) as copy:
            written = b"".join(bytes(part) for part in copy).decode()
    return list(csv.reader(StringIO(written)))


def test_a_month_has_what_its_expenses_cost(story: Story) -> None:
    expected = added(lines(row) for row in story.before.values() if month_of(row) == CLOSED)
    assert {kind for _, _, kind in expected} == {"cost", "tax", "employee", "counter"}
    assert totals_of(story.closed, f"period = date '{CLOSED}' and is_closed") == expected


def test_what_was_handed_over_stays_with_its_external_ids(story: Story) -> None:
    assert closed_lines(story.closed)
    assert closed_lines(story.changed) == closed_lines(story.closed)


def test_late_changes_are_corrected_in_the_open_month(story: Story) -> None:
    def correction(key: str) -> Totals:
        row = story.after[key]
        # What waits again is left as it was handed over.
        if month_of(row) > CLOSED or row["approval_status"] == "PENDING":
            return {}
        return less(lines(row), lines(story.before.get(key)))

    expected = added(correction(key) for key in story.after)
    assert expected, "nothing of the closed month has changed"
    assert totals_of(story.changed, "journal_kind = 'corrections'") == expected
    corrected = story.changed.query(
        "select distinct period, is_closed from erp_journal_lines where journal_kind = 'corrections'"
    )
    assert corrected == [{"period": OPEN, "is_closed": False}]


def test_a_correction_names_a_journal_that_was_handed_over(story: Story) -> None:
    named = "select original_external_id from erp_journal_lines where original_external_id is not null"
    assert story.changed.query(named)
    assert story.changed.query(f"{named} except select external_id from erp_journal_lines where is_closed") == []


def test_all_that_is_handed_over_is_what_the_expenses_cost(story: Story) -> None:
    handed_over = added(lines(row) for row in story.before.values() if month_of(row) <= CLOSED)
    corrected = totals_of(story.changed, "journal_kind = 'corrections'")
    still_open = added(lines(row) for row in story.after.values() if month_of(row) > CLOSED)
    assert totals_of(story.changed, "true") == added([handed_over, corrected, still_open])


def test_every_journal_balances(story: Story) -> None:
    unbalanced = "group by external_id having sum(debit) is distinct from sum(credit)"
    for built in (story.closed, story.changed):
        assert built.query(f"select external_id from erp_journal_lines {unbalanced}") == []


def test_corrections_are_handed_over_with_their_month(project: Project, story: Story) -> None:
    """The open month is closed, too, and everything is made again: what was closed before stays."""
    changed = story.changed
    again = changed.copy("erp_again")
    words = ["--select", "erp_posted_lines+", "--exclude-resource-type", "unit_test", "--full-refresh"]
    over = month_end(OPEN)
    days = {"navan_closed_through": over.isoformat(), "navan_today": (over + timedelta(days=1)).isoformat()}
    run = project.build(again, *words, **days)
    assert run.is_good, run.why
    assert closed_lines(again) == closed_lines(changed)
    of_open = f"select external_id, line_number, amount from erp_journal_lines where period = date '{OPEN}' and"
    for kind in ("corrections", "expenses"):
        journals = changed.query(f"{of_open} journal_kind = '{kind}' and not is_closed order by 1, 2")
        assert journals
        assert again.query(f"{of_open} journal_kind = '{kind}' and is_closed order by 1, 2") == journals
    assert again.query(f"{of_open} not is_closed") == []


@pytest.mark.parametrize(
    ("variables", "why"),
    [
        ({"navan_closed_through": TODAY.isoformat()}, "is not over"),
        ({"navan_closed_through": (CLOSED_THROUGH - timedelta(days=1)).isoformat()}, "not the last day of a month"),
        ({"navan_closed_through": CLOSED_THROUGH.strftime("%d.%m.%Y")}, "no day such as"),
        (
            {
                "navan_closed_through": CLOSED_THROUGH.isoformat(),
                "navan_account_mapping": "navan_account_mapping",
            },
            "copy it into your project under another name",
        ),
    ],
    ids=["not over", "in a month", "no day", "sample"],
)
def test_a_period_that_cannot_be_closed_is_an_error(
    project: Project, scratch: DuckDB, variables: dict[str, str], why: str
) -> None:
    run = project.ask("compile", scratch, "--select", "erp_posted_lines", name="refused", **variables)
    assert not run.is_good
    assert why in run.printed


def test_nothing_is_closed_where_no_transactions_were_loaded(project: Project, scratch: DuckDB) -> None:
    scratch.execute('create table "user" (id varchar)')
    words = ["--select", "+erp_posted_lines"]
    words += ["--exclude-resource-type", "unit_test", "--indirect-selection", "cautious"]
    run = project.build(scratch, *words, name="nothing", navan_closed_through=CLOSED_THROUGH.isoformat())
    failed = {result.node for result in run.results if result.status == "fail"}
    assert failed == {"test.navan.erp_expenses_are_there"}
    skipped = {result.node for result in run.results if result.status == "skipped"}
    assert "model.navan.erp_posted_lines" in skipped


def test_netsuite_gets_the_columns_of_its_import(story: Story, tmp_path: Path) -> None:
    header, *rows = exported(story.changed, "netsuite", tmp_path)
    assert header == [column["name"] for column in NETSUITE["columns"]]
    journals: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in rows:
        line = dict(zip(header, row, strict=True))
        journals[line["External ID"]].append(line)
        for column in NETSUITE["columns"]:
            fits(line[column["name"]], column)
        assert bool(line["Debit"]) != bool(line["Credit"])
        assert line["Date"] == f"{CLOSED_THROUGH}"
    for journal in journals.values():
        assert 2 <= len(journal) <= NETSUITE["max_lines"]
        for of_journal in (column["name"] for column in NETSUITE["columns"] if column["of"] == "journal"):
            assert len({line[of_journal] for line in journal}) == 1
        assert sum(Decimal(line["Debit"] or 0) - Decimal(line["Credit"] or 0) for line in journal) == 0


def test_sap_gets_its_sheet(story: Story, tmp_path: Path) -> None:
    width = 1 + max(len(SAP["header"]), len(SAP["lines"]))
    sheet = iter(exported(story.changed, "sap", tmp_path))

    def is_next(*cells: str) -> None:
        assert next(sheet) == [*cells] + [""] * (width - len(cells))

    for text in [SAP["title"], *SAP["comments"], SAP["batch"], "", ""]:
        is_next(text)
    blocks = 0
    row = next(sheet)
    while True:
        blocks += 1
        assert row[:2] == [f"{blocks}", SAP["header_title"]]
        is_next("", *(column["name"] for column in SAP["header"]))
        is_next("", *(column["label"] for column in SAP["header"]))
        header = next(sheet)[1:]
        for value, column in zip(header, SAP["header"], strict=False):
            fits(value, column)
        is_next()
        is_next("", SAP["lines_title"])
        is_next("", "", "", "", SAP["amounts_title"])
        is_next("", *(column["name"] for column in SAP["lines"]))
        is_next("", *(column["label"] for column in SAP["lines"]))
        balance, items = Decimal(), 0
        while any(row := next(sheet, [])):
            items += 1
            item = dict(zip([column["name"] for column in SAP["lines"]], row[1:], strict=True))
            for column in SAP["lines"]:
                fits(item[column["name"]], column)
            assert item["BUKRS"] == header[0]
            balance += Decimal(item["WRSOL"] or 0) - Decimal(item["WRHAB"] or 0)
        assert items >= 2
        assert balance == 0
        if not row:
            break
        is_next()
        row = next(sheet)
    journals = f"select distinct external_id from erp_journal_lines where posting_date = date '{CLOSED_THROUGH}'"
    assert blocks == len(story.changed.query(journals))


def fits(value: str, column: dict[str, Any]) -> None:
    """A value is one that the specification of its column allows."""
    name = column["name"]
    assert value or not column["required"], name
    if not value:
        return
    assert len(value) <= column.get("size", len(value)), (name, value)
    if column["type"] == "amount":
        whole, _, fraction = value.partition(".")
        assert Decimal(value) > 0, (name, value)
        assert len(whole) <= column.get("integer_digits", 10), (name, value)
        assert len(fraction) == column.get("fraction_digits", 2), (name, value)
    elif column["type"] == "date":
        assert re.fullmatch(r"\d{8}" if column.get("format") == "YYYYMMDD" else r"\d{4}-\d\d-\d\d", value), (
            name,
            value,
        )
    elif column["type"] == "integer":
        assert value.isdigit(), (name, value)


@pytest.mark.parametrize("spec", [NETSUITE, SAP], ids=["netsuite", "sap"])
def test_every_column_of_a_specification_has_its_source(spec: dict[str, Any]) -> None:
    said = [*spec["rules"], *spec.get("columns", []), *spec.get("header", []), *spec.get("lines", [])]
    sources = {entry["source"] for entry in said}
    assert sources - {"unverified"} == set(spec["sources"])
    assert all(entry.get("note") for entry in said if entry["source"] == "unverified" and "name" in entry)
