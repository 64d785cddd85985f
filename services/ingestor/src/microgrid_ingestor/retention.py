"""Letting go: of what every consumer has read, of what quarantine may not hold, of old data."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from time import monotonic

import structlog

from microgrid_common.ports.durable_log import DurableLog
from microgrid_common.ports.quarantine import Quarantine, QuarantineLimits
from microgrid_common.ports.rollup_store import RollupStore
from microgrid_common.ports.telemetry_store import TelemetryStore
from microgrid_common.runtime.backoff import until_it_works
from microgrid_common.schemas.streams import ALERTS_STREAM, COMMANDS_STREAM, readings_streams
from microgrid_ingestor.log_capacity import LogCapacity

log = structlog.get_logger()

_INTERVAL = timedelta(seconds=30)

_PRESSED_INTERVAL = timedelta(seconds=1)
"""While memory is scarce: a store that catches up makes room as fast as it reads."""

_SHORTEST_KEEP = timedelta(seconds=1)
"""What was read may go at once when memory is scarce, but for what live clients are about to be sent."""

_QUARANTINE_INTERVAL = timedelta(seconds=1)
"""Short, so that a flood of bad messages goes past the bound by what arrives in a second."""

_FORGET_INTERVAL = timedelta(hours=1)

_SAY_AGAIN = timedelta(minutes=1)
"""A flood can last for hours."""


async def trim_streams(
    durable_log: DurableLog, capacity: LogCapacity, *, shards: int, keep: timedelta
) -> None:
    """Trim all streams but quarantine until cancelled: what a consumer group has not read stays.

    Args:
        durable_log: where the streams are.
        capacity: how full it is.
        shards: how many streams of readings there are.
        keep: how long an entry stays after it was written, so that a live client can resume; shorter when
            memory is scarce.
    """
    streams = (*readings_streams(shards), ALERTS_STREAM, COMMANDS_STREAM)
    while True:
        await _trim(durable_log, streams, keep)
        shorter = keep / 2
        while capacity.pressed and shorter >= _SHORTEST_KEEP:
            await _trim(durable_log, streams, shorter)
            capacity.observe(await until_it_works(lambda: durable_log.measure(streams), dependency="redis"))
            shorter /= 2
        await asyncio.sleep(_PRESSED_INTERVAL.total_seconds())
        await capacity.until_pressed(within=_INTERVAL - _PRESSED_INTERVAL)


async def _trim(durable_log: DurableLog, streams: Sequence[str], keep: timedelta) -> None:
    for stream in streams:
        await until_it_works(lambda: durable_log.trim(stream, keep=keep), dependency="redis")  # noqa: B023 - awaited here


async def forget_old_data(telemetry: TelemetryStore, rollups: RollupStore) -> None:
    """Delete readings and roll-ups that are past their retention, until cancelled."""
    while True:
        for store in (telemetry, rollups):
            now = datetime.now(UTC)
            deleted = await until_it_works(lambda: store.forget(now), dependency="telemetry_store")  # noqa: B023 - awaited here
            if deleted:
                log.info("old_data_deleted", store=type(store).__name__, rows=deleted)
        await asyncio.sleep(_FORGET_INTERVAL.total_seconds())


async def bound_quarantine(quarantine: Quarantine, *, limits: QuarantineLimits) -> None:
    """Let go of what quarantine may not hold, until cancelled.

    Messages that nobody has looked at go last, and are told of as an error; `stream_metrics` shows how many
    have gone in all.
    """
    open_for_room = open_for_age = 0
    said_at = float("-inf")
    while True:
        dropped = await until_it_works(
            lambda: quarantine.drop_beyond(limits, now=datetime.now(UTC)), dependency="redis"
        )
        open_for_room += dropped.open_for_room
        open_for_age += dropped.open_for_age
        if (open_for_room or open_for_age) and monotonic() - said_at >= _SAY_AGAIN.total_seconds():
            log.error("quarantine_dropped_open_messages", for_room=open_for_room, for_age=open_for_age)
            said_at = monotonic()
            open_for_room = open_for_age = 0
        await asyncio.sleep(_QUARANTINE_INTERVAL.total_seconds())
