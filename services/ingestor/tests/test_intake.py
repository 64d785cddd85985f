"""What becomes of a batch of messages."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from microgrid_common.ports.durable_log import Record
from microgrid_common.ports.message_source import InboundMessage
from microgrid_common.schemas.device import Device
from microgrid_common.schemas.notice import DeviceNotice
from microgrid_common.schemas.numbering import NumberRange
from microgrid_common.schemas.presence import DevicePresence
from microgrid_common.schemas.quarantine import RAW_BYTES_KEPT, QuarantinedMessage, Reason
from microgrid_common.schemas.reading import Reading, decode_readings
from microgrid_common.schemas.refusal import Refusal, decode_refusals
from microgrid_common.schemas.streams import readings_stream_of
from microgrid_common.transforms.pipeline import process
from microgrid_ingestor.intake import READINGS_PER_ENTRY, Intake, take_in

NOW = datetime(2026, 11, 23, 10, 0, 5, tzinfo=UTC)
SHARDS = 4


def telemetry(device_id: str = "inverter-1", *, grid_id: str = "village-1", **fields: Any) -> InboundMessage:
    body = {
        "schema": 1,
        "timestamp": "2026-11-23T10:00:00.000Z",
        "metrics": {"consumption_kw": 10.5},
        **fields,
    }
    return InboundMessage(f"microgrid/{grid_id}/device/{device_id}/telemetry", json.dumps(body).encode(), NOW)


def prototype_alert(text: str) -> InboundMessage:
    return InboundMessage("microgrid/alerts", text.encode(), NOW)


def take(*messages: InboundMessage, **arguments: Any) -> Intake:
    return take_in(messages, **{"registry": {}, "shards": SHARDS, **arguments})


def readings(records: list[Record]) -> list[Reading]:
    return [
        reading for record in records if record.kind == "readings" for reading in decode_readings(record.data)
    ]


def quarantined(records: list[Record]) -> list[QuarantinedMessage]:
    return [QuarantinedMessage.model_validate_json(r.data) for r in records if r.kind == "quarantined"]


def refusals(records: list[Record]) -> list[Refusal]:
    return [refusal for r in records if r.kind == "refusals" for refusal in decode_refusals(r.data)]


def test_readings_of_one_batch_share_an_entry_of_their_grids_stream() -> None:
    intake = take(telemetry("inverter-1"), telemetry("inverter-2"))
    assert [record.stream for record in intake.records] == [readings_stream_of("village-1", SHARDS)]
    assert [reading.device_id for reading in readings(intake.records)] == ["inverter-1", "inverter-2"]
    assert intake.readings == 2


def test_a_grid_always_uses_the_same_stream_and_grids_are_spread() -> None:
    intake = take(*(telemetry(grid_id=f"village-{number}") for number in range(50)))
    streams = {record.stream for record in intake.records}
    assert streams == {f"readings:{shard}" for shard in range(SHARDS)}
    assert all(
        readings_stream_of(reading.grid_id, SHARDS) == record.stream
        for record in intake.records
        for reading in decode_readings(record.data)
    )


def test_a_large_batch_is_cut_into_entries_of_bounded_size() -> None:
    intake = take(*[telemetry()] * (READINGS_PER_ENTRY + 1))
    assert [len(decode_readings(record.data)) for record in intake.records] == [READINGS_PER_ENTRY, 1]


def test_a_notice_stands_between_the_readings_before_and_after_it() -> None:
    before = InboundMessage("microgrid/data", prototype(consumption=14.2), NOW)
    after = InboundMessage("microgrid/data", prototype(consumption=9.0), NOW)
    records = take(before, prototype_alert("Load Abnormality: …"), after).records
    assert [record.kind for record in records] == ["readings", "notice", "readings"]
    assert len({record.stream for record in records}) == 1
    notice = DeviceNotice.model_validate_json(records[1].data)
    assert (notice.grid_id, notice.device_id, notice.message) == (
        "default",
        "prototype",
        "Load Abnormality: …",
    )


def prototype(*, consumption: float) -> bytes:
    return json.dumps(
        {
            "timestamp": "2026-11-23T10:00:00.000Z",
            "live_power_consumption": consumption,
            "live_generation": 9.8,
            "battery_soc": 75,
            "temp_equipment": 45.0,
            "solar_irradiance": 60,
        }
    ).encode()


def test_a_refused_message_is_quarantined_with_its_reason_and_its_bytes() -> None:
    bad = InboundMessage("microgrid/village-1/device/inverter-1/telemetry", b"\xff{not json", NOW)
    intake = take(bad)
    (kept,) = quarantined(intake.records)
    assert (kept.raw, kept.raw_size_bytes, kept.received_at) == (bad.payload, len(bad.payload), NOW)
    assert (kept.grid_id, kept.device_id, kept.topic) == ("village-1", "inverter-1", bad.topic)
    assert intake.quarantined == [kept.reason] == [Reason.NOT_UTF8]


def test_one_broken_sensor_leaves_the_others_of_its_message() -> None:
    intake = take(telemetry(metrics={"consumption_kw": 10.5, "battery_soc": 130}))
    (reading,) = readings(intake.records)
    assert reading.metrics == {"consumption_kw": 10.5}
    (kept,) = quarantined(intake.records)
    assert (kept.reason, kept.defects[0].field) == (Reason.OUT_OF_RANGE, "metrics.battery_soc")
    # Its number arrived with the rest of it.
    assert (refusals(intake.records), kept.numbers) == ([], ())


def test_an_oversized_message_is_kept_in_part_with_its_whole_size() -> None:
    intake = take(InboundMessage("microgrid/data", bytes(10_000_000), NOW))
    (kept,) = quarantined(intake.records)
    assert kept.reason is Reason.PAYLOAD_TOO_LARGE
    assert (len(kept.raw), kept.raw_size_bytes) == (RAW_BYTES_KEPT, 10_000_000)


def test_what_was_left_out_of_an_oversized_message_counts_in_its_size() -> None:
    (kept,) = quarantined(take(InboundMessage("microgrid/data", bytes(300_000), NOW, 9_700_000)).records)
    assert kept.raw_size_bytes == 10_000_000


def test_bad_messages_between_good_ones_stop_none_of_them() -> None:
    bad = InboundMessage("microgrid/nonsense", b"", NOW)
    intake = take(telemetry("a"), bad, telemetry("b"), bad, telemetry("c"))
    assert [reading.device_id for reading in readings(intake.records)] == ["a", "b", "c"]
    assert intake.quarantined == [Reason.UNKNOWN_TOPIC] * 2


def test_what_the_platform_published_itself_passes_without_a_trace() -> None:
    own = [
        InboundMessage("microgrid/village-1/alerts", b"[]", NOW),
        InboundMessage("microgrid/village-1/device/inverter-1/command", b"{}", NOW),
    ]
    assert take(*own) == Intake([], 0, [])


def test_a_registered_device_enriches_its_readings() -> None:
    device = Device(
        grid_id="village-1", device_id="inverter-1", device_type="inverter", component="roof-array"
    )
    intake = take(telemetry(), registry={("village-1", "inverter-1"): device})
    (reading,) = readings(intake.records)
    assert (reading.device_type, reading.component) == ("inverter", "roof-array")


def test_a_fault_of_our_own_keeps_the_message_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def faulty(topic: str, *arguments: Any, **named: Any) -> Any:
        if "cursed" in topic:
            raise ZeroDivisionError
        return process(topic, *arguments, **named)

    monkeypatch.setattr("microgrid_ingestor.intake.process", faulty)
    intake = take(telemetry("cursed"), telemetry("inverter-1"))
    assert [reading.device_id for reading in readings(intake.records)] == ["inverter-1"]
    (kept,) = quarantined(intake.records)
    assert kept.reason is Reason.INTERNAL_ERROR
    assert kept.raw == telemetry("cursed").payload
    assert refusals(intake.records) == [Refusal(grid_id="village-1", device_id="cursed")]


def test_the_numbers_of_refused_messages_go_into_the_stream_of_their_grids_readings() -> None:
    bad = InboundMessage(
        "microgrid/village-1/device/inverter-1/telemetry", b'\xff{"boot_id":"5f2c","seq":17,"metri', NOW
    )
    none = telemetry("inverter-2", boot_id="a1", seq=3, metrics={"battery_soc": 130})
    records = take(bad, telemetry("inverter-1"), none).records
    numbers = NumberRange(boot_id="5f2c", first=17, last=17), NumberRange(boot_id="a1", first=3, last=3)
    assert [(refusal.device_id, refusal.numbers) for refusal in refusals(records)] == [
        ("inverter-1", numbers[:1]),
        ("inverter-2", numbers[1:]),
    ]
    assert [kept.numbers for kept in quarantined(records)] == [numbers[:1], numbers[1:]]
    (refused,) = [record for record in records if record.kind == "refusals"]
    assert refused.stream == readings_stream_of("village-1", SHARDS)


def test_a_refused_message_without_a_legible_number_still_counts_for_its_device() -> None:
    records = take(InboundMessage("microgrid/data", b"{", NOW)).records
    assert refusals(records) == [Refusal(grid_id="default", device_id="prototype")]


def test_a_message_that_names_no_device_is_refused_to_nobodys_account() -> None:
    assert not refusals(take(InboundMessage("microgrid/nonsense", b'{"boot_id":"a","seq":1}', NOW)).records)


def test_a_status_stands_between_the_readings_before_and_after_it() -> None:
    status = InboundMessage(
        "microgrid/village-1/device/inverter-1/status",
        b'{"schema":1,"status":"online","boot_id":"5f2c","last_seq":9}',
        NOW,
    )
    records = take(telemetry(), status, telemetry()).records
    assert [record.kind for record in records] == ["readings", "presence", "readings"]
    presence = DevicePresence.model_validate_json(records[1].data)
    assert (presence.device_id, presence.received_at) == ("inverter-1", NOW)
    assert (presence.status.boot_id, presence.status.last_seq) == ("5f2c", 9)
