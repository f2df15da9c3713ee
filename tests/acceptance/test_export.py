"""Every format holds what the messages hold, odd values included, and says of which type it is.

The messages of a read are taken apart here once more, from the schemas alone, and each file is read by programs that
people use: Python's csv, DuckDB, pyarrow, openpyxl.
"""

from __future__ import annotations

import csv
import json
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal, getcontext
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pyarrow.parquet
import pytest

from pages import blocks
from sandbox import sandbox
from settings import CONNECTOR, ROOT

ODD = {"mixed_types_every": 3, "new_field_every": 4, "odd_numbers": True, "shuffle_fields": True}
# More digits than any column has.
getcontext().prec = 60
NINE_DECIMALS = Decimal("0.000000001")
EXCEL_DIGITS = 15
EXCEL_CHARACTERS = 32_767

Row = dict[str, Any]


class Number(str):
    """The digits of a number, as they stand in a message."""


def parse(text: str) -> Any:
    return json.loads(text, parse_float=Number, parse_int=Number)


class Column:
    """A column as the schema has it."""

    def __init__(self, path: tuple[str, ...], schema: Row) -> None:
        self.path, self.name = path, "_".join(path)
        types = schema.get("type")
        types = {types} if isinstance(types, str) else set(types or ())
        if "string" in types:
            local = schema.get("airbyte_type") == "timestamp_without_timezone"
            formats = {"date": "date", "date-time": "local" if local else "time"}
            self.kind = formats.get(schema.get("format", ""), "text")
        elif "array" in types:
            items = schema.get("items", {}).get("type", [])
            self.kind = "texts" if "string" in items else "json"
        else:
            self.kind = next(kind for kind in ("number", "integer", "boolean", "object") if kind in types)
            self.kind = "json" if self.kind == "object" else self.kind


def columns(schema: Row, path: tuple[str, ...] = ()) -> Iterator[Column]:
    for name, of in schema["properties"].items():
        if "properties" in of:
            yield from columns(of, (*path, name))
        else:
            yield Column((*path, name), of)


def taken_apart(data: Row, of: list[Column]) -> tuple[dict[str, Any], Row]:
    """The columns' values, and by its path what has no column."""
    places = {column.path: column.name for column in of}
    objects = {path[:depth] for path in places for depth in range(1, len(path))}
    values: dict[str, Any] = dict.fromkeys(places.values())
    extra: Row = {}

    def take(members: Row, path: tuple[str, ...]) -> None:
        for name, value in members.items():
            at = (*path, name)
            if value is None:
                continue
            if at in places:
                values[places[at]] = value
            elif at in objects and isinstance(value, dict):
                take(value, at)
            else:
                extra[".".join(at)] = value

    take(data, ())
    return values, extra


def canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)


def moment(text: str) -> datetime:
    """With microseconds; what is finer is left out."""
    head, dot, rest = text.partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    return datetime.fromisoformat(head + (f".{digits[:6]:0<6}" if dot else "") + rest[len(digits) :])


def fraction_digits(text: str) -> str:
    rest = text.partition(".")[2]
    return rest[: len(rest) - len(rest.lstrip("0123456789"))].rstrip("0")


class Exported:
    """One read, and the exports of the same rows."""

    def __init__(self, folder: Path, config: Path, messages: dict[str, list[Row]]) -> None:
        self.folder, self.config, self.messages = folder, config, messages

    def columns(self, stream: str) -> list[Column]:
        schema = json.loads((ROOT / "schemas" / f"{stream.lower()}.json").read_text(encoding="utf-8"))
        return list(columns(schema))

    def export(self, *words: str) -> str:
        command = [CONNECTOR, "export", *words, "--config", self.config]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        assert done.stdout == ""
        return done.stderr

    def expected(
        self, stream: str, cell: Callable[[Column, Any], Any], lost: Callable[[Column, Any], bool]
    ) -> Counter[str]:
        """The rows as a format holds them: `cell` says how a value stands in it, `lost` whether some is missing."""
        of = self.columns(stream)
        rows = []
        for data in self.messages[stream]:
            values, extra = taken_apart(data, of)
            extra |= {
                ".".join(c.path): values[c.name] for c in of if values[c.name] is not None and lost(c, values[c.name])
            }
            if extra:
                values["_extra"] = (values["_extra"] or {}) | extra
            rows.append(repr([cell(c, values[c.name]) for c in of]))
        return Counter(rows)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exported]:
    folder = tmp_path_factory.mktemp("export")
    with sandbox(bookings=300, transactions=40, users=70, settings=ODD) as navan:
        config = folder / "config.json"
        config.write_text(json.dumps(navan.config()), encoding="utf-8")
        catalog = folder / "catalog.json"
        discovered = subprocess.run([CONNECTOR, "discover", "--config", config], capture_output=True, text=True)
        streams = json.loads(discovered.stdout.splitlines()[-1])["catalog"]["streams"]
        chosen = [{"stream": stream, "sync_mode": "full_refresh"} for stream in streams]
        catalog.write_text(json.dumps({"streams": chosen}), encoding="utf-8")
        read = subprocess.run(
            [CONNECTOR, "read", "--config", config, "--catalog", catalog], capture_output=True, text=True, check=True
        )
        messages: dict[str, list[Row]] = {stream["name"]: [] for stream in streams}
        for line in read.stdout.split("\n"):
            if line.startswith('{"type":"RECORD"'):
                record = parse(line)["record"]
                messages[record["stream"]].append(record["data"])
        assert all(messages.values())
        yield Exported(folder, config, messages)


