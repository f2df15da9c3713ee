"""The twelve answers, computed from the sandbox's own rows: without SQL, the connector or the package.

Each function of `ANSWERS` gives the rows of the model of that name, whose docs say what it counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from types import MappingProxyType

from facts import CARD_TYPES, COST_TYPES, PROJECT_FIELD, REIMBURSABLE_TYPES, Booking, Company, Expense, Person
from values import (
    GRAM,
    NONE,
    ZERO,
    Row,
    amount,
    boolean,
    bucket,
    day,
    first,
    grouped,
    month,
    month_end,
    ratio,
    rounded,
    split,
    text,
    total,
)

CANCELLED = {"CANCELED", "VOIDED"}
JOURNEYS = {"FLIGHT", "RAIL"}
LEAD_BUCKETS = ((3, "0-3"), (6, "4-6"), (13, "7-13"), (20, "14-20"), (None, "21+"))
EARLY = {"14-20", "21+"}
AGE_BUCKETS = ((7, "0-7"), (14, "8-14"), (30, "15-30"), (60, "31-60"), (None, "61+"))
RECEIPTS = ("receipt", "receipt_navan", "e_receipt", "e_receipt_navan")
BOOKED_TAXES = ("vat", "gst", "hst", "qst")


def spend_by_department(company: Company) -> Iterator[Row]:
    for key, parts in grouped(company.spend(), "month", "department", "currency"):
        yield key | {"spend": total(parts, "amount"), "reporting_spend": None}


def cancelled_and_unused(company: Company) -> Iterator[Row]:
    found = []
    for booking in company.bookings:
        if booking.status in CANCELLED:
            outcome, at = booking.status, day(booking.row.get("cancelledAt")) or booking.day
        elif (
            booking.type in JOURNEYS
            and booking.status in {"ACCEPTED", "CONFIRMED"}
            and not booking.row.get("etickets")
            and booking.start
            and booking.start <= company.today
        ):
            outcome, at = "UNTICKETED", booking.start
        else:
            continue
        credit = booking.credit
        unused = first(
            credit.get("residualCredit"),
            (credit.get("creditAvailable") or ZERO) - (credit.get("creditUsed") or ZERO),
        )
        found.append(
            {
                "month": month(at),
                "outcome": outcome,
                "booking_type": booking.type,
                "currency": booking.currency,
                "total": booking.total,
                "lost": booking.cost,
                "unused": unused,
            }
        )
    for key, group in grouped(found, "month", "outcome", "booking_type", "currency"):
        yield key | {
            "bookings": len(group),
            "total_amount": total(group, "total"),
            "lost_amount": total(group, "lost"),
            "unused_credit": total(group, "unused"),
        }


def days_in_advance(company: Company) -> Iterator[Row]:
    found = []
    for booking in company.bookings:
        if not booking.is_counted or booking.unit_price is None or booking.lead_days is None:
            continue
        base = amount(booking.row.get("basePrice")) or ZERO
        is_known = booking.unit_price > 0 and base > 0
        route = {True: "domestic", False: "international", None: NONE}[boolean(booking.row.get("domestic"))]
        found.append(
            {
                "booking_type": booking.type,
                "route_class": route,
                "currency": booking.currency,
                "lead_bucket": bucket(booking.lead_days, LEAD_BUCKETS),
                "price": booking.unit_price,
                "units": max(int(rounded(base / booking.unit_price, Decimal(1))), 1) if is_known else 1,
            }
        )
    for like, bookings in grouped(found, "booking_type", "route_class", "currency"):
        early = [booking for booking in bookings if booking["lead_bucket"] in EARLY]
        reference = rounded(total(early, "price") / len(early)) if early else None
        for key, group in grouped(bookings, "lead_bucket"):
            average = rounded(total(group, "price") / len(group))
            units = sum(booking["units"] for booking in group)
            if key["lead_bucket"] in EARLY:
                lateness = ZERO
            else:
                lateness = (average - reference) * units if reference is not None else None
            yield (
                like
                | key
                | {
                    "bookings": len(group),
                    "units": units,
                    "average_unit_price": average,
                    "reference_price": reference,
                    "lateness_cost": lateness,
                }
            )


def carbon_by_traveler(company: Company) -> Iterator[Row]:
    found = []
    for booking in company.bookings:
        if not booking.is_counted:
            continue
        people = booking.passengers or [booking.row.get("booker") or {}]
        shares = split(amount(booking.row.get("carbonEmissions")) or ZERO, len(people), GRAM)
        for row, share in zip(people, shares, strict=True):
            person = Person.of_booking(company, row)
            found.append(
                {
                    "year": (booking.start or booking.day).year,
                    "employee_key": person.key or NONE,
                    "traveler": first(person.name, text(row.get("name")), NONE),
                    "booking": booking.uuid,
                    "carbon": share,
                }
            )
    for key, group in grouped(found, "year", "employee_key", "traveler"):
        yield key | {"bookings": len({row["booking"] for row in group}), "carbon_kg": total(group, "carbon")}


def out_of_policy(company: Company) -> Iterator[Row]:
    found = [
        {
            "month": month(booking.day),
            "department": booking.departments[0],
            "booking_type": booking.type,
            "currency": booking.currency,
            "is_out": boolean(booking.row.get("outOfPolicy")) or False,
            "cost": booking.cost,
        }
        for booking in company.bookings
        if booking.is_counted
    ]
    for key, group in grouped(found, "month", "department", "booking_type", "currency"):
        outside = [row for row in group if row["is_out"]]
        cost, outside_cost = total(group, "cost"), total(outside, "cost")
        yield key | {
            "bookings": len(group),
            "out_of_policy_bookings": len(outside),
            "share_of_bookings": ratio(Decimal(len(outside)), Decimal(len(group))),
            "cost": cost,
            "out_of_policy_cost": outside_cost,
            "share_of_cost": ratio(outside_cost, cost),
        }


def hotel_rates(company: Company) -> Iterator[Row]:
    found = []
    for booking in company.bookings:
        if booking.type != "HOTEL" or not booking.is_counted or booking.unit_price is None:
            continue
        place = booking.row.get("destination") or {}
        if booking.start and booking.end:
            nights = (booking.end - booking.start).days
        else:
            nights = int(amount(booking.row.get("bookingDuration")) or 1)
        nights = max(nights, 1)
        found.append(
            {
                "country": text(place.get("country")) or NONE,
                "city": text(place.get("city")) or NONE,
                "currency": booking.currency,
                "month": month(booking.start or booking.day),
                "nights": nights,
                "rate": booking.unit_price,
                "paid": booking.unit_price * nights,
            }
        )
    for key, group in grouped(found, "country", "city", "currency", "month"):
        rates = sorted(row["rate"] for row in group)
        middle = (rates[(len(rates) - 1) // 2] + rates[len(rates) // 2]) / 2
        nights = sum(row["nights"] for row in group)
        yield key | {
            "bookings": len(group),
            "nights": nights,
            "average_rate": rounded(total(group, "paid") / nights),
            "median_rate": rounded(middle),
        }


def reimbursements_waiting(company: Company) -> Iterator[Row]:
    for expense in company.expenses:
        row = expense.row
        if expense.type not in REIMBURSABLE_TYPES or expense.cost == 0 or row.get("reimbursement_date"):
            continue
        told = amount(row.get("reimbursement_amount"))
        currency = expense.currency if told is None else text(row.get("reimbursement_currency")) or expense.currency
        since = day(row.get("manually_added_date")) or expense.day
        age = (company.today - since).days
        yield {
            "transaction_id": expense.id,
            "employee_key": expense.person.key,
            "department": expense.department,
            "legal_entity": expense.legal_entity,
            "approval_status": expense.status,
            "expense_day": expense.day,
            "waiting_since": since,
            "age_days": age,
            "age_bucket": bucket(age, AGE_BUCKETS),
            "currency": currency,
            "amount": first(told, expense.cost),
        }


def card_transactions_without_receipt(company: Company) -> Iterator[Row]:
    for expense in company.expenses:
        has_receipt = any(text(expense.row.get(name)) for name in RECEIPTS) or expense.id in company.receipts
        if expense.type not in CARD_TYPES or expense.cost <= 0 or has_receipt:
            continue
        age = (company.today - expense.day).days
        yield {
            "transaction_id": expense.id,
            "employee_key": expense.person.key,
            "cardholder": text(expense.row.get("cardholder")),
            "department": expense.department,
            "vendor": expense.vendor,
            "expense_day": expense.day,
            "age_days": age,
            "age_bucket": bucket(age, AGE_BUCKETS),
            "currency": expense.currency,
            "amount": expense.cost,
        }


def spend_by_project(company: Company) -> Iterator[Row]:
    found = [part | {"field_name": PROJECT_FIELD, "field_value": part["project"]} for part in company.spend()]
    found += [
        {
            "field_name": name,
            "field_value": value,
            "month": month(cost.day),
            "currency": cost.currency,
            "amount": cost.cost,
        }
        for cost in company.costs()
        for name, value in cost.custom_fields.items()
        if name != PROJECT_FIELD
    ]
    for key, group in grouped(found, "field_name", "field_value", "month", "currency"):
        yield key | {"spend": total(group, "amount"), "reporting_spend": None}


def reclaimable_vat(company: Company) -> Iterator[Row]:
    found = []
    for cost in company.costs():
        shared = {
            "source": "expense" if isinstance(cost, Expense) else "booking",
            "legal_entity": cost.legal_entity,
            "month": month(cost.day),
            "currency": cost.currency,
        }
        taxes = expense_taxes(cost) if isinstance(cost, Expense) else booking_taxes(cost)
        found += [shared | tax for tax in taxes]
    for key, group in grouped(found, "source", "country", "legal_entity", "month", "currency", "tax_code"):
        yield key | {"tax_amount": total(group, "tax")}


def expense_taxes(expense: Expense) -> Iterator[Row]:
    """The taxes in an expense that come back, in proportion to what of it is a cost."""
    details = expense.row.get("tax_details") or {}
    for item in details.get("parts") or []:
        if boolean(item.get("reclaimable")):
            code = first(text(item.get("code")), text(details.get("code")), NONE)
            tax = amount(item.get("amount")) or ZERO
            if expense.cost != expense.posted:
                tax = rounded(tax * expense.cost / expense.posted)
            yield {"country": expense.company.tax_countries.get(code, NONE), "tax_code": code, "tax": tax}


def booking_taxes(booking: Booking) -> Iterator[Row]:
    """The taxes in a booking that comes to pass: journeys are taxed where they begin."""
    place = booking.row.get("origin" if booking.type in JOURNEYS else "destination") or {}
    for name in BOOKED_TAXES:
        tax = amount(booking.row.get(name))
        if booking.is_counted and tax:
            yield {"country": text(place.get("countryCode")) or NONE, "tax_code": name.upper(), "tax": tax}


def handed_over(company: Company, closed_through: date) -> dict[str, date]:
    """What a closing hands over, by transaction, and the day of the journal: all but what waits for a decision."""
    return {
        expense.id: month_end(expense.day)
        for expense in company.expenses
        if expense.type in COST_TYPES
        and expense.status != "PENDING"
        and (expense.posted if expense.type in CARD_TYPES else expense.cost) != 0
        and month_end(expense.day) <= closed_through
    }


def accruals(company: Company, journals: Mapping[str, date] = MappingProxyType({})) -> Iterator[Row]:
    """`journals` has the day of the journal in which a transaction was handed over."""
    found = []
    for part in company.spend():
        cost = part["cost"]
        end = month_end(cost.incurred)
        is_booking = isinstance(cost, Booking)
        if cost.incurred > company.today:
            continue
        if not is_booking and (cost.is_in_erp_at(end) or journals.get(cost.id, date.max) <= end):
            continue
        found.append(
            part
            | {
                "month_end": end,
                "of_expense": ZERO if is_booking else part["amount"],
                "of_booking": part["amount"] if is_booking else ZERO,
            }
        )
    for key, group in grouped(found, "month_end", "gl_code_number", "gl_code_name", "legal_entity", "currency"):
        yield key | {
            "expense_amount": total(group, "of_expense"),
            "booking_amount": total(group, "of_booking"),
            "amount": total(group, "amount"),
        }


def spend_by_vendor(company: Company) -> Iterator[Row]:
    for all_of, parts in grouped(company.spend(), "year", "currency"):
        spent = total(parts, "amount")
        for key, group in grouped(parts, "vendor", "category"):
            spend = total(group, "amount")
            costs = len({id(part["cost"]) for part in group})
            yield all_of | key | {"costs": costs, "spend": spend, "share": ratio(spend, spent)}


ANSWERS: dict[str, Callable[[Company], Iterator[Row]]] = {
    f"navan_{answer.__name__}": answer
    for answer in (
        spend_by_department,
        cancelled_and_unused,
        days_in_advance,
        carbon_by_traveler,
        out_of_policy,
        hotel_rates,
        reimbursements_waiting,
        card_transactions_without_receipt,
        spend_by_project,
        reclaimable_vat,
        accruals,
        spend_by_vendor,
    )
}
