"""Where only registered devices are accepted, what others send waits in quarantine."""

from datetime import UTC, datetime

import pytest

from microgrid_common.schemas.device import Device
from microgrid_common.schemas.quarantine import Reason
from microgrid_common.transforms.outcome import Outcome
from microgrid_common.transforms.pipeline import process

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
METER = ("village-1", "meter-1")
REGISTRY = {METER: Device(grid_id="village-1", device_id="meter-1", device_type="meter")}
DEVICE_TOPIC = "microgrid/village-1/device/{device}/{kind}"
TELEMETRY = b'{"schema":1,"timestamp":1795428000,"boot_id":"a","seq":7,"metrics":{"consumption_kw":1}}'


def receive(kind: str, payload: bytes, *, device: str = "stranger") -> Outcome:
    topic = DEVICE_TOPIC.format(device=device, kind=kind)
    return process(topic, payload, NOW, REGISTRY, only_registered=True)


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("telemetry", TELEMETRY),
        ("telemetry", b"not even JSON"),
        ("status", b'{"schema":1,"status":"online"}'),
        ("command/ack", b"{}"),
    ],
)
def test_whatever_a_stranger_sends_is_refused_for_what_it_is(kind: str, payload: bytes) -> None:
    outcome = receive(kind, payload)
    assert (outcome.readings, outcome.notice, outcome.presence) == ((), None, None)
    assert [defect.reason for defect in outcome.defects] == [Reason.UNKNOWN_DEVICE]
    assert (outcome.grid_id, outcome.device_id) == ("village-1", "stranger")


def test_the_numbers_of_what_is_refused_are_known() -> None:
    (numbers,) = receive("telemetry", TELEMETRY).refused
    assert (numbers.boot_id, numbers.first, numbers.last) == ("a", 7, 7)


@pytest.mark.parametrize("topic", ["microgrid/data", "microgrid/alerts"])
def test_the_prototypes_device_has_to_be_registered_too(topic: str) -> None:
    payload = b'{"timestamp":1795428000,"battery_soc":50}' if topic.endswith("data") else b"Help!"
    refused = process(topic, payload, NOW, REGISTRY, only_registered=True)
    assert [defect.reason for defect in refused.defects] == [Reason.UNKNOWN_DEVICE]
    prototype = Device(grid_id="default", device_id="prototype")
    registry = {("default", "prototype"): prototype}
    assert process(topic, payload, NOW, registry, only_registered=True).defects == ()


def test_a_registered_device_is_accepted_as_ever() -> None:
    (reading,) = receive("telemetry", TELEMETRY, device="meter-1").readings
    assert reading.device_type == "meter"


def test_what_the_platform_itself_publishes_is_nobodys() -> None:
    for kind in ("backfill", "command"):
        assert receive(kind, b"{}") == Outcome()
    assert process("microgrid/village-1/alerts", b"[]", NOW, REGISTRY, only_registered=True) == Outcome()
