"""The measurements, by name. Each yields rows of the table."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import cdk
import curl
from connector import STREAMS, Connector
from programs import Binaries, Cost
from sandbox import NOW, Sandbox, sandbox
from split import Split
from table import Row, spread, times

# 20,000 bookings of 3 KB, and 40,005 transactions of 1.2 KB: as many of each of the nine types.
ROWS = {"bookings": 20_000, "transactions": 4_445}
ROWS_IN_WORDS = "20,000 bookings and 40,005 transactions"
CONNECTIONS = 4  # the connector's default

FEWER_ROWS = {"bookings": 15_000, "transactions": 3_333}
LATENCY_MS = 100

LIMIT_PER_S = 20
SHARE_OF_LIMIT = 0.8
LIMITS: dict[str, dict[str, Any]] = {
    "`Retry-After: 1`": {"kind": "bucket", "tell": "retry_after_seconds", "retry_after_s": 1},
    "`Retry-After`, a date": {"kind": "bucket", "tell": "retry_after_date", "retry_after_s": 1},
    "`X-RateLimit-*`": {"kind": "bucket", "tell": "headers"},
    "nothing told": {"kind": "bucket", "tell": "nothing"},
    "window of 1 s, `X-RateLimit-*`": {"kind": {"window": {"ms": 1000}}, "tell": "headers"},
}

MOST_MIB, FLAT_MIB = 20, 2

EXPORTED_BOOKINGS = 200_000
# What an export of each format may take, against a read of the same to /dev/null; Excel's has no bar.
EXPORT_BARS = {"csv": 1.5, "jsonl": 1.5, "parquet": 2.5, "xlsx": None}
EXPORT_MIB = 64
# The connector reads transactions a week at a time.
WEEK_START = datetime.combine(NOW.date() - timedelta(days=6), time.min, UTC)


@dataclass(frozen=True)
class Tenant:
    """How much a sandbox holds, and from when on it is read, if not from the beginning."""

    rows: int
    start: datetime | None = None


@dataclass(frozen=True)
class BesideCurl:
    """What each round took the connector, curl, several curls at once, serde_json, and the sandbox during the first."""

    size: int
    ours: list[Cost]
    curl: list[Cost]
    curls: list[Cost]
    split: list[float]
    server: list[float]

    def wall_row(self, what: str, bar: float) -> Row:
        """The time by the clock, against curl."""
        ours, curl = [cost.wall for cost in self.ours], [cost.wall for cost in self.curl]
        ratios = [mine / base for mine, base in zip(ours, curl, strict=True)]
        against = f"curl, one page after another: {spread(curl, 's', 2)}"
        row = Row("curl", what, spread(ours, "s", 2), against, times(ratios))
        # Both sides then wait for the sandbox, and their times by the clock say nothing of them.
        if median(self.server) > median(cost.cpu for cost in self.ours):
            return replace(row, bar=f"≤ {bar} ×, but the sandbox is the slowest")
        return replace(row, bar=f"≤ {bar} ×", held=median(ratios) <= bar)

    def cpu_row(self, what: str, bar: float | None = None) -> Row:
        """The CPU time, against serde_json's for splitting the pages and curl's for fetching them."""
        ours, curl = [cost.cpu for cost in self.ours], [cost.cpu for cost in self.curl]
        ratios = [mine / (split + fetch) for mine, split, fetch in zip(ours, self.split, curl, strict=True)]
        against = f"serde_json {spread(self.split, 's', 2)} + curl {spread(curl, 's', 2)}"
        row = Row("curl", what, spread(ours, "s", 2), against, times(ratios))
        return row if bar is None else replace(row, bar=f"≤ {bar} ×", held=median(ratios) <= bar)


@dataclass(frozen=True)
class Bench:
    """What the measurements share."""

    binaries: Binaries
    runs: int

    @property
    def connector(self) -> Connector:
        """The connector that is measured."""
        return Connector(self.binaries.connector)

    def sandbox(self, **options: int) -> AbstractContextManager[Sandbox]:
        """A sandbox of its own for a measurement."""
        return sandbox(self.binaries.sandbox, **options)

    def curl(self) -> Iterator[Row]:
        """Against curl, which does nothing with the pages, and serde_json, which only finds their rows."""
        ordered, shuffled = self._beside_curl(shuffled=False), self._beside_curl(shuffled=True)
        yield ordered.wall_row(f"{ROWS_IN_WORDS}, {ordered.size / 1e6:.0f} MB, no latency: wall", 1.25)
        yield shuffled.wall_row("the same, the fields of each row in an order of their own: wall", 1.6)
        yield ordered.cpu_row(f"{ROWS_IN_WORDS}: CPU time", 1.3)
        yield shuffled.cpu_row("the same, in an order of their own: CPU time")
        peak = [cost.peak for cost in ordered.ours]
        yield Row(
            "curl",
            f"{ROWS_IN_WORDS}: peak memory",
            spread(peak, "MiB", 1),
            bar=f"≤ {MOST_MIB} MiB",
            held=max(peak) <= MOST_MIB,
        )
        rate, one, many = (
            ordered.size / 1e6 / median(cost.wall for cost in costs)
            for costs in (ordered.ours, ordered.curl, ordered.curls)
        )
        yield Row(
            "curl",
            "the same: throughput, against the most that the sandbox gives",
            f"{rate:.0f} MB/s",
            f"curl {one:.0f} MB/s, {CONNECTIONS} at once {many:.0f} MB/s",
            times([rate / max(one, many)]),
        )
        yield Row("curl", "the sandbox's own CPU time meanwhile", spread(ordered.server, "s", 2))
        yield Row("curl", "the same, with shuffled fields", spread(shuffled.server, "s", 2))

    def _beside_curl(self, shuffled: bool) -> BesideCurl:
        """Reads of the connector, curl and serde_json in turns."""
        ours, theirs, together, split_cpu, server_cpu = [], [], [], [], []
        with self.sandbox(**ROWS, shuffled=shuffled) as server, tempfile.TemporaryDirectory() as folder:
            self.connector.checked_read(server)
            pages = curl.pages(server)
            split = Split(self.binaries.crates["split"], Path(folder, "pages"))
            pages.save(split.folder)
            # Rounds of a second; many, since so short a time varies.
            for _ in _rounds("curl, shuffled" if shuffled else "curl", 4 * self.runs):
                before = server.cpu()
                ours.append(self.connector.read(server))
                server_cpu.append(server.cpu() - before)
                cost, size = pages.fetch()
                theirs.append(cost)
                split_cpu.append(split.cpu(server.rows["BOOKING"] + server.rows["TRANSACTION"]))
                together.append(pages.fetch(CONNECTIONS)[0])
        return BesideCurl(size, ours, theirs, together, split_cpu, server_cpu)

    def children(self) -> Iterator[Row]:
        """With the lists in rows as streams of their own, and without."""
        connector = self.connector
        families = (*STREAMS, *connector.lists())
        alone, all_of_them = [], []
        with self.sandbox(**ROWS) as server:
            before = server.counts()["requests"]
            connector.read(server)
            requests = server.counts()["requests"] - before
            _, summary = connector.checked_read(server, families)
            if server.counts()["requests"] - before != 2 * requests:
                raise SystemExit("The lists cost requests of their own.")
            for _ in _rounds("children", 4 * self.runs):
                alone.append(connector.read(server).cpu)
                all_of_them.append(connector.read(server, families).cpu)
        records = sum(stream["records"] for stream in summary["streams"].values())
        ratios = [with_them / without for with_them, without in zip(all_of_them, alone, strict=True)]
        yield Row(
            "children",
            f"{ROWS_IN_WORDS} with all the lists in them as streams, {records:,} records: CPU time",
            spread(all_of_them, "s", 2),
            "without: " + spread(alone, "s", 2),
            times(ratios),
            "≤ 1.6 ×",
            median(ratios) <= 1.6,
        )

    def personal_data(self) -> Iterator[Row]:
        """With personal data as hashes, and as it is."""
        passed, hashed = [], []
        with self.sandbox(**ROWS) as server:
            rules = {"personal_data": "hash", "personal_data_key": "a key that nobody would guess"}
            self.connector.checked_read(server, **rules)
            for _ in _rounds("personal_data", 4 * self.runs):
                passed.append(self.connector.read(server).cpu)
                hashed.append(self.connector.read(server, **rules).cpu)
        yield Row(
            "personal_data",
            f"{ROWS_IN_WORDS} with personal data as hashes: CPU time",
            spread(hashed, "s", 2),
            "as it is: " + spread(passed, "s", 2),
            times([with_hashes / without for with_hashes, without in zip(hashed, passed, strict=True)]),
        )

    def export(self) -> Iterator[Row]:
        """Into files of each format, against a read to /dev/null."""
        with self.sandbox(bookings=EXPORTED_BOOKINGS, transactions=0) as server:
            self.connector.checked_read(server, ("BOOKING",))
            reads: list[Cost] = []
            exports: dict[str, list[Cost]] = {end: [] for end in EXPORT_BARS}
            for _ in _rounds("export", self.runs):
                reads.append(self.connector.read(server, ("BOOKING",)))
                for end, costs in exports.items():
                    costs.append(self.connector.export(server, "BOOKING", end))
        for end, costs in exports.items():
            bar = EXPORT_BARS[end]
            ratios = [cost.wall / read.wall for cost, read in zip(costs, reads, strict=True)]
            row = Row(
                "export",
                f"{EXPORTED_BOOKINGS:,} bookings into a {end} file: wall",
                spread([cost.wall for cost in costs], "s", 1),
                "a read to /dev/null: " + spread([cost.wall for cost in reads], "s", 1),
                times(ratios),
            )
            yield row if bar is None else replace(row, bar=f"≤ {bar} ×", held=median(ratios) <= bar)
            peak = [cost.peak for cost in costs]
            row = Row("export", "the same: peak memory", spread(peak, "MiB", 1))
            yield row if bar is None else replace(row, bar=f"≤ {EXPORT_MIB} MiB", held=max(peak) <= EXPORT_MIB)

    def cdk(self) -> Iterator[Row]:
        """Against Airbyte's low-code engine."""
        environment = cdk.install()
        with self.sandbox(**ROWS) as server:
            self.connector.checked_read(server)
            ours, types, none = [], [], []
            for _ in _rounds("cdk", min(self.runs, 2)):
                types.append(cdk.read(environment, server, normalize=True))
                ours.append([self.connector.read(server) for _ in range(self.runs)])
                none.append(cdk.read(environment, server, normalize=False))
        yield _against_cdk(f"{ROWS_IN_WORDS}: wall", ours, types, lambda cost: cost.wall, "s", 150)
        yield _against_cdk("the same: CPU time", ours, types, lambda cost: cost.cpu, "s")
        yield _against_cdk("the same: peak memory", ours, types, lambda cost: cost.peak, "MiB")
        yield _against_cdk(
            "no types brought to the schema by the engine: wall", ours, none, lambda cost: cost.wall, "s"
        )
        yield _against_cdk("the same: CPU time", ours, none, lambda cost: cost.cpu, "s")

    def latency(self) -> Iterator[Row]:
        """Eight requests in flight against one."""
        with self.sandbox(**FEWER_ROWS, latency_ms=LATENCY_MS) as server:
            eight, one = [], []
            for _ in _rounds("latency", min(self.runs, 3)):
                eight.append(self.connector.checked_read(server, max_concurrency=8)[0].wall)
                one.append(self.connector.checked_read(server, max_concurrency=1)[0].wall)
        ratios = [slow / fast for slow, fast in zip(one, eight, strict=True)]
        yield Row(
            "latency",
            f"{LATENCY_MS} ms a request: `max_concurrency` 8, {_count(one)}",
            spread(eight, "s", 2),
            "`max_concurrency` 1: " + spread(one, "s", 2),
            times(ratios, "faster"),
            "≥ 7 × faster",
            median(ratios) >= 7,
        )

    def limit(self) -> Iterator[Row]:
        """Within a limit, however it is told."""
        with self.sandbox(**ROWS) as server:
            for told, how in LIMITS.items():
                walls, ideals, refused = [], [], []
                for _ in _rounds(f"limit, {told}", min(self.runs, 2)):
                    server.set("limit", {"per_second": LIMIT_PER_S, "burst": LIMIT_PER_S, **how})
                    server.count_anew()
                    walls.append(self.connector.checked_read(server)[0].wall)
                    counts = server.counts()
                    ideals.append(_pages(counts) / (SHARE_OF_LIMIT * LIMIT_PER_S))
                    refused.append(100 * counts["too_many"] / counts["requests"])
                ratios = [wall / ideal for wall, ideal in zip(walls, ideals, strict=True)]
                yield Row(
                    "limit",
                    f"{LIMIT_PER_S} requests a second, {told}: wall, {_count(walls)}",
                    spread(walls, "s", 1),
                    f"pages ÷ {SHARE_OF_LIMIT * LIMIT_PER_S:.0f}/s: " + spread(ideals, "s", 1),
                    times(ratios),
                    "≤ 1.05 ×",
                    median(ratios) <= 1.05,
                )
                yield Row(
                    "limit",
                    "the same: requests answered 429",
                    spread(refused, "%", 1),
                    bar="< 2 %",
                    held=median(refused) < 2,
                )

    def memory(self) -> Iterator[Row]:
        """Peak memory while the data grows."""
        sizes = (10_000, 100_000, 1_000_000)
        yield from self._memory("BOOKING", "bookings", {size: Tenant(size) for size in sizes})
        # So many of each type. Pages in flight are what takes memory, and 10,000 over twelve weeks would fill none of
        # 500; so the least of them are those that a larger tenant has in one week.
        transactions = {10_000: Tenant(14_356, WEEK_START), 100_000: Tenant(11_112), 1_000_000: Tenant(111_112)}
        yield from self._memory("TRANSACTION", "transactions", transactions)
        yield from self._memory("USER", "users", {size: Tenant(size) for size in sizes})

    def _memory(self, stream: str, option: str, tenants: dict[int, Tenant]) -> Iterator[Row]:
        peaks: dict[int, list[float]] = {size: [] for size in tenants}
        for _ in _rounds(f"memory, {option}", min(self.runs, 3)):
            for size, tenant in tenants.items():
                with self.sandbox(**{option: tenant.rows}) as server:
                    peaks[size].append(self._peak(server, stream, tenant.start))
        least = median(peaks[min(tenants)])
        for size, values in peaks.items():
            within = " in one week" if tenants[size].start else ""
            what = f"{size:,} {option}{within}: peak memory, {_count(values)}"
            more = median(values) - least
            compared = "" if size == min(tenants) else f"{more:+.1f} MiB"
            bars, held = f"≤ {MOST_MIB} MiB", max(values) <= MOST_MIB
            if size == max(tenants):
                bars, held = f"{bars}, ≤ +{FLAT_MIB} MiB", held and more <= FLAT_MIB
            yield Row("memory", what, spread(values, "MiB", 1), compared, bar=bars, held=held)

    def _peak(self, server: Sandbox, stream: str, start: datetime | None) -> float:
        """Of a read of one stream; with a start, of its transactions since then."""
        if start is None:
            return self.connector.checked_read(server, (stream,))[0].peak
        pages = curl.transactions(server, server.token(), f"{start:%Y-%m-%d}")
        rows = sum(len(page["content"]) for _, page in pages)
        since = f"{start:%Y-%m-%dT%H:%M:%SZ}"
        return self.connector.checked_read(server, (stream,), {stream: rows}, start_date=since)[0].peak

    def spec(self) -> Iterator[Row]:
        """How long the smallest command takes."""
        walls = [1000 * self.connector.spec().wall for _ in range(50)]
        yield Row("spec", "`spec`: wall, 50 runs", spread(walls, "ms", 1), bar="≤ 5 ms", held=median(walls) <= 5)


