"""The notifier as it runs: each test is one thing that it does for the people on duty."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from microgrid_alert_engine.notifier import couriers, settings_watch
from microgrid_alert_engine.notifier.service import NOTIFIER_GROUP, NotifierPorts, run
from microgrid_common.ports.durable_log import Record
from microgrid_common.ports.errors import PermanentError, RetryableError
from microgrid_common.ports.notification_channel import NotificationChannel, NotificationMessage
from microgrid_common.schemas.alert import Alert, AlertTransition
from microgrid_common.schemas.notification import Channel, NotificationSettings
from microgrid_common.schemas.streams import ALERT_EVENT_KIND, ALERTS_STREAM
from microgrid_common.testing.fakes.alert_records import FakeAlertRecords
from microgrid_common.testing.fakes.delivery_log import FakeDeliveryLog
from microgrid_common.testing.fakes.durable_log import FakeDurableLog
from microgrid_common.testing.fakes.notification_channel import FakeNotificationChannel
from microgrid_common.testing.fakes.notification_settings import FakeNotificationSettings
from microgrid_common.testing.notification_samples import ended, event_of, lasting_alarm, settings_with
from microgrid_common.testing.waiting import wait_until

pytestmark = pytest.mark.usefixtures("virtual_time")

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
BOTH = {"targets": [{"channel_id": "mail"}, {"channel_id": "hook"}]}


@dataclass
class World:
    """What is around a notifier that runs."""

    log: FakeDurableLog = field(default_factory=FakeDurableLog)
    records: FakeAlertRecords = field(default_factory=FakeAlertRecords)
    settings: FakeNotificationSettings = field(
        default_factory=lambda: FakeNotificationSettings(settings_with(BOTH))
    )
    deliveries: FakeDeliveryLog = field(default_factory=FakeDeliveryLog)
    channels: dict[str, FakeNotificationChannel] = field(
        default_factory=lambda: {name: FakeNotificationChannel() for name in ("mail", "hook", "sms")}
    )

    def open_channel(self, channel: Channel) -> NotificationChannel:
        if channel.channel_id not in self.channels:
            raise PermanentError("there is no such service")
        return self.channels[channel.channel_id]

    async def happens(self, alarm: Alert, transition: AlertTransition = AlertTransition.RAISED) -> None:
        self.records.states.alerts[alarm.id] = alarm
        data = event_of(alarm, transition).model_dump_json(exclude_defaults=True).encode()
        await self.log.append([Record(ALERTS_STREAM, ALERT_EVENT_KIND, data)])

    async def reads(self, channel: str, *titles: str) -> None:
        """Wait until these messages have come through a channel, in this order, and no others."""
        await wait_until(
            lambda: self.channels[channel].titles == list(titles), timeout=8, description=f"{titles}"
        )

    async def change_settings(self, settings: NotificationSettings) -> None:
        await self.settings.put(settings, expected_version=self.settings.stored.version)


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """A notifier that is running."""
    monkeypatch.setattr(settings_watch, "LOOK_EVERY", timedelta(seconds=0.02))
    monkeypatch.setattr(couriers, "_LOOK_EVERY", timedelta(seconds=0.02))
    monkeypatch.setattr(couriers, "_GRACE", timedelta(seconds=0.1))
    world = World()
    stop = asyncio.Event()
    ports = NotifierPorts(
        consumer=world.log.consumer(group=NOTIFIER_GROUP, member="notifier", streams=[ALERTS_STREAM]),
        records=world.records,
        settings=world.settings,
        deliveries=world.deliveries,
        open_channel=world.open_channel,
    )
    loop = asyncio.get_running_loop()
    running = asyncio.create_task(
        run(ports, name="notifier", stop=stop, clock=lambda: EPOCH + timedelta(seconds=loop.time()))
    )
    yield world
    stop.set()
    await running


async def test_an_alarm_is_told_through_every_channel_of_its_routes(world: World) -> None:
    await world.happens(lasting_alarm())
    await world.reads("mail", "CRITICAL: Battery 1 is low")
    await world.reads("hook", "CRITICAL: Battery 1 is low")
    assert world.channels["sms"].sent == []


async def test_whoever_was_told_hears_when_it_is_over(world: World) -> None:
    await world.happens(lasting_alarm())
    await world.reads("mail", "CRITICAL: Battery 1 is low")
    await world.happens(ended(lasting_alarm()), AlertTransition.CLEARED)
    await world.reads("mail", "CRITICAL: Battery 1 is low", "Over: Battery 1 is low")


@pytest.mark.parametrize("trouble", ["away", "hangs", "broken"])
async def test_a_channel_in_trouble_delays_no_other(
    world: World, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    async def send(message: NotificationMessage, recipient: str) -> None:
        if trouble == "hangs":
            await asyncio.Event().wait()
        raise RetryableError("away") if trouble == "away" else ZeroDivisionError

    monkeypatch.setattr(world.channels["mail"], "send", send)
    for number in (1, 2, 3):
        await world.happens(lasting_alarm(number))
    await world.reads("hook", *(f"CRITICAL: Battery {number} is low" for number in (1, 2, 3)))
    await wait_until(
        lambda: (
            world.log.group(ALERTS_STREAM, NOTIFIER_GROUP).pending == {}
            and len(world.log.streams[ALERTS_STREAM]) == 3
        ),
        timeout=5,
        description="the events to be acknowledged",
    )


async def test_changed_settings_count_without_a_restart(world: World) -> None:
    other = settings_with({"targets": [{"channel_id": "sms", "recipients": ["+15550100"]}]})
    await world.change_settings(other)
    await wait_until(
        lambda: world.settings.reads > 2, timeout=10, description="the settings to be read again"
    )
    await world.happens(lasting_alarm())
    await world.reads("sms", "CRITICAL: Battery 1 is low")
    assert world.channels["mail"].sent == []


async def test_what_waits_for_a_channel_that_was_taken_away_fails_visibly(world: World) -> None:
    world.channels["mail"].fail_next(RetryableError("away"), times=1_000)
    await world.happens(lasting_alarm())
    await world.reads("hook", "CRITICAL: Battery 1 is low")
    settings = settings_with({"targets": [{"channel_id": "hook"}]})
    await world.change_settings(settings.model_copy(update={"channels": settings.channels[1:]}))
    await wait_until(
        lambda: sorted(one.state for one in world.deliveries.deliveries.values()) == ["failed", "sent"],
        timeout=15,
        description="it to fail",
    )


async def test_a_store_that_is_away_for_a_while_loses_and_doubles_nothing(world: World) -> None:
    world.deliveries.fail_next(RetryableError("away"), times=5)
    world.records.fail_next(RetryableError("away"), times=2)
    await world.happens(lasting_alarm())
    await world.reads("mail", "CRITICAL: Battery 1 is low")
    await world.reads("hook", "CRITICAL: Battery 1 is low")
