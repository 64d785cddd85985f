"""Timers that have come: whom the ticker tells, when, and that it tells nobody twice for nothing."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

import pytest
from services.alert_engine.tests.engine_world import at

from microgrid_alert_engine.ticks import TOLD_AGAIN_AFTER, Ticker
from microgrid_common.ports.durable_log import AppendId, Record
from microgrid_common.ports.errors import RetryableError
from microgrid_common.schemas.streams import readings_stream_of
from microgrid_common.schemas.tick import Tick
from microgrid_common.testing.contracts.alarm_changes import put_timers
from microgrid_common.testing.fakes.alarm_states import FakeAlarmStates
from microgrid_common.testing.fakes.durable_log import FakeDurableLog
from microgrid_common.testing.samples import SAMPLE_TIME
from microgrid_common.testing.waiting import wait_until

SHARDS = 4
GRID = "village"

pytestmark = pytest.mark.usefixtures("virtual_time")


class WatchedLog(FakeDurableLog):
    """Lets something happen as soon as an append is made, before whoever made it knows."""

    def __init__(self) -> None:
        super().__init__()
        self.on_append: Callable[[], None] = lambda: None

    async def append(self, records: Sequence[Record], *, append_id: AppendId | None = None) -> None:
        await super().append(records, append_id=append_id)
        self.on_append()


@dataclass
class Clock:
    """Timers, and a ticker whose clock stands still until it is set."""

    states: FakeAlarmStates = field(default_factory=FakeAlarmStates)
    log: WatchedLog = field(default_factory=WatchedLog)
    now: datetime = SAMPLE_TIME

    def __post_init__(self) -> None:
        self.ticker = Ticker(self.states, self.log, shards=SHARDS, clock=lambda: self.now)

    async def timers(self, grid_id: str = GRID, **timers: float | None) -> None:
        times = {device: None if second is None else at(second) for device, second in timers.items()}
        await put_timers(self.states, grid_id, **times)

    async def pass_time(self, until: float) -> None:
        self.now = at(until)
        await self.ticker.tell_those_due()

    @property
    def ticks(self) -> list[Tick]:
        entries = [entry for entries in self.log.streams.values() for entry in entries]
        assert {entry.kind for entry in entries} <= {"tick"}
        return [Tick.model_validate_json(entry.data) for entry in entries]

    @property
    def told(self) -> list[str]:
        return [device_id for tick in self.ticks for device_id in tick.device_ids]


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def test_a_device_is_told_the_time_when_its_timer_has_come(clock: Clock) -> None:
    await clock.timers(early=10, late=11)
    await clock.pass_time(9.9)
    assert clock.ticks == []
    await clock.pass_time(10)
    assert clock.ticks == [Tick(grid_id=GRID, device_ids=("early",), at=at(10))]


async def test_a_tick_goes_where_the_readings_of_its_grid_go(clock: Clock) -> None:
    grids = [f"village-{number}" for number in range(20)]
    for grid_id in grids:
        await clock.timers(grid_id, meter=0)
    await clock.pass_time(0)
    found = {
        Tick.model_validate_json(entry.data).grid_id: stream
        for stream, entries in clock.log.streams.items()
        for entry in entries
    }
    assert found == {grid_id: readings_stream_of(grid_id, SHARDS) for grid_id in grids}


async def test_while_its_tick_waits_a_device_is_not_told_again(clock: Clock) -> None:
    await clock.timers(meter=0)
    await clock.pass_time(0)
    await clock.timers(other=1)
    await clock.pass_time(1)
    assert clock.told == ["meter", "other"]


async def test_when_its_tick_was_worked_on_its_next_timer_is_told(clock: Clock) -> None:
    await clock.timers(meter=0)
    await clock.pass_time(0)
    await clock.timers(meter=1)
    clock.ticker.worked_on(clock.ticks[0])
    await clock.pass_time(1)
    assert clock.told == ["meter", "meter"]


async def test_so_it_is_when_another_engine_has_worked_on_it(clock: Clock) -> None:
    await clock.timers(meter=0)
    await clock.pass_time(0)
    await clock.timers(meter=5)
    await clock.pass_time(4)
    await clock.pass_time(5)
    assert clock.told == ["meter", "meter"]


async def test_also_when_it_is_worked_on_sooner_than_the_ticker_knows_that_it_was_appended(
    clock: Clock,
) -> None:
    await clock.timers(meter=0)
    clock.log.on_append = lambda: clock.ticker.worked_on(clock.ticks[0])
    await clock.pass_time(0)
    clock.log.on_append = lambda: None
    await clock.timers(meter=1)
    await clock.pass_time(1)
    assert clock.told == ["meter", "meter"]


async def test_what_could_not_be_appended_is_told_the_next_time(clock: Clock) -> None:
    await clock.timers(meter=0)
    clock.log.fail_next(ValueError("no"))
    with pytest.raises(ValueError, match="no"):
        await clock.pass_time(0)
    await clock.pass_time(1)
    assert clock.ticks == [Tick(grid_id=GRID, device_ids=("meter",), at=at(1))]


async def test_a_tick_that_is_lost_is_told_again_after_a_while(clock: Clock) -> None:
    await clock.timers(meter=0)
    await clock.pass_time(0)
    await clock.pass_time(TOLD_AGAIN_AFTER.total_seconds() - 1)
    assert clock.told == ["meter"]
    await clock.pass_time(TOLD_AGAIN_AFTER.total_seconds())
    await clock.pass_time(TOLD_AGAIN_AFTER.total_seconds() + 1)
    assert clock.told == ["meter", "meter"]


async def test_many_devices_of_a_grid_share_ticks_of_a_limited_size(clock: Clock) -> None:
    devices = [f"meter-{number}" for number in range(1_001)]
    await clock.ticker.tell([(GRID, device_id) for device_id in devices])
    assert [len(tick.device_ids) for tick in clock.ticks] == [500, 500, 1]
    assert clock.told == devices


async def test_whoever_is_named_twice_is_told_once_in_the_first_place(clock: Clock) -> None:
    await clock.ticker.tell([(GRID, "b"), (GRID, "a"), ("other", "a"), (GRID, "b")])
    assert [(tick.grid_id, tick.device_ids) for tick in clock.ticks] == [
        (GRID, ("b", "a")),
        ("other", ("a",)),
    ]


async def test_telling_nobody_appends_nothing(clock: Clock) -> None:
    await clock.ticker.tell([])
    assert clock.ticks == []


async def test_while_the_store_or_the_log_is_away_it_waits(clock: Clock) -> None:
    await clock.timers(meter=0)
    clock.states.fail_next(RetryableError("away"), times=3)
    clock.log.fail_next(RetryableError("away"), times=3)
    await clock.pass_time(0)
    assert clock.told == ["meter"]


async def test_it_looks_every_second(clock: Clock) -> None:
    await clock.timers(meter=0.5)
    loop = asyncio.get_running_loop()
    began = loop.time()
    clock.ticker = Ticker(clock.states, clock.log, shards=SHARDS, clock=lambda: at(loop.time() - began))
    running = asyncio.create_task(clock.ticker.run())
    await wait_until(lambda: bool(clock.ticks), timeout=5, description="the tick")
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    assert at(0.5) <= clock.ticks[0].at < at(2)
