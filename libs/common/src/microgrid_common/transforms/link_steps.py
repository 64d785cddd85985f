"""How the link of a device changes: by what the device says, by what the broker says for it, by silence.

| what comes | when | the link becomes |
| --- | --- | --- |
| birth | of a connection that is not known to be over | connected |
| last will | of the current connection, or of a later one | disconnected |
| last will | of an earlier connection, or of another boot | as it was: it overtook the rebirth |
| last will | of which that cannot be told | doubted: disconnected unless the device is heard in time |
| any message | while connected | fresh; a doubt is over |
| any message | while disconnected, later than one still under way could be | connected, fresh |
| nothing | for longer than the device's interval times a factor | stale |

MQTT keeps the order of one topic only, and replicas of the ingestor share the messages of all of them. So
these steps go by the times of arrival and by the numbers of connections, not by the order they are taken in.
"""

from datetime import datetime
from typing import NamedTuple

from microgrid_common.schemas.device_link import DeviceLink, LinkChange, LinkEvent
from microgrid_common.schemas.presence import DevicePresence
from microgrid_common.schemas.status import DeviceStatus, PresenceStatus
from microgrid_common.transforms.link_rules import LinkRules, LinkWatch, learned_interval

_ENDED_KEPT = 8
"""More than the connections of one device whose wills may still be under way."""


class Sighting(NamedTuple):
    """Messages of one device that arrived within a moment."""

    grid_id: str
    device_id: str
    at: datetime
    """When the last of them arrived."""
    metrics: frozenset[str] = frozenset()
    """What they measured: canonical metric names."""

    def joined(self, other: "Sighting") -> "Sighting":
        """Both as one."""
        return self._replace(at=max(self.at, other.at), metrics=self.metrics | other.metrics)


class Step(NamedTuple):
    """What a link becomes, and what is to be told about it."""

    link: DeviceLink | None
    """None: the device is unknown, or forgotten."""
    events: tuple[LinkEvent, ...] = ()


def heard(link: DeviceLink | None, sighting: Sighting, rules: LinkRules) -> Step:
    """A device sent something, whatever it was."""
    at = sighting.at
    if link is None:
        new = DeviceLink(
            grid_id=sighting.grid_id,
            device_id=sighting.device_id,
            connected=True,
            since=at,
            last_seen=at,
            metrics=tuple(sorted(sighting.metrics)),
        )
        return _told(new, [LinkChange.CONNECTED], at)
    changes: dict[str, object] = {}
    if not sighting.metrics.issubset(link.metrics):
        changes["metrics"] = tuple(sorted(sighting.metrics.union(link.metrics)))
    if link.last_seen is not None and at <= link.last_seen:
        return _told(link.model_copy(update=changes), [], at)
    told = _seen(link, at, changes)
    if link.doubted_at is not None and at > link.doubted_at:
        changes["doubted_at"] = None
    if not link.connected and at > max(link.since, link.ended_at or link.since) + rules.guard:
        # Which connection it is nobody said.
        changes |= {"connected": True, "since": at, "boot_id": None, "connection": None}
        told.append(LinkChange.CONNECTED)
    return _told(link.model_copy(update=changes), told, at)


def said(link: DeviceLink | None, report: DevicePresence) -> Step:
    """A birth or a last will arrived."""
    if report.status.status is PresenceStatus.ONLINE:
        return _born(link, report)
    return _ended(link, report)


def silent(link: DeviceLink, now: datetime, watch: LinkWatch) -> Step:
    """Nothing has come for a while."""
    if _is_past(watch.forgotten_at(link), now):
        return Step(None)
    changes: dict[str, object] = {}
    told: list[LinkChange] = []
    if _is_past(watch.doubt_ends_at(link), now):
        changes |= {"doubted_at": None}
        if link.connected:
            changes |= {"connected": False, "since": link.doubted_at}
            told.append(LinkChange.DISCONNECTED)
    if _is_past(watch.stale_at(link), now):
        changes["stale"] = True
        told.append(LinkChange.STALE)
    return _told(link.model_copy(update=changes), told, now)


