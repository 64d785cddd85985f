"""What operators do about an alert: each action checked against where the alert stands, then carried out."""

from dataclasses import dataclass
from datetime import datetime

from microgrid_common.schemas.alert import (
    MAXIMUM_NOTES,
    Alert,
    AlertSource,
    AlertTransition,
    Note,
    OutOfService,
    Shelving,
)
from microgrid_common.transforms.alarms.documents import AlarmPoint
from microgrid_common.transforms.alarms.lifecycle import AlarmLife, active_alert, with_note


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """Somebody has seen it."""

    note: str | None = None


@dataclass(frozen=True, slots=True)
class Shelve:
    """Put it aside until a time."""

    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Unshelve:
    """Take it back before its time."""


@dataclass(frozen=True, slots=True)
class Clear:
    """End it by hand."""


@dataclass(frozen=True, slots=True)
class AddNote:
    """Write something down."""

    text: str


@dataclass(frozen=True, slots=True)
class Assign:
    """Say who looks after it; None: nobody."""

    to: str | None = None


@dataclass(frozen=True, slots=True)
class TakeOutOfService:
    """Take the alarm out of service."""

    reason: str


@dataclass(frozen=True, slots=True)
class ReturnToService:
    """Put it back."""


Action = Acknowledge | Shelve | Unshelve | Clear | AddNote | Assign | TakeOutOfService | ReturnToService


class ActionRefusedError(Exception):
    """The alert does not stand where this can be done."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def act(life: AlarmLife, point: AlarmPoint, action: Action, *, at: datetime, by: str) -> None:
    """Carry out an action on the alert of `point`; one that changes nothing is done already.

    Args:
        life: of the alert's grid.
        point: its `alert` is the one that is meant.
        action: what is to be done.
        at: the time, aware.
        by: who does it.

    Raises:
        ActionRefusedError: it cannot be done to this alert now; it says why.
    """
    alert = point.alert
    if alert is None:
        raise ActionRefusedError("It is over.")
    device_id = alert.device_id
    match action:
        case Acknowledge(note=note):
            if note is not None:
                _note(life, point, alert, note, at=at, by=by)
            life.acknowledge(device_id, point, at=at, by=by)
        case AddNote(text=text):
            _note(life, point, alert, text, at=at, by=by)
        case Assign(to=person):
            if alert.assigned_to != person:
                changed = {"assigned_to": person}
                life.write_down(device_id, point, AlertTransition.ASSIGNED, changed, at=at, by=by)
        case _:
            _put_aside(life, point, alert, action, at=at, by=by)


def put_back(
    life: AlarmLife,
    device_id: str,
    point: AlarmPoint,
    action: Unshelve | ReturnToService,
    *,
    at: datetime,
    by: str,
) -> None:
    """Take an alarm back that is put aside, whether an alert of it lasts or not.

    Args:
        life: of the alarm's grid.
        device_id: the device.
        point: the alarm.
        action: what is to be done.
        at: the time, aware.
        by: who does it.
    """
    if isinstance(action, Unshelve):
        life.unshelve(device_id, point, at=at, by=by)
    else:
        life.return_to_service(device_id, point, at=at, by=by)


def _put_aside(
    life: AlarmLife,
    point: AlarmPoint,
    alert: Alert,
    action: Shelve | Unshelve | Clear | TakeOutOfService | ReturnToService,
    *,
    at: datetime,
    by: str,
) -> None:
    device_id = alert.device_id
    if active_alert(point) is None:
        raise ActionRefusedError("It is over.")
    match action:
        case Shelve(until=until, reason=reason):
            if until <= at:
                raise ActionRefusedError("The time to take it back is over already.")
            life.shelve(device_id, point, Shelving(at=at, by=by, until=until, reason=reason))
        case Unshelve() | ReturnToService():
            put_back(life, device_id, point, action, at=at, by=by)
        case Clear():
            if alert.source is AlertSource.PLATFORM or (point.holds and point.noticed_at is None):
                raise ActionRefusedError("Its condition still holds: acknowledge or shelve it.")
            life.clear_by_hand(device_id, point, at=at, by=by)
        case TakeOutOfService(reason=reason):
            if alert.out_of_service is None:
                life.take_out_of_service(device_id, point, OutOfService(at=at, by=by, reason=reason))


def _note(life: AlarmLife, point: AlarmPoint, alert: Alert, text: str, *, at: datetime, by: str) -> None:
    if len(alert.notes) >= MAXIMUM_NOTES:
        raise ActionRefusedError(f"It has {MAXIMUM_NOTES} notes already.")
    notes = with_note(alert, Note(at=at, by=by, text=text))
    life.write_down(alert.device_id, point, AlertTransition.NOTED, {"notes": notes}, at=at, by=by)
