"""Alarms, their events and notification settings for tests, with what does not matter filled in."""

from datetime import datetime
from typing import Any

from microgrid_common.schemas.alert import (
    Alert,
    AlertEvent,
    AlertSource,
    AlertStatus,
    AlertTransition,
    Severity,
    Shelving,
)
from microgrid_common.schemas.notification import NotificationSettings
from microgrid_common.testing.samples import SAMPLE_TIME


def lasting_alarm(number: int = 1, severity: Severity = Severity.CRITICAL, **fields: Any) -> Alert:
    """An alarm of the default grid that lasts, and that nobody has acknowledged."""
    return Alert(
        **{
            "id": f"alert-{number}",
            "grid_id": "default",
            "device_id": f"device-{number}",
            "rule_id": "battery-low",
            "severity": severity,
            "message": f"Battery {number} is low",
            "status": AlertStatus.ACTIVE,
            "source": AlertSource.RULE,
            "raised_at": SAMPLE_TIME,
            **fields,
        }
    )


def ended(alert: Alert, at: datetime = SAMPLE_TIME, **fields: Any) -> Alert:
    """The same alarm when it is over."""
    return alert.model_copy(update={"status": AlertStatus.RESOLVED, "cleared_at": at, **fields})


def acknowledged(alert: Alert, at: datetime = SAMPLE_TIME) -> Alert:
    """The same alarm when somebody has acknowledged it."""
    return alert.model_copy(update={"acknowledged_at": at, "acknowledged_by": "maria"})


def shelved(alert: Alert, until: datetime, at: datetime = SAMPLE_TIME) -> Alert:
    """The same alarm when somebody has put it aside."""
    return alert.model_copy(
        update={"shelved": Shelving(at=at, by="maria", until=until, reason="it is known")}
    )


def event_of(
    alert: Alert, transition: AlertTransition = AlertTransition.RAISED, at: datetime = SAMPLE_TIME
) -> AlertEvent:
    """An event of an alarm that stands so now."""
    return AlertEvent(transition=transition, at=at, alert=alert)


def settings_with(*routes: dict[str, Any], **parts: Any) -> NotificationSettings:
    """Settings with the channels `mail`, `hook` and, with a place for recipients, `sms`.

    A route without an id is called by its position; without targets it reaches `mail`.
    """
    channels = [
        {"kind": "apprise", "channel_id": "mail", "url": "ntfy://ntfy.example/alarms"},
        {"kind": "webhook", "channel_id": "hook", "url": "https://hook.example"},
        {"kind": "apprise", "channel_id": "sms", "url": "json://sms.example/{recipient}"},
    ]
    filled_in = [
        {"route_id": f"route-{position}", "targets": [{"channel_id": "mail"}], **route}
        for position, route in enumerate(routes)
    ]
    return NotificationSettings.model_validate({"channels": channels, "routes": filled_in, **parts})
