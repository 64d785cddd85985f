"""The whole path of a message: it never raises, and what comes out of it can be trusted."""

import json
import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from microgrid_common.schemas.catalogue import BY_NAME, METRICS
from microgrid_common.schemas.device import Device
from microgrid_common.schemas.quarantine import Reason
from microgrid_common.schemas.reading import Flag, Reading
from microgrid_common.schemas.telemetry import MAXIMUM_PAYLOAD_BYTES
from microgrid_common.schemas.topics import FROM_THE_PLATFORM, parse_topic
from microgrid_common.transforms.clock import EARLIEST, MAXIMUM_AHEAD
from microgrid_common.transforms.outcome import MAXIMUM_DEFECTS, Outcome
from microgrid_common.transforms.pipeline import process

NOW = datetime(2026, 11, 23, 10, 0, 2, 500_000, tzinfo=UTC)
TELEMETRY = "microgrid/village-1/device/inverter-1/telemetry"
DATA = "microgrid/data"
ALERTS = "microgrid/alerts"
TIMESTAMP = "2026-11-23T10:00:00.000Z"

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)
timestamps = st.sampled_from([TIMESTAMP, 1_795_428_000, 12.5, "9999-12-31T23:59:59-14:00"]) | json_values
metric_names = st.sampled_from([metric.name for metric in METRICS]) | st.text(max_size=8)
samples = st.fixed_dictionaries(
    {"timestamp": timestamps, "metrics": st.dictionaries(metric_names, json_values, max_size=5)},
    optional={
        "boot_id": st.text(max_size=5) | json_values,
        "seq": st.integers() | json_values,
        "units": st.dictionaries(metric_names, st.text(max_size=4), max_size=3) | json_values,
        "more": json_values,
    },
)
telemetry = samples.map(lambda sample: {"schema": 1, **sample})
backlogs = st.lists(samples, max_size=4).map(lambda kept: {"schema": 1, "samples": kept})
payloads = (
    st.binary(max_size=200)
    | (telemetry | backlogs | json_values).map(lambda value: json.dumps(value).encode())
    | (telemetry | backlogs).map(lambda value: json.dumps(value).encode()[:-2])
)
topics = st.sampled_from(
    [
        TELEMETRY,
        DATA,
        ALERTS,
        "microgrid/village-1/alerts",
        "microgrid/village-1/device/inverter-1/status",
        "microgrid/village-1/device/inverter-1/command/ack",
    ]
) | st.text(max_size=50)


def outcome_of(payload: object, *, topic: str = TELEMETRY) -> Outcome:
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return process(topic, data, NOW, {})


def message(**changes: Any) -> dict[str, Any]:
    return {"schema": 1, "timestamp": TIMESTAMP, "metrics": {"ac_voltage_v": 230.4}} | changes


def refusal(payload: object, *, topic: str = TELEMETRY) -> tuple[Reason, str | None]:
    outcome = outcome_of(payload, topic=topic)
    assert not outcome.readings
    assert outcome.notice is None
    return outcome.defects[0].reason, outcome.defects[0].field


def only_reading(payload: object, *, topic: str = TELEMETRY) -> Reading:
    outcome = outcome_of(payload, topic=topic)
    assert outcome.defects == ()
    (reading,) = outcome.readings
    return reading


def is_trustworthy(reading: Reading) -> bool:
    return (
        EARLIEST <= reading.timestamp <= NOW + MAXIMUM_AHEAD
        and reading.timestamp.tzinfo is UTC
        and reading.timestamp.microsecond % 1_000 == 0
        and reading.received_at == NOW
        and bool(reading.metrics)
        and all(
            math.isfinite(value) and BY_NAME[name].minimum <= value <= BY_NAME[name].maximum
            for name, value in reading.metrics.items()
        )
    )


