"""How full the durable log is; before it is full, nothing more is taken from the broker."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from enum import IntEnum
from typing import Final

import structlog

from microgrid_common.ports.durable_log import AppendId, DurableLog, LogMeasure, Record
from microgrid_common.ports.errors import RetryableError
from microgrid_common.runtime import metrics

PRESSED_AT: Final = 0.70
"""Above this, what every consumer has read goes before its time."""

FILLING_AT: Final = 0.80
NO_LONGER_FILLING_AT: Final = 0.75
"""Above the one and until below the other, operators are told: what fills the log now is unread."""

FULL_AT: Final = 0.90
NO_LONGER_FULL_AT: Final = 0.85
"""Above the one the receiver appends nothing; below the other this counts as over. The rest of the memory is
for those who empty the log: they write what they have done, and would be stuck without it."""

_MEASURE_AFTER_SHARE: Final = 0.01
"""The receiver looks again after appending so much of the limit. Several replicas may do so at once."""

_MEASURE_AFTER: Final = timedelta(seconds=1)
"""Others may append, too."""

log = structlog.get_logger()


class Fill(IntEnum):
    """How full the log is."""

    ROOMY = 0
    FILLING = 1
    FULL = 2


class LogCapacity:
    """Watches how full the log is, and keeps the receiver from filling it to the brim.

    A `LogAppender`. It learns from what it measures itself and from what `observe` is given.

    Args:
        durable_log: the log.
    """

    def __init__(self, durable_log: DurableLog) -> None:
        self._log = durable_log
        self._ratio = 0.0
        self._limit_bytes: int | None = None
        self._may_evict = False
        self._waiting_for = ""
        self._fill = Fill.ROOMY
        self._said_unlimited = False
        self._changed = asyncio.Event()
        self._is_pressed = asyncio.Event()
        self._is_measured = asyncio.Event()
        self._measured_at = float("-inf")
        self._appended_since = 0

    @property
    def fill(self) -> Fill:
        """How full the log was when it was measured last; roomy until it was measured."""
        return self._fill

    @property
    def waiting_for(self) -> str:
        """The consumer groups that have not read everything, the furthest behind first; may be empty."""
        return self._waiting_for

    @property
    def pressed(self) -> bool:
        """Whether what everyone has read should go before its time."""
        return self._is_pressed.is_set()

    async def append(self, records: Sequence[Record], *, append_id: AppendId | None = None) -> None:
        """Append as `DurableLog.append`, while there is room.

        Raises:
            RetryableError: the log is away, or nearly full.
        """
        size = sum(len(record.data) for record in records)
        await self._require_room(size)
        await self._log.append(records, append_id=append_id)

    def observe(self, measure: LogMeasure) -> None:
        """Take note of a measure."""
        self._limit_bytes = limit = measure.memory_limit_bytes
        self._ratio = measure.memory_used_bytes / limit if limit else 0.0
        self._may_evict = measure.may_evict
        if limit is None and not self._said_unlimited:
            self._said_unlimited = True
            log.warning("log_has_no_limit", advice="set maxmemory below the memory of the machine")
        if measure.streams:
            self._waiting_for = _waiting_for(measure)
        metrics.LOG_USED_RATIO.set(self._ratio)
        self._measured_at = asyncio.get_running_loop().time()
        self._appended_since = 0
        self._is_measured.set()
        if self._ratio >= PRESSED_AT:
            self._is_pressed.set()
        else:
            self._is_pressed.clear()
        if (fill := self._next_fill()) is not self._fill:
            self._say(fill)
            self._fill = fill
            self._changed.set()
            self._changed = asyncio.Event()

    async def until_measured(self) -> None:
        """Return when it is known how full the log is."""
        await self._is_measured.wait()

    async def until_pressed(self, *, within: timedelta) -> None:
        """Return when it is `pressed`, or after this time."""
        await _wait(self._is_pressed, within)

    async def until_changed(self, since: Fill, *, within: timedelta) -> None:
        """Return when `fill` is another one than `since`, or after this time."""
        if self._fill is since:
            await _wait(self._changed, within)

    async def ping(self) -> None:
        """Return if messages are taken in.

        Raises:
            RetryableError: they are not, or not safely; it says why.
        """
        if self._limit_bytes and self._may_evict:
            raise RetryableError(
                "redis drops what was not read when it is full: set maxmemory-policy noeviction"
            )
        if self._fill is Fill.FULL:
            raise RetryableError(self._why_full())

    async def _require_room(self, size: int) -> None:
        self._appended_since += size
        seconds = asyncio.get_running_loop().time() - self._measured_at
        allowed = (self._limit_bytes or 0) * _MEASURE_AFTER_SHARE
        if (
            self._fill is Fill.FULL
            or seconds > _MEASURE_AFTER.total_seconds()
            or (self._limit_bytes and self._appended_since > allowed)
        ):
            self.observe(await self._log.measure(()))
        # Not the level, which is slow to fall: while the log is being emptied we go on at that pace.
        if self._ratio >= FULL_AT:
            raise RetryableError(self._why_full())

    def _why_full(self) -> str:
        waiting = f", and {self._waiting_for} has not read it" if self._waiting_for else ""
        return f"the log is {self._ratio:.0%} full{waiting}"

    def _next_fill(self) -> Fill:
        ratio, fill = self._ratio, self._fill
        if ratio >= (NO_LONGER_FULL_AT if fill is Fill.FULL else FULL_AT):
            return Fill.FULL
        if ratio >= (FILLING_AT if fill is Fill.ROOMY else NO_LONGER_FILLING_AT):
            return Fill.FILLING
        return Fill.ROOMY

    def _say(self, fill: Fill) -> None:
        fields = {
            "used_ratio": round(self._ratio, 3),
            "limit_bytes": self._limit_bytes,
            "waiting_for": self._waiting_for,
        }
        match fill:
            case Fill.FULL:
                log.error("log_full", **fields)
            case Fill.FILLING if self._fill is Fill.ROOMY:
                log.warning("log_filling", **fields)
            case Fill.FILLING:
                log.warning("log_no_longer_full", **fields)
            case Fill.ROOMY:
                log.info("log_has_room", **fields)


def _waiting_for(measure: LogMeasure) -> str:
    waiting: Counter[str] = Counter()
    for stream in measure.streams.values():
        for group, figures in stream.groups.items():
            waiting[group] += figures.pending + (figures.lag or 0)
    return ", ".join(group for group, entries in waiting.most_common() if entries)


async def _wait(event: asyncio.Event, within: timedelta) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(within.total_seconds()):
            await event.wait()
