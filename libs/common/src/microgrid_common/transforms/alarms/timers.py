"""When the clock may next change something of a device."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from microgrid_common.schemas.alert import SuppressionCause
from microgrid_common.transforms.alarms.documents import AlarmPoint, DeviceAlarms, GridAlarms
from microgrid_common.transforms.alarms.lifecycle import active_alert
from microgrid_common.transforms.alarms.rule_plan import DeviceRules
from microgrid_common.transforms.alarms.silence import silent_at
from microgrid_common.transforms.alarms.suppression import release_of


def next_timer(
    device: DeviceAlarms,
    rules: DeviceRules,
    grid: GridAlarms,
    *,
    parent_id: str | None,
    window_edge: Callable[[datetime], datetime | None],
    notice_quiet: timedelta,
    now: datetime | None,
) -> datetime | None:
    """The first time at which one of its alarms may change without anything new; None for never.

    Args:
        device: its document.
        rules: the rules that concern it.
        grid: the document of its grid.
        parent_id: the gateway that it reports through; None for none.
        window_edge: the next beginning or end of a maintenance window of the device after a time.
        notice_quiet: how long an alarm lasts that rests on notices alone.
        now: when its alarms were looked at last; None: never.
    """
    times = [*_of_points(device, notice_quiet), *_of_silence(device, rules)]
    for point in device.points.values():
        alert = active_alert(point)
        if alert is None:
            continue
        times += [edge for edge in (window_edge(now or alert.raised_at),) if edge is not None]
        by_parent = alert.suppressed is not None and alert.suppressed.cause is SuppressionCause.PARENT_DOWN
        if by_parent and parent_id is not None:
            times += [release for release in (release_of(grid, parent_id),) if release is not None]
    return min(times, default=None)


def _of_points(device: DeviceAlarms, notice_quiet: timedelta) -> Iterator[datetime]:
    for point in device.points.values():
        yield from _of_point(point, notice_quiet)


def _of_point(point: AlarmPoint, notice_quiet: timedelta) -> Iterator[datetime]:
    if point.pending is not None:
        yield point.pending.timer
    if point.shelved is not None:
        yield point.shelved.until
    if point.noticed_at is not None:
        yield point.noticed_at + notice_quiet


def _of_silence(device: DeviceAlarms, rules: DeviceRules) -> Iterator[datetime]:
    for rule in rules.on_silence:
        point = device.points.get(rule.rule.rule_id)
        at = silent_at(device, rule)
        if at is not None and not (point is not None and point.holds):
            yield at
