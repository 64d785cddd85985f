"""The notifier as a service."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from microgrid_alert_engine.notifier.couriers import Couriers
from microgrid_alert_engine.notifier.intake import Intake
from microgrid_alert_engine.notifier.settings_watch import REDIS, SettingsWatch
from microgrid_common.ports.alert_records import AlertRecords
from microgrid_common.ports.delivery_log import DeliveryLog
from microgrid_common.ports.durable_log import LogConsumer
from microgrid_common.ports.notification_channel import ChannelOpener
from microgrid_common.ports.notification_settings import NotificationSettingsStore
from microgrid_common.runtime.backoff import until_it_works
from microgrid_common.runtime.health import Ping
from microgrid_common.runtime.tasks import run_until_stopped

NOTIFIER_GROUP: Final = "notifier"

ENTRIES_PER_READ: Final = 100

_WAIT: Final = timedelta(seconds=1)
"""How late a step of an escalation may be made."""


@dataclass(frozen=True, slots=True)
class NotifierPorts:
    """What the notifier needs from outside."""

    consumer: LogConsumer
    """Its place in the consumer group of the alerts stream."""
    records: AlertRecords
    settings: NotificationSettingsStore
    deliveries: DeliveryLog
    open_channel: ChannelOpener

    @property
    def dependencies(self) -> dict[str, Ping]:
        """What `/readyz` asks. A channel is none of them: the others go on without it."""
        return {REDIS: self.deliveries.ping}


def _utc_now() -> datetime:
    return datetime.now(UTC)


async def run(
    ports: NotifierPorts, *, name: str, stop: asyncio.Event, clock: Callable[[], datetime] = _utc_now
) -> None:
    """Tell people about alarms until `stop` is set.

    Args:
        ports: what it needs from outside.
        name: tells this notifier from others, the same after a restart.
        stop: set it to end; a message that is on its way may take five seconds more.
        clock: the time, aware.
    """
    settings = SettingsWatch(ports.settings)
    couriers = Couriers(
        settings,
        ports.open_channel,
        deliveries=ports.deliveries,
        records=ports.records,
        sender=name,
        clock=clock,
    )
    intake = Intake(
        settings=settings,
        deliveries=ports.deliveries,
        records=ports.records,
        clock=clock,
        planned=couriers.wake,
    )
    async with asyncio.TaskGroup() as group:
        # Beside the others, which end at once: a message that is on its way may still arrive.
        group.create_task(couriers.run(stop), name="couriers")
        await run_until_stopped(
            stop,
            settings=settings.keep_watching(),
            intake=_consume(ports.consumer, settings, intake),
        )


async def _consume(consumer: LogConsumer, settings: SettingsWatch, intake: Intake) -> None:
    await settings.wait()
    while True:
        entries = await until_it_works(
            lambda: consumer.read(count=ENTRIES_PER_READ, wait=_WAIT), dependency=REDIS
        )
        for entry in entries:
            await intake.take(entry)
        if entries:
            await until_it_works(lambda: consumer.acknowledge(entries), dependency=REDIS)  # noqa: B023 - awaited here
        await intake.escalate()
