"""Before the log is full: what was read goes early, operators are told, and the receiver waits."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from microgrid_common.ports.durable_log import AppendId, Record, append_ids
from microgrid_common.ports.errors import RetryableError
from microgrid_common.runtime.alarm_desk import PlatformAlarms
from microgrid_common.schemas.alert import Alert
from microgrid_common.schemas.identifiers import PLATFORM_GRID_ID
from microgrid_common.testing.fakes.alarm_states import FakeAlarmStates
from microgrid_common.testing.fakes.alert_records import FakeAlertRecords
from microgrid_common.testing.fakes.durable_log import FakeDurableLog
from microgrid_common.testing.fakes.message_source import FakeMessageSource
from microgrid_common.testing.waiting import wait_until
from microgrid_ingestor.capacity_alerts import tell_operators
from microgrid_ingestor.device_desk import DeviceDesk
from microgrid_ingestor.log_capacity import Fill, LogCapacity
from microgrid_ingestor.receiver import receive_messages
from microgrid_ingestor.retention import trim_streams

pytestmark = pytest.mark.usefixtures("virtual_time")

STREAM = "readings:0"
LIMIT = 1_000


@pytest.fixture
def log() -> FakeDurableLog:
    log = FakeDurableLog()
    log.memory_limit_bytes = LIMIT
    return log


@pytest.fixture
def capacity(log: FakeDurableLog) -> LogCapacity:
    return LogCapacity(log)


@asynccontextmanager
async def running(task: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    running = asyncio.create_task(task)
    yield
    running.cancel()
    await asyncio.wait([running])


def record(size: int) -> list[Record]:
    return [Record(STREAM, "readings", bytes(size))]


async def fill_to(log: FakeDurableLog, capacity: LogCapacity, used: int) -> None:
    """Let other writers fill the log so far, or empty it."""
    log.streams[STREAM].clear()
    await log.append(record(used))
    capacity.observe(await log.measure([STREAM]))


async def append_many(capacity: LogCapacity, size: int, ids: Iterator[AppendId]) -> None:
    for _ in range(20):
        await capacity.append(record(size), append_id=next(ids))


async def fills(log: FakeDurableLog, capacity: LogCapacity, levels: Sequence[int]) -> list[Fill]:
    seen = []
    for used in levels:
        await fill_to(log, capacity, used)
        seen.append(capacity.fill)
    return seen


async def test_the_level_changes_late_on_the_way_down(log: FakeDurableLog, capacity: LogCapacity) -> None:
    up = await fills(log, capacity, [0, 799, 800, 899, 900, 1_000])
    assert up == [Fill.ROOMY, Fill.ROOMY, Fill.FILLING, Fill.FILLING, Fill.FULL, Fill.FULL]
    down = await fills(log, capacity, [860, 849, 760, 749, 799])
    assert down == [Fill.FULL, Fill.FILLING, Fill.FILLING, Fill.ROOMY, Fill.ROOMY]


async def test_each_change_is_logged_once(log: FakeDurableLog, capacity: LogCapacity) -> None:
    with capture_logs() as lines:
        await fills(log, capacity, [500, 850, 860, 950, 990, 870, 800, 790, 100])
    assert [line["event"] for line in lines] == [
        "log_filling",
        "log_full",
        "log_no_longer_full",
        "log_has_room",
    ]


async def test_the_receiver_stops_before_the_brim_and_nothing_is_lost(
    log: FakeDurableLog, capacity: LogCapacity
) -> None:
    ids = append_ids()
    with pytest.raises(RetryableError, match=r"the log is 9\d% full"):
        await append_many(capacity, 100, ids)
    assert len(log.streams[STREAM]) == 9
    with pytest.raises(RetryableError):
        await capacity.ping()
    await log.trim(STREAM, keep=timedelta(hours=-1))
    append_id = next(ids)
    await capacity.append(record(100), append_id=append_id)
    await capacity.ping()
    assert len(log.streams[STREAM]) == 1


async def test_while_the_log_is_being_emptied_the_receiver_goes_on_and_it_still_counts_as_full(
    log: FakeDurableLog, capacity: LogCapacity
) -> None:
    await fill_to(log, capacity, 950)
    log.streams[STREAM].clear()
    await log.append(record(870))
    await capacity.append(record(10))
    assert capacity.fill is Fill.FULL
    with pytest.raises(RetryableError, match="87% full"):
        await capacity.ping()


async def test_what_others_append_is_noticed(log: FakeDurableLog, capacity: LogCapacity) -> None:
    await capacity.append(record(1))
    await log.append(record(950))
    with pytest.raises(RetryableError):
        await append_many(capacity, 1, append_ids())


async def test_without_a_limit_there_is_always_room_and_a_warning() -> None:
    log = FakeDurableLog()
    capacity = LogCapacity(log)
    with capture_logs() as lines:
        for _ in range(3):
            await capacity.append(record(1_000_000))
            capacity.observe(await log.measure([]))
    await capacity.ping()
    assert [line["event"] for line in lines] == ["log_has_no_limit"]


async def test_while_the_log_is_full_no_message_is_acknowledged(
    log: FakeDurableLog, capacity: LogCapacity, devices: DeviceDesk
) -> None:
    source = FakeMessageSource()
    await fill_to(log, capacity, 950)
    async with running(receive_messages(source, capacity, devices=devices, shards=1)):
        source.arrive("microgrid/data", b"anything")
        await wait_until(lambda: source.unacknowledged, timeout=5, description="the message")
        assert not source.acknowledged
        log.streams[STREAM].clear()
        await wait_until(lambda: source.acknowledged, timeout=10, description="the acknowledgement")
    assert log.streams["quarantine"]


async def test_what_was_read_goes_early_when_memory_is_scarce_and_what_was_not_stays(
    log: FakeDurableLog, capacity: LogCapacity
) -> None:
    old = FakeDurableLog(now=lambda: datetime.now(UTC) - timedelta(minutes=5))
    await old.append(record(400) + record(400))
    log.streams.update(old.streams)
    reader = log.consumer(group="historian", member="a", streams=[STREAM])
    await reader.acknowledge(await reader.read(count=1, wait=timedelta()))
    capacity.observe(await log.measure([STREAM]))
    async with running(trim_streams(log, capacity, shards=1, keep=timedelta(hours=1))):
        await wait_until(lambda: not capacity.pressed, timeout=5, description="room")
    assert len(log.streams[STREAM]) == 1
    assert len(await reader.read(count=10, wait=timedelta())) == 1


async def test_while_there_is_room_what_was_read_stays_for_live_clients(
    log: FakeDurableLog, capacity: LogCapacity
) -> None:
    old = FakeDurableLog(now=lambda: datetime.now(UTC) - timedelta(minutes=5))
    await old.append(record(300) + record(300))
    log.streams.update(old.streams)
    capacity.observe(await log.measure([STREAM]))
    # Both streams are to be trimmed.
    log.fail_next(RetryableError("never"), times=0, after=2)
    async with running(trim_streams(log, capacity, shards=1, keep=timedelta(hours=1))):
        await wait_until(lambda: not log.failures_left, timeout=5, description="a round of trimming")
    assert len(log.streams[STREAM]) == 2


async def active(states: FakeAlarmStates) -> list[Alert]:
    return await FakeAlertRecords(states).active_alerts(PLATFORM_GRID_ID)


async def until_active(states: FakeAlarmStates, *rules: str) -> None:
    async def so() -> bool:
        return sorted(alert.rule_id for alert in await active(states)) == sorted(rules)

    await wait_until(so, timeout=5, description=f"exactly the alerts {rules}")


async def test_operators_are_told_who_is_behind_and_when_it_is_over(
    log: FakeDurableLog, capacity: LogCapacity
) -> None:
    states = FakeAlarmStates()
    log.group(STREAM, "historian")
    async with running(tell_operators(capacity, PlatformAlarms(states), clock=lambda: datetime.now(UTC))):
        await fill_to(log, capacity, 850)
        await until_active(states, "log-filling")
        (filling,) = await active(states)
        assert "historian" in filling.message
        await fill_to(log, capacity, 950)
        await until_active(states, "log-filling", "log-full")
        await fill_to(log, capacity, 800)
        await until_active(states, "log-filling")
        await fill_to(log, capacity, 100)
        await until_active(states)


async def test_an_alert_that_a_dead_replica_raised_is_cleared(
    log: FakeDurableLog, capacity: LogCapacity
) -> None:
    states = FakeAlarmStates()
    dead = LogCapacity(log)
    await fill_to(log, dead, 950)
    async with running(tell_operators(dead, PlatformAlarms(states), clock=lambda: datetime.now(UTC))):
        await until_active(states, "log-filling", "log-full")
    async with running(tell_operators(capacity, PlatformAlarms(states), clock=lambda: datetime.now(UTC))):
        await fill_to(log, capacity, 850)
        await until_active(states, "log-filling")


async def test_a_service_that_starts_leaves_the_alerts_until_it_has_measured(
    log: FakeDurableLog, capacity: LogCapacity
) -> None:
    before, states = LogCapacity(log), FakeAlarmStates()
    await fill_to(log, before, 950)
    async with running(tell_operators(before, PlatformAlarms(states), clock=lambda: datetime.now(UTC))):
        await until_active(states, "log-filling", "log-full")
    async with running(tell_operators(capacity, PlatformAlarms(states), clock=lambda: datetime.now(UTC))):
        await asyncio.sleep(0)
        capacity.observe(await log.measure([STREAM]))
        await asyncio.sleep(0)
    assert len(states.events) == 2


async def test_a_redis_that_drops_what_was_not_read_is_not_ready(
    log: FakeDurableLog, capacity: LogCapacity
) -> None:
    log.may_evict = True
    capacity.observe(await log.measure([]))
    with pytest.raises(RetryableError, match="noeviction"):
        await capacity.ping()
