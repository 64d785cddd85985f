"""The JSON of alerts as operators see them, whole."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict, JsonValue

from microgrid_api.web.wire_time import WireTime
from microgrid_common.schemas.alert import (
    AlarmState,
    Alert,
    AlertSource,
    AlertStatus,
    Note,
    OutOfService,
    RaisingReading,
    Severity,
    Shelving,
    Suppression,
    SuppressionCause,
)

_AT = "2026-11-23T10:00:00.000Z"
_NOTE: dict[str, JsonValue] = {"at": "2026-11-23T10:05:00.000Z", "by": "user", "text": "Pump house checked."}
_READING: dict[str, JsonValue] = {"timestamp": _AT, "metrics": {"battery_soc": 18.5}}
_ALERT: dict[str, JsonValue] = {
    "id": "alert-village-1-7",
    "grid_id": "village-1",
    "device_id": "battery-1",
    "component": "battery-bank-1",
    "type": "threshold",
    "rule_id": "battery-low",
    "rule_version": 2,
    "severity": "warning",
    "message": "Battery at 18.5 % on battery-1.",
    "recommended_action": "Reduce the load or start the generator.",
    "source": "rule",
    "status": "active",
    "state": "acknowledged",
    "timestamp": _AT,
    "returned_at": None,
    "cleared_at": None,
    "acknowledged": {"at": "2026-11-23T10:05:00.000Z", "by": "user"},
    "assigned_to": "amina",
    "notes": [_NOTE],
    "shelved": None,
    "suppressed": None,
    "out_of_service": None,
    "superseded_by": None,
    "first_out": False,
    "first_out_id": None,
    "chattering": False,
    "added_delay_seconds": 0.0,
    "metrics": {"battery_soc": 18.5},
}


def _example(**fields: JsonValue) -> ConfigDict:
    return ConfigDict(use_attribute_docstrings=True, json_schema_extra={"examples": [fields]})


class NoteView(BaseModel):
    """What a person wrote about an alert."""

    model_config = _example(**_NOTE)

    at: WireTime
    by: str
    text: str

    @classmethod
    def of(cls, note: Note) -> Self:
        """`note` as clients see it."""
        return cls(at=note.at, by=note.by, text=note.text)


class AcknowledgementView(BaseModel):
    """Who said that the alert is known."""

    at: WireTime
    by: str


class ShelvingView(BaseModel):
    """An alarm that an operator has put aside for a time."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    at: WireTime
    by: str
    until: WireTime
    """When it comes back by itself."""
    reason: str

    @classmethod
    def of(cls, shelving: Shelving | None) -> Self | None:
        """`shelving` as clients see it."""
        if shelving is None:
            return None
        return cls(at=shelving.at, by=shelving.by, until=shelving.until, reason=shelving.reason)


