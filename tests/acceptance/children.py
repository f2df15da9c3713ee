"""The rows inside rows: what a row of Navan's holds of each stream of lists."""

from __future__ import annotations

from collections import Counter
from typing import Any

# The parent of each stream, and the lists that its rows are from.
LISTS = {
    "BOOKING_PASSENGER": ("BOOKING", ["passengers"]),
    "BOOKING_SEGMENT": ("BOOKING", ["segments"]),
    "BOOKING_TRIP": ("BOOKING", ["tripUuids"]),
    "BOOKING_ALLOCATION": (
        "BOOKING",
        ["departments", "costCenters", "regions", "subsidiaries", "billableEntities", "projects"],
    ),
    "BOOKING_CUSTOM_FIELD": ("BOOKING", ["customFields"]),
    "BOOKING_DOCUMENT": ("BOOKING", ["invoice", "pdf", "etickets"]),
    "TRANSACTION_LINE_ITEM": ("TRANSACTION", ["line_items"]),
    "TRANSACTION_CUSTOM_FIELD": ("TRANSACTION", ["custom_field_values"]),
    "TRANSACTION_BOOKING": ("TRANSACTION", ["navan_booking_uuid", "booking_details.navan_booking_uuids"]),
}
# Their rows are told apart by what they hold.
BY_VALUE = ("BOOKING_TRIP", "TRANSACTION_BOOKING")


def counts(rows: list[tuple[str, dict[str, Any]]]) -> Counter[str]:
    """How many rows each stream has that is in these rows, each of them with its own stream."""
    found: Counter[str] = Counter()
    for child, (parent, paths) in LISTS.items():
        for stream, row in rows:
            if stream == parent:
                elements = [element for path in paths for element in _elements(row, path)]
                found[child] += len({*elements}) if child in BY_VALUE else len(elements)
    return found


def _elements(row: dict[str, Any], path: str) -> list[Any]:
    value: Any = row
    for name in path.split("."):
        value = (value or {}).get(name)
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",")]
    return [element for element in value or [] if element not in ("", None)]
