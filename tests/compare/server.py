"""A Navan that says what it is told to, for pages that the sandbox would never send."""

from __future__ import annotations

import json
import threading
import urllib.parse
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from navan import NOW

BOOKINGS, USERS, FEES = "/v1/bookings", "/v1/users", "/v1/expense/fees"
# One window of one type, so that what it is asked for is plain.
SINCE = "2024-11-20T00:00:00Z"
DATE = datetime.fromisoformat(NOW).strftime("%a, %d %b %Y %H:%M:%S GMT")
TOKEN = json.dumps(
    {
        "access_token": "a-token",
        "token_type": "bearer",
        "expires_in": 43199,
        "scope": "bookings:read liquid:read users:read",
    }
).encode()

Query = dict[str, str]
Route = Callable[[Query], bytes]


class Server:
    """What is answered: to a path its route's page, but before that, once each, what is to come first there."""

    def __init__(self, port: int, routes: dict[str, Route], first: dict[str, list[bytes]]) -> None:
        self._port, self._routes, self._first = port, routes, first
        self.now = NOW
        self.rewind()

    def config(self, **changes: Any) -> dict[str, Any]:
        """A configuration of the connector with which it reads this server."""
        return {
            "client_id": "an id",
            "client_secret": "a secret",
            "api_url": f"http://127.0.0.1:{self._port}",
            "transaction_types": ["fees"],
            "start_date": SINCE,
            **changes,
        }

    def rewind(self) -> None:
        """What comes first comes again."""
        self._left = {path: list(bodies) for path, bodies in self._first.items()}

    def answer(self, target: str) -> bytes | None:
        """The body for a request; None if there is no such path."""
        path, _, query = target.partition("?")
        if self._left.get(path):
            return self._left[path].pop(0)
        route = self._routes.get(path)
        return route(dict(urllib.parse.parse_qsl(query))) if route else None


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    served: Server

    def handle_error(self, *_: object) -> None:
        """A connector that ends early is none of its business."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Http

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self._send(TOKEN)

    def do_GET(self) -> None:
        self._send(self.server.served.answer(self.path))

    def _send(self, body: bytes | None) -> None:
        self.send_response(404 if body is None else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The same `Date` for ever, since the connector takes its time from it."""
        return DATE

    def log_message(self, *_: object) -> None:
        """Says nothing."""


@contextmanager
def server(routes: dict[str, Route], first: dict[str, list[bytes]] | None = None) -> Iterator[Server]:
    """Runs one; paths that `routes` leaves out have no rows."""
    empty = {BOOKINGS: numbered([]), USERS: numbered([]), FEES: cursored([[]])}
    with _Http(("127.0.0.1", 0), _Handler) as http:
        http.served = Server(http.server_port, {**empty, **routes}, first or {})
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield http.served
        finally:
            http.shutdown()
            thread.join()


def listed(rows: Iterable[bytes], total: int, size: int) -> bytes:
    """A numbered page."""
    info = {"totalPages": -(-total // size), "currentPage": 0, "pageSize": size, "totalElements": total}
    return b'{"data":[' + b",".join(rows) + b'],"page":' + json.dumps(info).encode() + b"}"


def numbered(rows: list[bytes], *, total: int | None = None) -> Route:
    """Rows in numbered pages; `total` is what is said of their number."""

    def page(query: Query) -> bytes:
        size, number = int(query["size"]), int(query["page"])
        return listed(rows[number * size :][:size], len(rows) if total is None else total, size)

    return page


def by_creation(rows: list[tuple[int, bytes]]) -> Route:
    """Rows, each with the second at which Navan takes it to be created, as the range of creation times has them."""

    def page(query: Query) -> bytes:
        begin, end = int(query["createdFrom"]), int(query["createdTo"])
        return numbered([row for at, row in rows if begin <= at <= end])(query)

    return page


def cursored(pages: list[list[bytes]]) -> Route:
    """Pages that lead to each other."""

    def page(query: Query) -> bytes:
        number = int(query.get("cursor", 0))
        last = number + 1 == len(pages)
        rest = b'"next_cursor":null,"has_next":false' if last else b'"next_cursor":"%d","has_next":true' % (number + 1)
        return b'{"content":[' + b",".join(pages[number]) + b"]," + rest + b"}"

    return page
