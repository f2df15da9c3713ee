"""What is true of each booking and each expense of the sandbox, by its own rows: whose, how much, whether it counts."""

from __future__ import annotations

import json
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_DOWN, Decimal
from functools import cached_property
from itertools import chain
from typing import Any
from urllib.parse import urlencode

from sandbox import Sandbox
from values import CENT, NONE, ZERO, Row, amount, boolean, day, first, month, split, text

# The package's variables, as it sets them.
COUNTED = {"CONFIRMED", "TICKETED", "ACCEPTED", "UNKNOWN"}
CARD_TYPES = {"card-transactions", "connect-transactions"}
REIMBURSABLE_TYPES = {"manual-transactions"}
COVERING_TYPES = CARD_TYPES | REIMBURSABLE_TYPES
COST_TYPES = COVERING_TYPES | {"fees", "adjustments", "daily-rebates"}
# As much of a booking's cost as the charges for it have to reach.
COVERING_SHARE = Decimal("0.5")
REFUSED = {"REJECTED", "DECLINED"}
SYNCED = {"SYNCED"}
PROJECT_FIELD = "project"

RECEIPT_LINKS = ("receipt_url", "e_receipt_url")


@dataclass
class Company:
    """All that the sandbox holds, and the day on which it is asked."""

    booking_rows: list[Row]
    transaction_rows: list[Row]
    user_rows: list[Row]
    # Transactions with a link to a receipt.
    receipts: set[str]
    # The country of each tax, by its code.
    tax_countries: dict[str, str]
    today: date

    @classmethod
    def of(cls, navan: Sandbox, today: date, before: Company | None = None) -> Company:
        """The company now; `before` is the same one earlier, whose receipts the API may have ceased to list."""
        kinds = navan.get("facts")["TRANSACTION"]["types"]
        api = Api(navan)
        return cls(
            booking_rows=rows(navan, "BOOKING"),
            transaction_rows=[row for kind in kinds for row in rows(navan, "TRANSACTION", kind)],
            user_rows=rows(navan, "USER"),
            receipts=api.receipts() | (before.receipts if before else set()),
            tax_countries=api.tax_countries(),
            today=today,
        )

    @cached_property
    def bookings(self) -> list[Booking]:
        return [Booking(self, row) for row in self.booking_rows]

    @cached_property
    def expenses(self) -> list[Expense]:
        return [Expense(self, row) for row in self.transaction_rows]

    @cached_property
    def booking_of(self) -> dict[str, Booking]:
        return {booking.uuid: booking for booking in self.bookings}

    @cached_property
    def covered(self) -> set[str]:
        """The bookings whose cost expenses tell: charges of enough of it, as far as their amounts can be compared."""
        charges: dict[str, list[Expense]] = defaultdict(list)
        for expense in self.expenses:
            for uuid in expense.booking_uuids if expense.covers else ():
                charges[uuid].append(expense)
        return {uuid for uuid, of in charges.items() if self.booking_of[uuid].is_covered_by(of)}

    def user(self, **known: str | None) -> Row:
        """The row of USER that has one of these, tried in this order; an empty one if there is none."""
        for what, value in known.items():
            found = value and self.users.get((what, value))
            if found:
                return found
        return {}

    @cached_property
    def users(self) -> dict[tuple[str, str], Row]:
        found: dict[tuple[str, str], Row] = {}
        for row in self.user_rows:
            for what, value in (
                ("id", row["id"]),
                ("employee", text(row.get("employeeId"))),
                ("email", (text(row.get("userName")) or "").lower()),
            ):
                found.setdefault((what, value), row)
        return found

    def costs(self) -> Iterator[Booking | Expense]:
        """What was spent, each cost once."""
        return (cost for cost in chain(self.bookings, self.expenses) if cost.is_spend)

    def spend(self) -> list[Row]:
        """What was spent, by the parts that each cost is split into."""
        return [part for cost in self.costs() for part in cost.parts()]


