"""Sending: intent, message, outcome. Each step by hand, with a clock that the test moves."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from microgrid_alert_engine.notifier import intake, posting
from microgrid_alert_engine.notifier.batching import Allowance
from microgrid_alert_engine.notifier.courier import AT_ONCE, Courier
from microgrid_alert_engine.notifier.intake import Intake
from microgrid_alert_engine.notifier.planning import plan_event
from microgrid_alert_engine.notifier.posting import Poster
from microgrid_alert_engine.notifier.settings_watch import SettingsWatch
from microgrid_common.ports.delivery_log import DeliveryPlan
from microgrid_common.ports.durable_log import Entry
from microgrid_common.ports.errors import PermanentError, RetryableError
from microgrid_common.ports.notification_channel import NotificationMessage, UncertainDeliveryError
from microgrid_common.schemas.alert import Alert, AlertEvent, AlertTransition, Severity
from microgrid_common.schemas.notification import NotificationSettings
from microgrid_common.schemas.streams import ALERT_EVENT_KIND, ALERTS_STREAM
from microgrid_common.testing.fakes.alert_records import FakeAlertRecords
from microgrid_common.testing.fakes.delivery_log import FakeDeliveryLog
from microgrid_common.testing.fakes.notification_channel import FakeNotificationChannel
from microgrid_common.testing.fakes.notification_settings import FakeNotificationSettings
from microgrid_common.testing.notification_samples import (
    acknowledged,
    ended,
    event_of,
    lasting_alarm,
    settings_with,
    shelved,
)
from microgrid_common.testing.samples import SAMPLE_TIME
from microgrid_common.testing.waiting import wait_until

pytestmark = pytest.mark.usefixtures("virtual_time")

ESCALATION = [{"after_minutes": 10, "targets": [{"channel_id": "hook"}]}]


@dataclass
class Desk:
    """A notifier whose steps are made by the test."""

    settings: NotificationSettings
    mail: FakeNotificationChannel = field(default_factory=FakeNotificationChannel)
    hook: FakeNotificationChannel = field(default_factory=lambda: FakeNotificationChannel(may_repeat=True))
    deliveries: FakeDeliveryLog = field(default_factory=FakeDeliveryLog)
    records: FakeAlertRecords = field(default_factory=FakeAlertRecords)
    now: datetime = SAMPLE_TIME
    couriers: dict[str, Courier] = field(default_factory=dict)

    async def begin(self) -> None:
        """Start, or start again after a crash."""
        watch = SettingsWatch(FakeNotificationSettings(self.settings))
        await watch.look()
        self.intake = Intake(
            settings=watch,
            deliveries=self.deliveries,
            records=self.records,
            clock=lambda: self.now,
            planned=lambda: None,
        )
        for channel in self.settings.channels:
            name = channel.channel_id
            opened = self.hook if name == "hook" else self.mail
            poster = Poster(
                channel, opened, deliveries=self.deliveries, sender="notifier-1", clock=lambda: self.now
            )
            self.couriers[name] = Courier(
                name,
                poster=poster,
                allowance=Allowance(channel.messages, timedelta(seconds=channel.period_seconds), self.now),
                deliveries=self.deliveries,
                records=self.records,
                sender="notifier-1",
                clock=lambda: self.now,
            )
            await self.couriers[name].recover()

    async def happens(self, alarm: Alert, transition: AlertTransition = AlertTransition.RAISED) -> None:
        """The engine has changed an alarm, and tells about it."""
        self.records.states.alerts[alarm.id] = alarm
        await self.hears(event_of(alarm, transition))

    async def hears(self, event: AlertEvent) -> None:
        data = event.model_dump_json(exclude_defaults=True).encode()
        await self.intake.take(Entry(ALERTS_STREAM, "1-0", ALERT_EVENT_KIND, data))

    async def send(self, name: str = "mail") -> timedelta:
        return await self.couriers[name].work()

    def passes(self, **time: float) -> None:
        self.now += timedelta(**time)

    @property
    def states(self) -> list[str]:
        return [one.state.value for one in self.deliveries.deliveries.values()]


async def desk_with(*routes: dict[str, object]) -> Desk:
    desk = Desk(settings_with(*(routes or ({},))))
    await desk.begin()
    return desk


async def test_an_alarm_is_told_once_however_often_its_event_comes() -> None:
    desk = await desk_with()
    for _ in range(3):
        await desk.happens(lasting_alarm())
        await desk.send()
    assert desk.mail.titles == ["CRITICAL: Battery 1 is low"]
    assert desk.states == ["sent"]


async def test_those_who_were_told_hear_that_it_is_over() -> None:
    desk = await desk_with({"targets": [{"channel_id": "mail"}, {"channel_id": "hook"}]})
    await desk.happens(lasting_alarm())
    await desk.send("mail")
    await desk.happens(ended(lasting_alarm()), AlertTransition.CLEARED)
    await desk.send("mail")
    await desk.send("hook")
    assert desk.mail.titles == ["CRITICAL: Battery 1 is low", "Over: Battery 1 is low"]
    assert desk.hook.titles == ["Over: Battery 1 is low"], "it heard of both at once, as one message"
    assert sorted(desk.states) == ["sent", "sent", "sent", "withdrawn"]


async def test_an_event_that_nobody_can_read_does_not_stop_the_next_one() -> None:
    desk = await desk_with()
    await desk.intake.take(Entry(ALERTS_STREAM, "1-0", ALERT_EVENT_KIND, b'{"transition":"exploded"}'))
    await desk.intake.take(Entry(ALERTS_STREAM, "1-1", "newer", b"\x00"))
    await desk.happens(lasting_alarm())
    await desk.send()
    assert len(desk.mail.sent) == 1


async def test_a_fault_of_ours_stops_no_other_alarm(monkeypatch: pytest.MonkeyPatch) -> None:
    def plan(event: AlertEvent, *args: Any, **named: Any) -> DeliveryPlan:
        assert event.alert.id != "alert-1"
        return plan_event(event, *args, **named)

    monkeypatch.setattr(intake, "plan_event", plan)
    desk = await desk_with()
    await desk.happens(lasting_alarm(1))
    await desk.happens(lasting_alarm(2))
    await desk.send()
    assert desk.mail.titles == ["CRITICAL: Battery 2 is low"]


async def test_a_channel_that_is_away_is_tried_later_and_left_alone_for_as_long_as_it_asks() -> None:
    desk = await desk_with()
    await desk.happens(lasting_alarm())
    desk.mail.fail_next(RetryableError("busy", retry_after=timedelta(seconds=90)))
    assert await desk.send() == timedelta(seconds=90)
    assert desk.states == ["pending"]
    desk.passes(seconds=89)
    await desk.send()
    assert desk.mail.sent == []
    desk.passes(seconds=1)
    await desk.send()
    assert desk.mail.titles == ["CRITICAL: Battery 1 is low"]
    assert "Sent again" not in desk.mail.sent[0][1].body


async def test_it_gives_up_after_a_day() -> None:
    desk = await desk_with()
    await desk.happens(lasting_alarm())
    desk.mail.fail_next(RetryableError("away"))
    await desk.send()
    desk.passes(hours=25)
    await desk.send()
    [delivery] = desk.deliveries.deliveries.values()
    assert (delivery.state, delivery.problem, desk.mail.sent) == ("failed", "away", [])


@pytest.mark.parametrize(
    ("error", "state"),
    [(PermanentError("no such user"), "failed"), (UncertainDeliveryError("?"), "uncertain")],
)
async def test_when_a_critical_alarm_may_not_have_arrived_the_next_step_is_made_at_once(
    error: Exception, state: str
) -> None:
    desk = await desk_with({"escalation": ESCALATION})
    await desk.happens(lasting_alarm())
    desk.mail.fail_next(error)
    await desk.send()
    await desk.intake.escalate()
    await desk.send("hook")
    assert desk.states == [state, "sent"]
    assert len(desk.hook.sent) == 1


async def test_one_that_did_arrive_lets_its_reader_have_the_time_that_was_agreed() -> None:
    desk = await desk_with({"escalation": ESCALATION})
    await desk.happens(lasting_alarm())
    await desk.send()
    await desk.intake.escalate()
    desk.passes(minutes=9.9)
    await desk.intake.escalate()
    await desk.send("hook")
    assert desk.hook.sent == []
    desk.passes(minutes=0.1)
    await desk.intake.escalate()
    await desk.send("hook")
    assert len(desk.hook.sent) == 1


async def test_who_acknowledges_stops_the_escalation_also_when_the_event_has_not_come_yet() -> None:
    desk = await desk_with({"escalation": ESCALATION})
    await desk.happens(lasting_alarm())
    desk.records.states.alerts["alert-1"] = acknowledged(lasting_alarm())
    desk.passes(minutes=10)
    await desk.intake.escalate()
    await desk.send("hook")
    assert desk.hook.sent == []
    assert desk.deliveries.follow_ups == {}


class TestCrash:
    """The notifier dies while a message is on its way."""

    async def crash_while_sending(self, desk: Desk, name: str, *, arrives: bool) -> None:
        opened = desk.hook if name == "hook" else desk.mail
        begun = asyncio.Event()

        async def hang(message: NotificationMessage, recipient: str) -> None:
            if arrives:
                opened.sent.append((recipient, message))
            begun.set()
            await asyncio.Event().wait()

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(opened, "send", hang)
            sending = asyncio.create_task(desk.send(name))
            await begun.wait()
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
        await desk.begin()

    @pytest.mark.parametrize("arrives", [True, False])
    async def test_where_an_id_tells_them_apart_it_is_sent_again_and_says_so(self, *, arrives: bool) -> None:
        desk = await desk_with({"targets": [{"channel_id": "hook"}]})
        await desk.happens(lasting_alarm())
        await self.crash_while_sending(desk, "hook", arrives=arrives)
        desk.passes(seconds=5)
        await desk.send("hook")
        assert len({message.message_id for _, message in desk.hook.sent}) == 1
        assert len(desk.hook.sent) == 1 + arrives
        assert "Sent again" in desk.hook.sent[-1][1].body
        assert desk.states == ["sent"]

    @pytest.mark.parametrize("arrives", [True, False])
    async def test_elsewhere_it_stays_uncertain_and_the_next_step_is_made(self, *, arrives: bool) -> None:
        desk = await desk_with({"escalation": ESCALATION})
        await desk.happens(lasting_alarm())
        await self.crash_while_sending(desk, "mail", arrives=arrives)
        desk.passes(seconds=1)
        await desk.send("mail")
        await desk.intake.escalate()
        await desk.send("hook")
        assert len(desk.mail.sent) == arrives
        assert desk.states == ["uncertain", "sent"]

    async def test_what_may_have_arrived_and_is_put_aside_then_is_followed_by_the_all_clear(self) -> None:
        desk = await desk_with({"targets": [{"channel_id": "hook"}]})
        await desk.happens(lasting_alarm())
        await self.crash_while_sending(desk, "hook", arrives=True)
        await desk.happens(shelved(lasting_alarm(), SAMPLE_TIME), AlertTransition.SHELVED)
        desk.passes(seconds=5)
        await desk.send("hook")
        assert desk.states == ["uncertain"]
        await desk.happens(ended(lasting_alarm(), hidden_at_end=True), AlertTransition.CLEARED)
        await desk.send("hook")
        assert desk.hook.titles == ["CRITICAL: Battery 1 is low", "Over: Battery 1 is low"]

    async def test_a_summary_is_repeated_with_its_own_id(self) -> None:
        desk = await desk_with({"targets": [{"channel_id": "hook"}]})
        for number in range(1, 31):
            await desk.happens(lasting_alarm(number, Severity.WARNING))
        await self.crash_while_sending(desk, "hook", arrives=True)
        desk.passes(seconds=5)
        await desk.send("hook")
        [(_, first), (_, second)] = desk.hook.sent
        assert first.message_id == second.message_id
        assert first.alert_ids == second.alert_ids
        assert len(first.alert_ids) == 30
        assert set(desk.states) == {"sent"}

    async def test_another_notifier_waits_until_the_sender_counts_as_dead(self) -> None:
        desk = await desk_with({"targets": [{"channel_id": "hook"}]})
        await desk.happens(lasting_alarm())
        desk.hook.fail_next(asyncio.CancelledError())
        with pytest.raises(asyncio.CancelledError):
            await desk.send("hook")
        [lost] = desk.deliveries.deliveries.values()
        desk.deliveries.deliveries[lost.id] = lost.model_copy(update={"sender": "notifier-2"})
        await desk.begin()
        desk.passes(seconds=posting.LEASE.total_seconds() - 1)
        await desk.send("hook")
        assert desk.states == ["sending"]
        desk.passes(seconds=1)
        await desk.send("hook")
        desk.passes(seconds=5)
        await desk.send("hook")
        assert (desk.states, len(desk.hook.sent)) == (["sent"], 1)


async def test_a_message_that_gets_no_answer_in_time_is_uncertain(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "SEND_SECONDS", 0.01)
    desk = await desk_with()
    await desk.happens(lasting_alarm())

    async def hang(message: NotificationMessage, recipient: str) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(desk.mail, "send", hang)
    await desk.send()
    assert desk.states == ["uncertain"]


@pytest.mark.parametrize("before_it_happened", [True, False])
async def test_an_answer_of_the_store_that_is_lost_doubles_and_loses_nothing(
    monkeypatch: pytest.MonkeyPatch, *, before_it_happened: bool
) -> None:
    desk = await desk_with()
    await desk.happens(lasting_alarm())
    change = desk.deliveries.change
    lost = iter([True, False, True, False])

    async def lossy(wanted: list[Any]) -> bool:
        fails = next(lost, False)
        if fails and before_it_happened:
            raise RetryableError("no answer")
        done = await change(wanted)
        if fails:
            raise RetryableError("no answer")
        return done

    monkeypatch.setattr(desk.deliveries, "change", lossy)
    await desk.send()
    assert len(desk.mail.sent) == 1
    assert desk.states == ["sent"]


class TestRate:
    @pytest.fixture
    async def desk(self) -> Desk:
        settings = settings_with({"minimum_severity": "info"})
        slow = settings.channels[0].model_copy(update={"messages": 1, "period_seconds": 60})
        desk = Desk(settings.model_copy(update={"channels": (slow, *settings.channels[1:])}))
        await desk.begin()
        return desk

    async def test_what_is_held_back_goes_as_one_summary_and_what_is_critical_at_once(
        self, desk: Desk
    ) -> None:
        await desk.happens(lasting_alarm(1, Severity.WARNING))
        await desk.send()
        for number in range(2, 6):
            await desk.happens(lasting_alarm(number, Severity.WARNING))
        await desk.happens(lasting_alarm(6))
        await desk.send()
        assert desk.mail.titles == ["WARNING: Battery 1 is low", "CRITICAL: Battery 6 is low"]
        desk.passes(minutes=3)
        await desk.send()
        assert desk.mail.titles[2:] == ["4 alarms: 4 last, 0 are over"]
        assert set(desk.states) == {"sent"}

    async def test_what_was_critical_and_is_over_can_wait_for_the_summary(self, desk: Desk) -> None:
        await desk.happens(lasting_alarm(1, Severity.WARNING))
        await desk.send()
        for number in range(2, 6):
            await desk.happens(ended(lasting_alarm(number)))
            await desk.hears(event_of(lasting_alarm(number)))
        await desk.send()
        desk.passes(minutes=1)
        await desk.send()
        assert desk.mail.titles == ["WARNING: Battery 1 is low", "4 alarms: 0 last, 4 are over"]

    async def test_a_long_queue_never_hides_what_is_critical(self, desk: Desk) -> None:
        for number in range(1, 2 * AT_ONCE):
            await desk.happens(lasting_alarm(number, Severity.WARNING))
        await desk.send()
        await desk.happens(lasting_alarm(9_999))
        await desk.send()
        assert desk.mail.titles[-1] == "CRITICAL: Battery 9999 is low"


async def test_a_long_queue_is_worked_off_to_its_end() -> None:
    desk = await desk_with({"targets": [{"channel_id": "hook"}]})
    for number in range(2 * AT_ONCE + 1):
        await desk.happens(lasting_alarm(number))
    running = asyncio.create_task(desk.couriers["hook"].run())
    await wait_until(lambda: len(desk.hook.sent) == 2 * AT_ONCE + 1, timeout=10, description="all messages")
    desk.couriers["hook"].end()
    await running
    assert set(desk.states) == {"sent"}
