"""The readings of one device from a telemetry store, piece by piece."""

from collections.abc import AsyncIterator, Iterable
from datetime import datetime, timedelta
from typing import Final

from microgrid_common.ports.errors import TooManyPointsError
from microgrid_common.ports.telemetry_store import TelemetryStore
from microgrid_common.schemas.device import Device
from microgrid_common.schemas.reading import Reading
from microgrid_common.transforms.alarms.stored_readings import readings_of

_PIECE: Final = timedelta(days=1)
_SHORTEST_PIECE: Final = timedelta(seconds=1)


async def stored_readings(
    telemetry: TelemetryStore, device: Device, metrics: Iterable[str], *, start: datetime, end: datetime
) -> AsyncIterator[list[Reading]]:
    """What is stored of some metrics of a device, in order of time, in pieces of a day or shorter.

    Args:
        telemetry: where it is.
        device: as the registry has it.
        metrics: canonical metric names; a reading with none of them is left out.
        start: aware.
        end: aware; not part of it.

    Raises:
        RetryableError: the store is away.
        TooManyPointsError: there are more in one second than the store gives at once.
    """
    metrics = sorted(metrics)
    length = _PIECE
    while start < end:
        until = min(start + length, end)
        try:
            points = {
                metric: await telemetry.history(
                    device.grid_id, metric, start=start, end=until, device_id=device.device_id
                )
                for metric in metrics
            }
        except TooManyPointsError:
            if length <= _SHORTEST_PIECE:
                raise
            length /= 2
            continue
        yield readings_of(
            device,
            {metric: [(point.time, point.value) for point in found] for metric, found in points.items()},
        )
        start = until
