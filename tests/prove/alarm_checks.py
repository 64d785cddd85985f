"""The promises about alarms, each as a check that returns what it found broken. Pure: no I/O."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from tests.prove.alarm_scene import GATEWAY, ON_DELAY, OVERLOAD, Episode
from tests.prove.checks import Violation
from tests.prove.evidence import Device

from microgrid_common.schemas.alert import AlarmState, Alert, AlertEvent, AlertTransition


@dataclass(frozen=True, slots=True)
class EngineKill:
    """One kill of one or two engines."""

    engines: tuple[str, ...]
    at: datetime
    down_for: float
    """Seconds from the first kill until all were started again."""


class Notification(NamedTuple):
    """A message that arrived."""

    message_id: str
    alert_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class History:
    """What became of alarms."""

    events: Mapping[str, Sequence[AlertEvent]]
    """Grid → its events, in order."""
    records: Mapping[str, Alert]
    """Alert id → the alert as it stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmEvidence:
    """Everything that the checks of the alarm part look at."""

    expected: Sequence[Episode]
    history: History
    """What the engines made of the log."""
    replayed: History
    """What the evaluation alone makes of the same entries, in one go."""
    notifications: Sequence[Notification]
    """In the order of their coming."""
    kills: Sequence[EngineKill]
    crashed: Sequence[str] = ()
    """Services that ended without being killed."""


Check = Callable[[AlarmEvidence], Iterator[str]]


def what_is_expected_is_raised_once(evidence: AlarmEvidence) -> Iterator[str]:
    """Each episode is one alarm, with the times of the readings, and there are no others."""
    yield from _compared(
        ((episode.device, episode.rule_id, episode.raised_at) for episode in evidence.expected),
        (
            (_device(event.alert), event.alert.rule_id, event.alert.raised_at)
            for event in _events(evidence, AlertTransition.RAISED)
        ),
        "raised",
    )


def what_is_over_is_cleared_once(evidence: AlarmEvidence) -> Iterator[str]:
    """Each episode that ended ends its alarm, once."""
    yield from _compared(
        ((each.device, each.rule_id, each.cleared_at) for each in evidence.expected if each.cleared_at),
        (
            (_device(event.alert), event.alert.rule_id, event.alert.cleared_at)
            for event in _events(evidence, AlertTransition.CLEARED)
        ),
        "cleared",
    )


def ids_count_on(evidence: AlarmEvidence) -> Iterator[str]:
    """The alarms of a grid are numbered in the order of raising: no number twice, none left out."""
    for grid_id, events in evidence.history.events.items():
        numbers = [event.alert.number for event in events if event.transition is AlertTransition.RAISED]
        if numbers != list(range(1, len(numbers) + 1)):
            yield f"{grid_id}: the numbers of its alarms are {numbers}"


def what_is_raised_is_notified_once(evidence: AlarmEvidence) -> Iterator[str]:
    """Each alarm that was raised and not suppressed is told in one message, and nothing else is."""
    told = Counter(alert_id for message in evidence.notifications for alert_id in message.alert_ids)
    raised = {
        event.alert.id
        for event in _events(evidence, AlertTransition.RAISED)
        if event.alert.state is not AlarmState.SUPPRESSED
    }
    for alert_id in sorted(raised | told.keys()):
        if told[alert_id] != (alert_id in raised):
            known = "raised" if alert_id in raised else "not raised"
            yield f"{alert_id}: {known}, told {told[alert_id]} times"


def a_lost_gateway_is_one_notification(evidence: AlarmEvidence) -> Iterator[str]:
    """Its own alarm is told; the silence of what reports through it is recorded and suppressed."""
    events = evidence.history.events.get(GATEWAY.grid_id, ())
    of_grid = {event.alert.id: event.alert.device_id for event in events}
    told = [
        of_grid[alert_id]
        for message in evidence.notifications
        for alert_id in message.alert_ids
        if alert_id in of_grid
    ]
    if told != [GATEWAY.device_id]:
        yield f"told of {told} instead of the gateway alone"


def the_history_is_that_of_the_log(evidence: AlarmEvidence) -> Iterator[str]:
    """Byte for byte the events that the evaluation makes of the same entries in one go, without any kill."""
    found, replayed = evidence.history.events, evidence.replayed.events
    for grid_id in sorted(found.keys() | replayed.keys()):
        ours = [event.model_dump_json() for event in found.get(grid_id, ())]
        theirs = [event.model_dump_json() for event in replayed.get(grid_id, ())]
        if ours != theirs:
            place = next(
                (at for at, (one, other) in enumerate(zip(ours, theirs, strict=False)) if one != other),
                min(len(ours), len(theirs)),
            )
            yield (
                f"{grid_id}: {len(ours)} events, replayed {len(theirs)}; the first difference is at {place}: "
                f"{ours[place : place + 1]} instead of {theirs[place : place + 1]}"
            )


def the_records_are_those_of_the_log(evidence: AlarmEvidence) -> Iterator[str]:
    """Every record stands as the same entries say."""
    found, replayed = evidence.history.records, evidence.replayed.records
    for alert_id in sorted(found.keys() | replayed.keys()):
        if found.get(alert_id) != replayed.get(alert_id):
            yield f"{alert_id}: {found.get(alert_id)} instead of {replayed.get(alert_id)}"


