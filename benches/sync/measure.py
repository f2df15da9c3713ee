"""The measurements, by name. Each yields rows of the table."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from statistics import median
from typing import Any

import cdk
import curl
from connector import Connector
from programs import Binaries, Cost
from sandbox import Sandbox, sandbox
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

MOST_MIB, FLAT_MIB = 32, 2


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
        """Against curl, which does nothing with the pages."""
        with self.sandbox(**ROWS) as server:
            _, summary = self.connector.checked_read(server)
            pages = curl.pages(server)
            ours, theirs, together = [], [], []
            for _ in _rounds("curl", self.runs):
                ours.append(_with_server(server, lambda: self.connector.read(server)))
                theirs.append(_with_server(server, lambda: pages.fetch()[0]))
                together.append(_with_server(server, lambda: pages.fetch(CONNECTIONS)[0]))
            _, size = pages.fetch()
        wall, base = (median(cost.wall for cost, _ in costs) for costs in (ours, theirs))
        cpu = [cost.cpu for cost, _ in ours]
        peak = [cost.peak for cost, _ in ours]
        yield Row(
            "curl",
            f"{ROWS_IN_WORDS}, {size / 1e6:.0f} MB, no latency: wall",
            spread([cost.wall for cost, _ in ours], "s", 2),
            "curl, one page after another: " + spread([cost.wall for cost, _ in theirs], "s", 2),
            times(wall / base),
            "≤ 1.5 ×",
            wall / base <= 1.5,
        )
        yield Row("curl", "the same: CPU time", spread(cpu, "s", 2), bar="≤ 1 s", held=median(cpu) <= 1)
        yield Row(
            "curl", "the same: peak memory", spread(peak, "MiB", 1), bar=f"≤ {MOST_MIB} MiB", held=max(peak) <= MOST_MIB
        )
        rate = summary["bytes"] / 1e6 / wall
        one, many = (size / 1e6 / median(cost.wall for cost, _ in costs) for costs in (theirs, together))
        yield Row(
            "curl",
            "the same: throughput, against the most that the sandbox gives",
            f"{rate:.0f} MB/s",
            f"curl {one:.0f} MB/s, {CONNECTIONS} at once {many:.0f} MB/s",
            times(rate / max(one, many)),
            "< 1 ×",
            rate < max(one, many),
        )
        busy = [server for _, server in ours]
        yield Row("curl", "the sandbox's own CPU time meanwhile", spread(busy, "s", 2))

    def cdk(self) -> Iterator[Row]:
        """Against Airbyte's low-code engine."""
        environment = cdk.install()
        with self.sandbox(**ROWS) as server:
            self.connector.checked_read(server)
            ours, types, none = [], [], []
            for _ in _rounds("cdk", min(self.runs, 2)):
                types.append(cdk.read(environment, server, normalize=True))
                ours += [self.connector.read(server) for _ in range(self.runs)]
                none.append(cdk.read(environment, server, normalize=False))
        yield _against_cdk(f"{ROWS_IN_WORDS}: wall", ours, types, lambda cost: cost.wall, "s", 50)
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
        ratio = median(one) / median(eight)
        yield Row(
            "latency",
            f"{LATENCY_MS} ms a request: `max_concurrency` 8, {_count(one)}",
            spread(eight, "s", 2),
            "`max_concurrency` 1: " + spread(one, "s", 2),
            f"{times(ratio)} faster",
            "≥ 6 × faster",
            ratio >= 6,
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
                ratio = median(wall / ideal for wall, ideal in zip(walls, ideals, strict=True))
                yield Row(
                    "limit",
                    f"{LIMIT_PER_S} requests a second, {told}: wall, {_count(walls)}",
                    spread(walls, "s", 1),
                    f"pages ÷ {SHARE_OF_LIMIT * LIMIT_PER_S:.0f}/s: " + spread(ideals, "s", 1),
                    times(ratio),
                    "≤ 1.15 ×",
                    ratio <= 1.15,
                )
                yield Row(
                    "limit",
                    "the same: requests answered 429",
                    spread(refused, "%", 1),
                    bar="< 3 %",
                    held=median(refused) < 3,
                )

    def memory(self) -> Iterator[Row]:
        """Peak memory while the data grows."""
        yield from self._memory("BOOKING", "bookings", {10_000: 10_000, 100_000: 100_000, 1_000_000: 1_000_000})
        # So many of each type. Of 10,000 no window fills a page, so that is no measure of growth.
        sizes = {10_000: 1_112, 100_000: 11_112, 1_000_000: 111_112}
        yield from self._memory("TRANSACTION", "transactions", sizes, flat=False)

    def _memory(self, stream: str, option: str, sizes: dict[int, int], flat: bool = True) -> Iterator[Row]:
        peaks: dict[int, list[float]] = {size: [] for size in sizes}
        for _ in _rounds(f"memory, {option}", min(self.runs, 3)):
            for size, number in sizes.items():
                with self.sandbox(**{option: number}) as server:
                    peaks[size].append(self.connector.checked_read(server, (stream,))[0].peak)
        least = median(peaks[min(sizes)])
        for size, values in peaks.items():
            what = f"{size:,} {option}: peak memory, {_count(values)}"
            more = median(values) - least
            compared = "" if size == min(sizes) else f"{more:+.1f} MiB"
            bars, held = f"≤ {MOST_MIB} MiB", max(values) <= MOST_MIB
            if flat and size == max(sizes):
                bars, held = f"{bars}, ≤ +{FLAT_MIB} MiB", held and more <= FLAT_MIB
            yield Row("memory", what, spread(values, "MiB", 1), compared, bar=bars, held=held)

    def spec(self) -> Iterator[Row]:
        """How long the smallest command takes."""
        walls = [1000 * self.connector.spec().wall for _ in range(50)]
        yield Row("spec", "`spec`: wall, 50 runs", spread(walls, "ms", 1), bar="≤ 10 ms", held=median(walls) <= 10)


PARTS = ("curl", "cdk", "latency", "limit", "memory", "spec")


def _rounds(name: str, count: int) -> Iterator[int]:
    for number in range(1, count + 1):
        print(f"{name}: run {number} of {count}", file=sys.stderr)
        yield number


def _against_cdk(
    what: str, ours: list[Cost], theirs: list[Cost], of: Callable[[Cost], float], unit: str, bar: float | None = None
) -> Row:
    mine, other = [of(cost) for cost in ours], [of(cost) for cost in theirs]
    ratio = median(other) / median(mine)
    digits = 2 if unit == "s" else 1
    against = f"airbyte-cdk, {_count(theirs)}: {spread(other, unit, 1)}"
    if bar is None:
        return Row("cdk", what, spread(mine, unit, digits), against, f"{times(ratio)} less")
    return Row(
        "cdk",
        what,
        spread(mine, unit, digits),
        against,
        f"{times(ratio)} faster",
        f"≥ {bar:.0f} × faster",
        ratio >= bar,
    )


def _count(runs: list[Any]) -> str:
    return "1 run" if len(runs) == 1 else f"{len(runs)} runs"


def _with_server(server: Sandbox, run: Callable[[], Cost]) -> tuple[Cost, float]:
    """A run, and what CPU time it cost the server."""
    before = server.cpu()
    return run(), server.cpu() - before


def _pages(counts: dict[str, Any]) -> int:
    """API requests that were answered 200."""
    return sum(by_status.get("200", 0) for path, by_status in counts["answers"].items() if path.startswith("/v1/"))