@given(topics, payloads)
@example(TELEMETRY, json.dumps(message(timestamp="9999-12-31T23:59:59-14:00")).encode())
@example(TELEMETRY, json.dumps(message(timestamp="0001-01-01T00:00:00+14:00")).encode())
@example(TELEMETRY, b"[" * 100_000)
@example(TELEMETRY, b'{"a":' * 20_000)
@example(TELEMETRY, b'{"schema":1,"timestamp":"","metrics":' + b"[" * 5_000 + b"]" * 5_000 + b"}")
@example(ALERTS, b"[" * 100_000)
@example(ALERTS, b'"\\ud800"')
@example("microgrid/\ud800/alerts", b"")
def test_whatever_comes_ends_as_trustworthy_readings_or_named_defects(topic: str, payload: bytes) -> None:
    outcome = process(topic, payload, NOW, {})
    assert all(is_trustworthy(reading) for reading in outcome.readings)
    assert len(outcome.defects) <= MAXIMUM_DEFECTS
    for defect in outcome.defects:
        assert 0 < len(defect.detail) < 500
        assert defect.field is None or (defect.field.isprintable() and len(defect.field) <= 200)
    if not (outcome.readings or outcome.notice or outcome.defects):
        address = parse_topic(topic)
        assert address is not None
        assert address.kind in FROM_THE_PLATFORM or address.kind in {"status", "command/ack"}


@given(telemetry)
def test_the_same_message_always_becomes_the_same(sent: dict[str, Any]) -> None:
    assert repr(outcome_of(sent)) == repr(outcome_of(sent))


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", Reason.MALFORMED_JSON),
        (b"{", Reason.MALFORMED_JSON),
        (b"\xef\xbb\xbf{}", Reason.MALFORMED_JSON),
        (b"{} {}", Reason.MALFORMED_JSON),
        (b"\xff\xfe", Reason.NOT_UTF8),
        (b'{"schema":1,"\xe9":0}', Reason.NOT_UTF8),
        (b"[" * 5_000 + b"]" * 5_000, Reason.MALFORMED_JSON),
        (b"null", Reason.INVALID_FIELD),
        (b"x" * 10_000_000, Reason.PAYLOAD_TOO_LARGE),
        (b"1" + b"0" * 5_000, Reason.MALFORMED_JSON),
    ],
    ids=lambda value: value if isinstance(value, str) else repr(value[:12]),
)
@pytest.mark.parametrize("topic", [TELEMETRY, DATA])
def test_what_is_no_message_at_all_is_refused(payload: bytes, reason: Reason, topic: str) -> None:
    assert refusal(payload, topic=topic)[0] is reason


def test_the_largest_payload_is_taken_and_one_byte_more_is_not() -> None:
    sent = json.dumps(message()).encode()
    largest = sent + b" " * (MAXIMUM_PAYLOAD_BYTES - len(sent))
    assert only_reading(largest).metrics == {"ac_voltage_v": 230.4}
    assert refusal(largest + b" ") == (Reason.PAYLOAD_TOO_LARGE, None)


@pytest.mark.parametrize("version", [True, False, "1", 0, 2, -1, None, [1], {}, 10**30])
def test_only_schema_version_1_is_known(version: object) -> None:
    assert refusal(message(schema=version)) == (Reason.UNKNOWN_SCHEMA, "schema")
    sample = {"timestamp": TIMESTAMP, "metrics": {"ac_voltage_v": 230.4}}
    assert refusal({"schema": version, "samples": [sample]}) == (Reason.UNKNOWN_SCHEMA, "schema")


def test_a_fractional_schema_version_is_unknown_even_where_it_is_1() -> None:
    text = json.dumps(message()).replace('"schema": 1', '"schema": 1.0')
    assert refusal(text.encode()) == (Reason.UNKNOWN_SCHEMA, "schema")


@pytest.mark.parametrize(
    "timestamp",
    [
        True,
        None,
        math.nan,
        math.inf,
        {},
        "",
        "now",
        "99999-01-01T00:00:00Z",
        "2026-02-30T00:00:00Z",
        "2026-11-23T10:00:00+99:00",
        10**30,
    ],
)
def test_what_is_no_time_is_refused(timestamp: object) -> None:
    assert refusal(message(timestamp=timestamp)) == (Reason.INVALID_TIMESTAMP, "timestamp")


