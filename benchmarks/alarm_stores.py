"""Alarm documents and alert records in Redis: a commit of a whole batch, and pages out of many records."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from statistics import median, quantiles

from benchmarks.report import bar
from microgrid_common.adapters.redis.alarm_states import RedisAlarmStates
from microgrid_common.adapters.redis.alert_records import RedisAlertRecords
from microgrid_common.adapters.redis.connection import make_client
from microgrid_common.ports.alarm_states import GridCommit
from microgrid_common.ports.alert_records import AlertQuery
from microgrid_common.schemas.alert import Alert, AlertStatus, Severity
from microgrid_common.testing.samples import SAMPLE_TIME, put_alerts, sample_record
from microgrid_common.testing.servers import redis_server

_GRID = "village"
_DEVICES = [f"meter-{number}" for number in range(10_000)]
_OPEN_ALARMS = 100_000
_WRITTEN_AT_ONCE = 5_000
_ALARMS_PER_SECOND = 3
_REPEATS = 40

_COMMIT_MILLISECONDS = 150
_PAGE_MILLISECONDS = 30

_ALL = AlertQuery(grid_id=_GRID)
_QUERIES = {
    "the newest": _ALL,
    "in the middle": replace(
        _ALL, end=SAMPLE_TIME + timedelta(seconds=_OPEN_ALARMS / _ALARMS_PER_SECOND / 2)
    ),
    "annunciated": replace(_ALL, annunciated=True),
    "active and critical": replace(_ALL, status=AlertStatus.ACTIVE, severity=Severity.CRITICAL),
    "one device": replace(_ALL, device_id=_DEVICES[7]),
    "one rule": replace(_ALL, rule_id="rule-7"),
    "one rule, one device": replace(_ALL, rule_id="rule-7", device_id=_DEVICES[7]),
}


@dataclass(frozen=True, slots=True)
class _Measured:
    name: str
    median_milliseconds: float
    p95_milliseconds: float


def report() -> Iterator[str]:
    """Measure, and say it."""
    with redis_server() as server:
        commits, pages = asyncio.run(_run(server.url))
    yield f"Alarm stores: {len(_DEVICES):,} documents a commit; pages of 50 of {_OPEN_ALARMS:,} open alarms"
    yield f"{'':38}{'median ms':>12}{'p95 ms':>16}"
    for measured in (*commits, *pages):
        yield f"{measured.name:38}{measured.median_milliseconds:12.1f}{measured.p95_milliseconds:16.1f}"
    slowest_commit = max(measured.median_milliseconds for measured in commits)
    slowest_page = max(measured.p95_milliseconds for measured in pages)
    yield bar(f"a commit in {_COMMIT_MILLISECONDS} ms", reached=slowest_commit < _COMMIT_MILLISECONDS)
    yield bar(f"95 of 100 pages in {_PAGE_MILLISECONDS} ms", reached=slowest_page < _PAGE_MILLISECONDS)


async def _run(url: str) -> tuple[list[_Measured], list[_Measured]]:
    client = make_client(url)
    states, records = RedisAlarmStates(client), RedisAlertRecords(client)
    commits = [
        await _commits(states, "commit, only newer readings", with_timers=False),
        await _commits(states, "commit, every timer moved", with_timers=True),
    ]
    for first in range(0, _OPEN_ALARMS, _WRITTEN_AT_ONCE):
        await put_alerts(states, *map(_alarm, range(first, first + _WRITTEN_AT_ONCE)), tell=False)
    pages = [
        await _measured(f"page: {name}", partial(records.find, query)) for name, query in _QUERIES.items()
    ]
    pages.append(await _measured("active alerts counted by severity", partial(records.count_active, _GRID)))
    await client.aclose()
    return commits, pages


async def _commits(states: RedisAlarmStates, name: str, *, with_timers: bool) -> _Measured:
    devices = (await states.load({_GRID: _DEVICES}))[_GRID].devices
    at = SAMPLE_TIME

    async def commit() -> None:
        nonlocal at
        at += timedelta(seconds=1)
        for document in devices.values():
            document.newest = at
            document.newest_metrics = ("consumption_kw", "battery_soc")
        timers = {
            device_id: at + timedelta(microseconds=number) if with_timers else None
            for number, device_id in enumerate(devices)
        }
        if await states.commit([GridCommit(_GRID, grid=None, devices=devices, timers=timers)]) != [True]:
            raise RuntimeError("somebody else writes to the same Redis")

    return await _measured(name, commit)


async def _measured(name: str, act: Callable[[], Awaitable[object]]) -> _Measured:
    milliseconds = []
    for _ in range(_REPEATS):
        start = time.perf_counter()
        await act()
        milliseconds.append((time.perf_counter() - start) * 1000)
    return _Measured(name, median(milliseconds), quantiles(milliseconds, n=20)[-1])


def _alarm(place: int) -> Alert:
    return sample_record(
        SAMPLE_TIME + timedelta(seconds=place // _ALARMS_PER_SECOND),
        number=place + 1,
        grid_id=_GRID,
        device_id=_DEVICES[place % len(_DEVICES)],
        rule_id=f"rule-{place % 20}",
        severity=list(Severity)[place % len(Severity)],
        metrics={"consumption_kw": 14.2},
    )
