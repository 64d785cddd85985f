"""What a batch of messages tells about the links of devices."""

from datetime import UTC, datetime, timedelta

import pytest

from microgrid_common.ports.message_source import InboundMessage
from microgrid_common.schemas.device import Device
from microgrid_common.schemas.presence import DevicePresence
from microgrid_common.schemas.status import PresenceStatus
from microgrid_common.schemas.streams import PRESENCE_KIND
from microgrid_common.transforms.link_steps import Sighting
from microgrid_ingestor.intake import Intake, take_in

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
ONLINE = b'{"schema":1,"status":"online","boot_id":"a","connection":1}'
OFFLINE = b'{"schema":1,"status":"offline","boot_id":"a","connection":1}'


def message(
    kind: str, payload: bytes, *, device: str = "meter-1", seconds: float = 0, retained: bool = False
) -> InboundMessage:
    topic = f"microgrid/village-1/device/{device}/{kind}"
    return InboundMessage(topic, payload, NOW + timedelta(seconds=seconds), retained=retained)


def telemetry(*metrics: str, device: str = "meter-1", seconds: float = 0) -> InboundMessage:
    values = ",".join(f'"{metric}":1.0' for metric in metrics or ("consumption_kw",))
    payload = f'{{"schema":1,"timestamp":1795428000,"metrics":{{{values}}}}}'.encode()
    return message("telemetry", payload, device=device, seconds=seconds)


def take(*messages: InboundMessage) -> Intake:
    return take_in(messages, registry={}, shards=4)


def test_each_device_is_seen_once_with_its_last_time_and_all_that_it_measured() -> None:
    intake = take(
        telemetry("ac_voltage_v", seconds=1),
        telemetry("battery_soc", device="battery-1", seconds=2),
        telemetry("ac_frequency_hz", seconds=3),
    )
    assert intake.sightings == [
        Sighting(
            "village-1", "meter-1", NOW + timedelta(seconds=3), frozenset({"ac_voltage_v", "ac_frequency_hz"})
        ),
        Sighting("village-1", "battery-1", NOW + timedelta(seconds=2), frozenset({"battery_soc"})),
    ]


@pytest.mark.parametrize(("kind", "payload"), [("telemetry", b"\xff not even JSON"), ("command/ack", b"{}")])
def test_a_message_of_any_kind_good_or_bad_shows_that_the_device_is_there(kind: str, payload: bytes) -> None:
    assert take(message(kind, payload)).sightings == [Sighting("village-1", "meter-1", NOW)]


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("status", OFFLINE),
        ("status", b"a last will that cannot be read"),
        ("status", b""),
        ("backfill", b"{}"),
        ("command", b"{}"),
        ("nonsense", b"{}"),
    ],
)
def test_what_the_broker_or_the_platform_published_does_not(kind: str, payload: bytes) -> None:
    assert take(message(kind, payload)).sightings == []


def test_what_the_broker_had_kept_does_not_either_but_its_status_is_known_for_that() -> None:
    kept = [message("status", ONLINE, retained=True), message("telemetry", b"old", retained=True)]
    intake = take(*kept)
    assert intake.sightings == []
    (report,) = intake.reports
    assert (report.status.status, report.retained) == (PresenceStatus.ONLINE, True)
    (record,) = (record for record in intake.records if record.kind == PRESENCE_KIND)
    assert DevicePresence.model_validate_json(record.data) == report


def test_births_and_wills_are_reported_in_the_order_of_their_arrival() -> None:
    intake = take(message("status", ONLINE), telemetry(), message("status", OFFLINE, seconds=1))
    assert [(report.status.status, report.received_at, report.retained) for report in intake.reports] == [
        (PresenceStatus.ONLINE, NOW, False),
        (PresenceStatus.OFFLINE, NOW + timedelta(seconds=1), False),
    ]
    assert [record.kind for record in intake.records] == ["presence", "readings", "presence"]


def test_where_only_registered_devices_count_a_stranger_is_nobody() -> None:
    registry = {("village-1", "meter-1"): Device(grid_id="village-1", device_id="meter-1")}
    messages = [telemetry(), telemetry(device="stranger"), message("status", ONLINE, device="stranger")]
    intake = take_in(messages, registry=registry, shards=4, only_registered=True)
    assert [sighting.device_id for sighting in intake.sightings] == ["meter-1"]
    assert intake.reports == []
    assert intake.quarantined == ["unknown_device"] * 2