class SuppressionView(BaseModel):
    """An alarm that says nothing new: it follows from something that is known."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    at: WireTime
    cause: SuppressionCause
    by: str
    """The device that is down, or the maintenance window."""

    @classmethod
    def of(cls, suppression: Suppression | None) -> Self | None:
        """`suppression` as clients see it."""
        if suppression is None:
            return None
        return cls(at=suppression.at, cause=suppression.cause, by=suppression.by)


class OutOfServiceView(BaseModel):
    """An alarm that is out of service until somebody puts it back."""

    at: WireTime
    by: str
    reason: str

    @classmethod
    def of(cls, away: OutOfService | None) -> Self | None:
        """`away` as clients see it."""
        return None if away is None else cls(at=away.at, by=away.by, reason=away.reason)


class RaisingReadingView(BaseModel):
    """A reading that raised an alert."""

    model_config = _example(**_READING)

    timestamp: WireTime
    metrics: dict[str, float]

    @classmethod
    def of(cls, reading: RaisingReading) -> Self:
        """`reading` as clients see it."""
        return cls(timestamp=reading.timestamp, metrics=reading.metrics)


class GridAlertView(BaseModel):
    """An alert: one episode of one alarm on one device."""

    model_config = _example(**_ALERT)

    id: str
    grid_id: str
    device_id: str
    component: str | None
    """The part of the plant that the device watches."""
    type: str
    """The type of the rule's condition, such as `threshold`; `notice`: a message of the device's own;
    `platform`: one of the platform about itself."""
    rule_id: str
    """The rule that it belongs to; `device:…` for a device's message that no rule knows."""
    rule_version: int | None
    """The version of the rule that raised it; null without a rule."""
    severity: Severity
    message: str
    recommended_action: str
    """What to do about it; empty when nobody has written that down."""
    source: AlertSource
    """Who noticed first: a rule, the device itself, or the platform."""
    status: AlertStatus
    """Whether the alarm lasts."""
    state: AlarmState
    """Where it stands in its life, after ISA-18.2."""
    timestamp: WireTime
    """When it was raised, in the device's own time."""
    returned_at: WireTime | None
    """Since when the condition is over of an alarm that lasts until it is acknowledged; null for no other."""
    cleared_at: WireTime | None
    """When it ended; null while it lasts."""
    acknowledged: AcknowledgementView | None
    """Null while nobody has acknowledged it."""
    assigned_to: str | None
    notes: list[NoteView]
    """In the order in which they were written."""
    shelved: ShelvingView | None
    suppressed: SuppressionView | None
    out_of_service: OutOfServiceView | None
    superseded_by: str | None
    """The id of the next episode, when that began before this one was acknowledged."""
    first_out: bool
    """Whether it came first in its group: it may be the cause of the others."""
    first_out_id: str | None
    """The id of the alert that came first in its group, when that was another one."""
    chattering: bool
    """Whether it came so often that a delay was added by itself."""
    added_delay_seconds: float
    """That delay."""
    metrics: dict[str, float]
    """The values of the reading that raised it."""

    @classmethod
    def of(cls, alert: Alert) -> Self:
        """`alert` as clients see it."""
        return cls.model_validate(_fields_of(alert))


class AlertPageView(BaseModel):
    """Alerts of a grid, the newest first."""

    model_config = _example(alerts=[_ALERT], next_cursor=None)

    alerts: list[GridAlertView]
    next_cursor: str | None
    """Where the next page begins; null when there is no more. What is raised meanwhile shifts nothing."""


class AlertDetailView(GridAlertView):
    """An alert with the readings that raised it."""

    model_config = _example(**_ALERT, readings=[_READING])

    readings: list[RaisingReadingView]
    """The first reading of the condition, and the one that completed the delay where there was one."""

    @classmethod
    def of(cls, alert: Alert) -> Self:
        """`alert` as clients see it."""
        readings = [RaisingReadingView.of(reading) for reading in alert.readings]
        return cls.model_validate({**_fields_of(alert), "readings": readings})


def _fields_of(alert: Alert) -> dict[str, object]:
    return {
        "id": alert.id,
        "grid_id": alert.grid_id,
        "device_id": alert.device_id,
        "component": alert.component,
        "type": alert.type,
        "rule_id": alert.rule_id,
        "rule_version": alert.rule_version,
        "severity": alert.severity,
        "message": alert.message,
        "recommended_action": alert.recommended_action,
        "source": alert.source,
        "status": alert.status,
        "state": alert.state,
        "timestamp": alert.raised_at,
        "returned_at": alert.returned_at,
        "cleared_at": alert.cleared_at,
        "acknowledged": _acknowledgement(alert.acknowledged_at, alert.acknowledged_by),
        "assigned_to": alert.assigned_to,
        "notes": [NoteView.of(note) for note in alert.notes],
        "shelved": ShelvingView.of(alert.shelved),
        "suppressed": SuppressionView.of(alert.suppressed),
        "out_of_service": OutOfServiceView.of(alert.out_of_service),
        "superseded_by": alert.superseded_by,
        "first_out": alert.first_out,
        "first_out_id": alert.first_out_id,
        "chattering": alert.chattering,
        "added_delay_seconds": alert.added_delay_seconds,
        "metrics": alert.metrics,
    }


def _acknowledgement(at: datetime | None, by: str | None) -> AcknowledgementView | None:
    return AcknowledgementView(at=at, by=by) if at and by else None
