"""Readings as InfluxDB line protocol.

One line a reading: measurement `telemetry`, the tags `device_id` and `grid_id`, one float field a metric,
and the time in milliseconds. The tags are the identity of a reading and nothing else. What the registry
knows about a device (its type, its component) can change, and a changed tag is another series: the same
reading delivered again would then be a second row.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from pydantic_core import to_json

from microgrid_common.adapters.epoch_milliseconds import EPOCH, MILLISECOND
from microgrid_common.schemas.identifiers import is_identifier
from microgrid_common.schemas.reading import Reading

MEASUREMENT = "telemetry"

_FIELD_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")

_KNOWN_DEVICES = 16_384
"""More than one process serves; some 5 MB of prefixes at most."""


class UnencodableError(ValueError):
    """A reading has no line: a name would need escaping, a value is not finite, or there is no value."""


def encode(readings: Sequence[Reading]) -> bytes:
    """One line for each reading, in their order, for a write with millisecond precision.

    Names are refused rather than escaped: all of ours are safe as they are, so one that is not was never
    checked by anybody.

    Raises:
        UnencodableError: at least one of the readings cannot be written down.
    """
    metrics = [reading.metrics for reading in readings]
    _check_field_names(set().union(*metrics))
    # All values at once by the JSON writer, turned into fields with whole-buffer operations: 1.5 µs a
    # reading of six metrics, where formatting each value in Python takes 2.3 to 3.6 µs. It is safe since
    # the names hold no quote, colon, brace or capital letter, and finite numbers neither.
    values = to_json(metrics)
    if b"N" in values or b"I" in values:
        raise UnencodableError("a value is not finite")
    fields = values[2:-2].translate(None, b'"').replace(b":", b"=").split(b"},{")
    if b"" in fields:
        raise UnencodableError("a reading has no value")
    return b"\n".join(
        [
            b"%b %b %d"
            % (
                _series(reading.grid_id, reading.device_id),
                values,
                (reading.timestamp - EPOCH) // MILLISECOND,
            )
            for reading, values in zip(readings, fields, strict=True)
        ]
    )


@lru_cache(_KNOWN_DEVICES)
def _series(grid_id: str, device_id: str) -> bytes:
    if not (is_identifier(grid_id) and is_identifier(device_id)):
        raise UnencodableError(f"{grid_id!r}, {device_id!r}: not the identifiers of a grid and a device")
    # Tags in the order of their names, which spares InfluxDB sorting them.
    return f"{MEASUREMENT},device_id={device_id},grid_id={grid_id}".encode()


def _check_field_names(names: Iterable[str]) -> None:
    for name in names:
        if _FIELD_NAME.fullmatch(name) is None:
            raise UnencodableError(f"{name!r}: not the name of a metric")
