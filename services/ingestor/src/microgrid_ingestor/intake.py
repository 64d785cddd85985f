"""What becomes of a batch of messages: the records that it appends to the log."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import structlog

from microgrid_common.ports.durable_log import Record
from microgrid_common.ports.message_source import InboundMessage
from microgrid_common.runtime.stream_records import record_between_readings
from microgrid_common.schemas.command import CommandAnswer
from microgrid_common.schemas.presence import DevicePresence
from microgrid_common.schemas.quarantine import RAW_BYTES_KEPT, Defect, QuarantinedMessage, Reason
from microgrid_common.schemas.reading import Reading, encode_readings
from microgrid_common.schemas.refusal import Refusal, encode_refusals
from microgrid_common.schemas.streams import (
    QUARANTINE_STREAM,
    QUARANTINED_KIND,
    READINGS_KIND,
    REFUSALS_KIND,
    readings_stream_of,
)
from microgrid_common.schemas.topics import TopicKind, parse_topic
from microgrid_common.transforms.enrich import Registry
from microgrid_common.transforms.link_steps import Sighting
from microgrid_common.transforms.numbers import legible_numbers
from microgrid_common.transforms.outcome import Outcome
from microgrid_common.transforms.pipeline import process
from microgrid_ingestor.roll_call import RollCall

READINGS_PER_ENTRY = 500
"""A stream entry stays near 100 kB, so that one consumer's step is short and small, and a redelivery cheap.
How many entries a consumer takes at once bounds its memory only because of this."""


@dataclass(frozen=True, slots=True)
class Intake:
    """What a batch of messages turned into."""

    records: list[Record]
    """In the order of arrival within each stream."""
    readings: int
    """How many readings are in `records`."""
    quarantined: list[Reason]
    """The reason of each message that is in quarantine, whole or in part."""
    sightings: list[Sighting] = field(default_factory=list)
    """Which devices were heard, each once."""
    reports: list[DevicePresence] = field(default_factory=list)
    """Births and last wills, in the order of arrival."""
    answers: list[CommandAnswer] = field(default_factory=list)
    """What devices said about commands, in the order of arrival."""


def take_in(
    messages: Iterable[InboundMessage], *, registry: Registry, shards: int, only_registered: bool = False
) -> Intake:
    """Turn messages into the records to append, none of them lost: each is a reading, in quarantine or both.

    Readings of one stream share entries of up to `READINGS_PER_ENTRY`. A device's notice or presence has an
    entry of its own between those before and after it, since those who read it go by the order.

    Args:
        messages: what arrived.
        registry: a snapshot of the device registry.
        shards: into how many streams the readings are divided.
        only_registered: whether to refuse what is of a device that is not in the registry.
    """
    open_entries: dict[str, list[Reading]] = {}
    refusals: dict[str, list[Refusal]] = {}
    records: list[Record] = []
    quarantined: list[Reason] = []
    roll_call = RollCall()
    answers: list[CommandAnswer] = []
    readings = 0
    for message in messages:
        outcome = _process(message, registry, only_registered=only_registered)
        for reading in outcome.readings:
            stream = readings_stream_of(reading.grid_id, shards)
            entry = open_entries.setdefault(stream, [])
            entry.append(reading)
            readings += 1
            if len(entry) >= READINGS_PER_ENTRY:
                records.extend(_close(open_entries, stream))
        roll_call.note(message, outcome)
        if outcome.answer and not message.retained:
            answers.append(outcome.answer)
        if between := record_between_readings(outcome, shards):
            records.extend(_close(open_entries, between.stream))
            records.append(between)
        if outcome.defects:
            records.append(_quarantine(message, outcome))
            quarantined.append(outcome.defects[0].reason)
            if refusal := _refusal(outcome):
                refusals.setdefault(readings_stream_of(refusal.grid_id, shards), []).append(refusal)
    for stream in list(open_entries):
        records.extend(_close(open_entries, stream))
    for stream, refused in refusals.items():
        records.append(Record(stream, REFUSALS_KIND, encode_refusals(refused)))
    return Intake(records, readings, quarantined, roll_call.sightings, roll_call.reports, answers)


def _process(message: InboundMessage, registry: Registry, *, only_registered: bool) -> Outcome:
    try:
        outcome = process(
            message.topic, message.payload, message.received_at, registry, only_registered=only_registered
        )
    except Exception as error:  # noqa: BLE001 - one message must not stop the others, whatever we did wrong
        structlog.get_logger().exception("processing_failed", topic=message.topic)
        defects = (Defect(reason=Reason.INTERNAL_ERROR, detail=type(error).__name__),)
        address = parse_topic(message.topic)
        if address is None or address.kind is not TopicKind.TELEMETRY:
            return Outcome(defects=defects)
        numbers = legible_numbers(message.payload)
        return Outcome(defects=defects, grid_id=address.grid_id, device_id=address.device_id, refused=numbers)
    if outcome.presence and message.retained:
        return outcome._replace(presence=outcome.presence.model_copy(update={"retained": True}))
    return outcome


def _refusal(outcome: Outcome) -> Refusal | None:
    """What the ledger has to know; None when the message's own number arrived with the rest of it."""
    if outcome.grid_id is None or outcome.device_id is None or not (outcome.refused or not outcome.readings):
        return None
    return Refusal.model_construct(
        grid_id=outcome.grid_id, device_id=outcome.device_id, numbers=outcome.refused
    )


def _close(open_entries: dict[str, list[Reading]], stream: str) -> Iterator[Record]:
    if entry := open_entries.pop(stream, None):
        yield Record(stream, READINGS_KIND, encode_readings(entry))


def _quarantine(message: InboundMessage, outcome: Outcome) -> Record:
    kept = QuarantinedMessage.model_construct(
        received_at=message.received_at,
        topic=message.topic,
        grid_id=outcome.grid_id,
        device_id=outcome.device_id,
        numbers=outcome.refused,
        defects=outcome.defects,
        raw=message.payload[:RAW_BYTES_KEPT],
        raw_size_bytes=len(message.payload) + message.left_out_bytes,
    )
    return Record(QUARANTINE_STREAM, QUARANTINED_KIND, kept.model_dump_json().encode())
