"""Whom to tell, and when: routes, schedules, quiet hours, escalation. No clock, no I/O."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid_alert_engine.notifier.planning import plan_event, plan_follow_up
from microgrid_alert_engine.notifier.weekly import covers, end_of
from microgrid_common.ports.delivery_log import DeliveryPlan
from microgrid_common.schemas.alert import AlertTransition, Severity, Suppression, SuppressionCause
from microgrid_common.schemas.delivery import Delivery, DeliveryState, FollowUp
from microgrid_common.schemas.notification import WEEKDAYS, NotificationSettings, WeeklyRange
from microgrid_common.testing.notification_samples import (
    acknowledged,
    ended,
    event_of,
    lasting_alarm,
    settings_with,
    shelved,
)
from microgrid_common.testing.samples import SAMPLE_TIME

NIGHT = {"time_zone": "UTC", "ranges": [{"start": "22:00", "end": "07:00"}]}
EVENING = SAMPLE_TIME.replace(hour=23)
MORNING = (SAMPLE_TIME + timedelta(days=1)).replace(hour=7)
STEPS = [
    {"after_minutes": minutes, "targets": [{"channel_id": "sms", "recipients": [f"level-{level}"]}]}
    for level, minutes in ((1, 10), (2, 30))
]
SCHEDULES = [
    {
        "schedule_id": "technicians",
        "time_zone": "Asia/Kathmandu",
        "shifts": [
            {"start": "08:00", "end": "20:00", "recipients": ["day"]},
            {"days": ["mon"], "start": "20:00", "end": "08:00", "recipients": ["night"]},
        ],
    }
]
ON_CALL = {"channel_id": "sms", "on_call": "technicians"}
ZONES = st.sampled_from(["UTC", "Asia/Kathmandu", "America/New_York", "Europe/Berlin"]).map(ZoneInfo)
TIMES = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))  # noqa: DTZ001
CLOCKS = st.builds(time, st.integers(0, 23), st.sampled_from([0, 30]))
RANGES = st.builds(
    WeeklyRange,
    days=st.lists(st.sampled_from(WEEKDAYS), min_size=1, unique=True).map(tuple),
    start=CLOCKS,
    end=CLOCKS,
)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def told(plan: DeliveryPlan) -> list[tuple[str, str]]:
    return [(one.channel_id, one.recipient) for one in plan.deliveries]


def plan(
    settings: NotificationSettings,
    *,
    at: datetime = SAMPLE_TIME,
    severity: Severity = Severity.CRITICAL,
    **alarm: Any,
) -> DeliveryPlan:
    return plan_event(event_of(lasting_alarm(severity=severity, **alarm)), settings, told=[], now=at)


@pytest.mark.parametrize(
    ("route", "reached"),
    [
        ({}, True),
        ({"minimum_severity": "critical"}, False),
        ({"minimum_severity": "info"}, True),
        ({"grids": ["default", "village-1"]}, True),
        ({"grids": ["village-1"]}, False),
    ],
)
def test_a_route_is_for_some_severities_and_grids(route: dict[str, Any], *, reached: bool) -> None:
    assert told(plan(settings_with(route), severity=Severity.WARNING)) == ([("mail", "")] if reached else [])


def test_of_two_routes_that_reach_the_same_each_is_told_once() -> None:
    targets = [{"channel_id": "mail"}, {"channel_id": "sms", "recipients": ["+15550100", "+15550101"]}]
    settings = settings_with({"targets": targets}, {"targets": [*targets, {"channel_id": "hook"}]})
    assert told(plan(settings)) == [("mail", ""), ("sms", "+15550100"), ("sms", "+15550101"), ("hook", "")]


@pytest.mark.parametrize(
    "event",
    [
        event_of(shelved(lasting_alarm(), until=MORNING)),
        event_of(acknowledged(lasting_alarm()), AlertTransition.UNSHELVED),
        event_of(lasting_alarm(), AlertTransition.NOTED),
        event_of(lasting_alarm(), AlertTransition.ASSIGNED),
        event_of(lasting_alarm(), AlertTransition.RETURNED),
        event_of(acknowledged(lasting_alarm()), AlertTransition.ACKNOWLEDGED),
        event_of(shelved(lasting_alarm(), until=MORNING), AlertTransition.SHELVED),
        event_of(ended(lasting_alarm()), AlertTransition.CLEARED),
        event_of(ended(lasting_alarm()), AlertTransition.SUPERSEDED),
    ],
    ids=lambda event: f"{event.transition}-{event.alert.state}",
)
def test_what_concerns_nobody_is_told_to_nobody(event: Any) -> None:
    assert plan_event(event, settings_with({}), told=[], now=SAMPLE_TIME).deliveries == ()


def test_a_gateway_that_is_lost_with_fifty_children_is_one_notification() -> None:
    follows = Suppression(at=SAMPLE_TIME, cause=SuppressionCause.PARENT_DOWN, by="device-1")
    children = [lasting_alarm(number, suppressed=follows) for number in range(2, 52)]
    plans = [
        plan_event(event_of(alarm), settings_with({"escalation": STEPS}), told=[], now=SAMPLE_TIME)
        for alarm in [lasting_alarm(1), *children]
    ]
    assert [one.alert_id for made in plans for one in made.deliveries] == ["alert-1"]
    assert [made.alert_id for made in plans if made.follow_up] == ["alert-1"]


@pytest.mark.parametrize("transition", ["unshelved", "unsuppressed", "returned_to_service"])
def test_what_was_put_aside_and_lasts_is_told_anew(transition: str) -> None:
    event = event_of(lasting_alarm(), AlertTransition(transition))
    [delivery] = plan_event(event, settings_with({}), told=[], now=SAMPLE_TIME).deliveries
    assert delivery.occasion == "resumed"


class TestSchedules:
    # 2026-11-23 is a Monday; Kathmandu is 5 h 45 min ahead.
    @pytest.mark.parametrize(
        ("at", "reached"),
        [
            (datetime(2026, 11, 23, 2, 14, tzinfo=UTC), []),
            (datetime(2026, 11, 23, 2, 15, tzinfo=UTC), ["day"]),
            (datetime(2026, 11, 23, 14, 14, tzinfo=UTC), ["day"]),
            (datetime(2026, 11, 23, 14, 15, tzinfo=UTC), ["night"]),
            (datetime(2026, 11, 24, 1, 0, tzinfo=UTC), ["night"]),
            (datetime(2026, 11, 25, 1, 0, tzinfo=UTC), []),
        ],
    )
    def test_whoever_is_on_duty_is_told(self, at: datetime, reached: list[str]) -> None:
        settings = settings_with({"targets": [ON_CALL]}, schedules=SCHEDULES)
        assert told(plan(settings, at=at)) == [("sms", name) for name in reached]

    def test_when_nobody_is_on_duty_the_next_step_is_made_at_once(self) -> None:
        settings = settings_with({"targets": [ON_CALL], "escalation": STEPS}, schedules=SCHEDULES)
        now = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
        first = plan(settings, at=now)
        assert told(first) == [("sms", "level-1")]
        assert first.follow_up is not None
        assert first.follow_up.due_at == now + minutes(30)

    def test_a_channel_of_its_own_is_used_only_while_somebody_is_on_duty(self) -> None:
        target = {"channel_id": "mail", "on_call": "technicians"}
        settings = settings_with({"targets": [target]}, schedules=SCHEDULES)
        assert told(plan(settings, at=datetime(2026, 11, 23, 1, 0, tzinfo=UTC))) == []
        assert told(plan(settings, at=datetime(2026, 11, 23, 3, 0, tzinfo=UTC))) == [("mail", "")]


class TestQuietHours:
    def test_what_is_not_critical_follows_when_they_are_over(self) -> None:
        settings = settings_with({"quiet_hours": NIGHT, "escalation": STEPS})
        quiet = plan(settings, at=EVENING, severity=Severity.WARNING)
        assert [one.look_again_at for one in quiet.deliveries] == [MORNING]
        assert quiet.follow_up is not None
        assert quiet.follow_up.due_at == MORNING + minutes(10)

    @given(at=TIMES, ranges=st.lists(RANGES, min_size=1, max_size=4), zone=ZONES)
    def test_they_never_mute_what_is_critical_and_always_the_rest(
        self, at: datetime, ranges: list[WeeklyRange], zone: ZoneInfo
    ) -> None:
        hours = {"time_zone": zone.key, "ranges": [one.model_dump(mode="json") for one in ranges]}
        settings = settings_with({"quiet_hours": hours, "escalation": STEPS, "minimum_severity": "info"})
        quiet = any(covers(one, zone, at) for one in ranges)
        for severity in Severity:
            first = plan(settings, at=at, severity=severity)
            assert [one.held_until is not None for one in first.deliveries] == [
                quiet and severity is not Severity.CRITICAL
            ]
        assert first.follow_up is not None
        [step] = plan_follow_up(
            first.follow_up, lasting_alarm(), settings, now=first.follow_up.due_at
        ).deliveries
        assert step.look_again_at == at + minutes(10)

    @given(at=TIMES, ranges=st.lists(RANGES, min_size=1, max_size=4), zone=ZONES)
    def test_their_end_is_the_first_moment_without_them(
        self, at: datetime, ranges: list[WeeklyRange], zone: ZoneInfo
    ) -> None:
        end = end_of(ranges, zone, at)
        if end is None:
            assert not any(covers(one, zone, at) for one in ranges)
            return
        assert end > at
        # Ranges that touch one another around the clock have no end; then it is weeks away.
        assert end - at > timedelta(days=7) or not any(covers(one, zone, end) for one in ranges)
        steps = int((end - at) / minutes(30)) if end - at <= timedelta(days=7) else 0
        for step in range(steps):
            assert any(covers(one, zone, at + step * minutes(30)) for one in ranges)


class TestEscalation:
    SETTINGS = settings_with({"escalation": STEPS})

    def test_each_step_comes_in_its_time_and_the_last_one_ends_it(self) -> None:
        alarm = lasting_alarm()
        first = plan(self.SETTINGS)
        assert first.follow_up is not None
        assert first.follow_up.due_at == SAMPLE_TIME + minutes(10)
        second = plan_follow_up(first.follow_up, alarm, self.SETTINGS, now=SAMPLE_TIME + minutes(10))
        assert told(second) == [("sms", "level-1")]
        assert second.follow_up is not None
        assert second.follow_up.due_at == SAMPLE_TIME + minutes(30)
        third = plan_follow_up(second.follow_up, alarm, self.SETTINGS, now=SAMPLE_TIME + minutes(31))
        assert told(third) == [("sms", "level-2")]
        assert (third.follow_up, third.stops_escalation) == (None, True)

    @pytest.mark.parametrize(
        "alarm",
        [acknowledged(lasting_alarm()), shelved(lasting_alarm(), MORNING), ended(lasting_alarm()), None],
        ids=["acknowledged", "shelved", "over", "forgotten"],
    )
    def test_it_stops_when_the_alarm_is_not_as_it_was(self, alarm: Any) -> None:
        first = plan(self.SETTINGS)
        assert first.follow_up is not None
        stopped = plan_follow_up(first.follow_up, alarm, self.SETTINGS, now=SAMPLE_TIME + minutes(10))
        assert (stopped.deliveries, stopped.stops_escalation) == ((), True)

    @pytest.mark.parametrize(
        "transition", ["acknowledged", "cleared", "shelved", "suppressed", "taken_out_of_service"]
    )
    def test_an_event_that_ends_the_need_stops_it(self, transition: str) -> None:
        event = event_of(ended(lasting_alarm()), AlertTransition(transition))
        assert plan_event(event, self.SETTINGS, told=[], now=SAMPLE_TIME).stops_escalation

    def test_after_a_long_stop_all_steps_that_were_missed_come_at_once(self) -> None:
        first = plan(self.SETTINGS)
        assert first.follow_up is not None
        late = plan_follow_up(
            first.follow_up, lasting_alarm(), self.SETTINGS, now=SAMPLE_TIME + timedelta(days=1)
        )
        assert told(late) == [("sms", "level-1"), ("sms", "level-2")]

    @given(
        st.lists(
            st.sampled_from(["raise again", "plan again", "a minute", "ten minutes", "hurry"]), max_size=40
        )
    )
    def test_nobody_is_told_twice_about_one_step_however_often_it_is_planned(self, story: list[str]) -> None:
        now = SAMPLE_TIME
        ledger: dict[str, Delivery] = {}
        follow_up: FollowUp | None = None
        event = event_of(lasting_alarm())
        for chapter in ["raise again", *story]:
            now += {"a minute": minutes(1), "ten minutes": minutes(10)}.get(chapter, timedelta())
            if chapter == "raise again":
                made = plan_event(event, self.SETTINGS, told=[], now=SAMPLE_TIME)
            elif follow_up and (now >= follow_up.due_at or chapter == "hurry"):
                made = plan_follow_up(follow_up, lasting_alarm(), self.SETTINGS, now=now)
            else:
                continue
            follow_up = made.follow_up
            for one in made.deliveries:
                ledger.setdefault(one.id, one)
        reached = [(one.channel_id, one.recipient) for one in ledger.values()]
        assert len(reached) == len(set(reached))


class TestAllClear:
    CLEARED = event_of(ended(lasting_alarm()), AlertTransition.CLEARED)

    def test_it_goes_to_those_who_were_addressed_and_to_nobody_else(self) -> None:
        settings = settings_with({"targets": [{"channel_id": "mail"}, {"channel_id": "hook"}]})
        told_of = [
            one.model_copy(update={"state": DeliveryState.FAILED if one.channel_id == "mail" else "sent"})
            for one in plan(settings).deliveries
        ]
        cleared = plan_event(self.CLEARED, settings, told=told_of, now=SAMPLE_TIME)
        assert told(cleared) == [("hook", "")]
        assert [one.occasion for one in cleared.deliveries] == ["all_clear"]
        assert cleared.ends

    def test_a_route_may_do_without(self) -> None:
        settings = settings_with({"all_clear": False})
        cleared = plan_event(self.CLEARED, settings, told=list(plan(settings).deliveries), now=SAMPLE_TIME)
        assert told(cleared) == []

    def test_quiet_hours_hold_it_back_too(self) -> None:
        settings = settings_with({"quiet_hours": NIGHT})
        warning = lasting_alarm(severity=Severity.WARNING)
        first = plan_event(event_of(warning), settings, told=[], now=SAMPLE_TIME)
        event = event_of(ended(warning), AlertTransition.CLEARED)
        [cleared] = plan_event(event, settings, told=list(first.deliveries), now=EVENING).deliveries
        assert cleared.held_until == MORNING
