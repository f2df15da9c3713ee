"""The chart of each answer, in Vega-Lite.

It is drawn in the browser from the rows of the answer, so that what it shows is what the model holds. In place of
`{currency}` comes the one that the reader has chosen.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from days import Days

Spec = dict[str, Any]

# Thousands as k, millions as M.
SHORT = {"format": "~s", "labelExpr": "datum.value ? datum.label : '0'"}
IN_CURRENCY = {"filter": "datum.currency === '{currency}'"}
ROW_HEIGHT = 24
CHART_HEIGHT = 220
MOST_BARS = 10


def months(days: Days) -> Spec:
    """An axis of twelve months, whether there is anything in them or not."""
    axis = {"labelExpr": "utcFormat(toDate(datum.value), '%b')", "labelAngle": 0}
    axis |= {"labelOverlap": "parity", "labelSeparation": 6}
    domain = [str(month) for month in days.months]
    return {"field": "month", "type": "ordinal", "title": None, "axis": axis, "scale": {"domain": domain}}


def in_year(days: Days) -> Spec:
    """The rows of these months."""
    return {"filter": f"datum.month >= '{days.months[0]}' && datum.month <= '{days.month}'"}


def bars(x: Spec, y: Spec, **more: Any) -> Spec:
    """Horizontal bars, one a row, the longest first."""
    y = {"type": "nominal", "title": None, "sort": "-x"} | y
    return {"mark": {"type": "bar"}, "encoding": {"x": {"type": "quantitative"} | x, "y": y} | more}


def rows_of(chart: Spec, *transforms: Spec) -> Spec:
    """A chart of what remains of the rows, as high as it has bars."""
    return {"height": {"step": ROW_HEIGHT}, "transform": [*transforms], **chart}


def amounts(column: str, title: str) -> Spec:
    return {"field": column, "aggregate": "sum", "title": title, "axis": SHORT}


def tooltip(*fields: tuple[str, str, str]) -> list[Spec]:
    """What is said of a mark: field, title, format."""
    return [
        {"field": field, "title": title, "type": "quantitative", "format": form}
        if form
        else {"field": field, "title": title, "type": "nominal"}
        for field, title, form in fields
    ]


def largest(by: str, column: str, *first: Spec) -> list[Spec]:
    """The largest sums of a column."""
    return [
        *first,
        {"aggregate": [{"op": "sum", "field": column, "as": column}], "groupby": [by]},
        {
            "window": [{"op": "row_number", "as": "rank"}],
            "sort": [{"field": column, "order": "descending"}],
        },
        {"filter": f"datum.rank <= {MOST_BARS}"},
    ]


def by_department(days: Days) -> Spec:
    def of(month: date) -> str:
        return f"datum.month === '{month}' ? datum.spend : 0"

    department = {
        "field": "department",
        "type": "nominal",
        "title": None,
        "sort": {"field": "now", "order": "descending"},
    }
    now = {"field": "now", "type": "quantitative", "title": f"{{currency}}, {days.month:%B %Y}", "axis": SHORT}
    then = {"field": "then", "type": "quantitative"}
    sums = [{"op": "sum", "field": field, "as": field} for field in ("now", "then")]
    return rows_of(
        {
            "encoding": {"y": department},
            "layer": [
                {"mark": "bar", "encoding": {"x": now}},
                {"mark": {"type": "tick", "style": "mark-before"}, "encoding": {"x": then}},
            ],
        },
        IN_CURRENCY,
        {"filter": f"datum.month === '{days.month}' || datum.month === '{days.month_before}'"},
        {"calculate": of(days.month), "as": "now"},
        {"calculate": of(days.month_before), "as": "then"},
        {"aggregate": sums, "groupby": ["department"]},
    )


def by_cancelled_month(days: Days) -> Spec:
    return {
        "height": CHART_HEIGHT,
        "transform": [
            IN_CURRENCY,
            in_year(days),
            {"fold": ["lost_amount", "unused_credit"], "as": ["kind", "amount"]},
            {"calculate": "datum.kind === 'lost_amount' ? 'lost' : 'credit left'", "as": "kind"},
        ],
        "mark": "bar",
        "encoding": {
            "x": months(days),
            "xOffset": {"field": "kind", "sort": ["lost", "credit left"]},
            "y": amounts("amount", "{currency}") | {"type": "quantitative"},
            "color": {"field": "kind", "type": "nominal", "title": None, "sort": ["lost", "credit left"]},
        },
    }


def by_lead(days: Days) -> Spec:
    order = ["0-3", "4-6", "7-13", "14-20", "21+"]
    return {
        "height": CHART_HEIGHT,
        "transform": [
            IN_CURRENCY,
            {"filter": "datum.booking_type === 'FLIGHT' && datum.route_class === 'international'"},
        ],
        "layer": [
            {
                "mark": "bar",
                "encoding": {
                    "x": {
                        "field": "lead_bucket",
                        "type": "ordinal",
                        "sort": order,
                        "title": "days before the flight",
                        "axis": {"labelAngle": 0},
                    },
                    "y": {"field": "average_unit_price", "type": "quantitative", "title": "{currency} a seat"},
                    "tooltip": tooltip(
                        ("lead_bucket", "days before", ""),
                        ("average_unit_price", "{currency} a seat", ",.2f"),
                        ("bookings", "bookings", ",.0f"),
                    ),
                },
            },
            {
                "mark": {"type": "rule", "style": "mark-before"},
                "encoding": {"y": {"field": "reference_price", "aggregate": "max", "type": "quantitative"}},
            },
        ],
    }


def by_traveler(days: Days) -> Spec:
    chart = bars(
        {"field": "tonnes", "title": f"t CO₂, {days.today.year}"},
        {"field": "traveler"},
        tooltip=tooltip(("traveler", "traveler", ""), ("carbon_kg", "kg", ",.0f")),
    )
    this_year = {"filter": f"datum.year === {days.today.year}"}
    tonnes = {"calculate": "datum.carbon_kg / 1000", "as": "tonnes"}
    return rows_of(chart, *largest("traveler", "carbon_kg", this_year), tonnes)


def by_policy_month(days: Days) -> Spec:
    sums = [{"op": "sum", "field": field, "as": field} for field in ("bookings", "out_of_policy_bookings")]
    return {
        "height": CHART_HEIGHT,
        "transform": [
            in_year(days),
            {"aggregate": sums, "groupby": ["month"]},
            {"calculate": "datum.out_of_policy_bookings / datum.bookings", "as": "share"},
        ],
        "mark": {"type": "line", "point": True},
        "encoding": {
            "x": months(days),
            "y": {
                "field": "share",
                "type": "quantitative",
                "title": "share of bookings",
                "axis": {"format": ".0%"},
                "scale": {"zero": True},
            },
            "tooltip": [
                *tooltip(("month", "month", ""), ("share", "share", ".1%"), ("bookings", "bookings", ",.0f")),
            ],
        },
    }


def by_city(days: Days) -> Spec:
    chart = bars(
        {"field": "rate", "title": "{currency} a night"},
        {"field": "city"},
        tooltip=tooltip(("city", "city", ""), ("rate", "{currency} a night", ",.2f"), ("nights", "nights", ",.0f")),
    )
    return rows_of(
        chart,
        IN_CURRENCY,
        in_year(days),
        {"calculate": "datum.average_rate * datum.nights", "as": "paid"},
        {"aggregate": [{"op": "sum", "field": f, "as": f} for f in ("paid", "nights")], "groupby": ["city"]},
        {"calculate": "datum.paid / datum.nights", "as": "rate"},
        {"window": [{"op": "row_number", "as": "rank"}], "sort": [{"field": "nights", "order": "descending"}]},
        {"filter": f"datum.rank <= {MOST_BARS}"},
    )


def by_age(title: str) -> Callable[[Days], Spec]:
    order = ["0-7", "8-14", "15-30", "31-60", "61+"]
    return lambda days: rows_of(
        bars(
            {"aggregate": "count", "title": title, "axis": {"tickMinStep": 1, "format": "d"}},
            {"field": "age_bucket", "sort": order, "title": "days", "scale": {"domain": order}},
        )
    )


def by_project(days: Days) -> Spec:
    chart = bars(amounts("spend", f"{{currency}}, {days.month:%B %Y}"), {"field": "field_value"})
    here = f"datum.month === '{days.month}' && datum.field_name === 'project'"
    return rows_of(chart, IN_CURRENCY, {"filter": here})


def by_country(days: Days) -> Spec:
    chart = bars(
        amounts("tax_amount", "{currency}, twelve months"),
        {"field": "country"},
        color={"field": "source", "type": "nominal", "title": None, "sort": ["booking", "expense"]},
    )
    return rows_of(chart, IN_CURRENCY, in_year(days))


def by_account(days: Days) -> Spec:
    label = "datum.gl_code_number === '(none)' ? 'no account' : datum.gl_code_number + ' ' + datum.gl_code_name"
    chart = bars(
        amounts("of_source", f"{{currency}}, at the end of {days.month:%B %Y}"),
        {"field": "account"},
        color={"field": "source", "type": "nominal", "title": None, "sort": ["booking", "expense"]},
    )
    return rows_of(
        chart,
        IN_CURRENCY,
        {"filter": f"datum.month_end === '{days.month_end}'"},
        {"fold": ["booking_amount", "expense_amount"], "as": ["source", "of_source"]},
        {"calculate": "datum.source === 'booking_amount' ? 'booking' : 'expense'", "as": "source"},
        {"calculate": label, "as": "account"},
    )


def by_vendor(days: Days) -> Spec:
    chart = bars(
        {"field": "spend", "title": f"{{currency}}, {days.today.year}", "axis": SHORT},
        {"field": "vendor"},
        tooltip=tooltip(("vendor", "vendor", ""), ("spend", "{currency}", ",.2f")),
    )
    this_year = {"filter": f"datum.year === {days.today.year}"}
    return rows_of(chart, *largest("vendor", "spend", IN_CURRENCY, this_year))