def _born(link: DeviceLink | None, report: DevicePresence) -> Step:
    at, status = report.received_at, report.status
    changes: dict[str, object] = {
        "connected": True,
        "boot_id": status.boot_id,
        "connection": status.connection,
        "born_at": at,
    }
    if link is None:
        last_seen = None if report.retained else at
        new = DeviceLink(
            grid_id=report.grid_id, device_id=report.device_id, connected=True, since=at, last_seen=last_seen
        )
        return _told(new.model_copy(update=changes), [LinkChange.CONNECTED], at)
    if _is_over(link, status, at):
        return Step(link)
    told = [] if report.retained else _seen(link, at, changes)
    # A doubtful will of a device with numbers is of one of the connections that are known to be over.
    if link.doubted_at is not None and (_connection_of(status) or at > link.doubted_at):
        changes["doubted_at"] = None
    if not link.connected:
        changes["since"] = at
        told.append(LinkChange.CONNECTED)
    return _told(link.model_copy(update=changes), told, at)


def _ended(link: DeviceLink | None, report: DevicePresence) -> Step:
    at, connection = report.received_at, _connection_of(report.status)
    if link is None:
        new = DeviceLink(
            grid_id=report.grid_id,
            device_id=report.device_id,
            connected=False,
            since=at,
            boot_id=report.status.boot_id,
            connection=report.status.connection,
            ended=(connection,) if connection else (),
            ended_at=at,
        )
        return _told(new, [LinkChange.DISCONNECTED], at)
    if connection in link.ended:
        return Step(link)
    changes: dict[str, object] = {"ended_at": max(at, link.ended_at or at)}
    if connection:
        changes["ended"] = (*link.ended, connection)[-_ENDED_KEPT:]
    told: list[LinkChange] = []
    if link.connected:
        match _is_of_the_current_connection(link, report.status, at):
            case True:
                changes |= {"connected": False, "since": at, "doubted_at": None}
                told.append(LinkChange.DISCONNECTED)
            case None:
                changes["doubted_at"] = max(at, link.doubted_at or at)
    return _told(link.model_copy(update=changes), told, at)


def _is_over(link: DeviceLink, birth: DeviceStatus, at: datetime) -> bool:
    """Whether a birth is of a connection that has ended, or of the current one once more."""
    connection = _connection_of(birth)
    if connection in link.ended:
        return True
    if connection and link.connection is not None and birth.boot_id == link.boot_id:
        return connection[1] <= link.connection
    if link.born_at is not None and at < link.born_at:
        return True
    return connection is None and not link.connected and at < link.since


def _is_of_the_current_connection(link: DeviceLink, will: DeviceStatus, at: datetime) -> bool | None:
    """Whether a will tells the end of the current connection; None when that cannot be told."""
    if link.boot_id is not None and will.boot_id is not None:
        if will.boot_id != link.boot_id:
            # It overtook the rebirth; or its own birth is still to come, and will be over by then.
            return False
        if will.connection is not None and link.connection is not None:
            return will.connection >= link.connection
    return False if link.born_at is not None and at < link.born_at else None


def _connection_of(status: DeviceStatus) -> tuple[str, int] | None:
    if status.boot_id is None or status.connection is None:
        return None
    return status.boot_id, status.connection


def _seen(link: DeviceLink, at: datetime, changes: dict[str, object]) -> list[LinkChange]:
    """Note that the device was heard, unless it was heard later already; returns what is to be told."""
    if link.last_seen is not None:
        if at <= link.last_seen:
            return []
        gap_seconds = (at - link.last_seen).total_seconds()
        changes["learned_interval_seconds"] = learned_interval(link.learned_interval_seconds, gap_seconds)
    changes["last_seen"] = at
    if not link.stale:
        return []
    changes["stale"] = False
    return [LinkChange.FRESH]


def _is_past(time: datetime | None, now: datetime) -> bool:
    return time is not None and time <= now


def _told(link: DeviceLink, changes: list[LinkChange], at: datetime) -> Step:
    return Step(link, tuple(LinkEvent.of(link, change, at) for change in changes))