PARTS = ("curl", "children", "personal_data", "export", "cdk", "latency", "limit", "memory", "spec")


def _rounds(name: str, count: int) -> Iterator[int]:
    for number in range(1, count + 1):
        print(f"{name}: run {number} of {count}", file=sys.stderr)
        yield number


def _against_cdk(
    what: str,
    ours: list[list[Cost]],
    theirs: list[Cost],
    of: Callable[[Cost], float],
    unit: str,
    bar: float | None = None,
) -> Row:
    """Against the engine, which runs once a round, the connector several times."""
    rounds = [[of(cost) for cost in costs] for costs in ours]
    mine, other = [value for values in rounds for value in values], [of(cost) for cost in theirs]
    ratios = [theirs / median(values) for theirs, values in zip(other, rounds, strict=True)]
    measured = spread(mine, unit, 2 if unit == "s" else 1)
    against = f"airbyte-cdk, {_count(theirs)}: {spread(other, unit, 1)}"
    if bar is None:
        return Row("cdk", what, measured, against, times(ratios, "less"))
    bar_in_words = f"≥ {bar:.0f} × faster"
    return Row("cdk", what, measured, against, times(ratios, "faster"), bar_in_words, median(ratios) >= bar)


def _count(runs: list[Any]) -> str:
    return "1 run" if len(runs) == 1 else f"{len(runs)} runs"


def _pages(counts: dict[str, Any]) -> int:
    """API requests that were answered 200."""
    return sum(by_status.get("200", 0) for path, by_status in counts["answers"].items() if path.startswith("/v1/"))
