"""Cases that a server of our own serves, with pages that the sandbox cannot."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from bad_pages import BAD_PAGES, BAD_ROWS
from navan import NOW
from random_rows import at_random
from rows import ODD, Rows
from server import BOOKINGS, FEES, SINCE, USERS, Query, Route, by_creation, cursored, listed, numbered, server
from side import BESIDE, EXACT, TIMED, TIMED_BESIDE, Case, Play, Side, chosen

from connector import Message, last_states, platform_state


def routes(rows: Rows) -> dict[str, Route]:
    """All rows of each stream, transactions on two pages."""
    fees = rows["TRANSACTION"]
    half = (len(fees) + 1) // 2
    return {
        BOOKINGS: numbered(rows["BOOKING"]),
        USERS: numbered(rows["USER"]),
        FEES: cursored([fees[:half], fees[half:]]),
    }


def odd(make: Callable[[], Rows]) -> Play:
    """Reads rows that are odd."""

    def play(side: Side) -> None:
        with server(routes(make())) as served:
            for how in (EXACT, BESIDE):
                side.read(served, how=how)
            side.read(
                served, catalog=chosen(modes={"TRANSACTION": "full_refresh"}, namespace="n"), label="with a namespace"
            )

    return play


GOOD: Rows = {
    "BOOKING": [b'{"uuid":"%d","created":"2024-11-21T10:00:00Z"}' % number for number in range(3)],
    "TRANSACTION": [b'{"id":"%d","modified_timestamp":"2024-11-21T10:00:00Z"}' % number for number in range(3)],
    "USER": [b'{"id":"%d"}' % number for number in range(3)],
}


def pages(rows: Rows) -> dict[str, bytes]:
    """The only page of each stream."""
    content = b'{"content":[' + b",".join(rows["TRANSACTION"]) + b'],"next_cursor":null,"has_next":false}'
    return {BOOKINGS: listed(rows["BOOKING"], 3, 100), USERS: listed(rows["USER"], 3, 100), FEES: content}


def bad_row(row: bytes) -> dict[str, bytes]:
    """Pages with a row in their middle that is bad."""
    return pages({stream: [rows[0], row, rows[2]] for stream, rows in GOOD.items()})


def bad_page(spoil: Callable[[bytes], bytes]) -> dict[str, bytes]:
    """Pages that are bad as a whole."""
    return {path: spoil(page) for path, page in pages(GOOD).items()}


def always(bad: dict[str, bytes]) -> dict[str, Route]:
    """Routes with nothing else."""
    return {path: lambda _, page=page: page for path, page in bad.items()}


def once(bad: dict[str, bytes]) -> Play:
    """Checks with nothing but bad pages, which takes three tries; reads with one each, and good ones after it."""

    def play(side: Side) -> None:
        with server(always(bad)) as served:
            # Where in the page it was found to be bad is told as well, in digits.
            side.check(served, how=TIMED)
        with server(routes(GOOD), first={path: [page] for path, page in bad.items()}) as served:
            side.read(served)

    return play


def for_ever(bad: dict[str, bytes]) -> Play:
    """Reads with nothing but bad pages, which takes eight tries; of all streams at once, or it would take minutes."""

    def play(side: Side) -> None:
        with server(always(bad)) as served:
            side.read(served, how=TIMED_BESIDE)

    return play


def _second_page(side: Side) -> None:
    """A bad page in the middle of each stream."""
    bad = bad_row(b'{"id":"a\x01b"}')
    many = {
        stream: [rows[0].replace(b'"0"', b'"%d"' % number) for number in range(250)] for stream, rows in GOOD.items()
    }
    good, spoilt = routes(many), set[tuple[str, ...]]()

    def spoil(path: str) -> Route:
        def page(query: Query) -> bytes:
            which = (path, query.get("page", ""), query.get("cursor", ""))
            if query.get("page") in (None, "1") and (query.get("cursor") or query.get("page")) and which not in spoilt:
                spoilt.add(which)
                return bad[path]
            return good[path](query)

        return page

    with server({path: spoil(path) for path in good}) as served:
        side.read(served)


def _edges(side: Side) -> None:
    """More bookings than one slice may have, with rows in and about the seconds that two slices share."""
    begin, end = datetime.fromisoformat(SINCE), datetime.fromisoformat(NOW)
    whole = int((end - begin).total_seconds())
    rows: list[tuple[int, bytes]] = []

    def add(second: int, created: str) -> None:
        at = int(begin.timestamp()) + second
        rows.append((at, b'{"uuid":"e%d","created":%s}' % (len(rows), created.encode())))

    for number in range(5300):
        second = whole * number // 5300
        add(second, f'"{_time(begin, second)}Z"')
    for part in range(1, 24):
        for aside in (-1, 0, 1):
            second = whole * part // 24 + aside
            time = _time(begin, second)
            for created in (
                f'"{time}Z"',
                f'"{time}.999Z"',
                f'"{time}"',
                f'"{time}+01:00"',
                '"soon"',
                "null",
                "7",
                '""',
            ):
                add(second, created)
    with server({BOOKINGS: by_creation(rows)}) as served:
        first = side.read(served, catalog=chosen("BOOKING", sync_id=1))
        side.read(served, how=BESIDE, catalog=chosen("BOOKING"))
        state = platform_state(first.states("BOOKING")[0])
        side.read(served, catalog=chosen("BOOKING", sync_id=1), state=[state], label="going on")


def _time(begin: datetime, second: int) -> str:
    return (begin + timedelta(seconds=second)).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def _wrong_totals(side: Side) -> None:
    """Pages that say that there are more rows than come, or fewer."""
    rows = {stream: [of[0].replace(b'"0"', b'"%d"' % number) for number in range(150)] for stream, of in GOOD.items()}
    for total in (0, 1, 99, 100, 101, 149, 151, 420):
        told = {path: numbered(rows[stream], total=total) for path, stream in ((BOOKINGS, "BOOKING"), (USERS, "USER"))}
        with server(told) as served:
            side.read(served, label=f"{total} told")


def _interrupted(side: Side) -> None:
    """SIGTERM while a request is under way, after all that can be written is."""
    held = threading.Event()

    def holding(query: Query) -> bytes:
        held.wait(timeout=60)
        return cursored([[]])(query)

    def second_page(query: Query) -> bytes:
        if query["page"] != "0":
            held.wait(timeout=60)
        return numbered(users)(query)

    users = [b'{"id":"%d"}' % number for number in range(150)]
    seen: set[tuple[str, str]] = set()

    def when(message: Message) -> bool:
        if message["type"] == "STATE":
            seen.add(("STATE", message["state"]["stream"]["stream_descriptor"]["name"]))
        elif message["type"] == "RECORD":
            seen.add(("RECORD", message["record"]["stream"]))
        return seen >= {("STATE", "BOOKING"), ("RECORD", "USER")}

    with server({BOOKINGS: numbered(GOOD["BOOKING"]), USERS: second_page, FEES: holding}) as served:
        try:
            output = side.interrupt(served, when)
        finally:
            held.set()
        side.read(served, state=last_states(output), label="going on")


SERVER = [
    *(Case(f"odd rows: {name}", odd(make)) for name, make in ODD.items()),
    *(Case(f"odd rows: at random, seed {seed}", odd(lambda seed=seed: at_random(seed))) for seed in range(1, 5)),
    Case("bookings at the edges of slices", _edges),
    Case("totals that are wrong", _wrong_totals),
    Case("interrupted by a signal", _interrupted),
    *(Case(f"a bad page: {name}", once(bad_page(spoil))) for name, spoil in BAD_PAGES.items()),
    *(Case(f"a bad row: {name}", once(bad_row(row))) for name, row in BAD_ROWS.items()),
    Case("a bad page in the middle", _second_page),
    Case("a bad page for ever: half of it", for_ever(bad_page(BAD_PAGES["half of it"])), slow=True),
    Case("a bad page for ever: rows that come twice", for_ever(bad_page(BAD_PAGES["rows that come twice"])), slow=True),
    Case("a bad row for ever: a row that is a number", for_ever(bad_row(b"7")), slow=True),
]