class Person:
    """Somebody of a booking or an expense: what the row says, and the row of USER."""

    def __init__(self, company: Company, uuid: str | None, employee: str | None, email: str | None) -> None:
        self.uuid, self.employee, self.email = uuid, employee, email.lower() if email else None
        self.user = company.user(id=uuid, employee=employee, email=self.email)

    @classmethod
    def of_booking(cls, company: Company, row: Row) -> Person:
        employee = first(text(row.get("employeeId")), text(row.get("employeedId")))
        return cls(company, text(row.get("uuid")), employee, text(row.get("email")))

    @property
    def key(self) -> str | None:
        return first(self.employee, text(self.user.get("employeeId")), self.email, self.uuid)

    @property
    def name(self) -> str | None:
        names = self.user.get("name") or {}
        return text(" ".join(filter(None, (text(names.get("givenName")), text(names.get("familyName"))))))

    @property
    def legal_entity(self) -> str | None:
        return text(self.user.get("legalEntityName"))

    @property
    def department(self) -> str | None:
        return text(self.user.get("department"))


class Booking:
    """A booking, and what it costs."""

    def __init__(self, company: Company, row: Row) -> None:
        self.company, self.row = company, row
        self.uuid = row["uuid"]
        self.status = text(row.get("bookingStatus"))
        self.is_counted = self.status in COUNTED
        self.type = text(row.get("bookingType")) or NONE
        self.currency = text(row.get("currency")) or NONE
        self.vendor = text(row.get("vendor")) or NONE
        self.category = self.type
        self.start, self.end = day(row.get("startDate")), day(row.get("endDate"))
        self.day = first(day(row.get("created")), self.start, day(row.get("lastModified")))
        self.total = amount(row.get("grandTotal")) or ZERO
        self.unit_price = amount(row.get("unitaryPrice"))
        self.credit = {name: amount(value) for name, value in (row.get("credit") or {}).items()}
        self.booker = Person.of_booking(company, row.get("booker") or {})
        self.passengers = [passenger.get("person") or {} for passenger in row.get("passengers") or []]
        people = [*self.passengers, row.get("booker") or {}]
        self.person = Person.of_booking(company, people[0])
        self.custom_fields = custom_fields(row.get("customFields"), "value")

    @property
    def cost(self) -> Decimal:
        charged = amount(self.row.get("netCharge"))
        if charged is not None:
            return charged
        return self.total - (self.credit.get("creditUsed") or ZERO) if self.is_counted else ZERO

    @property
    def tells_cost(self) -> bool:
        return self.is_counted or amount(self.row.get("netCharge")) is not None

    def is_covered_by(self, charges: list[Expense]) -> bool:
        """Whether these are enough of its cost; where nobody knows in its currency, any is."""
        known = [charged for charge in charges if (charged := charge.charged_in(self.currency)) is not None]
        return not known or sum(known) >= self.cost * COVERING_SHARE

    @property
    def is_spend(self) -> bool:
        return self.cost != 0 and self.uuid not in self.company.covered

    @property
    def legal_entity(self) -> str:
        return self.person.legal_entity or NONE

    @property
    def incurred(self) -> date:
        """The day on which the travel begins: before, what was paid is paid in advance."""
        return self.start or self.day

    @property
    def lead_days(self) -> int | None:
        told = amount(self.row.get("leadTimeInDays"))
        if told is not None:
            return int(told)
        return (self.start - self.day).days if self.start else None

    @property
    def departments(self) -> list[str]:
        booker = text((self.row.get("booker") or {}).get("department"))
        return texts(self.row.get("departments")) or [first(booker, self.person.department, NONE)]

    @property
    def projects(self) -> list[str]:
        return texts(self.row.get("projects")) or [self.custom_fields.get(PROJECT_FIELD, NONE)]

    def parts(self) -> Iterator[Row]:
        units = [(department, project) for department in self.departments for project in self.projects]
        for (department, project), size in zip(units, split(self.cost, len(units)), strict=True):
            yield part(self, size, department, project) | {"gl_code_number": NONE, "gl_code_name": NONE}


