"""How far the readings are on their way through the streams: Redis is asked, not the measured process."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from microgrid_common.schemas.streams import readings_streams

HISTORIAN_GROUP: Final = "historian"

_POLL_SECONDS: Final = 0.01
"""A question costs Redis and us half a millisecond: some percent of one core."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What has become of all entries."""

    entries: int
    """How many have been appended."""
    unstored: int
    """How many of them the historian has not acknowledged."""
    unread: int
    """How many acknowledgements of any consumer group are still to come."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When something was so for the first time, and what the work had cost until then."""

    seconds: float
    """Since the beginning."""
    cpu_seconds: float
    """Of the measured processes together, since the beginning."""


@dataclass(frozen=True, slots=True)
class Drained:
    """When a backlog was worked off."""

    durable: Moment
    """The last reading was in the streams."""
    stored: Moment
    """The last reading was in the telemetry store."""
    done: Moment
    """Every consumer of the streams had come to their end."""


async def progress(redis: Redis, shards: int) -> Progress:
    """How far it is now. Exact as long as nothing is trimmed from the streams."""
    async with redis.pipeline(transaction=False) as pipeline:
        for stream in readings_streams(shards):
            pipeline.xlen(stream)
            pipeline.xinfo_groups(stream)
        answers = await pipeline.execute(raise_on_error=False)
    entries = unstored = unread = 0
    for length, groups in zip(answers[::2], answers[1::2], strict=True):
        if not length or isinstance(groups, ResponseError):
            continue  # There is no such stream yet.
        left = {group["name"].decode(): _left(group) for group in groups}
        entries += length
        unstored += left.get(HISTORIAN_GROUP, length)
        unread += sum(left.values())
    return Progress(entries, unstored, unread)


def _left(group: Mapping[str, Any]) -> int:
    return int(group["lag"] or 0) + int(group["pending"])


async def drained(
    redis: Redis,
    shards: int,
    *,
    cpu_seconds: Callable[[], float],
    is_complete: Callable[[], Awaitable[bool]],
) -> Drained:
    """Wait until a backlog is worked off; it begins now.

    Args:
        redis: where the streams are.
        shards: how many of them.
        cpu_seconds: what the measured processes have used.
        is_complete: whether everything has been appended; asked only when nothing moves.
    """
    start, cpu_at_start = time.perf_counter(), cpu_seconds()
    entries, durable, stored = 0, Moment(0, 0), Moment(0, 0)
    is_stored = False
    while True:
        now = await progress(redis, shards)
        moment = Moment(time.perf_counter() - start, cpu_seconds() - cpu_at_start)
        if now.entries > entries:
            entries, durable, is_stored = now.entries, moment, False
        if entries and not now.unstored and not is_stored:
            stored, is_stored = moment, True
        if is_stored and not now.unread and await is_complete():
            return Drained(durable, stored, moment)
        await asyncio.sleep(_POLL_SECONDS)