@pytest.mark.parametrize(
    "timestamp",
    [
        "2026-11-23T10:00:00.25Z",
        "2026-11-23T10:00:00.250999",
        "2026-11-23T15:45:00.250+05:45",
        1_795_428_000.25,
        1_795_428_000_250,
    ],
)
def test_the_same_time_in_other_words_is_the_same_time(timestamp: object) -> None:
    reading = only_reading(message(timestamp=timestamp))
    assert reading.timestamp == datetime(2026, 11, 23, 10, 0, 0, 250_000, tzinfo=UTC)
    assert reading.flags == ()


@given(st.integers(0, 999))
def test_an_epoch_in_seconds_keeps_its_milliseconds(milliseconds: int) -> None:
    reading = only_reading(message(timestamp=1_795_428_000 + milliseconds / 1_000))
    assert reading.timestamp.microsecond == milliseconds * 1_000


@pytest.mark.parametrize(
    "timestamp", [0, -1, 12.5, "1970-01-01T00:00:09Z", "2000-01-01T00:00:09", "2026-11-23T10:06:00Z", 2e10]
)
def test_an_impossible_clock_is_replaced_and_flagged(timestamp: object) -> None:
    reading = only_reading(message(timestamp=timestamp))
    assert (reading.timestamp, reading.flags) == (NOW, (Flag.CLOCK_REPLACED,))


def test_of_a_key_that_stands_twice_the_last_one_counts() -> None:
    text = json.dumps(message()).replace('"ac_voltage_v": 230.4', '"ac_voltage_v": 1, "ac_voltage_v": 2')
    assert only_reading(text.encode()).metrics == {"ac_voltage_v": 2.0}


@pytest.mark.parametrize("where", [{"boot_id": "samples"}, {"metrics": {"ac_voltage_v": 1.5, "samples": 2}}])
def test_the_word_samples_elsewhere_makes_no_backlog(where: dict[str, Any]) -> None:
    (reading,) = outcome_of(message(**where)).readings
    assert reading.timestamp == datetime(2026, 11, 23, 10, tzinfo=UTC)


def test_a_backlog_of_one_names_its_fields_as_any_backlog() -> None:
    sample = {"timestamp": TIMESTAMP, "metrics": {"flux": 1.21}}
    assert refusal({"schema": 1, "samples": [sample]}) == (Reason.UNKNOWN_METRIC, "samples.0.metrics.flux")


@pytest.mark.parametrize("count", [1, 2, 1_000])
def test_a_backlog_keeps_its_order_and_numbers(count: int) -> None:
    start = NOW - timedelta(hours=2)
    times = [start + timedelta(seconds=number) for number in range(count)]
    kept = [
        {"timestamp": time.timestamp(), "seq": number, "metrics": {"battery_soc": 75}}
        for number, time in enumerate(times)
    ]
    outcome = outcome_of({"schema": 1, "samples": kept})
    assert [(reading.timestamp, reading.seq) for reading in outcome.readings] == list(
        zip(times, range(count), strict=True)
    )


def test_a_backlog_of_more_than_a_thousand_samples_is_refused() -> None:
    sample = {"timestamp": TIMESTAMP, "metrics": {"battery_soc": 75}}
    assert refusal({"schema": 1, "samples": [sample] * 1_001}) == (Reason.INVALID_FIELD, "samples")


def test_a_message_that_is_wrong_all_over_names_its_first_defects_only() -> None:
    sample = {"timestamp": TIMESTAMP, "metrics": {f"flux-{number}": 1 for number in range(60)}}
    outcome = outcome_of({"schema": 1, "samples": [sample] * 100})
    assert len(outcome.defects) == MAXIMUM_DEFECTS
    assert outcome.defects[0].field == "samples.0.metrics.flux-0"


