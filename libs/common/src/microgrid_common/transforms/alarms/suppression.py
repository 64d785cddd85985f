"""What suppresses an alarm by design: a parent that is down, or maintenance."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from microgrid_common.schemas.alert import Suppression, SuppressionCause
from microgrid_common.transforms.alarms.documents import DeviceAlarms, GridAlarms
from microgrid_common.transforms.alarms.rule_plan import RulePlan

CHILDREN_COME_BACK_WITHIN: Final = timedelta(seconds=60)
"""After its parent did; until then a child's silence says nothing new."""


def suppression_of(
    grid: GridAlarms,
    plan: RulePlan,
    *,
    grid_id: str,
    device_id: str,
    component: str | None,
    parent_id: str | None,
    on_silence: bool,
    at: datetime,
) -> Suppression | None:
    """Why an alarm of a device is suppressed at a time; None when it is not.

    Args:
        grid: the grid's document.
        plan: the rules and windows.
        grid_id: the device's grid.
        device_id: the device.
        component: what it watches.
        parent_id: the gateway that it reports through; None for none.
        on_silence: whether the alarm is about silence: only that follows from a parent's.
        at: the time.
    """
    if on_silence and parent_id is not None:
        released = release_of(grid, parent_id)
        if parent_id in grid.down or (released is not None and at < released):
            return Suppression(at=at, cause=SuppressionCause.PARENT_DOWN, by=parent_id)
    if window := plan.window_over(grid_id, device_id, component, at):
        return Suppression(at=at, cause=SuppressionCause.MAINTENANCE, by=window.window_id)
    return None


def release_of(grid: GridAlarms, parent_id: str) -> datetime | None:
    """Until when the children of a device that came back are given time; None when it was not down."""
    up_again = grid.up_again.get(parent_id)
    return None if up_again is None else up_again + CHILDREN_COME_BACK_WITHIN


def children_of(parents: Mapping[str, str]) -> dict[str, list[str]]:
    """Gateway → the devices that report through it, from device → gateway."""
    children: dict[str, list[str]] = defaultdict(list)
    for child, parent in parents.items():
        children[parent].append(child)
    return dict(children)


def parent_changed(
    grid: GridAlarms, device_id: str, device: DeviceAlarms, *, is_parent: bool, at: datetime
) -> bool:
    """Keep whether a device that others report through is down; whether that is new."""
    down = is_parent and (device.disconnected_since is not None or device.stale_since is not None)
    if down == (device_id in grid.down):
        return False
    if down:
        grid.down[device_id] = at
        grid.up_again.pop(device_id, None)
    else:
        del grid.down[device_id]
        grid.up_again[device_id] = at
    for parent_id, time in list(grid.up_again.items()):
        if at - time > CHILDREN_COME_BACK_WITHIN:
            del grid.up_again[parent_id]
    return True
