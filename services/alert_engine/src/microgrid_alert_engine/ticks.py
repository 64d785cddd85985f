"""Timers become ticks: entries behind everything that already waits in the readings streams."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from datetime import datetime, timedelta
from typing import Final

from microgrid_common.ports.alarm_states import AlarmStates
from microgrid_common.ports.durable_log import LogAppender, Record
from microgrid_common.runtime.backoff import until_it_works
from microgrid_common.schemas.streams import TICK_KIND, readings_stream_of
from microgrid_common.schemas.tick import Tick

TOLD_AGAIN_AFTER: Final = timedelta(minutes=5)
"""A tick that is not worked on for so long may be lost; behind a longer backlog one more does no harm."""

_EVERY_SECONDS: Final = 1.0
_AT_MOST: Final = 10_000
"""Devices looked at in one round, those that are longest overdue."""
_DEVICES_IN_A_TICK: Final = 500


class Ticker:
    """Tells devices the time, through the log, when a timer of theirs has come.

    Every engine does; a tick that comes twice does nothing.

    Args:
        states: where the timers are.
        durable_log: where the ticks go.
        shards: into how many streams the readings are divided.
        clock: the time, aware.
    """

    def __init__(
        self, states: AlarmStates, durable_log: LogAppender, *, shards: int, clock: Callable[[], datetime]
    ) -> None:
        self._states = states
        self._log = durable_log
        self._shards = shards
        self._clock = clock
        self._told: dict[tuple[str, str], datetime] = {}
        """Those whose timer has come, and since when their tick waits in the log."""

    async def run(self) -> None:
        """Tell the time until cancelled."""
        while True:
            await self.tell_those_due()
            await asyncio.sleep(_EVERY_SECONDS)

    async def tell_those_due(self) -> None:
        """Append a tick for each device whose timer has come, unless one is waiting already."""
        due = await until_it_works(
            lambda: self._states.due(None, self._clock(), limit=_AT_MOST), dependency="redis"
        )
        now = self._clock()
        self._told = {
            device: since
            for device in due
            if (since := self._told.get(device)) is not None and now - since < TOLD_AGAIN_AFTER
        }
        new = dict.fromkeys((device for device in due if device not in self._told), now)
        # Before: a tick may be worked on sooner than we know that it was appended.
        self._told |= new
        try:
            await self.tell(new)
        except BaseException:
            for device in new:
                self._told.pop(device, None)
            raise

    async def tell(self, devices: Iterable[tuple[str, str]]) -> None:
        """Append ticks for some devices (grid, device)."""
        by_grid: dict[str, list[str]] = defaultdict(list)
        for grid_id, device_id in dict.fromkeys(devices):
            by_grid[grid_id].append(device_id)
        now = self._clock()
        records = [
            self._record(grid_id, device_ids[start : start + _DEVICES_IN_A_TICK], now)
            for grid_id, device_ids in by_grid.items()
            for start in range(0, len(device_ids), _DEVICES_IN_A_TICK)
        ]
        if records:
            await until_it_works(lambda: self._log.append(records), dependency="redis")

    def worked_on(self, tick: Tick) -> None:
        """A tick has done what it does: the next timer of its devices wants one of its own."""
        for device_id in tick.device_ids:
            self._told.pop((tick.grid_id, device_id), None)

    def _record(self, grid_id: str, device_ids: Collection[str], now: datetime) -> Record:
        tick = Tick(grid_id=grid_id, device_ids=tuple(device_ids), at=now)
        return Record(readings_stream_of(grid_id, self._shards), TICK_KIND, tick.model_dump_json().encode())
