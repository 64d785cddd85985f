"""What a person gets to read."""

from collections.abc import Sequence
from datetime import UTC, datetime

from microgrid_alert_engine.notifier.turn import Tell
from microgrid_common.ports.notification_channel import NotificationMessage
from microgrid_common.schemas.alert import Alert, Severity
from microgrid_common.schemas.delivery import Delivery, Occasion

_LONGEST_TITLE = 200
_LINES_OF_A_SUMMARY = 20
"""More is not read on a phone."""


def one_alarm(delivery: Delivery, tell: Tell, *, message_id: str, repeated: bool) -> NotificationMessage:
    """A message about one alarm.

    Args:
        delivery: what it delivers.
        tell: the alarm, and whether it is over.
        message_id: its own id.
        repeated: whether it was sent before, and perhaps arrived.
    """
    alert = tell.alert
    lines = [
        _clean(alert.message),
        _where(alert),
        _when(alert, over=tell.over),
        _so_far(delivery, tell),
        "" if tell.over else _clean(alert.recommended_action),
        "Sent again: it is not known whether it arrived before." if repeated else "",
        alert.id,
    ]
    return NotificationMessage(
        message_id=message_id,
        replaces=alert.id,
        title=_cut(f"{_label(tell)}: {_clean(alert.message)}"),
        body="\n".join(line for line in lines if line),
        severity=alert.severity,
        alert_ids=(alert.id,),
    )


def summary(tells: Sequence[Tell], *, message_id: str, repeated: bool) -> NotificationMessage:
    """A message about several alarms.

    Args:
        tells: the alarms; at least one.
        message_id: its own id.
        repeated: whether it was sent before, and perhaps arrived.
    """
    lasting = sum(not tell.over for tell in tells)
    lines = [_line(tell) for tell in tells[:_LINES_OF_A_SUMMARY]]
    if len(tells) > _LINES_OF_A_SUMMARY:
        lines.append(f"and {len(tells) - _LINES_OF_A_SUMMARY} more")
    if repeated:
        lines.append("Sent again: it is not known whether it arrived before.")
    order = list(Severity)
    return NotificationMessage(
        message_id=message_id,
        replaces=message_id,
        title=f"{len(tells)} alarms: {lasting} last, {len(tells) - lasting} are over",
        body="\n".join(lines),
        severity=max((tell.alert.severity for tell in tells), key=order.index),
        alert_ids=tuple(dict.fromkeys(tell.alert.id for tell in tells)),
    )


def _line(tell: Tell) -> str:
    alert = tell.alert
    return f"{_label(tell)}: {_clean(alert.message)} ({_where(alert)}, {_when(alert, over=tell.over)})"


def _label(tell: Tell) -> str:
    return "Over" if tell.over else tell.alert.severity.value.upper()


def _where(alert: Alert) -> str:
    component = f" ({alert.component})" if alert.component else ""
    return f"{alert.grid_id}/{alert.device_id}{component}"


def _when(alert: Alert, *, over: bool) -> str:
    if over and alert.cleared_at is not None:
        return f"{_time(alert.raised_at)} to {_time(alert.cleared_at)}"
    return f"since {_time(alert.raised_at)}"


def _so_far(delivery: Delivery, tell: Tell) -> str:
    if tell.over:
        return ""
    if delivery.occasion is Occasion.ESCALATION:
        return "Nobody has acknowledged it yet."
    return f"Acknowledged by {_clean(tell.alert.acknowledged_by)}." if tell.alert.acknowledged_by else ""


def _time(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _clean(text: str) -> str:
    """Without what could end a line or a header."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_TITLE else f"{text[: _LONGEST_TITLE - 1]}…"
