"""The life of alarms: each method is a row of the table in `docs/alarms.md`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from microgrid_common.schemas.alert import (
    AlarmState,
    Alert,
    AlertSource,
    AlertStatus,
    AlertTransition,
    Note,
    OutOfService,
    RaisingReading,
    Severity,
    Shelving,
    Suppression,
    alert_id,
)
from microgrid_common.transforms.alarms.changes import Changes
from microgrid_common.transforms.alarms.documents import AlarmPoint, DeviceAlarms, FirstOut, GridAlarms

CHATTERING_EPISODES: Final = 3
CHATTERING_WITHIN: Final = timedelta(minutes=10)
"""So many episodes within this time are chattering."""
SHORTEST_ADDED_DELAY_SECONDS: Final = 60.0
LONGEST_ADDED_DELAY_SECONDS: Final = 1_800.0
ADDED_DELAY_LASTS: Final = timedelta(hours=1)
"""Without another episode."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """What an alert is raised for."""

    rule_id: str
    rule_version: int | None = None
    type: str
    severity: Severity
    message: str
    recommended_action: str = ""
    source: AlertSource
    raised_at: datetime
    """What the operator sees."""
    readings: tuple[RaisingReading, ...] = ()
    first_out_group: str | None = None
    calmed: bool = False
    """Whether a delay is added when it chatters."""


def is_raised(point: AlarmPoint) -> bool:
    """Whether an alert lasts whose condition, for all that was decided, lasts too."""
    alert = point.alert
    return alert is not None and alert.status is AlertStatus.ACTIVE and alert.returned_at is None


def active_alert(point: AlarmPoint) -> Alert | None:
    """The alert that lasts, if there is one."""
    alert = point.alert
    return alert if alert is not None and alert.status is AlertStatus.ACTIVE else None


class AlarmLife:
    """Changes the alarms of one grid.

    Args:
        grid_id: the grid.
        grid: its document.
        devices: the documents of those devices that are worked on.
        changes: where it is told.
    """

    def __init__(
        self, grid_id: str, grid: GridAlarms, devices: Mapping[str, DeviceAlarms], changes: Changes
    ) -> None:
        self._grid_id = grid_id
        self._grid = grid
        self._devices = devices
        self._changes = changes

    def begin(self, device_id: str, episode: Episode, suppression: Suppression | None) -> Alert:
        """Raise an alert; one of before that nobody has acknowledged gives way to it."""
        device = self._devices[device_id]
        point = device.points.setdefault(episode.rule_id, AlarmPoint())
        self._grid.last_number += 1
        self._changes.grid_changed = True
        identifier = alert_id(self._grid_id, self._grid.last_number)
        if point.alert is not None:
            self._put(
                device_id,
                point,
                AlertTransition.SUPERSEDED,
                episode.raised_at,
                {"superseded_by": identifier},
            )
        if episode.calmed:
            _calm(point, episode.raised_at)
        alert = Alert(
            id=identifier,
            grid_id=self._grid_id,
            device_id=device_id,
            component=device.component,
            rule_id=episode.rule_id,
            rule_version=episode.rule_version,
            type=episode.type,
            severity=episode.severity,
            message=episode.message,
            recommended_action=episode.recommended_action,
            status=AlertStatus.ACTIVE,
            source=episode.source,
            raised_at=episode.raised_at,
            metrics=episode.readings[-1].metrics if episode.readings else {},
            readings=episode.readings,
            shelved=point.shelved,
            suppressed=suppression,
            out_of_service=point.out_of_service,
            chattering=point.added_delay_seconds > 0,
            added_delay_seconds=point.added_delay_seconds,
        )
        alert = self._in_its_group(alert, episode.first_out_group)
        point.alert = alert
        self._changes.devices.add(device_id)
        self._changes.tell(AlertTransition.RAISED, episode.raised_at, alert)
        return alert

    def end(self, device_id: str, point: AlarmPoint, at: datetime, *, latching: bool = False) -> None:
        """The condition is over: the alert ends, unless it is latching and nobody has acknowledged it."""
        alert = active_alert(point)
        if alert is None:
            return
        if latching and alert.state is AlarmState.UNACKNOWLEDGED:
            if alert.returned_at is None:
                self._put(device_id, point, AlertTransition.RETURNED, at, {"returned_at": at})
            return
        self._clear(device_id, point, at, by=None)

    def resume(self, device_id: str, point: AlarmPoint) -> None:
        """The condition of a latching alert that lasts holds again."""
        if point.alert is not None:
            point.alert = point.alert.model_copy(update={"returned_at": None})
            self._changes.alerts[point.alert.id] = point.alert
            self._changes.devices.add(device_id)

    def acknowledge(self, device_id: str, point: AlarmPoint, *, at: datetime, by: str) -> None:
        """Somebody has seen it; does nothing the second time."""
        alert = point.alert
        if alert is None or alert.acknowledged_at is not None:
            return
        returned = alert.returned_at is not None
        acknowledged = {"acknowledged_at": at, "acknowledged_by": by}
        self._put(device_id, point, AlertTransition.ACKNOWLEDGED, at, acknowledged, by=by)
        if returned and active_alert(point):
            self._clear(device_id, point, at, by=by)

    def clear_by_hand(self, device_id: str, point: AlarmPoint, *, at: datetime, by: str) -> None:
        """End it, whatever its condition is; whoever does it has seen it."""
        if active_alert(point) is None:
            return
        if point.alert is not None and point.alert.acknowledged_at is None:
            point.alert = point.alert.model_copy(update={"acknowledged_at": at, "acknowledged_by": by})
        point.holds, point.pending, point.noticed_at = False, None, None
        self._clear(device_id, point, at, by=by)

    def shelve(self, device_id: str, point: AlarmPoint, shelving: Shelving) -> None:
        """Put it aside until a time; again to change that."""
        point.shelved = shelving
        self._put(
            device_id, point, AlertTransition.SHELVED, shelving.at, {"shelved": shelving}, by=shelving.by
        )

    def unshelve(self, device_id: str, point: AlarmPoint, *, at: datetime, by: str | None) -> None:
        """Take it back; when its time is over (`by` is None) and it lasts, it is told anew."""
        point.shelved = None
        self._changes.devices.add(device_id)
        alert = active_alert(point)
        if alert is None or alert.shelved is None:
            return
        changed: dict[str, Any] = {"shelved": None}
        if by is None:
            changed |= {"acknowledged_at": None, "acknowledged_by": None}
        self._put(device_id, point, AlertTransition.UNSHELVED, at, changed, by=by)

    def suppress(
        self, device_id: str, point: AlarmPoint, suppression: Suppression | None, *, at: datetime
    ) -> None:
        """Suppress by design, for whatever it is now, or end that; does nothing when it is so already."""
        alert = active_alert(point)
        if alert is None:
            return
        before = alert.suppressed
        if suppression is None:
            if before is not None:
                self._put(device_id, point, AlertTransition.UNSUPPRESSED, at, {"suppressed": None})
        elif before is None or (before.cause, before.by) != (suppression.cause, suppression.by):
            self._put(device_id, point, AlertTransition.SUPPRESSED, at, {"suppressed": suppression})

    def take_out_of_service(self, device_id: str, point: AlarmPoint, why: OutOfService) -> None:
        """Out of service until somebody puts it back."""
        point.out_of_service = why
        transition = AlertTransition.TAKEN_OUT_OF_SERVICE
        self._put(device_id, point, transition, why.at, {"out_of_service": why}, by=why.by)

    def return_to_service(self, device_id: str, point: AlarmPoint, *, at: datetime, by: str) -> None:
        """Back in service; does nothing when it is."""
        if point.out_of_service is None:
            return
        point.out_of_service = None
        self._changes.devices.add(device_id)
        if point.alert is not None and point.alert.out_of_service is not None:
            transition = AlertTransition.RETURNED_TO_SERVICE
            self._put(device_id, point, transition, at, {"out_of_service": None}, by=by)

    def write_down(
        self,
        device_id: str,
        point: AlarmPoint,
        transition: AlertTransition,
        changed: Mapping[str, Any],
        *,
        at: datetime,
        by: str,
    ) -> None:
        """Change what is no part of the state: notes, and who looks after it."""
        self._put(device_id, point, transition, at, changed, by=by)

    def _clear(self, device_id: str, point: AlarmPoint, at: datetime, *, by: str | None) -> None:
        alert = point.alert
        if alert is None:
            return
        hidden = alert.state in {AlarmState.SHELVED, AlarmState.SUPPRESSED, AlarmState.OUT_OF_SERVICE}
        # Late data may end it before it was raised by the clock that operators see.
        ended = {"status": AlertStatus.RESOLVED, "cleared_at": at, "hidden_at_end": hidden}
        self._leave_group(alert.id)
        self._put(device_id, point, AlertTransition.CLEARED, at, ended, by=by)

    def _put(
        self,
        device_id: str,
        point: AlarmPoint,
        transition: AlertTransition,
        at: datetime,
        changed: Mapping[str, Any],
        *,
        by: str | None = None,
    ) -> None:
        if point.alert is None:
            return
        alert = point.alert.model_copy(update=changed)
        self._changes.devices.add(device_id)
        self._changes.tell(transition, at, alert, by=by)
        point.alert = None if alert.state is AlarmState.NORMAL else alert

    def _in_its_group(self, alert: Alert, group: str | None) -> Alert:
        if group is None or not alert.annunciated:
            return alert
        others = self._grid.groups.get(group)
        if others is None:
            self._grid.groups[group] = FirstOut(first_id=alert.id, open_ids=[alert.id])
            return alert.model_copy(update={"first_out": True})
        others.open_ids.append(alert.id)
        return alert.model_copy(update={"first_out_id": others.first_id})

    def _leave_group(self, identifier: str) -> None:
        for name, group in list(self._grid.groups.items()):
            if identifier in group.open_ids:
                group.open_ids.remove(identifier)
                self._changes.grid_changed = True
                if not group.open_ids:
                    del self._grid.groups[name]


def with_note(alert: Alert, note: Note) -> tuple[Note, ...]:
    """The notes of an alert, and one more."""
    return (*alert.notes, note)


def end_calm(point: AlarmPoint, at: datetime) -> None:
    """The added delay is over when there was no episode for long enough."""
    if point.added_delay_until is not None and at >= point.added_delay_until:
        point.added_delay_seconds, point.added_delay_until = 0, None


def _calm(point: AlarmPoint, at: datetime) -> None:
    end_calm(point, at)
    point.raised = [time for time in point.raised if at - time < CHATTERING_WITHIN][
        -CHATTERING_EPISODES + 1 :
    ]
    point.raised.append(at)
    if len(point.raised) >= CHATTERING_EPISODES:
        point.raised.clear()
        point.added_delay_seconds = min(
            max(SHORTEST_ADDED_DELAY_SECONDS, 2 * point.added_delay_seconds), LONGEST_ADDED_DELAY_SECONDS
        )
    if point.added_delay_seconds:
        point.added_delay_until = at + ADDED_DELAY_LASTS