@pytest.mark.parametrize("field", ["metrics", "units"])
def test_more_than_64_entries_are_refused(field: str) -> None:
    entries = {f"metric-{number}": 1 if field == "metrics" else "V" for number in range(65)}
    assert refusal(message(**{field: entries})) == (Reason.INVALID_FIELD, field)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"seq": -1}, "seq"),
        ({"seq": 1.0}, "seq"),
        ({"seq": True}, "seq"),
        ({"seq": "1"}, "seq"),
        ({"seq": 2**53}, "seq"),
        ({"boot_id": ""}, "boot_id"),
        ({"boot_id": "5f2c\n"}, "boot_id"),
        ({"boot_id": "x" * 33}, "boot_id"),
        ({"boot_id": 5}, "boot_id"),
        ({"units": []}, "units"),
        ({"units": {"ac_voltage_v": None}}, "units.ac_voltage_v"),
        ({"metrics": []}, "metrics"),
        ({"grid_id": "other"}, "grid_id"),
        ({"x" * 1_000: 1}, "x" * 200),
        ({"\x1b[31m": 1}, "\\x1b[31m"),
    ],
)
def test_a_field_of_the_envelope_that_is_wrong_is_named(changes: dict[str, Any], field: str) -> None:
    assert refusal(message(**changes)) == (Reason.INVALID_FIELD, field)


def test_a_registered_device_enriches_its_readings() -> None:
    device = Device(
        grid_id="village-1", device_id="inverter-1", device_type="inverter", component="pv-array-1"
    )
    registry = {("village-1", "inverter-1"): device}
    (reading,) = process(TELEMETRY, json.dumps(message()).encode(), NOW, registry).readings
    assert (reading.device_type, reading.component) == ("inverter", "pv-array-1")
    assert only_reading(message()).device_type == "unregistered"


def test_the_prototype_payload_belongs_to_the_default_device_and_counts_by_arrival() -> None:
    sent = {"timestamp": TIMESTAMP, "live_power_consumption": 14.2, "battery_soc": None}
    reading = only_reading(sent, topic=DATA)
    assert (reading.grid_id, reading.device_id) == ("default", "prototype")
    assert reading.metrics == {"consumption_kw": 14.2}
    assert reading.flags == (Flag.PROTOTYPE, Flag.NULL_DROPPED)
    assert reading.effective_at == NOW


def test_a_field_that_a_prototype_payload_lacks_is_no_null() -> None:
    assert only_reading({"timestamp": TIMESTAMP, "battery_soc": 75}, topic=DATA).flags == (Flag.PROTOTYPE,)


def test_telemetry_on_the_topic_of_the_prototype_is_refused_by_its_fields() -> None:
    assert refusal(message(), topic=DATA) == (Reason.INVALID_FIELD, "schema")


@pytest.mark.parametrize("topic", ["", "microgrid", "microgrid/a b/alerts", "microgrid/" + "x" * 60_000])
def test_an_unknown_topic_is_refused_with_the_known_ones(topic: str) -> None:
    (defect,) = outcome_of(message(), topic=topic).defects
    assert defect.reason is Reason.UNKNOWN_TOPIC
    assert "microgrid/data" in defect.detail


@pytest.mark.parametrize(
    "text", ["  Fuse blown\n", '"Fuse blown"', ' "Fuse blown" ', '{"message":"Fuse blown"}']
)
def test_a_devices_own_alert_becomes_a_notice(text: str) -> None:
    notice = outcome_of(text.encode(), topic=ALERTS).notice
    assert notice is not None
    assert (notice.message, notice.device_id, notice.received_at) == ("Fuse blown", "prototype", NOW)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", Reason.INVALID_FIELD),
        (b" \n", Reason.INVALID_FIELD),
        (b"\xff", Reason.NOT_UTF8),
        (b'"Fuse', Reason.MALFORMED_JSON),
        (b'{"message":7}', Reason.INVALID_FIELD),
        (b"{}", Reason.INVALID_FIELD),
        (b"x" * 501, Reason.INVALID_FIELD),
        (b"a\x00b", Reason.INVALID_FIELD),
        (b"x" * 10_000_000, Reason.PAYLOAD_TOO_LARGE),
    ],
    ids=lambda value: value if isinstance(value, str) else repr(value[:12]),
)
def test_an_alert_that_cannot_be_read_is_refused(payload: bytes, reason: Reason) -> None:
    assert refusal(payload, topic=ALERTS)[0] is reason
