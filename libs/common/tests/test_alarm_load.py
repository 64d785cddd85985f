"""The alarm load of a grid, and the same counted the slow way."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid_common.schemas.alarm_load import AcknowledgementTimes, AlarmLoad
from microgrid_common.schemas.alert import (
    Alert,
    AlertSource,
    AlertStatus,
    OutOfService,
    Severity,
    Shelving,
    Suppression,
    SuppressionCause,
)
from microgrid_common.testing.samples import SAMPLE_TIME
from microgrid_common.transforms.alarms.load import alarm_load

START = SAMPLE_TIME
END = SAMPLE_TIME + timedelta(hours=10)
TEN_MINUTES = timedelta(minutes=10)


def after(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def alarm(
    minute: float, *, lasted: float | None = 1, acknowledged: float | None = None, **more: Any
) -> Alert:
    """An episode that was raised `minute` after the start; `lasted` None is one that still lasts."""
    raised_at = after(minute)
    given: dict[str, Any] = {
        "id": "alert-1",
        "grid_id": "village-1",
        "device_id": "meter",
        "rule_id": "load",
        "severity": Severity.WARNING,
        "message": "Load",
        "status": AlertStatus.ACTIVE if lasted is None else AlertStatus.RESOLVED,
        "source": AlertSource.RULE,
        "raised_at": raised_at,
        "cleared_at": None if lasted is None else raised_at + timedelta(minutes=lasted),
        "acknowledged_at": None if acknowledged is None else raised_at + timedelta(minutes=acknowledged),
        **more,
    }
    return Alert(**given)


def load_of(*alarms: Alert, end: datetime = END) -> AlarmLoad:
    newest_first = sorted(alarms, key=lambda alert: alert.raised_at, reverse=True)
    return alarm_load("village-1", newest_first, start=START, end=end)


def met(load: AlarmLoad) -> dict[str, list[bool | None]]:
    judged: dict[str, list[bool | None]] = {}
    for guidance in load.guidance:
        judged.setdefault(guidance.figure, []).append(guidance.met)
    return judged


def test_a_quiet_grid_has_no_load_and_meets_what_can_be_measured() -> None:
    load = load_of()
    assert (load.alarms, load.alarms_per_hour, load.worst_10_minutes_start) == (0, 0, None)
    assert load.acknowledgement == AcknowledgementTimes()
    assert (load.rules, load.top_offenders) == ((), ())
    assert met(load) == {
        "alarms_per_hour": [True, True],
        "flooded_10_minutes_percent": [True],
        "top_10_percent": [None],
        "chattering_alarms": [True],
        "stale_alarms": [True],
        "critical_percent": [None],
        "critical_and_warning_percent": [None],
    }


def test_one_alarm_is_the_whole_load() -> None:
    load = load_of(alarm(30, acknowledged=2, severity=Severity.CRITICAL))
    assert (load.alarms, load.alarms_per_hour) == (1, 0.1)
    assert (load.worst_10_minutes_alarms, load.worst_10_minutes_start) == (1, after(30))
    assert load.acknowledgement == AcknowledgementTimes(acknowledged=1, median_seconds=120, p95_seconds=120)
    (offender,) = load.top_offenders
    assert (offender.device_id, offender.rule_id, offender.alarms, offender.percent) == (
        "meter", "load", 1, 100,
    )  # fmt: skip
    assert [(share.severity, share.percent) for share in load.severities] == [
        ("critical", 100),
        ("warning", 0),
        ("info", 0),
    ]
    assert met(load)["critical_percent"] == [False]


def test_the_worst_ten_minutes_may_begin_anywhere_and_the_first_of_several_count() -> None:
    load = load_of(*(alarm(minute) for minute in (8, 12, 17.9, 18, 30, 35, 39)))
    assert (load.worst_10_minutes_alarms, load.worst_10_minutes_start) == (3, after(8))


def test_eleven_alarms_in_ten_minutes_are_a_flood_and_ten_are_not() -> None:
    ten = [alarm(20 + second / 60) for second in range(10)]
    assert load_of(*ten).flooded_10_minutes_percent == 0
    eleven = load_of(*ten, alarm(29.9))
    assert eleven.flooded_10_minutes_percent == pytest.approx(100 / 60)
    assert met(eleven)["flooded_10_minutes_percent"] == [False]
    assert load_of(*ten, alarm(30)).flooded_10_minutes_percent == 0


@pytest.mark.parametrize(
    ("alarms", "expected"), [(60, [True, True]), (61, [False, True]), (121, [False, False])]
)
def test_six_alarms_an_hour_are_acceptable_and_twelve_can_be_managed(
    alarms: int, expected: list[bool]
) -> None:
    assert met(load_of(*(alarm(number * 4) for number in range(alarms))))["alarms_per_hour"] == expected


def test_an_alarm_chatters_when_it_comes_three_times_within_ten_minutes() -> None:
    twice_each = [alarm(minute, device_id=device) for minute in (0, 9) for device in ("a", "b")]
    assert load_of(*twice_each).chattering_alarms == 0
    assert load_of(*twice_each, alarm(10, device_id="a")).chattering_alarms == 0
    assert load_of(*twice_each, alarm(9.9, device_id="a")).chattering_alarms == 1


def test_an_alarm_chatters_when_the_engine_has_delayed_it_for_that() -> None:
    load = load_of(alarm(1, chattering=True, device_id="a"), alarm(2, device_id="b"))
    assert {offender.device_id: offender.chattering for offender in load.top_offenders} == {
        "a": True,
        "b": False,
    }
    assert met(load)["chattering_alarms"] == [False]


def test_what_was_raised_before_counts_only_while_it_stands() -> None:
    day = 24 * 60
    load = load_of(
        alarm(-20, lasted=None),
        alarm(-day, lasted=None),
        alarm(-20, lasted=30),
        alarm(-20, lasted=10),
        alarm(600 - day, lasted=day + 5),
        alarm(599.9 - day, lasted=day + 5),
    )
    assert (load.alarms, load.standing_alarms, load.stale_alarms) == (0, 4, 2)
    assert [(rule.rule_id, rule.standing_alarms) for rule in load.rules] == [("load", 4)]


def test_the_end_of_the_time_is_not_part_of_it() -> None:
    load = load_of(alarm(0, lasted=600), alarm(1, lasted=599.5), alarm(600))
    assert (load.alarms, load.standing_alarms) == (2, 2)


@pytest.mark.parametrize(
    "put_aside",
    [
        {"shelved": Shelving(at=START, by="ada", until=END, reason="test")},
        {"suppressed": Suppression(at=after(5), cause=SuppressionCause.PARENT_DOWN, by="gateway")},
        {"out_of_service": OutOfService(at=START, by="ada", reason="test")},
    ],
)
def test_an_alarm_that_was_born_hidden_is_no_load(put_aside: dict[str, Any]) -> None:
    load = load_of(alarm(5, lasted=None, **put_aside), alarm(6))
    assert (load.alarms, load.hidden_alarms, load.standing_alarms) == (1, 1, 0)


def test_an_alarm_that_was_shelved_later_was_a_load_and_stands_no_more() -> None:
    shelved = Shelving(at=after(7), by="ada", until=END, reason="test")
    load = load_of(alarm(5, lasted=None, shelved=shelved))
    assert (load.alarms, load.hidden_alarms, load.standing_alarms) == (1, 0, 0)


def test_the_time_to_acknowledge_has_a_median_and_a_95th_percentile() -> None:
    load = load_of(*(alarm(minute, acknowledged=minute) for minute in range(1, 41)), alarm(50), alarm(51))
    times = load.acknowledgement
    assert (times.acknowledged, times.never_acknowledged) == (40, 2)
    assert (times.median_seconds, times.p95_seconds) == (20.5 * 60, 38 * 60)


def test_a_device_whose_clock_is_ahead_was_acknowledged_at_once() -> None:
    assert load_of(alarm(5, acknowledged=-2)).acknowledgement.median_seconds == 0


def test_the_ten_alarms_that_came_most_often_are_named() -> None:
    load = load_of(
        *(alarm(device, device_id=f"d{device:02}") for device in range(20)), alarm(50, device_id="d19")
    )
    assert [offender.device_id for offender in load.top_offenders] == [
        "d19", *(f"d{device:02}" for device in range(9)),
    ]  # fmt: skip
    assert load.top_10_percent == pytest.approx(100 * 11 / 21)


def test_records_in_another_order_are_refused() -> None:
    with pytest.raises(ValueError, match="newest first"):
        alarm_load("village-1", [alarm(1), alarm(2)], start=START, end=END)


def test_a_time_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(ValueError, match="after start"):
        load_of(end=START)


episodes = st.builds(
    alarm,
    st.one_of(st.integers(-30, 70), st.floats(-30, 70)),
    lasted=st.none() | st.integers(0, 60),
    acknowledged=st.none() | st.integers(-1, 60),
    device_id=st.sampled_from(["a", "b"]),
    rule_id=st.sampled_from(["x", "y"]),
    severity=st.sampled_from(Severity),
    chattering=st.sampled_from([False, False, False, True]),
)
crowds = st.lists(episodes, max_size=40)


def chatters(alerts: Iterable[Alert]) -> bool:
    alerts = list(alerts)
    return any(alert.chattering for alert in alerts) or any(
        sum(first.raised_at <= other.raised_at < first.raised_at + TEN_MINUTES for other in alerts) >= 3
        for first in alerts
    )


@given(crowds, st.integers(1, 60))
def test_the_figures_are_those_of_counting_the_slow_way(alerts: list[Alert], minutes: int) -> None:
    end = after(minutes)
    load = load_of(*alerts, end=end)
    raised = [alert for alert in alerts if START <= alert.raised_at < end]
    windows = {
        alert.raised_at: sum(
            alert.raised_at <= other.raised_at < alert.raised_at + TEN_MINUTES for other in raised
        )
        for alert in raised
    }
    worst = max(windows.values(), default=0)
    assert load.alarms == len(raised)
    assert load.worst_10_minutes_alarms == worst
    assert load.worst_10_minutes_start == min((at for at, n in windows.items() if n == worst), default=None)
    slots = Counter((alert.raised_at - START) // TEN_MINUTES for alert in raised)
    flooded = sum(alarms > 10 for alarms in slots.values())
    assert load.flooded_10_minutes_percent == pytest.approx(100 * flooded / -(-minutes // 10))
    points = {(alert.device_id, alert.rule_id) for alert in raised}
    assert load.chattering_alarms == sum(
        chatters(alert for alert in raised if (alert.device_id, alert.rule_id) == point) for point in points
    )
    assert load.standing_alarms == sum(
        alert.raised_at < end and (alert.cleared_at is None or alert.cleared_at >= end) for alert in alerts
    )
    assert load.acknowledgement.acknowledged == sum(alert.acknowledged_at is not None for alert in raised)


@given(crowds)
def test_the_rules_and_the_severities_add_up_to_the_grid(alerts: list[Alert]) -> None:
    load = load_of(*alerts)
    for figure in ("alarms", "hidden_alarms", "standing_alarms", "stale_alarms", "chattering_alarms"):
        assert sum(getattr(rule, figure) for rule in load.rules) == getattr(load, figure)
    assert sum(share.alarms for share in load.severities) == load.alarms
    assert sum(rule.percent for rule in load.rules) == pytest.approx(100 if load.alarms else 0)
    for rule in load.rules:
        of_rule = load_of(*(alert for alert in alerts if alert.rule_id == rule.rule_id))
        assert of_rule.rules[0].model_dump(exclude={"percent"}) == rule.model_dump(exclude={"percent"})
