"""What rows of JSON hold, as Python's own values, and the arithmetic of money: exact, and rounded where it is said."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Any

Row = dict[str, Any]

# What stands where nobody says.
NONE = "(none)"
ZERO = Decimal(0)
CENT = Decimal("0.01")
GRAM = Decimal("0.001")  # of kilograms
SHARE = Decimal("0.0001")


def text(value: Any) -> str | None:
    """A text without what surrounds it, if there is anything in it."""
    return value.strip() or None if isinstance(value, str) else None


def first(*values: Any) -> Any:
    """The first one that is there."""
    return next((value for value in values if value is not None), None)


def amount(value: Any) -> Decimal | None:
    """A number, which expenses write as a text."""
    return Decimal(value) if value not in (None, "") else None


def day(value: str | None) -> date | None:
    """The day, which may come with a time."""
    return date.fromisoformat(value[:10]) if value else None


def boolean(value: Any) -> bool | None:
    """A boolean, which may come as a word."""
    return {"true": True, "yes": True, "false": False, "no": False}.get(str(value).lower())


def month(of: date) -> date:
    """The first day of its month."""
    return of.replace(day=1)


def month_end(of: date) -> date:
    """The last day of its month."""
    return (month(of) + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def rounded(value: Decimal, unit: Decimal = CENT) -> Decimal:
    """The nearest whole number of units, away from zero where two are as near."""
    return value.quantize(unit, ROUND_HALF_UP)


def ratio(part: Decimal, whole: Decimal, unit: Decimal = SHARE) -> Decimal | None:
    """One by the other, if there is a whole."""
    return rounded(part / whole, unit) if whole else None


def split(whole: Decimal, parts: int, unit: Decimal = CENT) -> list[Decimal]:
    """So many parts that add up: equal, but for what does not divide.

    Units that are left over go to the first ones, one each, and what is less than a unit to the very first.
    """
    units = int((abs(whole) / unit).quantize(Decimal(1), ROUND_DOWN))
    even, left_over = divmod(units, parts)
    sizes = [(even + (nth < left_over)) * unit for nth in range(parts)]
    sizes[0] += abs(whole) - units * unit
    return [size.copy_sign(whole) if size else ZERO for size in sizes]


def bucket(days: int, buckets: Iterable[tuple[int | None, str]]) -> str:
    """The first bucket that is large enough."""
    return next(name for most, name in buckets if most is None or days <= most)


def grouped(rows: Iterable[Row], *keys: str) -> Iterator[tuple[Row, list[Row]]]:
    """The rows that have these columns in common, with those."""
    groups = defaultdict(list)
    for row in rows:
        groups[tuple(row[key] for key in keys)].append(row)
    for values, group in groups.items():
        yield dict(zip(keys, values, strict=True)), group


def total(rows: Iterable[Row], column: str) -> Decimal:
    """The sum of a column."""
    return sum((row[column] for row in rows), ZERO)
