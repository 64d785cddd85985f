"""Keeping the streams short: what every consumer has read goes, after a while."""

import asyncio
from datetime import timedelta

from microgrid_common.ports.durable_log import DurableLog
from microgrid_common.runtime.backoff import until_it_works
from microgrid_common.schemas.streams import ALERTS_STREAM, readings_streams

_INTERVAL = timedelta(seconds=30)


async def trim_streams(durable_log: DurableLog, *, shards: int, keep: timedelta) -> None:
    """Trim the readings and alerts streams until cancelled.

    Args:
        durable_log: where the streams are.
        shards: how many streams of readings there are.
        keep: how long an entry stays after it was written, so that a live client can resume.
    """
    while True:
        for stream in (*readings_streams(shards), ALERTS_STREAM):
            await until_it_works(lambda: durable_log.trim(stream, keep=keep), dependency="redis")  # noqa: B023 - awaited here
        await asyncio.sleep(_INTERVAL.total_seconds())