def plural(stream: str) -> str:
    return f"{stream.lower()}s"


def test_jsonl_holds_the_records_data_as_it_is(exported: Exported) -> None:
    exported.export("--streams-all", "--format", "jsonl", "--to", str(exported.folder / "jsonl"))
    for stream, rows in exported.messages.items():
        lines = (exported.folder / "jsonl" / f"{plural(stream)}.jsonl").read_text(encoding="utf-8").split("\n")
        assert lines.pop() == ""
        assert Counter(canonical(parse(line)) for line in lines) == Counter(map(canonical, rows)), stream


def test_csv_holds_each_value_in_its_column(exported: Exported) -> None:
    exported.export("--streams-all", "--to", str(exported.folder / "csv"))

    def cell(column: Column, value: Any) -> str:
        if value is None:
            return ""
        if column.kind in ("json", "texts"):
            return canonical(value)
        return {True: "true", False: "false"}[value] if isinstance(value, bool) else value

    for stream in exported.messages:
        of = exported.columns(stream)
        with (exported.folder / "csv" / f"{plural(stream)}.csv").open(encoding="utf-8", newline="") as file:
            head, *rows = csv.reader(file)
        assert head == [column.name for column in of]
        found = Counter(
            repr(
                [
                    canonical(parse(value)) if column.kind in ("json", "texts") and value else value
                    for column, value in zip(of, row, strict=True)
                ]
            )
            for row in rows
        )
        assert found == exported.expected(stream, cell, lambda _column, _value: False), stream


def test_csv_for_excel_runs_no_formula(exported: Exported, tmp_path: Path) -> None:
    file = tmp_path / "bookings.csv"
    exported.export("BOOKING", "--excel", "--to", str(file))
    assert file.read_bytes().startswith(b"\xef\xbb\xbf")
    of = exported.columns("BOOKING")
    with file.open(encoding="utf-8-sig", newline="") as opened:
        for row in list(csv.reader(opened))[1:]:
            for column, value in zip(of, row, strict=True):
                if column.kind == "text":
                    assert not value.startswith(("=", "+", "-", "@", "\t", "\r")), (column.name, value)
                elif column.kind == "number" and value:
                    Decimal(value)


PARQUET_TYPES = {
    "text": "VARCHAR",
    "json": "VARCHAR",
    "texts": "VARCHAR[]",
    "number": "DECIMAL(38,9)",
    "integer": "BIGINT",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "time": "TIMESTAMP WITH TIME ZONE",
    "local": "TIMESTAMP",
}


def flat_types(described: list[tuple[str, str]]) -> dict[str, str]:
    """The types of columns and of objects' members, by their path."""
    types = {}
    for name, kind in described:
        if kind.startswith("STRUCT("):
            members = duckdb.sql(f"SELECT unnest(NULL::{kind})").description
            names = [(f"{name}_{member[0]}", str(member[1])) for member in members]
            types |= flat_types(names)
        else:
            types[name] = kind
    return types


