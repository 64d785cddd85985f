"""The whole path of one message: decode, validate, clean, convert, enrich."""

from datetime import datetime
from typing import Any

from microgrid_common.schemas.command import CommandAnswer
from microgrid_common.schemas.notice import DeviceNotice
from microgrid_common.schemas.presence import DevicePresence
from microgrid_common.schemas.quarantine import Defect, Reason
from microgrid_common.schemas.reading import Flag, Reading
from microgrid_common.schemas.telemetry import PROTOTYPE_METRICS, Sample, TelemetryV1
from microgrid_common.schemas.topics import (
    FROM_THE_PLATFORM,
    PROTOTYPE_ALERTS_TOPIC,
    PROTOTYPE_DATA_TOPIC,
    Topic,
    TopicKind,
    parse_topic,
)
from microgrid_common.transforms.clean import FieldPath, clean
from microgrid_common.transforms.clock import trusted_time
from microgrid_common.transforms.decode import (
    decode_acknowledgement,
    decode_device_alert,
    decode_prototype,
    decode_status,
    decode_telemetry,
)
from microgrid_common.transforms.enrich import Registry, look_up
from microgrid_common.transforms.numbers import Number, legible_numbers, number_ranges
from microgrid_common.transforms.outcome import MAXIMUM_DEFECTS, Outcome, RejectedError, field_path
from microgrid_common.transforms.regular import RegularSample, decode_regular

_LocatedSample = tuple[FieldPath, Sample]
"""A sample, and where its metrics stand in the message."""

_KNOWN_TOPICS = (
    f"expected {PROTOTYPE_DATA_TOPIC}, {PROTOTYPE_ALERTS_TOPIC}, or telemetry, status or command/ack under "
    "microgrid/{grid_id}/device/{device_id}/; an id is 1 to 64 letters, digits, _ or -"
)

_REGISTER = "the device is not registered; register it, then replay what it sent"


def process(
    topic: str, payload: bytes, received_at: datetime, registry: Registry, *, only_registered: bool = False
) -> Outcome:
    """Turn a message into readings, or say what was wrong with it. Never raises.

    Args:
        topic: the MQTT topic that it was published on.
        payload: its bytes.
        received_at: aware, UTC.
        registry: a snapshot of the device registry.
        only_registered: whether to refuse what is of a device that is not in it.
    """
    address = parse_topic(topic)
    if address is None:
        return Outcome(defects=(Defect(reason=Reason.UNKNOWN_TOPIC, detail=_KNOWN_TOPICS),))
    try:
        if only_registered:
            _check_registered(address, registry)
        return _process(address, payload, received_at, registry)
    except RejectedError as error:
        refused = legible_numbers(payload) if address.kind is TopicKind.TELEMETRY else ()
        return Outcome(
            defects=error.defects, grid_id=address.grid_id, device_id=address.device_id, refused=refused
        )


def _process(address: Topic, payload: bytes, received_at: datetime, registry: Registry) -> Outcome:
    match address.kind:
        case TopicKind.TELEMETRY:
            return _telemetry(address, payload, received_at, registry)
        case TopicKind.PROTOTYPE_DATA:
            prototype = decode_prototype(payload)
            given = prototype.model_fields_set
            values: dict[str, Any] = {
                name: getattr(prototype, name) for name in PROTOTYPE_METRICS if name in given
            }
            sample = Sample.model_construct(timestamp=prototype.timestamp, metrics=values)
            return _accept(address, received_at, registry, [((), sample)], (Flag.PROTOTYPE,))
        case TopicKind.PROTOTYPE_ALERT:
            return _notice(address, payload, received_at)
        # An empty payload takes a retained status away, and says nothing.
        case TopicKind.STATUS if payload:
            return _presence(address, payload, received_at)
        case TopicKind.COMMAND_ACKNOWLEDGEMENT:
            return _answer(address, payload, received_at)
        case _:
            return Outcome()


