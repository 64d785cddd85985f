"""From the log into the store: everything is stored, or quarantined with the reason, then acknowledged."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from microgrid_common.ports.durable_log import Record
from microgrid_common.ports.errors import PermanentError, RetryableError
from microgrid_common.ports.quarantine import QuarantineFilter
from microgrid_common.schemas.numbering import NumberRange
from microgrid_common.schemas.quarantine import QuarantinedMessage, Reason
from microgrid_common.schemas.reading import Reading, decode_readings, encode_readings
from microgrid_common.schemas.refusal import Refusal, decode_refusals
from microgrid_common.schemas.streams import QUARANTINE_STREAM, READINGS_KIND, REFUSALS_KIND
from microgrid_common.testing.fakes.durable_log import FakeDurableLog
from microgrid_common.testing.fakes.quarantine import FakeQuarantine
from microgrid_common.testing.fakes.rollup_queue import FakeRollupQueue
from microgrid_common.testing.fakes.telemetry_store import FakeTelemetryStore
from microgrid_common.testing.waiting import wait_until
from microgrid_ingestor.historian import HISTORIAN_GROUP, write_history

pytestmark = pytest.mark.usefixtures("virtual_time")

STREAM = "readings:0"
START = datetime(2026, 11, 23, 10, tzinfo=UTC)


def reading(minute: int, *, device_id: str = "meter-1") -> Reading:
    time = START + timedelta(minutes=minute)
    return Reading("village-1", device_id, time, time, {"consumption_kw": float(minute)})


async def append(log: FakeDurableLog, *readings: Reading) -> None:
    await log.append([Record(STREAM, READINGS_KIND, encode_readings(readings))])


@asynccontextmanager
async def historian(
    log: FakeDurableLog, store: FakeTelemetryStore, rollup_queue: FakeRollupQueue | None = None
) -> AsyncIterator[None]:
    consumer = log.consumer(group=HISTORIAN_GROUP, member="a", streams=[STREAM])
    task = asyncio.create_task(write_history(consumer, store, log, rollup_queue or FakeRollupQueue()))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def values(store: FakeTelemetryStore) -> list[float]:
    points = await store.history("village-1", "consumption_kw", start=START, end=START + timedelta(days=1))
    return [point.value for point in points]


async def until_stored(store: FakeTelemetryStore, expected: Sequence[float]) -> None:
    async def stored() -> bool:
        return await values(store) == expected

    await wait_until(stored, timeout=10, description=f"the values {expected} in the store")


def quarantined(log: FakeDurableLog) -> list[QuarantinedMessage]:
    return [QuarantinedMessage.model_validate_json(entry.data) for entry in log.streams[QUARANTINE_STREAM]]


async def test_what_is_in_the_log_comes_into_the_store() -> None:
    log, store = FakeDurableLog(), FakeTelemetryStore()
    await append(log, reading(1), reading(2))
    async with historian(log, store):
        await append(log, reading(3))
        await until_stored(store, [1, 2, 3])


async def test_a_store_that_is_away_gets_everything_when_it_is_back() -> None:
    log, store = FakeDurableLog(), FakeTelemetryStore()
    store.fail_next(RetryableError("away"), times=4)
    async with historian(log, store):
        await append(log, reading(1))
        await append(log, reading(2))
        await until_stored(store, [1, 2])
    assert not quarantined(log)


async def test_what_the_store_refuses_for_good_is_quarantined_alone() -> None:
    log, store = FakeDurableLog(), FakeTelemetryStore()
    refused = reading(2)
    store.refuse(refused)
    await append(log, reading(1), refused, reading(3))
    async with historian(log, store):
        await wait_until(lambda: quarantined(log), timeout=10, description="the refused reading")
        await until_stored(store, [1, 3])
    (kept,) = quarantined(log)
    assert kept.reason is Reason.REJECTED_BY_STORE
    assert kept.defects[0].detail
    assert (kept.grid_id, kept.device_id, kept.received_at) == ("village-1", "meter-1", refused.received_at)
    assert decode_readings(kept.raw) == [refused]


async def test_the_ledger_is_told_of_the_number_that_the_store_refused() -> None:
    log, store = FakeDurableLog(), FakeTelemetryStore()
    refused = replace(reading(2), boot_id="5f2c", seq=17)
    store.refuse(refused)
    await append(log, reading(1), refused)
    async with historian(log, store):
        await wait_until(lambda: quarantined(log), timeout=10, description="the refused reading")
    number = NumberRange(boot_id="5f2c", first=17, last=17)
    (told,) = [entry for entry in log.streams[STREAM] if entry.kind == REFUSALS_KIND]
    assert decode_refusals(told.data) == [
        Refusal(grid_id="village-1", device_id="meter-1", numbers=(number,), by_store=True)
    ]
    assert quarantined(log)[0].numbers == (number,)


async def test_a_store_that_refuses_everything_stops_nothing_that_follows() -> None:
    log, store = FakeDurableLog(), FakeTelemetryStore()
    store.fail_next(PermanentError("no such bucket"))
    await append(log, reading(1))
    async with historian(log, store):
        await wait_until(lambda: quarantined(log), timeout=10, description="the refused reading")
        await append(log, reading(2))
        await until_stored(store, [2])


async def test_an_entry_that_cannot_be_decoded_is_quarantined_and_the_next_is_stored() -> None:
    log, store = FakeDurableLog(), FakeTelemetryStore()
    await log.append([Record(STREAM, READINGS_KIND, b"[{}]")])
    await append(log, reading(2))
    async with historian(log, store):
        await until_stored(store, [2])
    (kept,) = quarantined(log)
    assert (kept.reason, kept.raw) == (Reason.INTERNAL_ERROR, b"[{}]")


async def test_a_historian_that_dies_before_the_store_answers_leaves_the_entry_to_its_successor() -> None:
    log, broken, store = FakeDurableLog(), FakeTelemetryStore(), FakeTelemetryStore()
    broken.fail_next(RetryableError("away"), times=1_000)
    await append(log, reading(1))
    async with historian(log, broken):
        await wait_until(lambda: broken.failures_left < 1_000, timeout=10, description="a first attempt")
    async with historian(log, store):
        await until_stored(store, [1])


async def test_what_is_refused_again_after_a_crash_is_in_quarantine_once() -> None:
    log, store = FakeDurableLog(), FakeTelemetryStore()
    store.refuse(reading(1))
    await append(log, reading(1))
    await log.append([Record(STREAM, READINGS_KIND, b"[{}]")])
    for _ in range(2):
        # Killed when the quarantine has them, and before the acknowledgement.
        consumer = log.consumer(group=HISTORIAN_GROUP, member="a", streams=[STREAM])
        consumer.fail_next(RetryableError("away"), times=1_000, after=1)
        before = len(quarantined(log))
        task = asyncio.create_task(write_history(consumer, store, log, FakeRollupQueue()))
        await wait_until(lambda: len(quarantined(log)) == before + 2, timeout=10, description="both refused")  # noqa: B023 - awaited here
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    assert len((await FakeQuarantine(log).find(QuarantineFilter(), limit=10)).entries) == 2


async def test_no_reading_is_done_with_before_its_rollups_are_marked() -> None:
    log, store = FakeDurableLog(), FakeTelemetryStore()
    broken, rollup_queue = FakeRollupQueue(), FakeRollupQueue()
    broken.fail_next(RetryableError("away"), times=1_000)
    await append(log, reading(1), reading(2), reading(7), reading(1, device_id="meter-2"))
    async with historian(log, store, broken):
        await wait_until(lambda: broken.failures_left < 1_000, timeout=10, description="a first attempt")

    async def all_marked() -> bool:
        return await rollup_queue.waiting() == 3

    async with historian(log, store, rollup_queue):
        await wait_until(all_marked, timeout=10, description="the three buckets that were touched")


async def test_a_reading_that_the_store_refuses_touches_no_rollup() -> None:
    log, store, rollup_queue = FakeDurableLog(), FakeTelemetryStore(), FakeRollupQueue()
    store.refuse(reading(30))
    await append(log, reading(1), reading(30))
    async with historian(log, store, rollup_queue):
        await wait_until(lambda: quarantined(log), timeout=10, description="the refused reading")
        await append(log, reading(2))
        await until_stored(store, [1, 2])

        async def marked() -> bool:
            return await rollup_queue.waiting() > 0

        await wait_until(marked, timeout=10, description="the bucket of the others")
    assert await rollup_queue.waiting() == 1
