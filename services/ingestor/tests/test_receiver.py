"""From the broker into the log: a message is acknowledged when it is durable, and never before."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from microgrid_common.ports.errors import RetryableError
from microgrid_common.schemas.reading import decode_readings
from microgrid_common.schemas.streams import READINGS_KIND, readings_stream_of
from microgrid_common.testing.fakes.durable_log import FakeDurableLog
from microgrid_common.testing.fakes.message_source import FakeMessageSource
from microgrid_common.testing.waiting import wait_until
from microgrid_ingestor.receiver import receive_messages

SHARDS = 2
TOPIC = "microgrid/village-1/device/meter-1/telemetry"
STREAM = readings_stream_of("village-1", SHARDS)


def payload(second: int) -> bytes:
    time = f"2026-11-23T10:00:{second:02}.000Z"
    return f'{{"schema":1,"timestamp":"{time}","metrics":{{"consumption_kw":{second}.5}}}}'.encode()


@asynccontextmanager
async def receiving(source: FakeMessageSource, log: FakeDurableLog) -> AsyncIterator[None]:
    task = asyncio.create_task(receive_messages(source, log, registry={}, shards=SHARDS))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def stored(log: FakeDurableLog) -> list[float]:
    return [
        reading.metrics["consumption_kw"]
        for entry in log.streams[STREAM]
        if entry.kind == READINGS_KIND
        for reading in decode_readings(entry.data)
    ]


async def test_a_message_is_acknowledged_once_it_is_in_the_log() -> None:
    source, log = FakeMessageSource(), FakeDurableLog()
    async with receiving(source, log):
        source.arrive(TOPIC, payload(1))
        await wait_until(lambda: source.acknowledged, timeout=5, description="the acknowledgement")
    assert stored(log) == [1.5]


async def test_while_the_log_is_away_nothing_is_acknowledged_and_nothing_is_lost() -> None:
    source, log = FakeMessageSource(), FakeDurableLog()
    log.fail_next(RetryableError("away"), times=3)
    async with receiving(source, log):
        source.arrive(TOPIC, payload(1))
        await wait_until(lambda: source.unacknowledged, timeout=5, description="the message")
        await wait_until(lambda: source.acknowledged, timeout=10, description="the acknowledgement")
    assert stored(log) == [1.5]


async def test_what_gathers_during_an_append_goes_into_one_entry() -> None:
    source, log = FakeMessageSource(), FakeDurableLog()
    for second in range(30):
        source.arrive(TOPIC, payload(second))
    async with receiving(source, log):
        await wait_until(lambda: len(source.acknowledged) == 30, timeout=5, description="30 acknowledgements")
    assert len(log.streams[STREAM]) == 1
    assert stored(log) == [second + 0.5 for second in range(30)]


async def test_a_receiver_that_dies_before_the_append_leaves_the_message_to_the_broker() -> None:
    source, broken, log = FakeMessageSource(), FakeDurableLog(), FakeDurableLog()
    broken.fail_next(RetryableError("away"), times=1_000)
    async with receiving(source, broken):
        source.arrive(TOPIC, payload(1))
        await wait_until(lambda: source.unacknowledged, timeout=5, description="the message")
    assert not source.acknowledged
    source.reconnect()
    async with receiving(source, log):
        await wait_until(lambda: source.acknowledged, timeout=5, description="the acknowledgement")
    assert stored(log) == [1.5]


async def test_a_bad_message_is_acknowledged_from_quarantine_and_the_next_is_processed() -> None:
    source, log = FakeMessageSource(), FakeDurableLog()
    async with receiving(source, log):
        source.arrive(TOPIC, b"not json")
        source.arrive(TOPIC, payload(1))
        await wait_until(lambda: len(source.acknowledged) == 2, timeout=5, description="both")
    assert len(log.streams["quarantine"]) == 1
    assert stored(log) == [1.5]
