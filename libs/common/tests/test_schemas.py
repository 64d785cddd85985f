"""What is written can be read again, whatever it holds; identifiers and topics are what they may be."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from microgrid_common.schemas.alert import (
    Alert,
    AlertEvent,
    AlertSource,
    AlertStatus,
    AlertTransition,
    Severity,
)
from microgrid_common.schemas.catalogue import METRICS
from microgrid_common.schemas.identifiers import Identifier, is_identifier
from microgrid_common.schemas.notice import DeviceNotice
from microgrid_common.schemas.quarantine import Defect, QuarantinedMessage, Reason
from microgrid_common.schemas.reading import (
    Flag,
    MalformedBatchError,
    Reading,
    decode_readings,
    encode_readings,
)
from microgrid_common.schemas.status import DeviceStatus, PresenceStatus
from microgrid_common.schemas.streams import readings_stream_of, readings_streams
from microgrid_common.schemas.telemetry import DeviceAlert
from microgrid_common.schemas.topics import (
    FROM_THE_PLATFORM,
    TopicKind,
    device_topic,
    grid_alerts_topic,
    parse_topic,
)

identifiers = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
times = st.integers(0, 4_000_000_000_000).map(
    lambda milliseconds: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
)
metrics = st.dictionaries(
    st.sampled_from([metric.name for metric in METRICS]),
    st.floats(allow_nan=False, allow_infinity=False),
    min_size=1,
)
readings = st.builds(
    Reading,
    grid_id=identifiers,
    device_id=identifiers,
    timestamp=times,
    received_at=times,
    metrics=metrics,
    flags=st.lists(st.sampled_from(Flag), unique=True).map(tuple),
    boot_id=st.none() | identifiers,
    seq=st.none() | st.integers(0, 2**53 - 1),
    device_type=st.text(max_size=20),
    component=st.none() | st.text(max_size=20),
)
alerts = st.builds(
    Alert,
    id=st.integers(1).map(lambda number: f"alert-{number}"),
    grid_id=identifiers,
    device_id=identifiers,
    rule_id=st.text(max_size=20),
    severity=st.sampled_from(Severity),
    message=st.text(max_size=100),
    status=st.sampled_from(AlertStatus),
    source=st.sampled_from(AlertSource),
    raised_at=times,
    cleared_at=st.none() | times,
    metrics=metrics,
)


@given(st.lists(readings, max_size=5))
def test_readings_come_back_as_they_went(batch: list[Reading]) -> None:
    assert decode_readings(encode_readings(batch)) == batch


@pytest.mark.parametrize("data", [b"", b"{}", b"[1]", b'[{"grid_id":"g"}]', b"\xff", b"null"])
def test_what_is_no_batch_of_readings_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedBatchError):
        decode_readings(data)


@given(readings)
def test_arrival_decides_for_the_prototype_and_measurement_for_all_others(reading: Reading) -> None:
    expected = reading.received_at if Flag.PROTOTYPE in reading.flags else reading.timestamp
    assert reading.effective_at == expected


@given(st.builds(AlertEvent, transition=st.sampled_from(AlertTransition), at=times, alert=alerts))
def test_an_alert_event_comes_back_as_it_went(event: AlertEvent) -> None:
    assert AlertEvent.model_validate_json(event.model_dump_json()) == event


@given(
    st.builds(DeviceNotice, grid_id=identifiers, device_id=identifiers, received_at=times, message=st.text())
)
def test_a_notice_comes_back_as_it_went(notice: DeviceNotice) -> None:
    assert DeviceNotice.model_validate_json(notice.model_dump_json()) == notice


@given(st.binary(max_size=300), st.sampled_from(Reason), st.none() | st.text(max_size=30), times)
def test_a_quarantined_message_keeps_every_byte(
    raw: bytes, reason: Reason, field: str | None, received_at: datetime
) -> None:
    message = QuarantinedMessage(
        received_at=received_at,
        topic="microgrid/data",
        defects=(Defect(reason=reason, field=field),),
        raw=raw,
        raw_size_bytes=len(raw),
    )
    assert QuarantinedMessage.model_validate_json(message.model_dump_json()) == message
    assert message.reason is reason


def test_nothing_is_quarantined_without_a_defect() -> None:
    with pytest.raises(ValidationError, match="defects"):
        QuarantinedMessage(
            received_at=datetime(2026, 11, 23, tzinfo=UTC),
            topic="microgrid/data",
            defects=(),
            raw=b"",
            raw_size_bytes=0,
        )


@given(st.sampled_from(PresenceStatus), st.none() | st.from_regex(r"[A-Za-z0-9_-]{1,32}", fullmatch=True))
def test_a_status_comes_back_as_it_went(status: PresenceStatus, boot_id: str | None) -> None:
    sent = DeviceStatus(status=status, boot_id=boot_id)
    assert DeviceStatus.model_validate_json(sent.encode()) == sent


@given(st.text(max_size=70) | identifiers)
def test_an_identifier_is_the_same_for_all_who_ask(text: str) -> None:
    expected = re.fullmatch(r"[A-Za-z0-9_-]{1,64}", text) is not None
    assert is_identifier(text) is expected
    try:
        TypeAdapter(Identifier).validate_python(text)
    except ValidationError:
        assert not expected
    else:
        assert expected


@pytest.mark.parametrize("text", ["", "a\n", "ä", "\u0661", "a b", "a/b", "+", "#", "x" * 65, "a\x00", "."])
def test_what_could_do_harm_in_a_topic_is_no_identifier(text: str) -> None:
    assert not is_identifier(text)


DEVICE_KINDS = [
    TopicKind.TELEMETRY,
    TopicKind.STATUS,
    TopicKind.BACKFILL_REQUEST,
    TopicKind.COMMAND,
    TopicKind.COMMAND_ACKNOWLEDGEMENT,
]


@given(identifiers, identifiers, st.sampled_from(DEVICE_KINDS))
def test_a_device_topic_is_taken_apart_as_it_was_put_together(
    grid_id: str, device_id: str, kind: TopicKind
) -> None:
    topic = parse_topic(device_topic(grid_id, device_id, kind))
    assert topic is not None
    assert (topic.grid_id, topic.device_id, topic.kind) == (grid_id, device_id, kind)


@given(identifiers)
def test_the_alerts_topic_of_a_grid_is_the_platforms_own(grid_id: str) -> None:
    topic = parse_topic(grid_alerts_topic(grid_id))
    assert topic is not None
    assert (topic.grid_id, topic.device_id) == (grid_id, None)
    assert topic.kind in FROM_THE_PLATFORM


@given(st.text() | st.lists(st.sampled_from(["microgrid", "data", "device", "g", ""])).map("/".join))
def test_any_text_is_a_topic_or_is_not(text: str) -> None:
    topic = parse_topic(text)
    assert topic is None or is_identifier(topic.grid_id)


@given(identifiers, st.integers(1, 64))
def test_a_grid_has_one_stream_among_those_that_there_are(grid_id: str, shards: int) -> None:
    stream = readings_stream_of(grid_id, shards)
    assert stream in readings_streams(shards)
    assert stream == readings_stream_of(grid_id, shards)


@given(st.text())
@example("\x1f")
@example(" \u2028\n")
def test_the_message_of_a_device_alert_is_one_printable_line_or_refused(text: str) -> None:
    try:
        message = DeviceAlert(message=text).message
    except ValidationError:
        return
    assert 0 < len(message) <= 500
    assert len(message.splitlines()) == 1
    assert not re.search(r"[\x00-\x1f\x7f-\x9f]", message)
