"""Which readings are late: those that are not newer than the newest one with the same metrics."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from microgrid_common.transforms.alarms.documents import DeviceAlarms


def newest_with(device: DeviceAlarms, metrics: Iterable[str]) -> datetime | None:
    """`effective_at` up to which all of some metrics are known; None when one was never read."""
    newest: datetime | None = None
    for metric in metrics:
        at = device.newest if metric in device.newest_metrics else device.older.get(metric)
        if at is None:
            return None
        newest = at if newest is None or at < newest else newest
    return newest


def is_late(device: DeviceAlarms, metrics: Iterable[str], at: datetime) -> bool:
    """Whether all of some metrics are known from later on, or from that time."""
    newest = newest_with(device, metrics)
    return newest is not None and at <= newest


def remember(device: DeviceAlarms, metrics: Mapping[str, float], at: datetime) -> bool:
    """Keep that a reading was judged; whether there was anything new in it."""
    if device.newest is None or at > device.newest:
        names = tuple(metrics)
        if names != device.newest_metrics:
            if device.newest is not None:
                device.older.update(dict.fromkeys(device.newest_metrics, device.newest))
            for metric in names:
                device.older.pop(metric, None)
            device.newest_metrics = names
        device.newest = at
        return True
    new = [metric for metric in metrics if metric not in device.newest_metrics]
    new = [metric for metric in new if metric not in device.older or at > device.older[metric]]
    device.older.update(dict.fromkeys(new, at))
    return bool(new)
