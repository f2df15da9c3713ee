"""The hand-over to the ERP, from a load to a file: a month is closed, changes come late, and nothing is posted twice."""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

import load
from sandbox import TODAY

ROOT = load.ROOT
PACKAGE = ROOT / "dbt"
SPECS = Path(__file__).parent / "specs"
NETSUITE = yaml.safe_load((SPECS / "netsuite_journal.yml").read_text(encoding="utf-8"))
SAP = yaml.safe_load((SPECS / "sap_journal.yml").read_text(encoding="utf-8"))
# The month that is closed, and the one that is open then.
CLOSED_THROUGH = TODAY.replace(day=1) - timedelta(days=1)
CLOSED, OPEN = CLOSED_THROUGH.replace(day=1), TODAY.replace(day=1)
ENTITY = "Acme Inc."
COSTS = ["card-transactions", "connect-transactions", "manual-transactions", "fees", "adjustments", "daily-rebates"]
CARDS = COSTS[:2]
CENT = Decimal("0.01")
# All that the ERP gets, and what it is made of.
ALL = ["--select", "+erp_sap_sheet", "+erp_netsuite_journal"]
UNTESTED = ["--exclude-resource-type", "test", "unit_test"]
# (legal entity, currency, kind of line)
Totals = dict[tuple[str, str, str], Decimal]


