"""One courier for each channel: none of them waits for another one."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

import structlog

from microgrid_alert_engine.notifier.batching import Allowance
from microgrid_alert_engine.notifier.courier import Courier
from microgrid_alert_engine.notifier.posting import Poster
from microgrid_alert_engine.notifier.settings_watch import REDIS, SettingsWatch
from microgrid_common.ports.alert_records import AlertRecords
from microgrid_common.ports.delivery_log import ChannelQueue, DeliveryLog
from microgrid_common.ports.errors import PermanentError
from microgrid_common.ports.notification_channel import (
    ChannelOpener,
    NotificationChannel,
    NotificationMessage,
)
from microgrid_common.runtime import metrics
from microgrid_common.runtime.backoff import until_it_works
from microgrid_common.runtime.tasks import PAUSE_AFTER_FAILURE, run_until_stopped
from microgrid_common.schemas.notification import Channel, PushChannel

log = structlog.get_logger()

_LOOK_EVERY: Final = timedelta(seconds=1)

_GRACE: Final = timedelta(seconds=5)
"""How long a message that is on its way may still take when the notifier ends."""


class Couriers:
    """Has a courier for each channel of the settings, and for what waits for one that is gone.

    Args:
        settings: which channels there are.
        open_channel: makes a channel.
        deliveries: the ledger.
        records: where alarms are looked up.
        sender: the name of this notifier.
        clock: the time, aware.
    """

    def __init__(
        self,
        settings: SettingsWatch,
        open_channel: ChannelOpener,
        *,
        deliveries: DeliveryLog,
        records: AlertRecords,
        sender: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._open = open_channel
        self._deliveries = deliveries
        self._records = records
        self._sender = sender
        self._clock = clock
        self._working: dict[str, tuple[Channel, Courier, asyncio.Task[None]]] = {}
        self._measured: set[str] = set()

    def wake(self) -> None:
        """There is something new to send."""
        for _, courier, _ in self._working.values():
            courier.wake()

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; what is on its way then may still arrive."""
        try:
            await run_until_stopped(stop, couriers=self._supervise())
        finally:
            await self._dismiss(list(self._working))

    async def _supervise(self) -> None:
        await self._settings.wait()
        while True:
            queues = await until_it_works(self._deliveries.queues, dependency=REDIS)
            self._measure(queues)
            await self._follow_settings(queues)
            await asyncio.sleep(_LOOK_EVERY.total_seconds())

    async def _follow_settings(self, queues: Mapping[str, ChannelQueue]) -> None:
        channels: dict[str, Channel] = {one.channel_id: one for one in self._settings.current.channels}
        # Nobody sends what waits for a channel that was taken out of the settings: it fails, visibly.
        wanted = channels | {name: PushChannel(channel_id=name) for name in queues if name not in channels}
        await self._dismiss(
            [name for name, (channel, _, _) in self._working.items() if wanted.get(name) != channel]
        )
        for name, channel in wanted.items():
            if name not in self._working and channel.enabled:
                opened = (
                    await self._opened(channel)
                    if name in channels
                    else _Closed("there is no such channel any more")
                )
                self._employ(channel, opened)

    async def _opened(self, channel: Channel) -> NotificationChannel:
        try:
            # In a thread: the first one of a library may take a second to load.
            return await asyncio.to_thread(self._open, channel)
        except PermanentError as error:
            log.warning("notification_channel_unusable", channel=channel.channel_id, problem=str(error))
            return _Closed(str(error))

    def _employ(self, channel: Channel, opened: NotificationChannel) -> None:
        allowance = Allowance(channel.messages, timedelta(seconds=channel.period_seconds), self._clock())
        courier = Courier(
            channel.channel_id,
            poster=Poster(
                channel, opened, deliveries=self._deliveries, sender=self._sender, clock=self._clock
            ),
            allowance=allowance,
            deliveries=self._deliveries,
            records=self._records,
            sender=self._sender,
            clock=self._clock,
        )
        name = f"courier-{channel.channel_id}"
        task = asyncio.create_task(_keep_working(courier, channel.channel_id), name=name)
        self._working[channel.channel_id] = (channel, courier, task)

    async def _dismiss(self, names: list[str]) -> None:
        """End couriers, after the message that each has on its way."""
        leaving = [self._working.pop(name) for name in dict.fromkeys(names)]
        for _, courier, _ in leaving:
            courier.end()
        tasks = [task for _, _, task in leaving]
        if not tasks:
            return
        try:
            await asyncio.wait(tasks, timeout=_GRACE.total_seconds())
        finally:
            for task in tasks:
                task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _measure(self, queues: Mapping[str, ChannelQueue]) -> None:
        now = self._clock()
        for name in self._measured - queues.keys():
            metrics.NOTIFICATIONS_WAITING.labels(channel=name).set(0)
            metrics.NOTIFICATIONS_OLDEST.labels(channel=name).set(0)
        for name, queue in queues.items():
            metrics.NOTIFICATIONS_WAITING.labels(channel=name).set(queue.length)
            age = (now - queue.oldest_at).total_seconds()
            metrics.NOTIFICATIONS_OLDEST.labels(channel=name).set(max(0.0, age))
        self._measured |= queues.keys()


async def _keep_working(courier: Courier, channel_id: str) -> None:
    """Begin anew after a fault of ours: it must not end the other couriers."""
    while not courier.ending:
        try:
            await courier.run()
        except Exception:
            log.exception("courier_failed", channel=channel_id)
            await asyncio.sleep(PAUSE_AFTER_FAILURE.total_seconds())


class _Closed:
    """A channel that cannot be used."""

    may_repeat = False

    def __init__(self, because: str) -> None:
        self._because = because

    async def send(self, message: NotificationMessage, recipient: str) -> None:  # noqa: ARG002 - the port's
        """Refuse, and say why."""
        raise PermanentError(self._because)
