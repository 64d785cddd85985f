"""How long a device may be silent before something is believed about its link."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from microgrid_common.schemas.device import Device
from microgrid_common.schemas.device_link import DeviceLink

_DOUBT_INTERVALS = 1.5
"""A device that lives reports within its interval, and a little later over a slow link."""
_SHARE_OF_SHORTER = 0.1
"""A learned interval falls by a tenth of the difference: one early message says little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkRules:
    """How long to wait before something is believed."""

    stale_factor: float = 3.0
    """A device is stale after so many of its intervals without a message."""
    shortest_silence: timedelta = timedelta(seconds=5)
    """However often it reports, less than this is a hiccup of the network or of ours."""
    guard: timedelta = timedelta(seconds=5)
    """A message may arrive so much later than another one that was sent at the same time."""
    settling: timedelta = timedelta(seconds=30)
    """After the platform was away silence counts only from then on: devices come back one by one."""
    forget_after: timedelta = timedelta(days=30)
    """An unregistered device that was silent for so long is forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkWatch:
    """What is known beside the link itself when its silence is judged."""

    rules: LinkRules
    device: Device | None
    """What the registry says of it; None for an unregistered device."""
    listening_since: datetime
    """Since when a message would have been heard: while the platform is away, silence says nothing."""

    def stale_at(self, link: DeviceLink) -> datetime | None:
        """When it becomes stale unless it is heard; None when it is already."""
        if link.stale:
            return None
        silence = timedelta(seconds=self._interval_seconds(link) * self.rules.stale_factor)
        return max(link.last_seen or link.since, self.listening_since) + max(
            silence, self.rules.shortest_silence
        )

    def doubt_ends_at(self, link: DeviceLink) -> datetime | None:
        """When a doubtful last will is believed unless the device is heard; None when there is none."""
        if link.doubted_at is None:
            return None
        silence = timedelta(seconds=self._interval_seconds(link) * _DOUBT_INTERVALS)
        return max(link.doubted_at, self.listening_since) + max(silence, self.rules.guard)

    def forgotten_at(self, link: DeviceLink) -> datetime | None:
        """When it is forgotten unless it is heard; None for a registered device, which never is."""
        if self.device is not None:
            return None
        return max(link.last_seen or link.since, link.since) + self.rules.forget_after

    def look_again_at(self, link: DeviceLink) -> datetime | None:
        """When silence may change the link next; None for never."""
        times = (self.stale_at(link), self.doubt_ends_at(link), self.forgotten_at(link))
        return min((time for time in times if time is not None), default=None)

    def _interval_seconds(self, link: DeviceLink) -> float:
        registered = self.device.expected_interval_seconds if self.device else None
        return link.learned_interval_seconds if registered is None else registered


def learned_interval(seconds: float, gap_seconds: float) -> float:
    """How often a device reports, after one more time between two of its messages.

    It doubles at most, so that one outage teaches little, and falls slowly, so that a burst does not either.

    Args:
        seconds: what was known before.
        gap_seconds: the time between the last two messages; longer than zero.
    """
    if gap_seconds > seconds:
        return min(gap_seconds, 2 * seconds)
    return seconds + (gap_seconds - seconds) * _SHARE_OF_SHORTER
