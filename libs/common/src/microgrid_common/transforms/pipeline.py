"""The whole path of one message: decode, validate, clean, convert, enrich."""

from datetime import datetime

from microgrid_common.schemas.device import Device
from microgrid_common.schemas.notice import DeviceNotice
from microgrid_common.schemas.quarantine import Defect, Reason
from microgrid_common.schemas.reading import Flag, Reading
from microgrid_common.schemas.telemetry import PROTOTYPE_METRICS, Sample
from microgrid_common.schemas.topics import Topic, TopicKind, parse_topic
from microgrid_common.transforms.clean import clean
from microgrid_common.transforms.clock import believable, to_utc_milliseconds
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
    grid_id, device_id = address.grid_id, address.device_id
    if device_id is None:
        return Outcome(grid_id=grid_id)
    device = look_up(registry, grid_id, device_id)
    match address.kind:
        case TopicKind.TELEMETRY:
            samples = decode_telemetry(payload)
            if len(samples) == 1:
                return _outcome(device, [_reading(device, samples[0], received_at, "metrics")])
            return _outcome(
                device,
                [
                    _reading(device, sample, received_at, f"samples.{index}.metrics")
                    for index, sample in enumerate(samples)
                ],
            )
        case TopicKind.PROTOTYPE_DATA:
            prototype = decode_prototype(payload)
            values = {name: getattr(prototype, name) for name in PROTOTYPE_METRICS}
            sample = Sample.model_construct(timestamp=prototype.timestamp, metrics=values)
            return _outcome(device, [_reading(device, sample, received_at, "", (Flag.PROTOTYPE,))])
        case TopicKind.PROTOTYPE_ALERT:
            message = decode_device_alert(payload).message
            notice = DeviceNotice(
                grid_id=grid_id, device_id=device_id, received_at=received_at, message=message
            )
            return Outcome(notice=notice, grid_id=grid_id, device_id=device_id)
        case _:
            return Outcome(grid_id=grid_id, device_id=device_id)


def _reading(
    device: Device, sample: Sample, received_at: datetime, path: str, flags: tuple[Flag, ...] = ()
) -> tuple[Reading | None, tuple[Defect, ...]]:
    cleaned = clean(sample.metrics, sample.units, path)
    if not cleaned.metrics:
        nothing_left = Defect(reason=Reason.NO_METRICS, field=path or None, detail="no usable value is left")
        return None, cleaned.defects or (nothing_left,)
    timestamp = to_utc_milliseconds(sample.timestamp)
    if not believable(timestamp, received_at):
        timestamp = received_at
        flags = (*flags, Flag.CLOCK_REPLACED)
    reading = Reading(
        grid_id=device.grid_id,
        device_id=device.device_id,
        timestamp=timestamp,
        received_at=received_at,
        metrics=cleaned.metrics,
        flags=(*flags, *cleaned.flags),
        boot_id=sample.boot_id,
        seq=sample.seq,
        device_type=device.device_type,
        component=device.component,
    )
    return reading, cleaned.defects


def _outcome(device: Device, results: list[tuple[Reading | None, tuple[Defect, ...]]]) -> Outcome:
    return Outcome(
        readings=tuple(reading for reading, _ in results if reading is not None),
        defects=tuple(defect for _, defects in results for defect in defects),
        grid_id=device.grid_id,
        device_id=device.device_id,
    )
