"""A fleet against a real broker that dies and comes back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import aiomqtt
import pytest

from microgrid_common.adapters.mqtt.address import BrokerAddress
from microgrid_common.schemas.backfill import BackfillRequest
from microgrid_common.schemas.status import DeviceStatus, PresenceStatus
from microgrid_common.schemas.telemetry import Sample
from microgrid_common.schemas.topics import TopicKind, parse_topic
from microgrid_common.testing.servers import Mosquitto
from microgrid_common.testing.service_process import service_process
from microgrid_common.testing.waiting import wait_until
from microgrid_common.transforms.decode import decode_telemetry
from microgrid_simulator.fleet import FleetOptions, FleetRecord, running_fleet

pytestmark = pytest.mark.integration


class Heard:
    """What came on the topics of a fleet."""

    def __init__(self) -> None:
        self.numbers: dict[str, list[int]] = {}
        self.statuses: list[tuple[str, DeviceStatus]] = []

    def take(self, topic: str, payload: bytes) -> None:
        address = parse_topic(topic)
        if address is None or address.device_id is None:
            return
        if address.kind is TopicKind.TELEMETRY:
            numbers = self.numbers.setdefault(address.device_id, [])
            numbers.extend(seq for sample in samples_of(payload) if (seq := sample.seq) is not None)
        elif address.kind is TopicKind.STATUS:
            self.statuses.append((address.device_id, DeviceStatus.model_validate_json(payload)))


def samples_of(payload: bytes) -> tuple[Sample, ...]:
    return decode_telemetry(payload)


@asynccontextmanager
async def listening(port: int) -> AsyncIterator[Heard]:
    heard = Heard()

    async def listen(client: aiomqtt.Client) -> None:
        async for message in client.messages:
            heard.take(message.topic.value, bytes(message.payload))

    async with aiomqtt.Client("127.0.0.1", port, clean_session=True) as client:
        await client.subscribe("microgrid/#", qos=1)
        task = asyncio.create_task(listen(client))
        yield heard
        task.cancel()
        await asyncio.wait([task])


def accepted(record: FleetRecord) -> dict[str, list[int]]:
    return {
        boot.device_id: [n for low, high in boot.accepted for n in range(low, high + 1)]
        for boot in record.boots
    }


@pytest.mark.parametrize("connections", [None, 2])
async def test_what_the_record_calls_accepted_is_what_the_broker_handed_on(
    mqtt_url: str, mosquitto_server: Mosquitto, connections: int | None
) -> None:
    options = FleetOptions(devices=5, messages_per_second=200, bad_share=0, connections=connections)
    port = mosquitto_server.port
    async with (
        listening(port) as heard,
        running_fleet(BrokerAddress("127.0.0.1", port), options) as fleet,
    ):
        await fleet.measure(timedelta(seconds=0.5))
        await fleet.until_accepted()
        record = fleet.record()
        expected = accepted(record)
        await wait_until(lambda: heard.numbers == expected, timeout=60, description="all samples, in order")
    assert record.totals["measured"] == record.totals["accepted"] == 100
    births = {device for device, status in heard.statuses if status.status is PresenceStatus.ONLINE}
    assert births == (set() if connections else set(expected))


async def test_a_broker_that_was_away_gets_what_was_measured_meanwhile(
    mqtt_url: str, mosquitto_server: Mosquitto
) -> None:
    options = FleetOptions(devices=10, messages_per_second=200, bad_share=0)
    port = mosquitto_server.port
    async with running_fleet(BrokerAddress("127.0.0.1", port), options) as fleet:
        measuring = asyncio.create_task(fleet.measure(timedelta(seconds=2)))
        await wait_until(
            lambda: fleet.record().totals["accepted"] > 20, timeout=60, description="the first samples"
        )
        await asyncio.to_thread(mosquitto_server.kill)
        await measuring
        assert fleet.record().totals["waiting"] > 0
        await asyncio.to_thread(mosquitto_server.start)
        async with asyncio.timeout(30):
            await fleet.until_accepted()
        totals = fleet.record().totals
    assert totals["measured"] == totals["accepted"] == 400
    assert totals["dropped"] == 0


async def test_a_device_answers_what_it_is_asked_for(mqtt_url: str, mosquitto_server: Mosquitto) -> None:
    options = FleetOptions(devices=3, messages_per_second=100, bad_share=0)
    port = mosquitto_server.port
    async with running_fleet(BrokerAddress("127.0.0.1", port), options) as fleet:
        await fleet.measure(timedelta(seconds=0.5))
        await fleet.until_accepted()
        boot = fleet.record().boots[1]
        async with listening(port) as heard, aiomqtt.Client("127.0.0.1", port) as platform:
            request = BackfillRequest(boot_id=boot.boot_id, ranges=((2, 4), (9, 9)))
            topic = f"microgrid/{boot.grid_id}/device/{boot.device_id}/backfill"
            await platform.publish(topic, request.encode(), qos=1)
            await wait_until(lambda: heard.numbers, timeout=60, description="the answer")
        assert heard.numbers == {boot.device_id: [2, 3, 4, 9]}
        assert fleet.record().boots[1].resent == 4


async def test_as_a_process_it_leaves_its_record(
    mqtt_url: str, mosquitto_server: Mosquitto, tmp_path: Path
) -> None:
    path = tmp_path / "sent.json"
    arguments = ["--broker", mqtt_url, "--record", str(path), "--seconds", "0.5", "--devices", "4"]
    arguments += ["--rate", "100", "--bad-share", "0.2", "--seed", "1"]
    with service_process("microgrid_simulator.fleet", {}, tmp_path, arguments) as process:
        await wait_until(path.exists, timeout=60, description="the record")
        first = FleetRecord.read(path)
        assert process.interrupt() == 0
        assert FleetRecord.read(path) == first
    assert first.totals["accepted"] == first.totals["measured"] == 50
    assert first.totals["bad"] > 0
    assert first.totals["junk"] > 0