def test_parquet_is_typed_and_holds_each_value(exported: Exported) -> None:
    exported.export("--streams-all", "--format", "parquet", "--to", str(exported.folder / "parquet"))

    def lost(column: Column, value: Any) -> bool:
        if column.kind == "number":
            return Decimal(value) != Decimal(value).quantize(NINE_DECIMALS, ROUND_HALF_UP)
        return column.kind in ("time", "local") and len(fraction_digits(value)) > 6

    def cell(column: Column, value: Any) -> Any:
        if value is None:
            return None
        match column.kind:
            case "json":
                return canonical(value)
            case "number":
                return str(Decimal(value).quantize(NINE_DECIMALS, ROUND_HALF_UP) + 0)
            case "integer":
                return int(value)
            case "date":
                return date.fromisoformat(value)
            case "time":
                return moment(value).astimezone(UTC).isoformat()
            case "local":
                return moment(value).isoformat()
        return value

    def found(column: Column, value: Any) -> Any:
        for member in column.path[1:]:
            value = value and value[member]
        if value is None:
            return None
        match column.kind:
            case "json":
                return canonical(parse(value))
            case "number":
                return str(value + 0)
            case "time" | "local":
                return value.isoformat()
        return value

    for stream in exported.messages:
        file = exported.folder / "parquet" / f"{plural(stream)}.parquet"
        of = exported.columns(stream)
        described = duckdb.sql(f"DESCRIBE SELECT * FROM '{file}'").fetchall()
        types = flat_types([(name, kind) for name, kind, *_ in described])
        assert types == {column.name: PARQUET_TYPES[column.kind] for column in of}, stream
        rows = pyarrow.parquet.read_table(file).to_pylist()
        rows = [repr([found(column, row[column.path[0]]) for column in of]) for row in rows]
        assert Counter(rows) == exported.expected(stream, cell, lost), stream
        assert duckdb.sql(f"SELECT count(*) FROM '{file}'").fetchone() == (len(rows),)


def test_xlsx_holds_each_value_or_says_that_it_was_cut(exported: Exported) -> None:
    file = exported.folder / "all.xlsx"
    told = exported.export("--streams-all", "--to", str(file))

    def digits(value: str) -> int:
        return len("".join(map(str, Decimal(value).as_tuple().digits)).strip("0"))

    def cell(column: Column, value: Any) -> Any:
        if value is None or value == "":
            return None
        match column.kind:
            case "number" | "integer":
                return float(value) if digits(value) <= EXCEL_DIGITS else value
            case "boolean":
                return value
            case "date":
                day = date.fromisoformat(value)
                return datetime(day.year, day.month, day.day) if day.year >= 1900 else value
            case "time" | "local":
                at = moment(value)
                at = at.astimezone(UTC).replace(tzinfo=None) if at.tzinfo else at
                return at.replace(microsecond=at.microsecond // 1000 * 1000) if at.year >= 1900 else value
            case "json" | "texts":
                return canonical(value)
        return value[:EXCEL_CHARACTERS]

    def found(column: Column, value: Any) -> Any:
        if value is None:
            return None
        match column.kind:
            case "number" | "integer":
                return value if isinstance(value, str) else float(value)
            case "json" | "texts":
                return canonical(parse(value))
        return value

    book = openpyxl.load_workbook(file, read_only=True)
    assert book.sheetnames == [plural(stream) for stream in exported.messages]
    for stream in exported.messages:
        of = exported.columns(stream)
        head, *rows = book[plural(stream)].iter_rows(max_col=len(of), values_only=True)
        assert list(head) == [column.name for column in of]
        rows = [repr([found(column, value) for column, value in zip(of, row, strict=True)]) for row in rows]
        assert Counter(rows) == exported.expected(stream, cell, lambda _column, _value: False), stream
    assert "were cut" not in told


def test_the_commands_of_the_pages_do_what_they_say(tmp_path: Path) -> None:
    """README and docs/export.md, line by line, as somebody types them into a shell; then the queries."""
    programs, work = tmp_path / "bin", tmp_path / "work"
    programs.mkdir()
    (work / "secrets").mkdir(parents=True)
    (programs / "source-navan").symlink_to(CONNECTOR)
    with sandbox(bookings=300, transactions=30, users=20, odd=False) as navan:
        config = navan.config()
        (work / "secrets" / "config.json").write_text(json.dumps(config), encoding="utf-8")
        environment = {f"NAVAN_{name.upper()}": str(value) for name, value in config.items()}
        environment["PATH"] = f"{programs}:/usr/bin:/bin"
        pages = ("README.md", "docs/export.md")
        lines = [line for page in pages for block in blocks(page, "sh") for line in block.split("\n")]
        typed = [line for line in lines if line.startswith("source-navan ")]
        assert len(typed) >= 8
        for line in typed:
            done = subprocess.run(
                ["bash", "-c", line], cwd=work, env=environment, capture_output=True, text=True, timeout=300
            )
            # 3: the doctor found something that is worth a look.
            assert done.returncode in ((0, 3) if " doctor" in line else (0,)), (line, done.stderr)
        daily = [line for line in lines if line.startswith("0 6 * * *")]
        for line in daily:
            command = line.removeprefix("0 6 * * *").strip().replace("cd /srv/navan && ", "")
            command = command.replace("config.json", "secrets/config.json")
            subprocess.run(["bash", "-c", command], cwd=work, env=environment, check=True, timeout=300)
    assert (work / "october.xlsx").exists()
    for query in blocks("docs/export.md", "sql"):
        assert duckdb.sql(query.replace("'navan/", f"'{work}/navan/").rstrip(";\n")).fetchall()