class Expense:
    """A transaction, and what it costs."""

    def __init__(self, company: Company, row: Row) -> None:
        self.company, self.row = company, row
        self.id = row["id"]
        self.type = text(row.get("_type"))
        self.status = text(row.get("approval_status"))
        self.posted = amount(row.get("posted_amount")) or ZERO
        self.currency = text(row.get("posted_currency")) or NONE
        days = (row.get(name) for name in ("transaction_date", "posted_date", "posted_date_time", "modified_timestamp"))
        self.day = day(first(*days))
        self.incurred = self.day
        self.person = Person(company, None, text(row.get("employee_id")), text(row.get("cardholder_email")))
        details = row.get("booking_details") or {}
        named = [text(row.get("navan_booking_uuid")), *texts(details.get("navan_booking_uuids"))]
        self.linked = {uuid for uuid in named if uuid}
        self.custom_fields = custom_fields(row.get("custom_field_values"), "displayValue", "value")

    @cached_property
    def booking_uuids(self) -> list[str]:
        """Those of its bookings that there are."""
        return sorted(self.linked & self.company.booking_of.keys())

    @property
    def booking(self) -> Booking | None:
        return self.company.booking_of[self.booking_uuids[0]] if self.booking_uuids else None

    @property
    def covers(self) -> bool:
        """Whether it tells the cost of its bookings: it is the charge for them."""
        return self.type in COVERING_TYPES and self.status not in REFUSED and self.posted > 0

    @property
    def cost(self) -> Decimal:
        if self.type not in COST_TYPES or self.status in REFUSED or boolean(self.row.get("personal")):
            return ZERO
        less = (amount(self.row.get(name)) or ZERO for name in ("personal_amount", "rejected_amount"))
        return self.posted - sum(less, ZERO)

    @property
    def is_spend(self) -> bool:
        is_told = any(self.company.booking_of[uuid].tells_cost for uuid in self.booking_uuids)
        is_told_by_booking = is_told and self.company.covered.isdisjoint(self.booking_uuids)
        return self.cost != 0 and not is_told_by_booking

    def charged_in(self, currency: str) -> Decimal | None:
        """How much it is in a currency; None where it is told in others only."""
        paid = amount(self.row.get("original_amount"))
        if paid is not None and text(self.row.get("original_currency")) == currency:
            return paid
        return self.posted if self.currency == currency else None

    @property
    def department(self) -> str:
        travelers = text(self.row.get("traveler_department")) if self.linked else None
        return first(travelers, text(self.row.get("department")), self.person.department, NONE)

    @property
    def legal_entity(self) -> str:
        return first(text(self.row.get("legal_entity")), self.person.legal_entity, NONE)

    @property
    def vendor(self) -> str:
        return text(self.row.get("vendor_name")) or (self.booking.vendor if self.booking else NONE)

    @property
    def category(self) -> str:
        if self.type in COVERING_TYPES and self.booking:
            return self.booking.type
        return first(text(self.row.get("activity_type")), text(self.row.get("policy_category")), NONE)

    def is_in_erp_at(self, end: date) -> bool:
        """Whether the ERP had it at the end of that day."""
        effective = day(self.row.get("erp_effective_date"))
        return text(self.row.get("erp_sync_status")) in SYNCED and (effective is None or effective <= end)

    def parts(self) -> Iterator[Row]:
        lines = self.row.get("line_items") or []
        sizes = [amount(line.get("amount")) for line in lines]
        if not lines or None in sizes or sum(sizes) not in (self.cost, self.posted):
            lines, sizes = [{}], [self.cost]
        elif sum(sizes) != self.cost:
            sizes = prorated(self.cost, sizes)
        project = self.custom_fields.get(PROJECT_FIELD, NONE)
        for line, size in zip(lines, sizes, strict=True):
            # The name goes with the number.
            of = line if text(line.get("gl_code_number")) else self.row
            account = {name: text(of.get(name)) or NONE for name in ("gl_code_number", "gl_code_name")}
            yield part(self, size, text(line.get("department")) or self.department, project) | account


