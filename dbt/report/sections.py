"""The twelve sections of the report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import charts
import sentences
from charts import Spec
from days import Days
from sentences import Row


@dataclass(frozen=True)
class Section:
    """One answer of the report."""

    model: str
    question: str
    # How to read the chart, and what is in it.
    note: str
    # What the rows say, in a sentence, and what is said where they say nothing.
    says: Callable[[list[Row], Days, str], str | None]
    nothing: str
    chart: Callable[[Days], Spec]
    # Whether it is about the rows of one currency.
    is_by_currency: bool = True


SECTIONS = (
    Section(
        "navan_spend_by_department",
        "What did each department spend?",
        "Bars: the last month. Marks: the month before. Bookings and expenses, each cost once.",
        sentences.department_spent_most,
        "Nothing was spent in {currency} in {month}.",
        charts.by_department,
    ),
    Section(
        "navan_cancelled_and_unused",
        "What did cancellations cost?",
        "By the month of the cancellation. Credit is what airlines left of the price for another ticket.",
        sentences.cancellations_cost,
        "Nothing in {currency} was cancelled in twelve months.",
        charts.by_cancelled_month,
    ),
    Section(
        "navan_days_in_advance",
        "What does it cost to book late?",
        "International flights. Line: the average of those booked two weeks ahead or more.",
        sentences.late_seats_cost,
        "No flight in {currency} was booked in the last three days.",
        charts.by_lead,
    ),
    Section(
        "navan_carbon_by_traveler",
        "Whose travel emits how much?",
        "The ten largest. What several people share is divided evenly; cancelled travel is left out.",
        sentences.emitted_most,
        "Nobody travels this year.",
        charts.by_traveler,
        is_by_currency=False,
    ),
    Section(
        "navan_out_of_policy",
        "How much is out of policy?",
        "Share of the bookings of a month, in all currencies.",
        sentences.out_of_policy,
        "Nothing was booked in {month}.",
        charts.by_policy_month,
        is_by_currency=False,
    ),
    Section(
        "navan_hotel_rates",
        "What does a night cost?",
        "The ten cities with most nights, twelve months. Averages are weighted by nights.",
        sentences.dearest_nights,
        "No hotel was paid in {currency} in twelve months.",
        charts.by_city,
    ),
    Section(
        "navan_reimbursements_waiting",
        "Who waits for money?",
        "By days since the outlay was entered, in all currencies.",
        sentences.waiting,
        "No reimbursement is waiting.",
        charts.by_age("reimbursements"),
        is_by_currency=False,
    ),
    Section(
        "navan_card_transactions_without_receipt",
        "Which receipts are missing?",
        "By days since the purchase, in all currencies.",
        sentences.without_receipt,
        "Every card transaction has its receipt.",
        charts.by_age("transactions"),
        is_by_currency=False,
    ),
    Section(
        "navan_spend_by_project",
        "What did each project cost?",
        "The last month. A cost for several projects is divided evenly.",
        sentences.project_cost_most,
        "No project cost anything in {currency} in {month}.",
        charts.by_project,
    ),
    Section(
        "navan_reclaimable_vat",
        "Which VAT may come back?",
        "By country code, twelve months: as expenses mark it, and of bookings that no expense covers.",
        sentences.reclaimable,
        "No VAT in {currency} in twelve months.",
        charts.by_country,
    ),
    Section(
        "navan_accruals",
        "What must be accrued?",
        "What was incurred in the month and was not in the ERP at its end, by account.",
        sentences.to_accrue,
        "Nothing in {currency} is left to accrue for {month}.",
        charts.by_account,
    ),
    Section(
        "navan_spend_by_vendor",
        "Who gets the money?",
        "The ten largest vendors of the year so far.",
        sentences.got_most,
        "Nobody was paid in {currency} this year.",
        charts.by_vendor,
    ),
)
