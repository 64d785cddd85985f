"""Alerts: an alarm that was raised, and the events of its life."""

from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict

from microgrid_common.schemas.identifiers import Identifier


class Severity(StrEnum):
    """How urgent an alert is, the most urgent last."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class AlertStatus(StrEnum):
    """Whether the condition behind an alert lasts."""

    ACTIVE = "active"
    RESOLVED = "resolved"


class AlertSource(StrEnum):
    """Who noticed first."""

    RULE = "rule"
    """A rule of the alert engine, on a reading."""
    DEVICE = "device"
    """The device itself, by a message on an alerts topic."""
    PLATFORM = "platform"
    """A part of this system, about itself."""


class Alert(BaseModel):
    """One episode of one condition on one device."""

    model_config = ConfigDict(frozen=True)

    id: str
    """`alert-1`, `alert-2`, … in the order of raising."""
    grid_id: Identifier
    device_id: Identifier
    rule_id: str
    """The rule that it belongs to; `device:…` for a device's message that no rule knows."""
    severity: Severity
    message: str
    status: AlertStatus
    source: AlertSource
    raised_at: AwareDatetime
    """The time of the reading, or of the device's message, that raised it."""
    cleared_at: AwareDatetime | None = None
    metrics: dict[str, float] = {}
    """The values of the reading that raised it."""

    @property
    def number(self) -> int:
        """The number in its id: the order of raising."""
        return int(self.id.removeprefix("alert-"))


class AlertTransition(StrEnum):
    """What happened to an alert."""

    RAISED = "raised"
    CLEARED = "cleared"


class AlertEvent(BaseModel):
    """One entry of the `alerts` stream: an alert as it stands after a transition."""

    model_config = ConfigDict(frozen=True)

    transition: AlertTransition
    at: AwareDatetime
    alert: Alert
