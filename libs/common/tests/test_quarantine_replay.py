"""Replaying what lies in quarantine: the same path, the same time of arrival, the same rows each time."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid_common.ports.quarantine import QuarantineFilter
from microgrid_common.runtime.quarantine_replay import Replay, Replayer, Verdict
from microgrid_common.schemas.command import CommandAcknowledgement, CommandState
from microgrid_common.schemas.device import Device
from microgrid_common.schemas.quarantine import Defect, QuarantinedMessage, Reason
from microgrid_common.schemas.quarantine_entry import QuarantineEntry, QuarantineState
from microgrid_common.schemas.reading import Flag, Reading, decode_readings, encode_readings
from microgrid_common.schemas.streams import (
    NOTICE_KIND,
    PRESENCE_KIND,
    READINGS_KIND,
    readings_stream_of,
    readings_streams,
)
from microgrid_common.testing.contracts.quarantine_messages import REJECTED, T0, found, put, refused
from microgrid_common.testing.fakes.device_registry import FakeDeviceRegistry
from microgrid_common.testing.fakes.durable_log import FakeDurableLog
from microgrid_common.testing.fakes.quarantine import FakeQuarantine
from microgrid_common.testing.samples import sample_reading
from microgrid_common.transforms.pipeline import process
from microgrid_common.transforms.replay import process_again

SHARDS = 4
LATER = T0 + timedelta(days=3)
TOPIC = "microgrid/village/device/meter/telemetry"


class Desk:
    """A quarantine with a replayer, and what came of it."""

    def __init__(self) -> None:
        self.log = FakeDurableLog()
        self.quarantine = FakeQuarantine(self.log)
        self.devices = FakeDeviceRegistry()
        self.replayer = Replayer(self.quarantine, devices=self.devices, shards=SHARDS)

    async def put(self, message: QuarantinedMessage) -> QuarantineEntry:
        await put(self.log, message)
        return (await found(self.quarantine))[-1]

    async def replay(self, entry: QuarantineEntry, *, dry_run: bool = False) -> Replay:
        replay = await self.replayer.replay(entry.id, by="ann", at=LATER, dry_run=dry_run)
        assert replay is not None
        return replay

    @property
    def readings(self) -> list[Reading]:
        return [
            reading
            for stream in readings_streams(SHARDS)
            for entry in self.log.streams[stream]
            if entry.kind == READINGS_KIND
            for reading in decode_readings(entry.data)
        ]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def telemetry(**fields: Any) -> bytes:
    body = {"schema": 1, "timestamp": "2026-11-23T09:59:58.000Z", "metrics": {"consumption_kw": 10.5}}
    return json.dumps({**body, **fields}).encode()


def rejected_by_store(*readings: Reading) -> QuarantinedMessage:
    return refused(raw=encode_readings(readings), topic="", defects=(REJECTED,))


async def test_what_is_accepted_now_goes_where_new_readings_go(desk: Desk) -> None:
    entry = await desk.put(refused(raw=telemetry(boot_id="b1", seq=7)))
    replay = await desk.replay(entry)
    assert (replay.verdict, replay.readings, replay.notices, replay.defects) == (Verdict.ACCEPTED, 1, 0, ())
    assert (replay.entry.state, replay.entry.handled_by) == (QuarantineState.REPLAYED, "ann")
    [reading] = desk.readings
    assert desk.log.streams[readings_stream_of("village", SHARDS)]
    assert (reading.grid_id, reading.device_id, reading.seq) == ("village", "meter", 7)
    assert (reading.timestamp, reading.received_at) == (T0 - timedelta(seconds=2), T0)


async def test_a_dry_run_says_what_would_come_and_does_nothing(desk: Desk) -> None:
    entry = await desk.put(refused(raw=telemetry()))
    dry = await desk.replay(entry, dry_run=True)
    assert (dry.verdict, dry.readings, dry.entry) == (Verdict.ACCEPTED, 1, entry)
    assert desk.readings == []
    assert await found(desk.quarantine) == [entry]
    real = await desk.replay(entry)
    assert (real.verdict, real.readings) == (dry.verdict, dry.readings)


async def test_what_is_still_refused_stays_open_with_the_reason_of_now(desk: Desk) -> None:
    raw = telemetry(metrics={"consumption_kw": 10.5, "battery_soc": 130})
    entry = await desk.put(refused(raw=raw, defects=(Defect(reason=Reason.INTERNAL_ERROR),)))
    replay = await desk.replay(entry)
    assert (replay.verdict, replay.readings) == (Verdict.REFUSED, 1)
    assert [defect.field for defect in replay.defects] == ["metrics.battery_soc"]
    [after] = await found(desk.quarantine, QuarantineFilter(reason=Reason.OUT_OF_RANGE))
    assert (after.defects, after.handled_at) == (replay.defects, LATER)
    assert [reading.metrics for reading in desk.readings] == [{"consumption_kw": 10.5}]


async def test_the_device_registry_of_now_is_used(desk: Desk) -> None:
    entry = await desk.put(refused(raw=telemetry()))
    device = Device(grid_id="village", device_id="meter", device_type="meter", component="roof")
    await desk.devices.put([device])
    await desk.replay(entry)
    assert [(reading.device_type, reading.component) for reading in desk.readings] == [("meter", "roof")]


async def test_what_was_refused_of_an_unregistered_device_is_accepted_once_it_is_registered(
    desk: Desk,
) -> None:
    unknown = Defect(reason=Reason.UNKNOWN_DEVICE)
    entry = await desk.put(refused(raw=telemetry(), defects=(unknown,)))
    replay = await desk.replay(entry)
    assert (replay.verdict, [defect.reason for defect in replay.defects]) == (
        Verdict.REFUSED,
        [Reason.UNKNOWN_DEVICE],
    )
    await desk.devices.put([Device(grid_id="village", device_id="meter")])
    assert (await desk.replay(entry)).verdict is Verdict.ACCEPTED
    assert len(desk.readings) == 1


async def test_a_clock_that_cannot_be_gets_the_time_at_which_the_message_arrived(desk: Desk) -> None:
    entry = await desk.put(refused(raw=telemetry(timestamp="1970-01-01T00:00:09Z")))
    await desk.replay(entry)
    await desk.replay(entry)
    assert [(reading.timestamp, reading.flags) for reading in desk.readings] == [
        (T0, (Flag.CLOCK_REPLACED,))
    ] * 2


@given(
    payload=st.one_of(
        st.binary(max_size=50),
        st.builds(
            telemetry,
            metrics=st.dictionaries(
                st.sampled_from(["consumption_kw", "battery_soc", "nonsense"]),
                st.one_of(st.floats(), st.none(), st.text(max_size=5)),
                max_size=3,
            ),
            timestamp=st.one_of(st.integers(-(10**12), 10**13), st.datetimes().map(str)),
        ),
    ),
    received_at=st.datetimes(min_value=datetime(2021, 1, 1), max_value=datetime(2090, 1, 1)),  # noqa: DTZ001
)
def test_a_message_becomes_what_it_would_have_become_on_arrival(
    payload: bytes, received_at: datetime
) -> None:
    arrival = received_at.replace(tzinfo=UTC)
    message = refused(raw=payload, received_at=arrival)
    stored = QuarantinedMessage.model_validate_json(message.model_dump_json())
    assert process_again(stored, {}) == process(TOPIC, payload, arrival, {})


async def test_twice_gives_the_same_twice(desk: Desk) -> None:
    raw = telemetry(metrics={"consumption_kw": 10.5, "battery_soc": 130})
    entry = await desk.put(refused(raw=raw))
    first = await desk.replay(entry)
    second = await desk.replay(entry)
    assert first == second
    once, again = desk.readings
    assert once == again


async def test_a_devices_own_alert_goes_among_the_readings(desk: Desk) -> None:
    entry = await desk.put(refused(raw=b"Load Abnormality: high", topic="microgrid/alerts"))
    replay = await desk.replay(entry)
    assert (replay.verdict, replay.readings, replay.notices) == (Verdict.ACCEPTED, 0, 1)
    [record] = desk.log.streams[readings_stream_of("default", SHARDS)]
    assert record.kind == NOTICE_KIND
    assert datetime.fromisoformat(json.loads(record.data)["received_at"]) == T0


async def test_what_a_device_says_of_its_presence_goes_among_the_readings(desk: Desk) -> None:
    topic = "microgrid/village/device/meter/status"
    entry = await desk.put(refused(raw=b'{"schema":1,"status":"online"}', topic=topic))
    replay = await desk.replay(entry)
    assert (replay.verdict, replay.readings, replay.notices) == (Verdict.ACCEPTED, 0, 1)
    [record] = desk.log.streams[readings_stream_of("village", SHARDS)]
    assert record.kind == PRESENCE_KIND
    assert datetime.fromisoformat(json.loads(record.data)["received_at"]) == T0


async def test_a_message_on_a_topic_that_is_nobodys_stays_refused(desk: Desk) -> None:
    entry = await desk.put(refused(topic="microgrid/nonsense", grid_id=None, device_id=None))
    replay = await desk.replay(entry)
    assert (replay.verdict, replay.defects[0].reason) == (Verdict.REFUSED, Reason.UNKNOWN_TOPIC)


async def test_readings_that_the_store_refused_go_to_their_streams_as_they_are(desk: Desk) -> None:
    readings = [
        sample_reading(T0, received_at=T0 + timedelta(seconds=1), grid_id=f"grid-{n}", consumption_kw=n)
        for n in range(8)
    ]
    entry = await desk.put(rejected_by_store(*readings))
    replay = await desk.replay(entry)
    assert (replay.verdict, replay.readings) == (Verdict.ACCEPTED, 8)
    assert sorted(desk.readings, key=lambda reading: reading.grid_id) == readings
    for reading in readings:
        stream = desk.log.streams[readings_stream_of(reading.grid_id, SHARDS)]
        assert reading in [each for record in stream for each in decode_readings(record.data)]


async def test_readings_that_the_store_refuses_again_are_open_again(desk: Desk) -> None:
    entry = await desk.put(rejected_by_store(sample_reading()))
    await desk.replay(entry)
    assert await found(desk.quarantine, QuarantineFilter()) == []
    await put(desk.log, rejected_by_store(sample_reading()))
    assert [each.id for each in await found(desk.quarantine, QuarantineFilter())] == [entry.id]


async def test_what_should_have_been_readings_and_is_not_stays_refused(desk: Desk) -> None:
    entry = await desk.put(refused(raw=b"[{}]", topic=""))
    replay = await desk.replay(entry)
    assert (replay.verdict, replay.defects[0].reason) == (Verdict.REFUSED, Reason.INTERNAL_ERROR)
    assert desk.readings == []


async def test_a_message_that_was_not_kept_whole_cannot_be_replayed(desk: Desk) -> None:
    entry = await desk.put(refused(raw=telemetry(), raw_size_bytes=10_000_000))
    for dry_run in (True, False):
        replay = await desk.replay(entry, dry_run=dry_run)
        assert (replay.verdict, replay.entry) == (Verdict.IMPOSSIBLE, entry)
        assert "10000000 bytes" in replay.problem
    assert desk.readings == []


async def test_what_a_device_said_about_a_command_is_of_no_use_later(desk: Desk) -> None:
    said = CommandAcknowledgement(
        command_id="cmd-019ab0c5c880-5f2c9d8e7a6b4c3d", state=CommandState.SUCCEEDED
    )
    entry = await desk.put(refused(raw=said.encode(), topic="microgrid/village-1/device/meter-1/command/ack"))
    replay = await desk.replay(entry)
    assert (replay.verdict, replay.entry) == (Verdict.IMPOSSIBLE, entry)
    assert "command" in replay.problem


async def test_a_message_that_is_not_there_is_none(desk: Desk) -> None:
    assert await desk.replayer.replay("1-0", by="ann", at=LATER) is None


async def test_a_fault_of_ours_leaves_the_message_where_it_is(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def faulty(*_: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr("microgrid_common.runtime.quarantine_replay.process_again", faulty)
    entry = await desk.put(refused(raw=telemetry()))
    replay = await desk.replay(entry)
    assert (replay.verdict, replay.defects[0].reason) == (Verdict.REFUSED, Reason.INTERNAL_ERROR)
    assert replay.entry.state is QuarantineState.OPEN
