"""The same rows by curl, as a measure of what the pages cost without anything done to them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from programs import Cost, run
from sandbox import NOW, TYPES, Sandbox

CREATED_FROM = datetime(2015, 1, 1, tzinfo=UTC)
# Where Navan's retention begins: the first of the month, two months back.
_LAST_MONTH = NOW.replace(day=1) - timedelta(days=1)
MODIFIED_FROM = f"{_LAST_MONTH.replace(day=1) - timedelta(days=1):%Y-%m-01}"
BOOKINGS_A_PAGE = 100
TRANSACTIONS_A_PAGE = 500
FIELD_GROUPS = "POLICY,ERP,TAX,BOOKING,MILEAGE,TRAVELER_HR,LINE_ITEM"


@dataclass(frozen=True)
class Pages:
    """The addresses of all pages, one after another, and what opens them."""

    base: str
    targets: Sequence[str]
    token: str

    def of(self, prefix: str) -> Pages:
        """Those whose addresses begin so."""
        return Pages(self.base, [target for target in self.targets if target.startswith(prefix)], self.token)

    def fetch(self, at_once: int = 1) -> tuple[Cost, int]:
        """Fetches them to /dev/null with one process that keeps its connections; returns the bytes as well."""
        return self._fetch(["/dev/null"] * len(self.targets), at_once)

    def save(self, folder: Path) -> None:
        """Fetches them into files of a new folder, named in their order."""
        folder.mkdir()
        self._fetch([str(folder / f"{number:06}.json") for number in range(len(self.targets))])

    def _fetch(self, outputs: Sequence[str], at_once: int = 1) -> tuple[Cost, int]:
        lines = ["silent", "fail", f'header = "Authorization: Bearer {self.token}"']
        lines += [r'write-out = "%{http_code} %{size_download}\n"']
        if at_once > 1:
            lines += ["parallel", f"parallel-max = {at_once}"]
        for target, output in zip(self.targets, outputs, strict=True):
            lines += [f'url = "{self.base}{target}"', f'output = "{output}"']
        with tempfile.NamedTemporaryFile("w") as file:
            file.write("\n".join(lines))
            file.flush()
            printed: list[bytes] = []
            cost = run(["/usr/bin/env", "curl", "-q", "-K", file.name], printed.append)
        answers = [line.split() for line in b"".join(printed).splitlines()]
        if len(answers) != len(self.targets) or any(status != b"200" for status, _ in answers):
            raise SystemExit("curl did not get all pages.")
        return cost, sum(int(size) for _, size in answers)


def pages(sandbox: Sandbox) -> Pages:
    """Walks over all pages once, to know where they are: bookings by number, transactions by cursor."""
    token = sandbox.token()
    created = f"createdFrom={int(CREATED_FROM.timestamp())}&createdTo={int(NOW.timestamp())}"
    bookings = f"/v1/bookings?{created}&size={BOOKINGS_A_PAGE}&page="
    targets = [f"{bookings}{number}" for number in range(sandbox.page(f"{bookings}0", token)["page"]["totalPages"])]
    targets += [target for target, _ in transactions(sandbox, token, MODIFIED_FROM)]
    return Pages(sandbox.url, targets, token)


def transactions(sandbox: Sandbox, token: str, modified_from: str) -> Iterator[tuple[str, Any]]:
    """All pages of transactions changed since then, and where they are."""
    modified = f"date_modified.from={modified_from}&date_modified.to={NOW:%Y-%m-%d}"
    for kind in TYPES:
        first = f"/v1/expense/{kind}?{modified}&page_size={TRANSACTIONS_A_PAGE}&include_field_group={FIELD_GROUPS}"
        target: str | None = first
        while target:
            page = sandbox.page(target, token)
            yield target, page
            cursor = page["next_cursor"]
            target = f"{first}&cursor={quote(cursor, safe='')}" if cursor else None
