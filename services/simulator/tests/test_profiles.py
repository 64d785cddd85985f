"""The profiles: what their devices publish is what the platform takes."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from microgrid_common.schemas.backfill import BackfillRequest
from microgrid_common.schemas.status import DeviceStatus, PresenceStatus
from microgrid_common.schemas.topics import TopicKind, parse_topic
from microgrid_common.transforms.pipeline import process
from microgrid_simulator.device import OutgoingMessage
from microgrid_simulator.plant import plant_state
from microgrid_simulator.profiles import (
    ProfileName,
    ProfileOptions,
    SimulatedDevice,
    simulated_devices,
)
from microgrid_simulator.prototype import PrototypeReading, alerts_of
from microgrid_simulator.village import VILLAGE_GRID_ID

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


def devices(profile: ProfileName, *, count: int = 4, seed: int = 1) -> list[SimulatedDevice]:
    return simulated_devices(profile, ProfileOptions(devices=count, seed=seed, boot_id="5f2c"))


def messages_of(device: SimulatedDevice, time: datetime = NOW) -> list[OutgoingMessage]:
    """What a device sends of one measurement."""
    device.measure(time)
    messages = []
    while message := device.outbox.next_message():
        messages.append(message)
        device.outbox.sent(message)
    return messages


def metrics_of(device: SimulatedDevice) -> dict[str, float]:
    (message,) = messages_of(device)
    metrics: dict[str, float] = json.loads(message.payload)["metrics"]
    return metrics


def test_the_prototype_publishes_its_data_and_then_the_alerts_of_it_as_plain_text() -> None:
    (device,) = devices("prototype")
    assert device.presence is None
    alerts = 0
    for _ in range(200):
        data, *texts = messages_of(device)
        assert data.topic == "microgrid/data"
        assert {message.topic for message in texts} <= {"microgrid/alerts"}
        values: dict[str, Any] = json.loads(data.payload)
        assert [message.payload.decode() for message in texts] == alerts_of(PrototypeReading(**values))
        alerts += len(texts)
    assert alerts > 0


@pytest.mark.parametrize("profile", ["prototype", "village"])
def test_the_platform_takes_every_message_without_a_defect(profile: ProfileName) -> None:
    for device in devices(profile, count=9):
        for hour in range(24):
            time = NOW + timedelta(hours=hour)
            for message in messages_of(device, time):
                outcome = process(message.topic, message.payload, time, {})
                assert outcome.defects == ()
                assert outcome.readings or outcome.notice


@pytest.mark.parametrize("count", [1, 4, 9])
def test_a_village_has_as_many_devices_as_it_is_told_each_with_its_own_id(count: int) -> None:
    village = devices("village", count=count)
    topics = {message.topic for device in village for message in messages_of(device)}
    addresses = [parse_topic(topic) for topic in topics]
    assert len(village) == len({device.name for device in village}) == len(topics) == count
    assert {(address.grid_id, address.kind) for address in addresses if address} == {
        (VILLAGE_GRID_ID, TopicKind.TELEMETRY)
    }


@pytest.mark.parametrize("count", [4, 9, 12])
def test_the_devices_of_a_kind_share_the_power_among_them(count: int) -> None:
    village = [metrics_of(device) for device in devices("village", count=count)]
    state = plant_state(1, NOW)
    for name, whole in (
        ("generation_kw", state.generation_kw),
        ("consumption_kw", state.consumption_kw),
        ("battery_power_kw", state.battery_power_kw),
    ):
        parts = [metrics[name] for metrics in village if name in metrics]
        assert sum(parts) == pytest.approx(whole, abs=0.001 * len(parts))


def test_a_device_numbers_its_samples_from_zero_within_its_boot() -> None:
    device = devices("village")[0]
    payloads = [json.loads(messages_of(device)[0].payload) for _ in range(3)]
    assert [(payload["boot_id"], payload["seq"]) for payload in payloads] == [
        ("5f2c", 0),
        ("5f2c", 1),
        ("5f2c", 2),
    ]


def test_a_device_says_on_its_own_status_topic_whether_it_is_there() -> None:
    for device in devices("village"):
        assert device.presence is not None
        messages_of(device)
        presence = device.presence()
        address = parse_topic(presence.topic)
        assert address is not None
        assert (address.kind, address.device_id) == (TopicKind.STATUS, device.name)
        online = DeviceStatus.model_validate_json(presence.online)
        offline = DeviceStatus.model_validate_json(presence.offline)
        assert (online.status, offline.status) == (PresenceStatus.ONLINE, PresenceStatus.OFFLINE)
        assert online.boot_id == offline.boot_id == "5f2c"
        assert online.connection == offline.connection == 1
        assert online.last_seq == 0


def test_each_connection_of_a_device_has_a_number_of_its_own() -> None:
    (device,) = devices("village", count=1)
    assert device.presence is not None
    births = [DeviceStatus.model_validate_json(device.presence().online) for _ in range(3)]
    assert [birth.connection for birth in births] == [1, 2, 3]


def test_a_device_of_the_village_answers_on_its_own_topic_and_a_prototype_does_not() -> None:
    (device,) = devices("village", count=1)
    requests_topic = "microgrid/village-1/device/inverter-1/backfill"
    assert set(device.listens) == {requests_topic, "microgrid/village-1/device/inverter-1/command"}
    (sent,) = messages_of(device)
    device.listens[requests_topic](BackfillRequest(boot_id="5f2c", ranges=((0, 0),)).encode(), NOW)
    answer = device.outbox.next_message()
    assert answer
    assert answer.asked_for
    assert answer.samples == sent.samples
    assert not devices("prototype")[0].listens


def test_a_prototype_leaves_out_what_it_measures_while_it_waits() -> None:
    (device,) = devices("prototype")
    device.measure(NOW)
    waiting = device.outbox.next_message()
    device.measure(NOW + timedelta(seconds=5))
    assert device.outbox.next_message() == waiting
