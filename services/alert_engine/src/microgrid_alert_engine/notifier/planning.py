"""What to tell about an event of an alarm, or when nobody has acknowledged it in time."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from microgrid_alert_engine.notifier.routing import (
    Addressee,
    addressees,
    merged,
    quiet_until,
    routes_for,
    steps_due,
)
from microgrid_common.ports.delivery_log import DeliveryPlan
from microgrid_common.schemas.alert import AlarmState, Alert, AlertEvent, AlertTransition
from microgrid_common.schemas.delivery import (
    Delivery,
    DeliveryState,
    FollowUp,
    Occasion,
    delivery_id,
    event_key,
)
from microgrid_common.schemas.notification import EscalationStep, NotificationSettings, Route, all_targets

_BEGINS = {
    AlertTransition.RAISED: Occasion.RAISED,
    AlertTransition.UNSHELVED: Occasion.RESUMED,
    AlertTransition.UNSUPPRESSED: Occasion.RESUMED,
    AlertTransition.RETURNED_TO_SERVICE: Occasion.RESUMED,
}
_STOPS = frozenset(
    {
        AlertTransition.ACKNOWLEDGED,
        AlertTransition.CLEARED,
        AlertTransition.SHELVED,
        AlertTransition.SUPPRESSED,
        AlertTransition.TAKEN_OUT_OF_SERVICE,
    }
)


def plan_event(
    event: AlertEvent, settings: NotificationSettings, *, told: Sequence[Delivery], now: datetime
) -> DeliveryPlan:
    """What an event asks for. The same event gives the same deliveries, however often it comes.

    Args:
        event: what happened.
        settings: whom to tell.
        told: the deliveries about the alarm so far.
        now: aware.
    """
    alert = event.alert
    occasion = _BEGINS.get(event.transition)
    if occasion and alert.state is AlarmState.UNACKNOWLEDGED:
        start = FollowUp(
            alert_id=alert.id,
            key=event_key(event.transition, event.at),
            started_at=now,
            done_until=now,
            due_at=now,
        )
        first = merged(
            addressees(settings, route.targets, at=now, held_until=quiet_until(route, alert.severity, now))
            for route in routes_for(settings, alert.grid_id, alert.severity)
        )
        deliveries = _deliveries(alert, first, occasion, key=start.key, now=now)
        if deliveries:
            return _plan(alert.id, deliveries, _next(start, alert, settings))
        # Nobody is on duty: the next step must not wait for an acknowledgement that cannot come.
        return plan_follow_up(start, alert, settings, now=now)
    if event.transition is AlertTransition.CLEARED:
        return DeliveryPlan(
            alert.id,
            tuple(_all_clears(event, settings, told, now)),
            stops_escalation=True,
            ends=True,
        )
    return DeliveryPlan(alert.id, stops_escalation=event.transition in _STOPS)


def plan_follow_up(
    follow_up: FollowUp, alert: Alert | None, settings: NotificationSettings, *, now: datetime
) -> DeliveryPlan:
    """What the next step of an escalation asks for: nothing when the alarm is not as it was.

    Where a step reaches nobody, the one after it is made at once.

    Args:
        follow_up: the escalation, as far as it has come.
        alert: the alarm as it stands; None when it is not known any more.
        settings: whom to tell.
        now: aware.
    """
    if alert is None or alert.state is not AlarmState.UNACKNOWLEDGED:
        return DeliveryPlan(follow_up.alert_id, stops_escalation=True)
    current = follow_up
    while (step := _next(current, alert, settings)) is not None:
        current = step
        until = max(now, current.due_at)
        steps = _steps_until(alert, settings, current, until)
        current = current.model_copy(update={"done_until": until, "round": current.round + 1})
        deliveries = [
            one
            for minutes, same_time in steps.items()
            for one in _step_deliveries(
                f"{current.key}+{minutes:g}", same_time, alert, settings, now=now, round_=current.round
            )
        ]
        if deliveries:
            return _plan(alert.id, deliveries, _next(current, alert, settings))
    return DeliveryPlan(follow_up.alert_id, stops_escalation=True)


def _plan(alert_id: str, deliveries: Sequence[Delivery], follow_up: FollowUp | None) -> DeliveryPlan:
    return DeliveryPlan(alert_id, deliveries, follow_up, stops_escalation=follow_up is None)


def _next(follow_up: FollowUp, alert: Alert, settings: NotificationSettings) -> FollowUp | None:
    """The escalation with the time of its next step; None when there is none."""
    due = [
        at
        for route in routes_for(settings, alert.grid_id, alert.severity)
        for at, _ in steps_due(route, alert.severity, follow_up.started_at)
        if at > follow_up.done_until
    ]
    return follow_up.model_copy(update={"due_at": min(due)}) if due else None


def _steps_until(
    alert: Alert, settings: NotificationSettings, follow_up: FollowUp, until: datetime
) -> dict[float, list[tuple[Route, EscalationStep]]]:
    """The steps between what is done and a time, by their minutes.

    Steps of one time are one, whichever routes they are of. Those of different times never are, also when
    they are made at once: planned again after a crash they may not be.
    """
    steps: dict[float, list[tuple[Route, EscalationStep]]] = {}
    for route in routes_for(settings, alert.grid_id, alert.severity):
        for at, step in steps_due(route, alert.severity, follow_up.started_at):
            if follow_up.done_until < at <= until:
                steps.setdefault(step.after_minutes, []).append((route, step))
    return dict(sorted(steps.items()))


def _step_deliveries(
    key: str,
    steps: Iterable[tuple[Route, EscalationStep]],
    alert: Alert,
    settings: NotificationSettings,
    *,
    now: datetime,
    round_: int,
) -> list[Delivery]:
    reached = merged(
        addressees(settings, step.targets, at=now, held_until=quiet_until(route, alert.severity, now))
        for route, step in steps
    )
    return _deliveries(alert, reached, Occasion.ESCALATION, key=key, now=now, round_=round_)


def _deliveries(
    alert: Alert,
    reached: Iterable[Addressee],
    occasion: Occasion,
    *,
    key: str,
    now: datetime,
    round_: int = 0,
) -> list[Delivery]:
    return [
        Delivery(
            id=delivery_id(alert.id, key, one.channel_id, one.recipient),
            alert_id=alert.id,
            grid_id=alert.grid_id,
            occasion=occasion,
            severity=alert.severity,
            channel_id=one.channel_id,
            recipient=one.recipient,
            round=round_,
            created_at=now,
            held_until=one.held_until,
            look_again_at=one.held_until or now,
        )
        for one in reached
    ]


def _all_clears(
    event: AlertEvent, settings: NotificationSettings, told: Sequence[Delivery], now: datetime
) -> list[Delivery]:
    """One to each who was told, or is about to be; whether they were is seen when its turn comes."""
    alert = event.alert
    routes = [one for one in routes_for(settings, alert.grid_id, alert.severity) if one.all_clear]
    channels = {target.channel_id for route in routes for target in all_targets(route)}
    quiet = [quiet_until(route, alert.severity, now) for route in routes]
    ends = [end for end in quiet if end is not None]
    held_until = min(ends) if ends and len(ends) == len(quiet) else None
    addressed = {
        (one.channel_id, one.recipient): Addressee(one.channel_id, one.recipient, held_until)
        for one in told
        if one.channel_id in channels
        and one.occasion is not Occasion.ALL_CLEAR
        and one.state not in {DeliveryState.FAILED, DeliveryState.WITHDRAWN}
    }
    key = event_key(event.transition, event.at)
    return _deliveries(alert, addressed.values(), Occasion.ALL_CLEAR, key=key, now=now)
