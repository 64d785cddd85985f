"""Once more through the path of a message: what a quarantined one would become now."""

from microgrid_common.schemas.quarantine import Defect, QuarantinedMessage, Reason
from microgrid_common.schemas.reading import MalformedBatchError, decode_readings
from microgrid_common.transforms.enrich import Registry
from microgrid_common.transforms.outcome import Outcome
from microgrid_common.transforms.pipeline import process


class NotReplayableError(Exception):
    """A message cannot be put through again; the text says why."""


def process_again(message: QuarantinedMessage, registry: Registry) -> Outcome:
    """Put a quarantined message through the path that a new one takes.

    It keeps its time of arrival, so that doing it twice gives the same readings twice. Readings that the
    telemetry store refused have been through it before and stay as they are.

    Args:
        message: with its payload.
        registry: the device registry as it is now.

    Raises:
        NotReplayableError: its payload was not kept whole, or it is of use at its arrival alone.
    """
    if message.raw_size_bytes > len(message.raw):
        raise NotReplayableError(
            f"only {len(message.raw)} of its {message.raw_size_bytes} bytes were kept, since it was too large"
        )
    if message.topic:
        # Whether only registered devices are wanted is a setting of the receiver, which showed when it
        # refused this one.
        only_registered = message.reason is Reason.UNKNOWN_DEVICE
        outcome = process(
            message.topic, message.raw, message.received_at, registry, only_registered=only_registered
        )
        if outcome.answer:
            raise NotReplayableError("it answers a command, which counts at the time of its arrival alone")
        return outcome
    try:
        readings = tuple(decode_readings(message.raw))
    except MalformedBatchError as error:
        defect = Defect(reason=Reason.INTERNAL_ERROR, detail=f"not readings: {error}")
        return Outcome(defects=(defect,), grid_id=message.grid_id, device_id=message.device_id)
    return Outcome(readings, grid_id=message.grid_id, device_id=message.device_id)
