"""The days that a report is about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True)
class Days:
    """The days that the report is about, seen from `today`."""

    today: date

    @property
    def month(self) -> date:
        """The last month that is over."""
        return before(self.today.replace(day=1))

    @property
    def month_before(self) -> date:
        return before(self.month)

    @property
    def month_end(self) -> date:
        return self.today.replace(day=1) - timedelta(days=1)

    @property
    def months(self) -> list[date]:
        """The twelve months that end with `month`."""
        found = [self.month]
        while len(found) < 12:
            found.insert(0, before(found[0]))
        return found

    def in_year(self, month: date) -> bool:
        """Whether a month is one of these twelve."""
        return self.months[0] <= month <= self.month


def before(month: date) -> date:
    """The month before this one."""
    return (month - timedelta(days=1)).replace(day=1)
