"""Alerts: the record of one episode of an alarm, and the events of its life, after ISA-18.2 / IEC 62682."""

from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from microgrid_common.schemas.identifiers import DEFAULT_GRID_ID, Identifier

PersonName = Annotated[str, StringConstraints(min_length=1, max_length=256)]
NoteText = Annotated[str, StringConstraints(min_length=1, max_length=2_000)]
MAXIMUM_NOTES = 100


class Severity(StrEnum):
    """How urgent an alert is, the most urgent last."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class AlertStatus(StrEnum):
    """Whether the alarm lasts."""

    ACTIVE = "active"
    RESOLVED = "resolved"


class AlarmState(StrEnum):
    """Where an alarm stands in its life: the states of ISA-18.2; `docs/alarms.md` has the table."""

    NORMAL = "normal"
    """It is over, and nobody needs to look at it any more."""
    UNACKNOWLEDGED = "unacknowledged"
    ACKNOWLEDGED = "acknowledged"
    RETURNED_UNACKNOWLEDGED = "returned_unacknowledged"
    """It is over, and nobody has acknowledged it yet."""
    SHELVED = "shelved"
    """An operator has put it aside, until a time."""
    SUPPRESSED = "suppressed"
    """Suppressed by design: what it says follows from something that is known."""
    OUT_OF_SERVICE = "out_of_service"
    """Taken out of service, until somebody puts it back."""


class AlertSource(StrEnum):
    """Who noticed first."""

    RULE = "rule"
    """A rule of the alert engine, on a reading or on silence."""
    DEVICE = "device"
    """The device itself, by a message on an alerts topic."""
    PLATFORM = "platform"
    """A part of this system, about itself."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class Note(_Part):
    """What a person wrote about an alert."""

    at: AwareDatetime
    by: PersonName
    text: NoteText


class Shelving(_Part):
    """An alarm put aside by an operator."""

    at: AwareDatetime
    by: PersonName
    until: AwareDatetime
    reason: NoteText


class OutOfService(_Part):
    """An alarm taken out of service."""

    at: AwareDatetime
    by: PersonName
    reason: NoteText


class SuppressionCause(StrEnum):
    """Why an alarm is suppressed by design."""

    PARENT_DOWN = "parent_down"
    MAINTENANCE = "maintenance"


class Suppression(_Part):
    """An alarm that says nothing new."""

    at: AwareDatetime
    cause: SuppressionCause
    by: str
    """The device that is down, or the maintenance window."""


class RaisingReading(_Part):
    """A reading that raised an alert."""

    timestamp: AwareDatetime
    metrics: dict[str, float]


class Alert(_Part):
    """One episode of one alarm on one device."""

    id: str
    """`alert-1`, `alert-2`, … in the default grid, `alert-{grid}-1`, … in another: the order of raising."""
    grid_id: Identifier
    device_id: Identifier
    component: Identifier | None = None
    rule_id: str
    """The rule that it belongs to; `device:…` for a device's message that no rule knows."""
    rule_version: int | None = None
    """The version of the rule that raised it; None without a rule."""
    type: str = "threshold"
    """The type of the rule's condition; `notice`: a device's own message; `platform`: the platform's."""
    severity: Severity
    message: str
    recommended_action: str = ""
    status: AlertStatus
    source: AlertSource
    raised_at: AwareDatetime
    """In the readings' own time: when the condition had lasted for the rule's delay."""
    cleared_at: AwareDatetime | None = None
    """When the alarm ended."""
    returned_at: AwareDatetime | None = None
    """When the condition of a latching alarm that still lasts was over."""
    metrics: dict[str, float] = {}
    """The values of the reading that raised it."""
    readings: tuple[RaisingReading, ...] = ()
    """The first reading of the condition, and the one that completed the delay where there was one."""
    acknowledged_at: AwareDatetime | None = None
    acknowledged_by: PersonName | None = None
    assigned_to: PersonName | None = None
    notes: Annotated[tuple[Note, ...], Field(max_length=MAXIMUM_NOTES)] = ()
    shelved: Shelving | None = None
    suppressed: Suppression | None = None
    out_of_service: OutOfService | None = None
    hidden_at_end: bool = False
    """Whether it ended while shelved, suppressed or out of service: then nobody need acknowledge it."""
    superseded_by: str | None = None
    """The id of the next episode, when that began before this one was acknowledged."""
    first_out: bool = False
    """Whether it was the first one of its group."""
    first_out_id: str | None = None
    """The id of the alert that was the first one of its group, when another one was."""
    chattering: bool = False
    """Whether it came so often that a delay was added by itself."""
    added_delay_seconds: float = 0
    """That delay."""

    @property
    def number(self) -> int:
        """The number in its id: the order of raising within its grid."""
        return int(self.id.rpartition("-")[2])

    @property
    def state(self) -> AlarmState:
        """Where it stands in its life."""
        if self.status is AlertStatus.RESOLVED:
            settled = self.acknowledged_at or self.superseded_by or self.hidden_at_end
            return AlarmState.NORMAL if settled else AlarmState.RETURNED_UNACKNOWLEDGED
        if self.out_of_service:
            return AlarmState.OUT_OF_SERVICE
        if self.suppressed:
            return AlarmState.SUPPRESSED
        if self.shelved:
            return AlarmState.SHELVED
        return AlarmState.ACKNOWLEDGED if self.acknowledged_at else AlarmState.UNACKNOWLEDGED

    @property
    def annunciated(self) -> bool:
        """Whether operators are to see it among what lasts: not while it is put aside."""
        return self.state in {AlarmState.UNACKNOWLEDGED, AlarmState.ACKNOWLEDGED}


def alert_id(grid_id: str, number: int) -> str:
    """The id of a grid's alert of that number."""
    return f"alert-{number}" if grid_id == DEFAULT_GRID_ID else f"alert-{grid_id}-{number}"


def grid_of_alert(identifier: str) -> str | None:
    """The grid whose alert has that id; None when no alert can have it."""
    head, _, number = identifier.rpartition("-")
    if not (number.isascii() and number.isdigit()):
        return None
    if head == "alert":
        return DEFAULT_GRID_ID
    prefix, _, grid_id = head.partition("-")
    return grid_id if prefix == "alert" and grid_id not in {"", DEFAULT_GRID_ID} else None


class AlertTransition(StrEnum):
    """What happened to an alert."""

    RAISED = "raised"
    CLEARED = "cleared"
    RETURNED = "returned"
    """The condition of a latching alarm is over; the alarm lasts."""
    ACKNOWLEDGED = "acknowledged"
    SHELVED = "shelved"
    UNSHELVED = "unshelved"
    SUPPRESSED = "suppressed"
    UNSUPPRESSED = "unsuppressed"
    TAKEN_OUT_OF_SERVICE = "taken_out_of_service"
    RETURNED_TO_SERVICE = "returned_to_service"
    SUPERSEDED = "superseded"
    NOTED = "noted"
    ASSIGNED = "assigned"


class AlertEvent(BaseModel):
    """One entry of the `alerts` stream: an alert as it stands after a transition."""

    model_config = ConfigDict(frozen=True)

    transition: AlertTransition
    at: AwareDatetime
    """In the readings' own time where a reading did it, else by the clock."""
    by: PersonName | None = None
    """Who did it; None when no person did."""
    alert: Alert
