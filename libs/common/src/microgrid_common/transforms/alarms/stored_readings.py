"""Readings as they come back from a store: their values are there, how they arrived is not."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

from microgrid_common.schemas.device import Device
from microgrid_common.schemas.reading import Reading


def readings_of(device: Device, points: Mapping[str, Iterable[tuple[datetime, float]]]) -> list[Reading]:
    """The readings of one device: what was measured at one time is one reading, received at that time.

    Args:
        device: as the registry has it.
        points: canonical metric name → times, aware, and values.

    Returns:
        In order of time.
    """
    by_time: dict[datetime, dict[str, float]] = defaultdict(dict)
    for metric, of_metric in points.items():
        for time, value in of_metric:
            by_time[time][metric] = value
    return [
        Reading(
            grid_id=device.grid_id,
            device_id=device.device_id,
            timestamp=time,
            received_at=time,
            metrics=metrics,
            device_type=device.device_type,
            component=device.component,
        )
        for time, metrics in sorted(by_time.items(), key=lambda item: item[0])
    ]
