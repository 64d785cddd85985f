"""A reading: what one device measured at one time, clean and in canonical units."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from pydantic import TypeAdapter


class Flag(StrEnum):
    """What a consumer should know about a reading before trusting it whole."""

    PROTOTYPE = "prototype"
    """It came as a prototype payload, which has no `seq`: it counts as live by its arrival."""
    CLOCK_REPLACED = "clock_replaced"
    """The device's clock was impossible; `timestamp` is the time of arrival."""
    NUMBER_FROM_TEXT = "number_from_text"
    """A value came as text and was read as the number that it spells."""
    NULL_DROPPED = "null_dropped"
    """A value was null and is left out."""
    DEFECT_DROPPED = "defect_dropped"
    """A value was refused and is left out; the message is in quarantine with the reason."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one device measured at one time.

    Its identity is (`grid_id`, `device_id`, `timestamp`): stores overwrite on it, so that a message
    delivered twice adds nothing.
    """

    grid_id: str
    device_id: str
    timestamp: datetime
    """When it was measured: aware, UTC, whole milliseconds."""
    received_at: datetime
    """When the ingestor received it: aware, UTC, in microseconds, so that it tells the order of arrival."""
    metrics: dict[str, float]
    """Canonical metric name → finite value in the metric's canonical unit; never empty."""
    flags: tuple[Flag, ...] = ()
    boot_id: str | None = None
    seq: int | None = None
    device_type: str = "unregistered"
    component: str | None = None

    @property
    def effective_at(self) -> datetime:
        """The time that decides which of two readings is the newer one.

        It is the time of measurement; but a prototype device has no backlog to send late, and people
        send its payload by hand with any timestamp, so there the arrival decides.
        """
        return self.received_at if Flag.PROTOTYPE in self.flags else self.timestamp


_BATCH = TypeAdapter(list[Reading])


def encode_readings(readings: Sequence[Reading]) -> bytes:
    """Readings as the JSON text that one entry of the `readings` stream carries."""
    return _BATCH.dump_json(list(readings), exclude_defaults=True)


def decode_readings(data: bytes) -> list[Reading]:
    """The readings of one entry of the `readings` stream.

    Raises:
        pydantic.ValidationError: `data` is not what `encode_readings` writes.
    """
    return _BATCH.validate_json(data)