def _check_registered(address: Topic, registry: Registry) -> None:
    if address.kind not in FROM_THE_PLATFORM and (address.grid_id, address.device_id) not in registry:
        raise RejectedError(Defect(reason=Reason.UNKNOWN_DEVICE, detail=_REGISTER))


def _telemetry(address: Topic, payload: bytes, received_at: datetime, registry: Registry) -> Outcome:
    regular = decode_regular(payload)
    if regular is not None:
        return _accept_regular(address, received_at, registry, regular)
    samples = decode_telemetry(payload)
    if isinstance(samples[0], TelemetryV1):
        return _accept(address, received_at, registry, [(("metrics",), samples[0])])
    located: list[_LocatedSample] = [
        (("samples", index, "metrics"), sample) for index, sample in enumerate(samples)
    ]
    return _accept(address, received_at, registry, located)


def _notice(address: Topic, payload: bytes, received_at: datetime) -> Outcome:
    message = decode_device_alert(payload).message
    grid_id, device_id = address.grid_id, str(address.device_id)
    notice = DeviceNotice(grid_id=grid_id, device_id=device_id, received_at=received_at, message=message)
    return Outcome(notice=notice, grid_id=grid_id, device_id=device_id)


def _presence(address: Topic, payload: bytes, received_at: datetime) -> Outcome:
    grid_id, device_id, status = address.grid_id, str(address.device_id), decode_status(payload)
    presence = DevicePresence(grid_id=grid_id, device_id=device_id, received_at=received_at, status=status)
    return Outcome(presence=presence, grid_id=grid_id, device_id=device_id)


def _answer(address: Topic, payload: bytes, received_at: datetime) -> Outcome:
    grid_id, device_id, said = address.grid_id, str(address.device_id), decode_acknowledgement(payload)
    answer = CommandAnswer(
        grid_id=grid_id, device_id=device_id, received_at=received_at, acknowledgement=said
    )
    return Outcome(answer=answer, grid_id=grid_id, device_id=device_id)


def _accept_regular(
    address: Topic, received_at: datetime, registry: Registry, samples: list[RegularSample]
) -> Outcome:
    grid_id, device_id = address.grid_id, str(address.device_id)
    device_type, component = look_up(registry, grid_id, device_id)
    readings = []
    for sample in samples:
        timestamp, flags = trusted_time(sample["timestamp"], received_at)
        readings.append(
            Reading(
                grid_id,
                device_id,
                timestamp,
                received_at,
                sample["metrics"],
                flags,
                sample.get("boot_id"),
                sample.get("seq"),
                device_type,
                component,
            )
        )
    return Outcome(tuple(readings), None, (), grid_id, device_id)


def _accept(
    address: Topic,
    received_at: datetime,
    registry: Registry,
    samples: list[_LocatedSample],
    flags: tuple[Flag, ...] = (),
) -> Outcome:
    grid_id, device_id = address.grid_id, str(address.device_id)
    device_type, component = look_up(registry, grid_id, device_id)
    readings: list[Reading] = []
    defects: list[Defect] = []
    refused: list[Number] = []
    for path, sample in samples:
        cleaned = clean(sample.metrics, sample.units, path)
        defects.extend(cleaned.defects)
        if not cleaned.metrics:
            if not cleaned.defects:
                field = field_path(*path) or None
                defects.append(Defect(reason=Reason.NO_METRICS, field=field, detail="no value is left"))
            if sample.boot_id is not None and sample.seq is not None:
                refused.append((sample.boot_id, sample.seq))
            continue
        timestamp, clock_flags = trusted_time(sample.timestamp, received_at)
        readings.append(
            Reading(
                grid_id,
                device_id,
                timestamp,
                received_at,
                cleaned.metrics,
                flags + clock_flags + cleaned.flags,
                sample.boot_id,
                sample.seq,
                device_type,
                component,
            )
        )
    return Outcome(
        tuple(readings),
        None,
        tuple(defects[:MAXIMUM_DEFECTS]),
        grid_id,
        device_id,
        refused=number_ranges(refused) if refused else (),
    )
