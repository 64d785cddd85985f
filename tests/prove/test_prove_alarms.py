"""What is expected of alarms, and what the checks of the alarm part find."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.prove.alarm_checks import (
    AlarmEvidence,
    EngineKill,
    History,
    Notification,
    alarm_figures,
    alarm_violations,
    delays_running,
)
from tests.prove.alarm_replay import replay
from tests.prove.alarm_scene import (
    GATEWAY,
    HIGH_KW,
    METRIC,
    NORMAL_KW,
    OVERLOAD,
    RULES,
    Episode,
    Measured,
    expected_episodes,
    gateway_children,
    gateway_episodes,
    gateway_loss,
    load_of,
)
from tests.prove.evidence import Device

from microgrid_common.ports.durable_log import Entry
from microgrid_common.schemas.alarm_rule import AlarmRule
from microgrid_common.schemas.alert import AlertEvent, AlertTransition
from microgrid_common.schemas.reading import Reading, encode_readings
from microgrid_common.schemas.streams import LINK_KIND, READINGS_KIND, TICK_KIND
from microgrid_common.schemas.tick import Tick
from microgrid_common.transforms.alarms.rule_plan import RulePlan

START = datetime(2026, 11, 23, 10, tzinfo=UTC)
METER = Device("village-0", "meter-0")
PLAN = RulePlan([AlarmRule(**rule.model_dump(), version=1) for rule in RULES])
PARENTS = dict.fromkeys(gateway_children(), GATEWAY.device_id)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def measured(pattern: str) -> list[Measured]:
    return [
        Measured(at(second), HIGH_KW if letter == "H" else NORMAL_KW) for second, letter in enumerate(pattern)
    ]


def times(pattern: str) -> list[tuple[datetime, datetime | None]]:
    return [(each.raised_at, each.cleared_at) for each in expected_episodes({METER: measured(pattern)})]


def entry_of(kind: str, data: bytes) -> Entry:
    return Entry("readings:0", "1-0", kind, data)


def entries_of(values: Iterable[Measured], device: Device = METER) -> list[Entry]:
    return [
        entry_of(
            READINGS_KIND,
            encode_readings(
                [Reading(device.grid_id, device.device_id, each.at, each.at, {METRIC: each.kilowatts})]
            ),
        )
        for each in values
    ]


def lost_gateway(when: datetime) -> list[Entry]:
    devices = (GATEWAY.device_id, *(child.device_id for child in gateway_children()))
    tick = Tick(grid_id=GATEWAY.grid_id, device_ids=devices, at=when + timedelta(seconds=10))
    links = [entry_of(LINK_KIND, event.model_dump_json().encode()) for event in gateway_loss(when)]
    return [*links, entry_of(TICK_KIND, tick.model_dump_json().encode())]


def replayed(entries: Iterable[Entry]) -> History:
    return replay(entries, PLAN, parents=PARENTS, notice_quiet=timedelta(minutes=10))


def proof() -> AlarmEvidence:
    values = measured("HHHHH-HH-----HH---" * 2)
    history = replayed([*entries_of(values), *lost_gateway(at(10))])
    gateway = next(
        event.alert.id
        for event in history.events[GATEWAY.grid_id]
        if event.alert.device_id == GATEWAY.device_id
    )
    return AlarmEvidence(
        expected=[*expected_episodes({METER: values}), *gateway_episodes(at(10))],
        history=history,
        replayed=history,
        notifications=[
            Notification(f"message-{number}", (alert_id,))
            for number, alert_id in enumerate(("alert-village-0-1", "alert-village-0-2", gateway))
        ],
        kills=[EngineKill(("engine-1",), at(2), 1.0)],
    )


def with_events(evidence: AlarmEvidence, grid_id: str, events: list[AlertEvent]) -> AlarmEvidence:
    history = replace(evidence.history, events={**evidence.history.events, grid_id: events})
    return replace(evidence, history=history)


def broken(evidence: AlarmEvidence) -> set[str]:
    return {violation.promise.removeprefix("alarms: ") for violation in alarm_violations(evidence)}


def test_an_episode_lasts_from_the_end_of_one_delay_to_that_of_the_other() -> None:
    assert times("HHHHH-----") == [(at(4), at(7))]


def test_a_dip_and_a_rise_shorter_than_their_delays_change_nothing() -> None:
    assert times("HHHHH-HH-----HH---") == [(at(4), at(10))]


def test_between_two_readings_the_earlier_one_stands() -> None:
    values = [Measured(at(0), HIGH_KW), Measured(at(60), NORMAL_KW), Measured(at(120), NORMAL_KW)]
    (episode,) = expected_episodes({METER: values})
    assert (episode.raised_at, episode.cleared_at) == (at(4), at(62))


def test_an_episode_without_an_end_lasts() -> None:
    assert times("HHHHHH") == [(at(4), None)]


@given(st.text(alphabet="H-", min_size=1, max_size=60))
def test_what_is_expected_is_what_the_evaluation_does(pattern: str) -> None:
    values = measured(f"{pattern}------")
    events = replayed(entries_of(values)).events.get(METER.grid_id, [])
    raised = [event.at for event in events if event.transition is AlertTransition.RAISED]
    cleared = [event.at for event in events if event.transition is AlertTransition.CLEARED]
    expected = expected_episodes({METER: values})
    assert raised == [each.raised_at for each in expected]
    assert cleared == [each.cleared_at for each in expected]


def test_at_every_time_some_of_the_devices_are_in_an_on_delay() -> None:
    values = {
        Device("village-0", f"meter-{number}"): [
            Measured(at(second), load_of(number, second)) for second in range(60)
        ]
        for number in range(200)
    }
    episodes = expected_episodes(values)
    assert all(delays_running(episodes, at(second)) > 20 for second in range(18, 40))


def test_a_run_that_went_well_breaks_nothing() -> None:
    assert alarm_violations(proof()) == []


def test_figures_count_what_the_checks_look_at() -> None:
    counted = alarm_figures(proof())
    assert (counted.alarms_expected, counted.alarms_raised) == (53, 53)
    assert (counted.alarms_suppressed, counted.alarms_notified) == (50, 3)
    assert (counted.alarms_doubled, counted.alarms_lost) == (0, 0)
    assert (counted.gateway_children, counted.gateway_notifications) == (50, 1)


def test_a_lost_alarm_is_found() -> None:
    evidence = proof()
    missing = with_events(evidence, METER.grid_id, list(evidence.history.events[METER.grid_id][:-2]))
    found = broken(missing)
    assert {"what is expected is raised once", "what is over is cleared once"} <= found
    assert "the history is that of the log" in found
    assert alarm_figures(missing).alarms_lost == 1


def test_a_doubled_alarm_is_found() -> None:
    evidence = proof()
    events = list(evidence.history.events[METER.grid_id])
    found = with_events(evidence, METER.grid_id, [events[0], *events])
    assert {"what is expected is raised once", "ids count on"} <= broken(found)
    assert alarm_figures(found).alarms_doubled == 1


@pytest.mark.parametrize(
    "change",
    [lambda told: told[1:], lambda told: [*told, told[0]], lambda told: [*told, Notification("x", ("y",))]],
)
def test_what_is_not_told_once_is_found(
    change: Callable[[Sequence[Notification]], Sequence[Notification]],
) -> None:
    evidence = proof()
    changed = replace(evidence, notifications=change(evidence.notifications))
    assert broken(changed) == {"what is raised is notified once"}


def test_a_child_that_is_told_beside_its_gateway_is_found() -> None:
    evidence = proof()
    child = next(
        event.alert.id
        for event in evidence.history.events[GATEWAY.grid_id]
        if event.alert.device_id != GATEWAY.device_id
    )
    told = [*evidence.notifications, Notification("more", (child,))]
    assert "a lost gateway is one notification" in broken(replace(evidence, notifications=told))


def test_a_record_that_stands_differently_is_found() -> None:
    evidence = proof()
    alert_id, alert = next(iter(evidence.history.records.items()))
    other = {**evidence.history.records, alert_id: alert.model_copy(update={"message": "other"})}
    changed = replace(evidence, history=replace(evidence.history, records=other))
    assert broken(changed) == {"the records are those of the log"}


def test_a_kill_at_a_quiet_time_proves_nothing() -> None:
    quiet = replace(proof(), kills=[EngineKill(("engine-1",), at(12), 1.0)])
    assert broken(quiet) == {"every kill falls into delays"}


def test_a_service_that_ends_by_itself_is_found() -> None:
    assert broken(replace(proof(), crashed=["notifier"])) == {"nothing ends by itself"}


def test_a_run_in_which_nothing_happened_proves_nothing() -> None:
    nothing = History({}, {})
    empty = AlarmEvidence(expected=[], history=nothing, replayed=nothing, notifications=[], kills=[])
    assert "the part is worth something" in broken(empty)


def test_delays_are_those_of_the_load_alone() -> None:
    episodes = [Episode(METER, OVERLOAD.rule_id, at(4), None), *gateway_episodes(at(0))]
    assert [delays_running(episodes, at(second)) for second in (0, 3, 4)] == [1, 1, 0]
