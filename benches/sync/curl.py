"""The same rows by curl, as a measure of what the pages cost without anything done to them."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from programs import Cost, run
from sandbox import NOW, TYPES, Sandbox

CREATED_FROM = datetime(2015, 1, 1, tzinfo=UTC)
MODIFIED_FROM = "2026-09-01"
BOOKINGS_A_PAGE = 100
TRANSACTIONS_A_PAGE = 500
FIELD_GROUPS = "POLICY,ERP,TAX,BOOKING,MILEAGE,TRAVELER_HR,LINE_ITEM"


@dataclass(frozen=True)
class Pages:
    """The addresses of all pages, one after another, and what opens them."""

    base: str
    targets: list[str]
    token: str

    def fetch(self, at_once: int = 1) -> tuple[Cost, int]:
        """Fetches them to /dev/null with one process that keeps its connections; returns the bytes as well."""
        lines = ["silent", "fail", f'header = "Authorization: Bearer {self.token}"']
        lines += [r'write-out = "%{http_code} %{size_download}\n"']
        if at_once > 1:
            lines += ["parallel", f"parallel-max = {at_once}"]
        for target in self.targets:
            lines += [f'url = "{self.base}{target}"', 'output = "/dev/null"']
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
    modified = f"date_modified.from={MODIFIED_FROM}&date_modified.to={NOW:%Y-%m-%d}"
    for kind in TYPES:
        first = f"/v1/expense/{kind}?{modified}&page_size={TRANSACTIONS_A_PAGE}&include_field_group={FIELD_GROUPS}"
        target: str | None = first
        while target:
            targets.append(target)
            cursor = sandbox.page(target, token)["next_cursor"]
            target = f"{first}&cursor={quote(cursor, safe='')}" if cursor else None
    return Pages(sandbox.url, targets, token)
