"""Cases that the sandbox serves."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from navan import NOW
from server import USERS
from side import BESIDE, EXACT, MOVING, TIMED, TIMED_BESIDE, Case, How, Play, Side, chosen

from connector import last_states, platform_state

SIZES = {"bookings": 250, "transactions": 30, "users": 130}
# More pages of bookings than are read as one slice, so that there is a state in the middle.
MANY = {"bookings": 5200, "transactions": 0, "users": 0}
# About when the first of them was created, so that the slices have as many each.
FIRST_BOOKING = "2022-11-20T00:00:00Z"
# Few requests, where a fault costs time: two types, eight windows each.
FEW = {"transaction_types": ["fees", "card-transactions"], "start_date": "2024-10-01T00:00:00Z"}
# Few requests with cursors: one type, two windows of two pages.
CURSORS = {"transaction_types": ["fees"], "start_date": "2024-11-10T00:00:00Z"}
BOOKING, TRANSACTION, USER = chosen("BOOKING"), chosen("TRANSACTION"), chosen("USER")


def reads(
    *hows: How, settings: dict[str, Any] | None = None, catalog: Any = None, state: Any = None, **config: Any
) -> Play:
    """Reads once in each way, by default one at a time and side by side; with `settings` besides the usual sizes."""

    def play(side: Side) -> None:
        with side.sandbox(**{**SIZES, **(settings or {})}) as navan:
            for how in hows or (EXACT, BESIDE):
                side.read(navan, how=how, catalog=catalog, state=state, **config)

    return play


def checks(settings: dict[str, Any] | None = None, **config: Any) -> Play:
    """Checks."""

    def play(side: Side) -> None:
        with side.sandbox(**{**SIZES, **(settings or {})}) as navan:
            side.check(navan, **config)

    return play


def both(settings: dict[str, Any], *hows: How, **config: Any) -> Play:
    """Checks and reads, where something is refused; it may be luck how many requests go before that is known."""

    def play(side: Side) -> None:
        checks(settings, **config)(side)
        reads(*(hows or (EXACT, TIMED_BESIDE)), settings=settings, **config)(side)

    return play


def again(*, catalog: Any = None, change: Callable[[list[Any]], Any] = lambda states: states, **config: Any) -> Play:
    """Reads a second time, from the states of the first."""

    def play(side: Side) -> None:
        with side.sandbox(**SIZES) as navan:
            first = side.read(navan, catalog=catalog, label="first read", **config)
            for how in (EXACT, BESIDE):
                side.read(
                    navan, how=how, catalog=catalog, state=change(last_states(first)), label="second read", **config
                )

    return play


def resumed(first_id: int | None, second_id: int | None) -> Play:
    """Goes on from a state in the middle of a first read of bookings, which belonged to a sync or to none."""

    def play(side: Side) -> None:
        with side.sandbox(**MANY) as navan:
            catalog = chosen("BOOKING", **({"sync_id": first_id} if first_id else {}))
            first = side.read(navan, catalog=catalog, label="first read", start_date=FIRST_BOOKING)
            middle = [platform_state(first.states("BOOKING")[0])]
            catalog = chosen("BOOKING", **({"sync_id": second_id} if second_id else {}))
            for how in (EXACT, BESIDE):
                side.read(navan, how=how, catalog=catalog, state=middle, label="second read", start_date=FIRST_BOOKING)

    return play


def state(stream: str, of_stream: Any) -> list[dict[str, Any]]:
    """A state file with one state."""
    return [{"type": "STREAM", "stream": {"stream_descriptor": {"name": stream}, "stream_state": of_stream}}]


def completed(read_at: str = "2024-11-20T09:00:00Z", **more: Any) -> dict[str, Any]:
    """The marker of a full refresh that was read to its end."""
    return {"__ab_full_refresh_sync_complete": True, "read_at": read_at, **more}


def through(time: str) -> dict[str, Any]:
    """A state of TRANSACTION in which one type was read up to a time, and another one not so far."""
    types = {"fees": {"synced_through": time}, "card-transactions": {"synced_through": "2024-10-30T12:00:00Z"}}
    return {"modified_timestamp": "2024-10-30T12:00:00Z", "types": types}


def every(n: int, fault: Any, endpoint: str | None = None, offset: int = 0) -> dict[str, Any]:
    """Settings with a fault at each n-th request."""
    return {"faults": {"every": [{"n": n, "offset": offset, "fault": fault, "endpoint": endpoint}]}}


def from_on(after: int, fault: Any, endpoint: str | None = None, requests: int | None = None) -> dict[str, Any]:
    """Settings with a fault from some request on, for so many requests."""
    outage = {"after_requests": after, "for_requests": requests, "fault": fault, "endpoint": endpoint}
    return {"faults": {"outage": [outage]}}


def passing(fault: Any, n: int = 5) -> Play:
    """Reads in which each n-th request fails once; what is hit side by side is luck."""
    return reads(EXACT, TIMED_BESIDE, settings=every(n, fault), **FEW)


def drift(stream: str, **moves: int) -> dict[str, Any]:
    """Settings with rows that move while they are read."""
    return {"bookings": 900, "users": 700, "faults": {"drift": {"stream": stream, "every_pages": 2, "max": 4, **moves}}}


MANY_FEES = {"transactions": 8000, "bookings": 0, "users": 0}
FAULTS = {
    "503": {"status": 503},
    "500 with HTML": {"html": 500},
    "HTML in the place of JSON": "html_ok",
    "another object": "not_promised",
    "a body cut off": "cut",
    "truncated JSON": "truncated_json",
    "no answer": "drop",
}
REFUSED = {"fees": 403, "disputes": 404}
ALL_SCOPES = ["bookings:read", "users:read", "liquid:read"]

CLEAN = [
    Case("all streams, clean", reads()),
    Case("all streams, another seed and no odd numbers", reads(settings={"seed": 77, "odd_numbers": False})),
    Case(
        "each stream by itself",
        lambda side: [reads(catalog=chosen(name))(side) for name in ("BOOKING", "TRANSACTION", "USER")],
    ),
    Case("no rows", reads(settings={"bookings": 0, "transactions": 0, "users": 0})),
    Case(
        "one row, one page, one row more",
        lambda side: [reads(settings={"bookings": n, "users": n, "transactions": 1})(side) for n in (1, 100, 101)],
    ),
    Case("no streams", reads(catalog={"streams": []})),
    Case("pretty pages", reads(settings={"pretty": True})),
    Case("compressed pages", reads(settings={"gzip": True})),
    Case("pretty and compressed pages", reads(settings={"pretty": True, "gzip": True}, **FEW)),
    Case("rows of mixed types, each of them", reads(settings={"mixed_types_every": 1})),
    Case("rows of mixed types, none of them", reads(settings={"mixed_types_every": 0})),
    Case("rows with fields that nobody has heard of", reads(settings={"new_field_every": 2, "mixed_types_every": 3})),
    Case(
        "users in the older form",
        lambda side: [
            reads(settings={"scim_users": True, "users": n}, catalog=USER)(side) for n in (0, 1, 100, 130, 500)
        ],
    ),
    Case("many transactions of each type", reads(settings={"transactions": 4000}, **CURSORS)),
    Case("many bookings", reads(settings=MANY)),
    Case(
        "a day in the middle of a month, and one at its start",
        lambda side: [
            reads(settings={"now": now})(side)
            for now in ("2024-02-29T23:59:30Z", "2024-03-01T00:00:10Z", "2024-12-31T12:00:00Z")
        ],
    ),
    Case(
        "a namespace",
        lambda side: [
            reads(catalog=chosen(namespace=name), **FEW)(side) for name in ("acme", 'a "b" \\ é \u2028', "", None)
        ],
    ),
    Case(
        "start_date",
        lambda side: [
            reads(start_date=f"{day}T10:20:30Z")(side)
            for day in ("2015-01-01", "2024-06-01", "2024-10-15", "2024-11-21", "2025-01-01")
        ],
    ),
    Case(
        "subsets of transaction_types",
        lambda side: [
            reads(catalog=TRANSACTION, transaction_types=types)(side)
            for types in (
                ["fees"],
                ["statement-payments", "fees"],
                ["repayments", "disputes", "daily-rebates", "adjustments"],
            )
        ],
    ),
    Case(
        "max_concurrency and requests_per_second",
        lambda side: [
            reads(BESIDE, max_concurrency=2)(side),
            reads(BESIDE, max_concurrency=32)(side),
            reads(TIMED, requests_per_second=20.5, **FEW)(side),
        ],
    ),
    Case("EU region", reads(settings={"region": "eu"}, region="eu")),
    Case("a company of the US read as one of the EU", both({}, region="eu", **FEW)),
    Case("scopes that are not told", both({"send_scope": False}, **FEW)),
]

MODES = [
    Case(
        "full_refresh of TRANSACTION",
        lambda side: [
            reads(catalog=chosen("TRANSACTION", modes={"TRANSACTION": "full_refresh"}, **more))(side)
            for more in (
                {},
                {"destination_sync_mode": "append"},
                {"destination_sync_mode": "overwrite_dedup", "sync_id": 3},
            )
        ],
    ),
    Case(
        "all streams incremental",
        reads(catalog=chosen(modes=dict.fromkeys(("BOOKING", "TRANSACTION", "USER"), "incremental"))),
    ),
    Case("a second read from the first one's states", again()),
    Case("a second read, 31 days back", again(lookback_days=31)),
    Case(
        "a second read of a full refresh of TRANSACTION",
        again(catalog=chosen("TRANSACTION", modes={"TRANSACTION": "full_refresh"}, sync_id=9)),
    ),
    Case(
        "a second read from the whole output of the first",
        again(
            change=lambda states: "\n".join(
                [
                    '{"type":"LOG","log":{}}',
                    *(f'{{"type":"STATE","state":{text}}}' for text in map(json.dumps, states)),
                    '{"type":"ST',
                ]
            )
        ),
    ),
    Case("a second read of other types", lambda side: _other_types(side)),
    Case("a second read two days later", lambda side: _later(side)),
    Case("BOOKING resumed in the middle", resumed(None, None)),
    Case("BOOKING resumed in the middle, by the same sync", resumed(7, 7)),
    Case("BOOKING resumed in the middle, by another sync", resumed(7, 8)),
    Case("BOOKING resumed in the middle, by a sync without id", resumed(7, None)),
    Case(
        "BOOKING after a completed marker",
        lambda side: [
            reads(catalog=chosen("BOOKING", **second), state=state("BOOKING", completed(**first)), **FEW)(side)
            for first, second in (
                ({"sync_id": 7}, {"sync_id": 7}),
                ({"sync_id": 7}, {"sync_id": 8}),
                ({"sync_id": 7}, {}),
                ({}, {"sync_id": 7}),
                ({}, {}),
                ({"read_at": "2024-11-01T00:00:00Z"}, {}),
                ({"read_at": "soon"}, {}),
                ({"sync_id": "7"}, {"sync_id": 7}),
                ({"sync_id": 7, "new": [1]}, {"sync_id": 7, "modes": {"BOOKING": "incremental"}}),
            )
        ],
    ),
    Case(
        "TRANSACTION and USER after a completed marker",
        lambda side: [
            reads(
                catalog=chosen(name, modes={"TRANSACTION": "full_refresh"}, sync_id=7),
                state=state(name, completed(sync_id=id)),
                **FEW,
            )(side)
            for name in ("TRANSACTION", "USER")
            for id in (7, 8)
        ],
    ),
    Case(
        "BOOKING from a position",
        lambda side: [
            reads(catalog=BOOKING, state=state("BOOKING", {"next_created_from": time}))(side)
            for time in ("2024-05-01T00:00:00Z", "2024-05-01T00:00:00.5+02:00", NOW, "2099-01-01T00:00:00Z", None)
        ],
    ),
    Case(
        "TRANSACTION from positions",
        lambda side: [
            reads(catalog=TRANSACTION, state=state("TRANSACTION", of_stream), **FEW)(side)
            for of_stream in (
                through("2024-11-15T10:00:00Z"),
                through("2024-01-01T00:00:00Z"),
                through("2099-01-01T00:00:00Z"),
                {"modified_timestamp": "2024-11-10T00:00:00Z"},
                {"modified_timestamp": "2024-11-10T00:00:00Z", "types": {}},
                {
                    "types": {
                        "disputes": {"synced_through": "2024-11-10T00:00:00Z"},
                        "gone": {"synced_through": "2024-01-10T00:00:00Z"},
                    }
                },
                {"types": {"fees": {"synced_through": None}}},
                {"types": {"fees": {}}},
                {"new": 1},
            )
        ],
    ),
]

REFUSALS = [
    Case("a wrong secret", both({}, client_secret="wrong")),
    Case("a wrong client_id", both({}, client_id="wrong")),
    Case("a company of the EU read as one of the US", checks({"region": "eu"})),
    Case(
        "scopes missing",
        lambda side: [
            both({"scopes": scopes, "send_scope": told}, **FEW)(side)
            for told in (True, False)
            for scopes in ([scope for scope in ALL_SCOPES if scope != missing] for missing in ALL_SCOPES)
        ],
    ),
    Case(
        "no scope at all",
        lambda side: [both({"scopes": [], "send_scope": told}, **FEW)(side) for told in (True, False)],
    ),
    Case("Expense API off", both({"expense_enabled": False})),
    Case(
        "Expense API off, from a state",
        reads(EXACT, TIMED_BESIDE, settings={"expense_enabled": False}, state=state("TRANSACTION", through(NOW))),
    ),
    Case("types refused", both({"refused_types": REFUSED})),
    Case(
        "types refused, from a state",
        reads(
            EXACT,
            TIMED_BESIDE,
            settings={"refused_types": REFUSED},
            state=state("TRANSACTION", through("2024-11-15T10:00:00Z")),
            transaction_types=["fees", "repayments"],
        ),
    ),
    Case(
        "types refused in a full refresh",
        reads(
            EXACT,
            TIMED_BESIDE,
            settings={"refused_types": REFUSED},
            catalog=chosen("TRANSACTION", modes={"TRANSACTION": "full_refresh"}),
        ),
    ),
    Case("all chosen types refused", both({"refused_types": REFUSED}, transaction_types=[*REFUSED])),
    # It ends the stream, whatever has been read of the other type by then.
    Case("a type refused with 400", both({"refused_types": {"fees": 400}}, EXACT, **FEW)),
    Case(
        "a stream refused with 403, 404, 400",
        lambda side: [
            reads(EXACT, TIMED_BESIDE, settings=every(1, {"status": status}, path), **FEW)(side)
            for path in ("/v1/bookings", USERS)
            for status in (403, 404, 400)
        ],
    ),
    Case("a later page refused", reads(EXACT, settings=from_on(1, {"status": 403}, USERS), **FEW)),
    Case(
        "a redirect to the same host, and to another",
        lambda side: [
            reads(EXACT, settings=every(3, {"redirect": {"to": to}}, USERS), **FEW)(side)
            for to in ("/v1/users?page=0&size=100", "http://localhost:1/v1/users", "/v1/users")
        ],
    ),
    Case("check, with each fault for ever", lambda side: [checks(every(1, fault))(side) for fault in FAULTS.values()]),
    Case(
        "check, without tokens",
        lambda side: [
            checks(every(1, fault, "/ta-auth"))(side)
            for fault in ({"status": 503}, "html_ok", "not_promised", {"status": 400}, "truncated_json")
        ],
    ),
    Case("check, with long waits asked for", checks(every(1, {"too_many": {"retry_after": {"seconds": 3600}}}))),
    Case(
        "reading with long waits asked for",
        reads(TIMED, settings=from_on(4, {"too_many": {"retry_after": {"seconds": 3600}}}), **FEW),
    ),
]

PASSING = [
    *(Case(f"fault: {name}", passing(fault)) for name, fault in FAULTS.items()),
    Case("fault: a token revoked now and then", reads(EXACT, settings=every(9, "revoke_token"), **FEW)),
    Case("fault: a token revoked", reads(EXACT, TIMED_BESIDE, settings=from_on(9, "revoke_token", requests=1), **FEW)),
    Case("fault: each token revoked", reads(EXACT, settings=every(1, "revoke_token"), **FEW)),
    Case("fault: the credential deleted", reads(EXACT, settings=from_on(6, "revoke_credential"), **FEW)),
    Case(
        "fault: cursors refused once",
        lambda side: [
            reads(
                EXACT,
                settings={**MANY_FEES, **every(3, {"refuse_cursor": status}, "/v1/expense")},
                catalog=TRANSACTION,
                **CURSORS,
            )(side)
            for status in (400, 410)
        ],
    ),
    Case(
        "fault: cursors refused always",
        lambda side: [
            reads(EXACT, settings={**MANY_FEES, **every(1, {"refuse_cursor": status})}, catalog=TRANSACTION, **CURSORS)(
                side
            )
            for status in (400, 403, 410)
        ],
    ),
    Case(
        "fault: a cursor that comes again",
        reads(EXACT, settings={**MANY_FEES, **every(1, "repeat_cursor")}, catalog=TRANSACTION, **CURSORS),
    ),
    Case(
        "fault: 429 with Retry-After",
        lambda side: [
            reads(TIMED, settings=every(13, {"too_many": {"retry_after": after}}), **FEW)(side)
            for after in ({"seconds": 1}, {"http_date": 1}, {"raw": "soon"}, "none")
        ],
    ),
    Case(
        "fault: 429 to a token request",
        reads(TIMED, settings=from_on(0, {"too_many": {"retry_after": {"seconds": 1}}}, "/ta-auth", requests=1), **FEW),
    ),
    Case(
        "fault: 503 to token requests",
        reads(TIMED, settings=from_on(0, {"status": 503}, "/ta-auth", requests=2), **FEW),
    ),
    Case(
        "a limit, told by headers",
        lambda side: [
            reads(TIMED, settings={"limit": {"per_second": 30.0, "burst": 10.0, "tell": tell}}, **FEW)(side)
            for tell in ("headers", "headers_epoch", "retry_after_seconds")
        ],
    ),
    Case(
        "tokens that end while reading",
        reads(TIMED, TIMED_BESIDE, settings={"token_life": 1.0, "faults": {"latency_ms": 60}}, **FEW),
    ),
    Case("drift: bookings come and go", reads(EXACT, settings=drift("BOOKING", insert=2, delete=1), catalog=BOOKING)),
    Case("drift: bookings come", reads(EXACT, MOVING, settings=drift("BOOKING", insert=2), catalog=BOOKING)),
    Case("drift: users come and go", reads(EXACT, settings=drift("USER", insert=1, delete=1), catalog=USER)),
    Case("drift: users come", reads(EXACT, MOVING, settings=drift("USER", insert=3), catalog=USER)),
    Case(
        "drift that does not rest",
        reads(
            EXACT,
            settings={
                "users": 700,
                "faults": {"drift": {"stream": "USER", "every_pages": 1, "insert": 1, "delete": 1, "max": 1000}},
            },
            catalog=USER,
        ),
    ),
    Case("fault for ever: a body cut off", reads(EXACT, settings=every(1, "cut", "/v1/bookings"), **FEW), slow=True),
    Case("fault for ever: no tokens", reads(TIMED, settings=every(1, {"status": 503}, "/ta-auth"), **FEW), slow=True),
]


def _other_types(side: Side) -> None:
    """Types that were not read before, and one that was and is not any more."""
    with side.sandbox(**SIZES) as navan:
        first = side.read(navan, catalog=TRANSACTION, transaction_types=["fees", "disputes"], label="first read")
        for how in (EXACT, BESIDE):
            side.read(
                navan,
                how=how,
                catalog=TRANSACTION,
                state=last_states(first),
                transaction_types=["repayments", "fees"],
                label="second read",
            )


def _later(side: Side) -> None:
    """Reads, and two days later again."""
    with side.sandbox(**SIZES) as navan:
        first = side.read(navan, label="first read")
        later = navan.at("2024-11-24T09:00:00Z")
        for how in (EXACT, BESIDE):
            side.read(later, how=how, state=last_states(first), label="second read")


SANDBOX = [*CLEAN, *MODES, *REFUSALS, *PASSING]
