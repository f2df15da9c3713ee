"""What the rows of each answer say, in a sentence, of one currency where they have one; None where they say nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from days import Days

Row = dict[str, Any]

# Cities with fewer nights than these are neither in the sentence nor in the chart.
MOST_CITIES = 10
NOBODY = "(none)"
NBSP = "\N{NO-BREAK SPACE}"
ZERO = Decimal(0)


def total(rows: Iterable[Row], column: str) -> Decimal:
    """The sum of a column."""
    return sum((row[column] or ZERO for row in rows), ZERO)


def totals(rows: Iterable[Row], by: str, column: str) -> dict[str, Decimal]:
    """The sum of a column for each value of another, the largest first."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        sums[row[by]] += row[column] or ZERO
    return dict(sorted(sums.items(), key=lambda item: -item[1]))


def largest(sums: dict[str, Decimal]) -> tuple[str, Decimal] | None:
    """The largest one that has a name."""
    return next(((name, size) for name, size in sums.items() if name != NOBODY), None)


def money(value: Decimal, currency: str) -> str:
    """An amount without its fraction."""
    return f"{value:,.0f}{NBSP}{currency}"


def percent(part: Decimal, of: Decimal) -> str:
    """What part it is."""
    return f"{100 * part / of if of else 0:.0f}{NBSP}%"


def department_spent_most(rows: list[Row], days: Days, currency: str) -> str | None:
    spend = totals((row for row in rows if row["month"] == days.month), "department", "spend")
    found = largest(spend)
    if not found:
        return None
    department, most = found
    every = money(sum(spend.values(), ZERO), currency)
    return f"{department} spent most in {days.month:%B}: {most:,.0f} of {every}."


def cancellations_cost(rows: list[Row], days: Days, currency: str) -> str | None:
    year = [row for row in rows if days.in_year(row["month"])]
    if not year:
        return None
    lost, unused = money(total(year, "lost_amount"), currency), money(total(year, "unused_credit"), currency)
    return f"Cancellations cost {lost} in twelve months; {unused} of credit is left of them."


def late_seats_cost(rows: list[Row], days: Days, currency: str) -> str | None:
    late = next((row for row in rows if is_late_flight_abroad(row) and row["reference_price"]), None)
    if not late:
        return None
    seat, reference = late["average_unit_price"], late["reference_price"]
    how = f"{percent(abs(seat - reference), reference)} {'more' if seat > reference else 'less'}"
    return f"A seat booked in the last three days costs {how} than one booked two weeks ahead."


def is_late_flight_abroad(row: Row) -> bool:
    return (row["booking_type"], row["route_class"], row["lead_bucket"]) == ("FLIGHT", "international", "0-3")


def emitted_most(rows: list[Row], days: Days, currency: str) -> str | None:
    carbon = totals((row for row in rows if row["year"] == days.today.year), "traveler", "carbon_kg")
    found = largest(carbon)
    if not found:
        return None
    traveler, most = found
    tonnes = f"{most / 1000:.1f} of {sum(carbon.values(), ZERO) / 1000:,.0f}{NBSP}t{NBSP}CO₂"
    return f"{traveler}’s travel emits most in {days.today.year}: {tonnes}."


def out_of_policy(rows: list[Row], days: Days, currency: str) -> str | None:
    def share(month: date) -> str | None:
        of_month = [row for row in rows if row["month"] == month]
        bookings = total(of_month, "bookings")
        return percent(total(of_month, "out_of_policy_bookings"), bookings) if bookings else None

    now, then = share(days.month), share(days.month_before)
    if now is None:
        return None
    before = f", after {then} in {days.month_before:%B}" if then is not None else ""
    return f"{now} of {days.month:%B}’s bookings were out of policy{before}."


def dearest_nights(rows: list[Row], days: Days, currency: str) -> str | None:
    year = [row | {"paid": row["average_rate"] * row["nights"]} for row in rows if days.in_year(row["month"])]
    paid, nights = totals(year, "city", "paid"), totals(year, "city", "nights")
    rates = {city: paid[city] / nights[city] for city in [*nights][:MOST_CITIES]}
    if not rates:
        return None
    city = max(rates, key=lambda of: rates[of])
    return f"A night is dearest in {city}: {money(rates[city], currency)} on average."


def waiting(rows: list[Row], days: Days, currency: str) -> str | None:
    if not rows:
        return None
    wait = "reimbursement waits" if len(rows) == 1 else "reimbursements wait"
    return f"{len(rows)} {wait}, the oldest for {oldest(rows)} days."


def without_receipt(rows: list[Row], days: Days, currency: str) -> str | None:
    if not rows:
        return None
    have = "card transaction has" if len(rows) == 1 else "card transactions have"
    return f"{len(rows)} {have} no receipt, the oldest for {oldest(rows)} days."


def oldest(rows: list[Row]) -> int:
    return max(row["age_days"] for row in rows)


def project_cost_most(rows: list[Row], days: Days, currency: str) -> str | None:
    projects = (row for row in rows if row["month"] == days.month and row["field_name"] == "project")
    spend = totals(projects, "field_value", "spend")
    found = largest(spend)
    if not found:
        return None
    project, most = found
    every = money(sum(spend.values(), ZERO), currency)
    return f"{project} cost most in {days.month:%B}: {most:,.0f} of {every}."


def reclaimable(rows: list[Row], days: Days, currency: str) -> str | None:
    taxes = totals((row for row in rows if days.in_year(row["month"])), "country", "tax_amount")
    found = largest(taxes)
    if not found:
        return None
    country, most = found
    every = sum(taxes.values(), ZERO)
    return f"{money(every, currency)} of VAT may come back, {percent(most, every)} of it from {country}."


def to_accrue(rows: list[Row], days: Days, currency: str) -> str | None:
    last = [row for row in rows if row["month_end"] == days.month_end]
    if not last:
        return None
    every, booked = money(total(last, "amount"), currency), total(last, "booking_amount")
    return f"{every} to accrue for {days.month:%B}, {booked:,.0f} of it bookings."


def got_most(rows: list[Row], days: Days, currency: str) -> str | None:
    spend = totals((row for row in rows if row["year"] == days.today.year), "vendor", "spend")
    found = largest(spend)
    if not found:
        return None
    vendor, most = found
    share = percent(most, sum(spend.values(), ZERO))
    return f"{vendor} got most in {days.today.year}: {money(most, currency)}, {share} of all."
