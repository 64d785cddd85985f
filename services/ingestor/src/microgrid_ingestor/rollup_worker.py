"""From readings to roll-ups: what new or late readings have touched is made again.

A bucket of five minutes is summed up from all of its points, an hour from its five minutes. Both are written
whole, over what was there, so that doing it twice, or again after a crash anywhere, changes nothing.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import structlog

from microgrid_common.ports.errors import PermanentError, RetryableError
from microgrid_common.ports.grid_store import GridStore
from microgrid_common.ports.retention import RAW_KEPT
from microgrid_common.ports.rollup_queue import Bucket, BucketKind, RollupQueue
from microgrid_common.ports.rollup_store import RollupStore, Series
from microgrid_common.ports.telemetry_store import DeviceSpan, TelemetryStore
from microgrid_common.runtime import metrics
from microgrid_common.runtime.backoff import until_it_works
from microgrid_common.transforms.rollups.buckets import BRIDGE_MS, BUCKET_MS
from microgrid_common.transforms.rollups.calendar import Span, hour_of, hours_touched
from microgrid_common.transforms.rollups.rollup import Rollup, add_up, five_minute_rollups
from microgrid_common.transforms.rollups.summary import Summary, summarise

log = structlog.get_logger()

BUCKETS_PER_ROUND = 50
"""Several share the price of asking the queue, each time for some fsyncs of Redis."""

_SAMPLES_AT_ONCE = 20_000
"""As many as are read together, some 3 MB. A device that measures often has more in a single bucket."""

LEASE = timedelta(minutes=1)
"""After this, a bucket that was taken is due again. It is twice as long as a round may last, so that no write
of a round that failed or was cut off can arrive after that of the next one."""

_ROUND = LEASE / 2
_IDLE = timedelta(seconds=1)

_PAUSE_PER_WORK = 2
"""Under a backlog, two thirds of the time are left to the live path. What is marked meanwhile is done once
instead of several times."""

_LONGEST_PAUSE = timedelta(seconds=5)

HOUR_SETTLE = timedelta(seconds=10)
"""Longer than a round: the buckets of a backlog that share an hour are added up once."""

_RAW_IS_WHOLE = RAW_KEPT - timedelta(hours=1)
"""Up to this age no point of a bucket has been deleted, nor will be before the round is over."""


@dataclass(frozen=True, slots=True)
class RollupPorts:
    """What the roll-ups are made with."""

    queue: RollupQueue
    telemetry: TelemetryStore
    rollups: RollupStore
    grids: GridStore
    """Asked in each round, so that a grid's new time zone counts at once."""


def utc_now() -> datetime:
    """The time."""
    return datetime.now(UTC)


async def make_rollups(ports: RollupPorts, *, clock: Callable[[], datetime] = utc_now) -> None:
    """Make roll-ups until cancelled, with a pause after each round that is longer than the round was."""
    loop = asyncio.get_running_loop()
    works = False

    async def one_round() -> int:
        # At the start and after a failure nothing is taken before there is somewhere to write it: it would
        # be nobody's until its lease is over.
        nonlocal works
        if not works:
            metrics.ROLLUP_BUCKETS_WAITING.set(await ports.queue.waiting())
            await ports.rollups.ping()
        works = False
        made = await make_due_rollups(ports, now=clock())
        works = True
        return made

    while True:
        started = loop.time()
        made = await until_it_works(one_round, dependency="rollup_store")
        pause = min((loop.time() - started) * _PAUSE_PER_WORK, _LONGEST_PAUSE.total_seconds())
        await asyncio.sleep(pause if made else _IDLE.total_seconds())


async def make_due_rollups(ports: RollupPorts, *, now: datetime) -> int:
    """Make some of the roll-ups that are due.

    Returns:
        How many buckets were taken; 0 when none is due.

    Raises:
        RetryableError: the queue or a store is away, or slow; the buckets are due again after `LEASE`.
    """
    claims = await ports.queue.take(now=now, until=now + LEASE, limit=BUCKETS_PER_ROUND)
    metrics.ROLLUP_BUCKETS_WAITING.set(await ports.queue.waiting())
    if not claims:
        return 0
    try:
        async with asyncio.timeout(_ROUND.total_seconds()):
            await _make([claim.bucket for claim in claims], ports, now)
    except PermanentError:
        # Nobody can tell which of them is to blame: all are due again after the lease.
        log.exception("rollups_refused", buckets=[claim.bucket for claim in claims])
    except TimeoutError as error:
        raise RetryableError("a round of roll-ups took too long") from error
    else:
        await ports.queue.done(claims)
    return len(claims)


