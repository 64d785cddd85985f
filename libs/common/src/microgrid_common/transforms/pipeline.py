"""The whole path of one message: decode, validate, clean, convert, enrich."""

from datetime import datetime

from microgrid_common.schemas.notice import DeviceNotice
from microgrid_common.schemas.quarantine import Defect, Reason
from microgrid_common.schemas.reading import Flag, Reading
from microgrid_common.schemas.telemetry import PROTOTYPE_METRICS, Sample
from microgrid_common.schemas.topics import Topic, TopicKind, parse_topic
from microgrid_common.transforms.clean import clean
from microgrid_common.transforms.clock import trusted_time
from microgrid_common.transforms.decode import decode_device_alert, decode_prototype, decode_telemetry
from microgrid_common.transforms.enrich import Registry, look_up
from microgrid_common.transforms.outcome import Outcome, RejectedError


def process(topic: str, payload: bytes, received_at: datetime, registry: Registry) -> Outcome:
    """Turn a message into readings, or say what was wrong with it. Never raises.

    Args:
        topic: the MQTT topic that it was published on.
        payload: its bytes.
        received_at: aware, UTC, whole milliseconds.
        registry: a snapshot of the device registry.
    """
    address = parse_topic(topic)
    if address is None:
        return Outcome(defects=(Defect(reason=Reason.UNKNOWN_TOPIC, detail="no topic of the contract"),))
    try:
        return _process(address, payload, received_at, registry)
    except RejectedError as error:
        return Outcome(defects=error.defects, grid_id=address.grid_id, device_id=address.device_id)


def _process(address: Topic, payload: bytes, received_at: datetime, registry: Registry) -> Outcome:
    match address.kind:
        case TopicKind.TELEMETRY:
            samples = decode_telemetry(payload)
            if len(samples) == 1:
                return _accept(address, received_at, registry, [("metrics", samples[0])])
            numbered = [(f"samples.{index}.metrics", sample) for index, sample in enumerate(samples)]
            return _accept(address, received_at, registry, numbered)
        case TopicKind.PROTOTYPE_DATA:
            prototype = decode_prototype(payload)
            values = {name: getattr(prototype, name) for name in PROTOTYPE_METRICS}
            sample = Sample.model_construct(timestamp=prototype.timestamp, metrics=values)
            return _accept(address, received_at, registry, [("", sample)], (Flag.PROTOTYPE,))
        case TopicKind.PROTOTYPE_ALERT:
            return _notice(address, payload, received_at)
        case _:
            return Outcome(grid_id=address.grid_id, device_id=address.device_id)


def _notice(address: Topic, payload: bytes, received_at: datetime) -> Outcome:
    message = decode_device_alert(payload).message
    grid_id, device_id = address.grid_id, str(address.device_id)
    notice = DeviceNotice(grid_id=grid_id, device_id=device_id, received_at=received_at, message=message)
    return Outcome(notice=notice, grid_id=grid_id, device_id=device_id)


def _accept(
    address: Topic,
    received_at: datetime,
    registry: Registry,
    samples: list[tuple[str, Sample]],
    flags: tuple[Flag, ...] = (),
) -> Outcome:
    grid_id, device_id = address.grid_id, str(address.device_id)
    device_type, component = look_up(registry, grid_id, device_id)
    readings: list[Reading] = []
    defects: list[Defect] = []
    for path, sample in samples:
        cleaned = clean(sample.metrics, sample.units, path)
        defects.extend(cleaned.defects)
        if not cleaned.metrics:
            if not cleaned.defects:
                defects.append(
                    Defect(reason=Reason.NO_METRICS, field=path or None, detail="no usable value is left")
                )
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
    return Outcome(tuple(readings), None, tuple(defects), grid_id, device_id)
