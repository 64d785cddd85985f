"""From the broker into the log: a message is acknowledged when it is durable, and never before."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import pytest

from microgrid_common.ports.errors import PermanentError, RetryableError
from microgrid_common.schemas.device import Device
from microgrid_common.schemas.quarantine import QuarantinedMessage, Reason
from microgrid_common.schemas.reading import decode_readings
from microgrid_common.schemas.streams import READINGS_KIND, readings_stream_of
from microgrid_common.testing.fakes.device_registry import FakeDeviceRegistry
from microgrid_common.testing.fakes.durable_log import FakeDurableLog
from microgrid_common.testing.fakes.link_store import FakeLinkStore
from microgrid_common.testing.fakes.message_source import FakeMessageSource
from microgrid_common.testing.waiting import wait_until
from microgrid_ingestor.device_desk import DeviceDesk
from microgrid_ingestor.receiver import receive_messages

pytestmark = pytest.mark.usefixtures("virtual_time")

SHARDS = 2
TOPIC = "microgrid/village-1/device/meter-1/telemetry"
STREAM = readings_stream_of("village-1", SHARDS)


def payload(second: int) -> bytes:
    time = f"2026-11-23T10:00:{second:02}.000Z"
    return f'{{"schema":1,"timestamp":"{time}","metrics":{{"consumption_kw":{second}.5}}}}'.encode()


@asynccontextmanager
async def receiving(
    source: FakeMessageSource, log: FakeDurableLog, devices: DeviceDesk
) -> AsyncIterator[None]:
    task = asyncio.create_task(receive_messages(source, log, devices=devices, shards=SHARDS))
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


async def test_a_message_is_acknowledged_once_it_is_in_the_log(devices: DeviceDesk) -> None:
    source, log = FakeMessageSource(), FakeDurableLog()
    async with receiving(source, log, devices):
        source.arrive(TOPIC, payload(1))
        await wait_until(lambda: source.acknowledged, timeout=5, description="the acknowledgement")
    assert stored(log) == [1.5]


async def test_while_the_log_is_away_nothing_is_acknowledged_and_nothing_is_lost(devices: DeviceDesk) -> None:
    source, log = FakeMessageSource(), FakeDurableLog()
    log.fail_next(RetryableError("away"), times=3)
    async with receiving(source, log, devices):
        source.arrive(TOPIC, payload(1))
        await wait_until(lambda: source.unacknowledged, timeout=5, description="the message")
        await wait_until(lambda: source.acknowledged, timeout=10, description="the acknowledgement")
    assert stored(log) == [1.5]


async def test_what_gathers_during_an_append_goes_into_one_entry(devices: DeviceDesk) -> None:
    source, log = FakeMessageSource(), FakeDurableLog()
    for second in range(30):
        source.arrive(TOPIC, payload(second))
    async with receiving(source, log, devices):
        await wait_until(lambda: len(source.acknowledged) == 30, timeout=5, description="30 acknowledgements")
    assert len(log.streams[STREAM]) == 1
    assert stored(log) == [second + 0.5 for second in range(30)]


async def test_a_receiver_that_dies_before_the_append_leaves_the_message_to_the_broker(
    devices: DeviceDesk,
) -> None:
    source, broken, log = FakeMessageSource(), FakeDurableLog(), FakeDurableLog()
    broken.fail_next(RetryableError("away"), times=1_000)
    async with receiving(source, broken, devices):
        source.arrive(TOPIC, payload(1))
        await wait_until(lambda: source.unacknowledged, timeout=5, description="the message")
    assert not source.acknowledged
    source.reconnect()
    async with receiving(source, log, devices):
        await wait_until(lambda: source.acknowledged, timeout=5, description="the acknowledgement")
    assert stored(log) == [1.5]


async def test_a_bad_message_is_acknowledged_from_quarantine_and_the_next_is_processed(
    devices: DeviceDesk,
) -> None:
    source, log = FakeMessageSource(), FakeDurableLog()
    async with receiving(source, log, devices):
        source.arrive(TOPIC, b"not json")
        source.arrive(TOPIC, payload(1))
        await wait_until(lambda: len(source.acknowledged) == 2, timeout=5, description="both")
    assert len(log.streams["quarantine"]) == 1
    assert stored(log) == [1.5]


async def test_a_registered_device_enriches_its_readings_from_the_first_message_on(
    devices: DeviceDesk, registry: FakeDeviceRegistry
) -> None:
    source, log = FakeMessageSource(), FakeDurableLog()
    await registry.put([Device(grid_id="village-1", device_id="meter-1", device_type="meter")])
    registry.fail_next(RetryableError("away"), times=2)
    source.arrive(TOPIC, payload(1))
    async with receiving(source, log, devices):
        await wait_until(lambda: source.acknowledged, timeout=10, description="the acknowledgement")
    (entry,) = log.streams[STREAM]
    assert [reading.device_type for reading in decode_readings(entry.data)] == ["meter"]


async def test_what_a_stranger_sends_waits_in_quarantine_where_only_registered_devices_are_wanted(
    devices: DeviceDesk,
) -> None:
    source, log = FakeMessageSource(), FakeDurableLog()
    async with receiving(source, log, replace(devices, only_registered=True)):
        source.arrive(TOPIC, payload(1))
        await wait_until(lambda: source.acknowledged, timeout=5, description="the acknowledgement")
    (entry,) = log.streams["quarantine"]
    assert QuarantinedMessage.model_validate_json(entry.data).reason is Reason.UNKNOWN_DEVICE


async def test_a_last_will_is_acknowledged_once_the_link_is_known_to_be_down(
    devices: DeviceDesk, links: FakeLinkStore
) -> None:
    source, log = FakeMessageSource(), FakeDurableLog()
    links.fail_next(RetryableError("away"), times=2)
    async with receiving(source, log, devices):
        source.arrive("microgrid/village-1/device/meter-1/status", b'{"schema":1,"status":"offline"}')
        await wait_until(lambda: source.acknowledged, timeout=10, description="the acknowledgement")
    assert not links.links["village-1", "meter-1"].connected


async def test_what_is_wrong_with_links_stops_no_reading(devices: DeviceDesk, links: FakeLinkStore) -> None:
    source, log = FakeMessageSource(), FakeDurableLog()
    links.fail_next(PermanentError("wrong type"))
    async with receiving(source, log, devices):
        source.arrive("microgrid/village-1/device/meter-1/status", b'{"schema":1,"status":"online"}')
        source.arrive(TOPIC, payload(1))
        await wait_until(lambda: len(source.acknowledged) == 2, timeout=5, description="both")
    assert stored(log) == [1.5]


async def test_who_was_heard_is_known_after_the_next_round(devices: DeviceDesk, links: FakeLinkStore) -> None:
    source, log = FakeMessageSource(), FakeDurableLog()
    async with receiving(source, log, devices):
        source.arrive(TOPIC, payload(1))
        await wait_until(lambda: source.acknowledged, timeout=5, description="the acknowledgement")
    await devices.keeper.make_round(listening=True)
    assert links.links["village-1", "meter-1"].metrics == ("consumption_kw",)
