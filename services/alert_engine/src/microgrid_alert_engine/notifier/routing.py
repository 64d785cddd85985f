"""Whom to tell: the table of routes, at a time."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from microgrid_alert_engine.notifier.weekly import covers, end_of
from microgrid_common.schemas.alert import Severity
from microgrid_common.schemas.notification import EscalationStep, NotificationSettings, Route, Target


@dataclass(frozen=True, slots=True)
class Addressee:
    """Somebody to tell."""

    channel_id: str
    recipient: str
    """Empty: the channel knows whom to reach."""
    held_until: datetime | None = None
    """When the quiet hours are over. None: there are none now, or they do not matter."""


def routes_for(settings: NotificationSettings, grid_id: str, severity: Severity) -> list[Route]:
    """The routes of an alarm."""
    return [route for route in settings.routes if route.covers(grid_id, severity)]


def quiet_until(route: Route, severity: Severity, at: datetime) -> datetime | None:
    """Until when a route says nothing about an alarm; None when it may be told at once."""
    if severity is Severity.CRITICAL or route.quiet_hours is None:
        return None
    return end_of(route.quiet_hours.ranges, route.quiet_hours.time_zone, at)


def steps_due(
    route: Route, severity: Severity, started_at: datetime
) -> list[tuple[datetime, EscalationStep]]:
    """When each step of a route's escalation is due, for an alarm that began to be told at a time.

    Nobody can be late with acknowledging what they have not been told: quiet hours put the steps off.
    """
    told_at = quiet_until(route, severity, started_at) or started_at
    return [(told_at + timedelta(minutes=step.after_minutes), step) for step in route.escalation]


def addressees(
    settings: NotificationSettings, targets: Iterable[Target], *, at: datetime, held_until: datetime | None
) -> list[Addressee]:
    """The people behind some targets at a time: each once."""
    found: dict[tuple[str, str], Addressee] = {}
    takes_recipients = {channel.channel_id: channel.takes_recipients for channel in settings.channels}
    for target in targets:
        on_duty = _on_duty(settings, target.on_call, at)
        if on_duty is None:
            continue
        everybody = (*target.recipients, *on_duty) if takes_recipients[target.channel_id] else ("",)
        for recipient in everybody:
            key = (target.channel_id, recipient)
            found.setdefault(key, Addressee(*key, held_until))
    return list(found.values())


def merged(groups: Iterable[Iterable[Addressee]]) -> list[Addressee]:
    """The addressees of several routes, each once: whoever is told at once by one route is told at once."""
    found: dict[tuple[str, str], Addressee] = {}
    for addressee in (one for group in groups for one in group):
        key = (addressee.channel_id, addressee.recipient)
        other = found.get(key)
        if other is None or _sooner(addressee.held_until, other.held_until):
            found[key] = addressee
    return list(found.values())


def _sooner(one: datetime | None, other: datetime | None) -> bool:
    return other is not None and (one is None or one < other)


def _on_duty(settings: NotificationSettings, schedule_id: str | None, at: datetime) -> tuple[str, ...] | None:
    """Those whom a schedule adds; None when nobody is on duty."""
    if schedule_id is None:
        return ()
    [schedule] = [one for one in settings.schedules if one.schedule_id == schedule_id]
    shifts = [shift for shift in schedule.shifts if covers(shift, schedule.time_zone, at)]
    if not shifts:
        return None
    return tuple(dict.fromkeys(recipient for shift in shifts for recipient in shift.recipients))