def part(cost: Booking | Expense, size: Decimal, department: str, project: str) -> Row:
    """A part of a cost."""
    return {
        "cost": cost,
        "amount": size,
        "currency": cost.currency,
        "month": month(cost.day),
        "year": cost.day.year,
        "department": department,
        "project": project,
        "vendor": cost.vendor,
        "category": cost.category,
        "legal_entity": cost.legal_entity,
    }


def prorated(whole: Decimal, sizes: list[Decimal]) -> list[Decimal]:
    """As much of each as `whole` is of all, to the cent: those get a cent more that lack most of one."""
    shares = [whole * size / sum(sizes) for size in sizes]
    parts = [share.quantize(CENT, ROUND_DOWN) for share in shares]
    left = whole.quantize(CENT, ROUND_DOWN) - sum(parts)
    cent = CENT.copy_sign(left)
    neediest = sorted(range(len(sizes)), key=lambda nth: (parts[nth] - shares[nth]) * (1 if left > 0 else -1))
    for nth in neediest[: int(abs(left) / CENT)]:
        parts[nth] += cent
    parts[0] += whole - sum(parts)
    return parts


def texts(value: Any) -> list[str]:
    """What a list names, or a text with commas."""
    listed = value.split(",") if isinstance(value, str) else value or []
    return [found for found in map(text, listed) if found]


def custom_fields(fields: list[Row] | None, *names: str) -> dict[str, str]:
    """The first value of each field that the company defined, in the first of these forms."""
    found: dict[str, str] = {}
    for field in fields or []:
        name, value = text(field.get("name")), first(*(text(field.get(form)) for form in names))
        if name and value:
            found.setdefault(name.lower(), value)
    return found


def rows(navan: Sandbox, stream: str, kind: str | None = None) -> list[Row]:
    """All rows of a stream as they are now, every digit of their numbers kept."""
    query = urlencode({"stream": stream} | ({"type": kind} if kind else {}))
    with urllib.request.urlopen(f"{navan.url}/sandbox/rows?{query}", timeout=60) as answer:
        return [json.loads(line, parse_float=Decimal) for line in answer]


class Api:
    """What the sandbox tells only as Navan would."""

    def __init__(self, navan: Sandbox) -> None:
        self.navan = navan
        credential = {"client_id": navan.client_id, "client_secret": navan.client_secret}
        asked = urlencode({"grant_type": "client_credentials"} | credential).encode()
        with urllib.request.urlopen(f"{navan.url}/ta-auth/oauth/token", asked, timeout=60) as answer:
            self.token = json.load(answer)["access_token"]

    def get(self, path: str, query: list[tuple[str, str]]) -> Row:
        headers = {"Authorization": f"Bearer {self.token}"}
        request = urllib.request.Request(f"{self.navan.url}/v1/expense/{path}?{urlencode(query)}", headers=headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def receipts(self) -> set[str]:
        """The transactions that have a link to a receipt: of those that changed as far back as can be asked."""
        now = date.fromisoformat(self.navan.get("clock")["now"][:10])
        last_month = month(now) - timedelta(days=1)
        oldest = month(month(last_month) - timedelta(days=1))
        asked = [("date_modified.from", str(oldest)), ("date_modified.to", str(now)), ("page_size", "500")]
        asked += [("type", kind) for kind in ("TRANSACTIONS", "CONNECT")]
        found: set[str] = set()
        cursor: list[tuple[str, str]] | None = []
        while cursor is not None:
            page = self.get("transactions/receipts", asked + cursor)
            linked = (row for row in page["content"] if any(text(row.get(link)) for link in RECEIPT_LINKS))
            found |= {row["transaction_id"] for row in linked}
            cursor = [("cursor", page["next_cursor"])] if page["has_next"] else None
        return found

    def tax_countries(self) -> dict[str, str]:
        page = self.get("tax-mappings", [])
        listed = page if isinstance(page, list) else first(page.get("data"), page.get("content"))
        return {row["tax_code"]: row["country"] for row in listed}