async def _make(buckets: Sequence[Bucket], ports: RollupPorts, now: datetime) -> None:
    zones = {
        grid_id: (await ports.grids.get(grid_id)).zone for grid_id in {bucket.grid_id for bucket in buckets}
    }
    fives = _whole([bucket for bucket in buckets if bucket.kind is BucketKind.FIVE_MINUTES], now)
    hours = [bucket for bucket in buckets if bucket.kind is BucketKind.HOUR]
    if fives:
        await _make_summaries(fives, ports)
        # Before the buckets are done: after a crash in between they are made again, and mark again.
        await ports.queue.mark(
            {
                Bucket(BucketKind.HOUR, bucket.grid_id, bucket.device_id, hour.start_ms): now + HOUR_SETTLE
                for bucket in fives
                for hour in hours_touched(bucket.start_ms, zones[bucket.grid_id])
            }
        )
    if hours:
        await _make_hours(hours, ports, zones)


def _whole(buckets: Sequence[Bucket], now: datetime) -> list[Bucket]:
    """The buckets whose points are all there still: what is left of others would replace right figures."""
    earliest_ms = int((now - _RAW_IS_WHOLE).timestamp() * 1000)
    whole = [bucket for bucket in buckets if bucket.start_ms >= earliest_ms]
    if len(whole) < len(buckets):
        log.warning("rollups_too_late", count=len(buckets) - len(whole))
    return whole


async def _make_summaries(buckets: Sequence[Bucket], ports: RollupPorts) -> None:
    spans = [
        DeviceSpan(bucket.grid_id, bucket.device_id, bucket.start_ms, bucket.start_ms + BUCKET_MS)
        for bucket in buckets
    ]
    rows: list[tuple[Series, Summary]] = []
    at_once = 1
    while spans:
        some, spans = spans[:at_once], spans[at_once:]
        samples_read = 0
        for span, samples in zip(some, await ports.telemetry.device_samples(some), strict=True):
            for metric, points in samples.items():
                series = Series(span.grid_id, span.device_id, metric)
                rows.extend((series, summary) for summary in summarise(metric, points))
                samples_read += len(points)
            await asyncio.sleep(0)
        at_once = max(1, _SAMPLES_AT_ONCE * len(some) // max(1, samples_read))
    await ports.rollups.write_summaries(rows)
    metrics.ROLLUPS_MADE.labels(kind=BucketKind.FIVE_MINUTES.value).inc(len(rows))


async def _make_hours(buckets: Sequence[Bucket], ports: RollupPorts, zones: Mapping[str, ZoneInfo]) -> None:
    hours = [hour_of(bucket.start_ms, zones[bucket.grid_id]) for bucket in buckets]
    spans = [
        DeviceSpan(bucket.grid_id, bucket.device_id, hour.start_ms - BRIDGE_MS, hour.end_ms + BRIDGE_MS)
        for bucket, hour in zip(buckets, hours, strict=True)
    ]
    rows: list[tuple[Series, Rollup]] = []
    found = await ports.rollups.device_summaries(spans)
    for span, hour, summaries in zip(spans, hours, found, strict=True):
        for metric, of_metric in summaries.items():
            if (row := _hour(metric, of_metric, hour)) is not None:
                rows.append((Series(span.grid_id, span.device_id, metric), row))
        await asyncio.sleep(0)
    await ports.rollups.write_hours(rows)
    metrics.ROLLUPS_MADE.labels(kind=BucketKind.HOUR.value).inc(len(rows))


def _hour(metric: str, summaries: Sequence[Summary], hour: Span) -> Rollup | None:
    fives = five_minute_rollups(metric, summaries, hour)
    return add_up(fives, hour) if fives else None
