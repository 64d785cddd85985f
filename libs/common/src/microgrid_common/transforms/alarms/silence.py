"""Silence: what is known of a device's link, and since when a rule on silence holds."""

from datetime import datetime, timedelta

from microgrid_common.schemas.device_link import LinkEvent
from microgrid_common.transforms.alarms.conditions import CompiledRule
from microgrid_common.transforms.alarms.documents import DeviceAlarms


def links_changed(device: DeviceAlarms, event: LinkEvent) -> bool:
    """Keep what an event says of the link; False when it was known, or is of long ago."""
    if device.linked_at is not None and event.at < device.linked_at:
        return False
    if event.at != device.linked_at:
        device.linked_at, device.linked = event.at, []
    if event.change.value in device.linked:
        return False
    device.linked.append(event.change.value)
    device.disconnected_since = None if event.connected else device.disconnected_since or event.at
    device.stale_since = (device.stale_since or event.at) if event.stale else None
    return True


def silence_holds(device: DeviceAlarms, rule: CompiledRule, at: datetime) -> datetime | None:
    """Since when a rule on silence holds at `at`; None when it does not."""
    watch = rule.silence_of
    if watch is None:
        return None
    if watch.disconnected:
        return device.disconnected_since
    if watch.metric is None:
        # A device that is disconnected is silent too: that is told once.
        return device.stale_since if device.disconnected_since is None else None
    ends = silent_at(device, rule)
    return ends if ends is not None and at >= ends else None


def silent_at(device: DeviceAlarms, rule: CompiledRule) -> datetime | None:
    """When the metric that a rule watches has been silent for too long; None when it was never heard."""
    watch = rule.silence_of
    if watch is None or watch.metric is None or watch.after_seconds is None:
        return None
    heard = device.heard.get(watch.metric)
    return None if heard is None else heard + timedelta(seconds=watch.after_seconds)
