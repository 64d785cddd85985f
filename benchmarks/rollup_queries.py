"""Questions to the roll-ups: a month by five minutes, a year by hours and by days, of both stores."""

import asyncio
import math
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from zoneinfo import ZoneInfo

from microgrid_common.adapters.influx.rollup_store import InfluxRollupStore, set_up_buckets
from microgrid_common.adapters.influx.server import InfluxServer
from microgrid_common.adapters.sqlite.rollup_store import SqliteRollupStore
from microgrid_common.ports.rollup_store import RollupStore, Series
from microgrid_common.runtime.garbage import relax_garbage_collection
from microgrid_common.runtime.rollup_history import Resolution, read_rollups
from microgrid_common.testing.servers import influxdb
from microgrid_common.transforms.rollups.buckets import BUCKET_MS
from microgrid_common.transforms.rollups.calendar import DAY_MS, HOUR_MS, Span
from microgrid_common.transforms.rollups.devices import across_devices
from microgrid_common.transforms.rollups.rollup import Rollup
from microgrid_common.transforms.rollups.summary import Summary

_GRID = "village"
_METRIC = "consumption_kw"
_DEVICES = ("meter-1", "meter-2", "meter-3")
_MONTH_MS = 30 * DAY_MS
_YEAR_MS = 365 * DAY_MS
_REPEATS = 9


@dataclass(frozen=True, slots=True)
class _Question:
    title: str
    resolution: Resolution
    length_ms: int
    device_id: str | None
    limit_milliseconds: float | None


_QUESTIONS = (
    _Question("30 days by 5 minutes", Resolution.FIVE_MINUTES, _MONTH_MS, _DEVICES[0], 100),
    _Question("1 year by hours", Resolution.HOUR, _YEAR_MS, _DEVICES[0], 150),
    _Question("1 year by days", Resolution.DAY, _YEAR_MS, _DEVICES[0], None),
    _Question("1 year by hours, 3 devices", Resolution.HOUR, _YEAR_MS, None, None),
)


@dataclass(frozen=True, slots=True)
class QueryResult:
    """How long a question took, from asking to figures in Python."""

    name: str
    rows: int
    median_milliseconds: float
    limit_milliseconds: float | None
    """What it may take; None where nothing is promised."""


def run() -> list[QueryResult]:
    """Fill both stores with a month of five minutes and a year of hours, and ask them."""
    return asyncio.run(_run())


async def _run() -> list[QueryResult]:
    # As every service does that reads them.
    relax_garbage_collection()
    results: list[QueryResult] = []
    with TemporaryDirectory() as folder:
        async with SqliteRollupStore(Path(folder) / "rollups.sqlite3") as store:
            results += await _measure("SQLite", store)
    with influxdb(backend="process") as server:
        url, token, org = server.url, server.token, server.org
        async with InfluxServer(url=url, token=token, org=org) as influx:
            await set_up_buckets(influx, "bench")
        async with InfluxRollupStore(url=url, token=token, org=org, bucket="bench") as store:
            results += await _measure("InfluxDB", store)
    return results


async def _measure(name: str, store: RollupStore) -> list[QueryResult]:
    end_ms = int(time.time() * 1000) // HOUR_MS * HOUR_MS
    for device_id in _DEVICES:
        series = Series(_GRID, device_id, _METRIC)
        await store.write_summaries([(series, summary) for summary in _month(end_ms)])
        await store.write_hours([(series, hour) for hour in _year(end_ms)])
    return [await _ask(name, store, question, end_ms) for question in _QUESTIONS]


async def _ask(name: str, store: RollupStore, question: _Question, end_ms: int) -> QueryResult:
    milliseconds: list[float] = []
    rows = 0
    for _ in range(_REPEATS):
        start = time.perf_counter()
        by_device = await read_rollups(
            store,
            _GRID,
            _METRIC,
            resolution=question.resolution,
            span=Span(end_ms - question.length_ms, end_ms),
            zone=ZoneInfo("Africa/Nairobi"),
            device_id=question.device_id,
        )
        rows = len(across_devices(_METRIC, by_device))
        milliseconds.append((time.perf_counter() - start) * 1000)
    return QueryResult(
        f"{name}: {question.title}", rows, statistics.median(milliseconds), question.limit_milliseconds
    )


def _kilowatts(time_ms: int) -> float:
    return 5 + 4 * math.sin(time_ms / DAY_MS * 2 * math.pi)


def _month(end_ms: int) -> Iterator[Summary]:
    for start_ms in range(end_ms - _MONTH_MS, end_ms, BUCKET_MS):
        first_ms, last_ms = start_ms + 1_000, start_ms + 296_000
        mean, first, last = map(_kilowatts, (start_ms, first_ms, last_ms))
        covered_ms = last_ms - first_ms
        yield Summary(
            start_ms,
            60,
            mean,
            mean / 2,
            mean * 2,
            first_ms,
            first,
            last_ms,
            last,
            covered_ms,
            mean * covered_ms / HOUR_MS,
            0.0,
        )


def _year(end_ms: int) -> Iterator[Rollup]:
    for start_ms in range(end_ms - _YEAR_MS, end_ms, HOUR_MS):
        mean = _kilowatts(start_ms)
        yield Rollup(start_ms, start_ms + HOUR_MS, 720, mean, mean / 2, mean * 2, HOUR_MS, mean, 0.0)