def every_kill_falls_into_delays(evidence: AlarmEvidence) -> Iterator[str]:
    """A kill at which no on-delay was running proves little."""
    for number, kill in enumerate(evidence.kills, 1):
        if not delays_running(evidence.expected, kill.at):
            yield f"kill {number}: no on-delay of an alarm was running"


def nothing_ends_by_itself(evidence: AlarmEvidence) -> Iterator[str]:
    """Engines and notifier go on."""
    yield from (f"{service} ended without being killed" for service in evidence.crashed)


def the_alarm_part_is_worth_something(evidence: AlarmEvidence) -> Iterator[str]:
    """A run in which nothing happened proves nothing."""
    if not any(episode.cleared_at for episode in evidence.expected):
        yield "no episode began and ended"
    if not any(episode.device == GATEWAY for episode in evidence.expected):
        yield "no gateway was lost"
    if not evidence.kills:
        yield "no engine was killed"


ALARM_PROMISES: Mapping[str, Check] = {
    "alarms: what is expected is raised once": what_is_expected_is_raised_once,
    "alarms: what is over is cleared once": what_is_over_is_cleared_once,
    "alarms: ids count on": ids_count_on,
    "alarms: what is raised is notified once": what_is_raised_is_notified_once,
    "alarms: a lost gateway is one notification": a_lost_gateway_is_one_notification,
    "alarms: the history is that of the log": the_history_is_that_of_the_log,
    "alarms: the records are those of the log": the_records_are_those_of_the_log,
    "alarms: every kill falls into delays": every_kill_falls_into_delays,
    "alarms: nothing ends by itself": nothing_ends_by_itself,
    "alarms: the part is worth something": the_alarm_part_is_worth_something,
}


def alarm_violations(evidence: AlarmEvidence) -> list[Violation]:
    """Everything that is broken."""
    return [Violation(promise, what) for promise, check in ALARM_PROMISES.items() for what in check(evidence)]


def delays_running(expected: Iterable[Episode], at: datetime) -> int:
    """How many alarms were to be raised at a time, their condition holding already."""
    return sum(
        episode.rule_id == OVERLOAD.rule_id and episode.raised_at - ON_DELAY <= at < episode.raised_at
        for episode in expected
    )


class AlarmFigures(NamedTuple):
    """What the alarm part comes down to."""

    alarms_expected: int
    alarms_raised: int
    alarms_suppressed: int
    """Of these, how many were raised suppressed: they are not told."""
    alarms_notified: int
    alarms_doubled: int
    """How often something was raised or told again."""
    alarms_lost: int
    """How many that were expected were not raised, or not told."""
    gateway_children: int
    gateway_notifications: int
    events: int


def alarm_figures(evidence: AlarmEvidence) -> AlarmFigures:
    """Count."""
    raised = [event.alert for event in _events(evidence, AlertTransition.RAISED)]
    suppressed = {alert.id for alert in raised if alert.state is AlarmState.SUPPRESSED}
    told = Counter(alert_id for message in evidence.notifications for alert_id in message.alert_ids)
    expected = Counter((each.device, each.rule_id, each.raised_at) for each in evidence.expected)
    found = Counter((_device(alert), alert.rule_id, alert.raised_at) for alert in raised)
    ids = {alert.id for alert in raised}
    in_gateways_grid = {alert.id for alert in raised if alert.grid_id == GATEWAY.grid_id}
    return AlarmFigures(
        alarms_expected=len(evidence.expected),
        alarms_raised=len(raised),
        alarms_suppressed=len(suppressed),
        alarms_notified=len(told),
        alarms_doubled=(found - expected).total() + told.total() - len(told),
        alarms_lost=(expected - found).total() + len(ids - suppressed - told.keys()),
        gateway_children=sum(each.device.grid_id == GATEWAY.grid_id for each in evidence.expected) - 1,
        gateway_notifications=sum(told[alert_id] for alert_id in in_gateways_grid),
        events=sum(map(len, evidence.history.events.values())),
    )


def by_grid(events: Iterable[AlertEvent]) -> dict[str, list[AlertEvent]]:
    """Events arranged by grid, in their order."""
    arranged: dict[str, list[AlertEvent]] = defaultdict(list)
    for event in events:
        arranged[event.alert.grid_id].append(event)
    return dict(arranged)


def _events(evidence: AlarmEvidence, transition: AlertTransition) -> Iterator[AlertEvent]:
    for events in evidence.history.events.values():
        yield from (event for event in events if event.transition is transition)


def _device(alert: Alert) -> Device:
    return Device(alert.grid_id, alert.device_id)


def _compared(
    expected: Iterable[tuple[Device, str, datetime | None]],
    found: Iterable[tuple[Device, str, datetime | None]],
    what: str,
) -> Iterator[str]:
    wanted, there = Counter(expected), Counter(found)
    for key in sorted(wanted.keys() | there.keys()):
        if wanted[key] != there[key]:
            device, rule_id, at = key
            yield f"{device} {rule_id} at {at}: expected {wanted[key]} times, {what} {there[key]} times"