@dataclass
class Project:
    """A user's project with the package, a mapping of its own, and the database in which both are built."""

    folder: Path
    database: Path

    def build(self, *options: str, **variables: str) -> None:
        """`dbt build` with what Navan's own sync has posted, since here it posts nothing."""
        given = {"navan_erp_skip_synced": False, "navan_erp_default_legal_entity": ENTITY, **variables}
        self._dbt("build", *options, "--vars", json.dumps(given))

    def install(self) -> None:
        """Links the package into the project."""
        self._dbt("deps")

    def _dbt(self, *words: str) -> None:
        environment = os.environ | {
            "NAVAN_DBT_DUCKDB": str(self.database),
            "DBT_PROFILES_DIR": str(PACKAGE / "integration_tests"),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        }
        command = [Path(sys.executable).with_name("dbt"), *words]
        done = subprocess.run(command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What a query of the built schema answers."""
        with duckdb.connect(str(self.database), read_only=True) as connection:
            connection.execute("set schema 'analytics'")
            return connection.execute(query).fetchall()

    def export(self, heading: str, folder: Path) -> list[list[str]]:
        """Runs the command that docs/erp.md has for DuckDB below a heading, and reads the file that it writes."""
        text = (ROOT / "docs" / "erp.md").read_text(encoding="utf-8")
        section = text.split(f'<a id="{heading}"></a>')[1]
        command = re.search(r"```sql\n(COPY.*?)```", section, re.DOTALL)
        assert command
        statement = (
            command[1].replace("2026-10-31", f"{CLOSED_THROUGH}").replace(f"{heading}.csv", f"{folder}/file.csv")
        )
        with duckdb.connect(str(self.database), read_only=True) as connection:
            connection.execute(statement)
        with (folder / "file.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.reader(file))

    def totals(self, condition: str) -> Totals:
        """The sums of the journals' lines by entity, currency and kind, but for what comes to nothing."""
        query = f"select legal_entity, currency, line_kind, sum(amount) from erp_journal_lines where {condition} group by all"
        return {(entity, currency, kind): total for entity, currency, kind, total in self.rows(query) if total}

    def journals(self) -> set[tuple[Any, ...]]:
        """The lines of the journals of the closed month and before, but for whether they are closed."""
        return set(
            self.rows(
                f"select * exclude (is_closed) from erp_journal_lines where posting_date <= date '{CLOSED_THROUGH}'"
            )
        )


@dataclass
class Story:
    """What a company has been through: its rows and its journals, before and after the late changes."""

    project: Project
    before: dict[str, dict[str, Any]]
    after: dict[str, dict[str, Any]]
    preview: set[tuple[Any, ...]]
    preview_totals: Totals
    closed: set[tuple[Any, ...]]
    netsuite: list[list[str]]
    sap: list[list[str]]


def transactions(navan: load.Sandbox) -> dict[str, dict[str, Any]]:
    """The costs that Navan has now, by their identifier."""
    return {row["id"]: row for kind in COSTS for row in navan.rows("TRANSACTION", kind)}


def rounded(amount: Decimal) -> Decimal:
    """To the cent."""
    return amount.quantize(CENT, ROUND_HALF_UP)


def lines(row: dict[str, Any] | None) -> Totals:
    """What a transaction amounts to, by kind of line; nothing if it waits, and `None` is none."""
    totals: Totals = defaultdict(Decimal)
    if row is None or row["approval_status"] == "PENDING":
        return totals
    posted = Decimal(row["posted_amount"])
    borne = Decimal() if row["approval_status"] == "REJECTED" or row.get("personal") else posted
    parts = (row.get("tax_details") or {}).get("parts", [])
    tax = sum((Decimal(part["amount"]) for part in parts if part["reclaimable"]), Decimal()) if borne else Decimal()
    owed = posted - borne if row["_type"] in CARDS else Decimal()
    key = row.get("legal_entity") or ENTITY, row["posted_currency"]
    for kind, amount in [("cost", borne - tax), ("tax", tax), ("employee", owed), ("counter", -borne - owed)]:
        totals[*key, kind] += rounded(amount)
    return totals


def added(many: Iterator[Totals]) -> Totals:
    """Their sums, but for what comes to nothing."""
    sums: Totals = defaultdict(Decimal)
    for totals in many:
        for key, amount in totals.items():
            sums[key] += amount
    return {key: amount for key, amount in sums.items() if amount}


def less(one: Totals, other: Totals) -> Totals:
    """One less the other."""
    return added(iter([one, {key: -amount for key, amount in other.items()}]))


def month(row: dict[str, Any]) -> date:
    """The first day of a transaction's month."""
    return date.fromisoformat(row["transaction_date"]).replace(day=1)


def user_project(folder: Path, database: Path) -> Project:
    """A project of a user's, who has copied the mappings under names of the own."""
    project = yaml.safe_load((PACKAGE / "integration_tests" / "dbt_project.yml").read_text(encoding="utf-8"))
    project["vars"] |= {"navan_account_mapping": "our_accounts", "navan_erp_names": "our_names"}
    (folder / "seeds").mkdir(parents=True)
    (folder / "dbt_project.yml").write_text(yaml.safe_dump(project), encoding="utf-8")
    (folder / "packages.yml").write_text(yaml.safe_dump({"packages": [{"local": str(PACKAGE)}]}), encoding="utf-8")
    for theirs, ours in [("navan_account_mapping", "our_accounts"), ("navan_erp_names", "our_names")]:
        (folder / "seeds" / f"{ours}.csv").write_bytes((PACKAGE / "seeds" / f"{theirs}.csv").read_bytes())
    return Project(folder, database)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    """A month is looked at, closed and exported; then expenses change, come and go; then it is all built again."""
    folder = tmp_path_factory.mktemp("erp")
    project = user_project(folder / "project", folder / "warehouse.duckdb")
    project.install()
    with load.company(now=load.BEGAN) as navan:
        load.load(navan, project.database)
        before = transactions(navan)
        project.build(*ALL, *UNTESTED)
        preview, preview_totals = project.journals(), project.totals(f"period = date '{CLOSED}'")
        # Nothing was loaded since.
        project.build("--select", "erp_posted_lines+", *UNTESTED, navan_closed_through=f"{CLOSED_THROUGH}")
        closed = project.journals()
        netsuite, sap = project.export("netsuite", folder), project.export("sap", folder)
        load.change(navan)
        load.load(navan, project.database)
        after = transactions(navan)
    # The variable is not needed twice, and making everything again does not take the memory. Of the tests, those of what is
    # built here.
    project.build(*ALL, "--indirect-selection", "cautious", "--full-refresh")
    return Story(project, before, after, preview, preview_totals, closed, netsuite, sap)


def test_a_month_has_what_its_expenses_cost(story: Story) -> None:
    expected = added(lines(row) for row in story.before.values() if month(row) == CLOSED)
    assert story.preview_totals == expected
    assert {kind for _, _, kind in expected} == {"cost", "tax", "employee", "counter"}


def test_closing_changes_no_journal(story: Story) -> None:
    assert story.closed == story.preview
    assert len(story.closed) > 50


def test_what_was_handed_over_stays_with_its_external_ids(story: Story) -> None:
    assert story.project.journals() == story.closed
    assert story.project.rows(
        f"select count(*) from erp_posted_lines where closed_through > date '{CLOSED_THROUGH}'"
    ) == [(0,)]


def test_late_changes_are_corrected_in_the_open_month(story: Story) -> None:
    def correction(key: str) -> Totals:
        row = story.after[key]
        old = story.before.get(key)
        # What waits again is left as it was handed over.
        if month(row) > CLOSED or row["approval_status"] == "PENDING":
            return {}
        return less(lines(row), lines(old))

    expected = added(correction(key) for key in story.after)
    assert expected, "the sandbox has changed nothing of the closed month"
    assert story.project.totals("journal_kind = 'corrections'") == expected
    journals = story.project.rows(
        "select distinct period, is_closed, original_external_id is not null from erp_journal_lines"
        " where journal_kind = 'corrections'"
    )
    assert {(period, is_closed) for period, is_closed, _ in journals} == {(OPEN, False)}
    assert (OPEN, False, True) in journals


def test_a_correction_names_a_journal_that_was_handed_over(story: Story) -> None:
    unknown = """
        select original_external_id from erp_journal_lines where original_external_id is not null
        except select external_id from erp_journal_lines where is_closed
    """
    assert story.project.rows(unknown) == []


def test_every_journal_balances(story: Story) -> None:
    unbalanced = "select external_id from erp_journal_lines group by all having sum(debit) is distinct from sum(credit)"
    assert story.project.rows(unbalanced) == []


def test_all_that_is_handed_over_is_what_the_expenses_cost(story: Story) -> None:
    handed_over = added(lines(row) for row in story.before.values() if month(row) <= CLOSED)
    corrected = story.project.totals("journal_kind = 'corrections'")
    open_month = added(lines(row) for row in story.after.values() if month(row) > CLOSED)
    assert story.project.totals("true") == added(iter([handed_over, corrected, open_month]))


def test_netsuite_gets_the_columns_of_its_import(story: Story) -> None:
    header, *rows = story.netsuite
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


def test_sap_gets_its_sheet(story: Story) -> None:
    width = 1 + max(len(SAP["header"]), len(SAP["lines"]))
    sheet = iter(story.sap)

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
    assert blocks == len({line[0] for line in story.netsuite[1:]})


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
