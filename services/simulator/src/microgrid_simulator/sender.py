"""Sends what a device has to send, for as long as it takes."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Protocol

import structlog

from microgrid_common.ports.errors import RetryableError
from microgrid_common.ports.message_publisher import MessagePublisher
from microgrid_common.runtime.backoff import Backoff
from microgrid_simulator.device import OutgoingMessage

log = structlog.get_logger()

BACKLOG_PACE = timedelta(seconds=1)
"""After a broker comes back a fleet has much to tell: a message a second of each device leaves room for
what is live."""


class Outgoing(Protocol):
    """What a device has to send."""

    def next_message(self) -> OutgoingMessage | None:
        """What to send now; None for nothing."""

    def sent(self, message: OutgoingMessage) -> None:
        """The broker has it."""


class BrokerAvailability:
    """Says once that the broker is away and once that it is back, however many devices notice."""

    def __init__(self) -> None:
        self._away = False

    def failed(self, error: RetryableError) -> None:
        """Somebody could not publish."""
        if not self._away:
            self._away = True
            log.warning("dependency_away", dependency="mqtt", error=str(error))

    def worked(self) -> None:
        """Somebody could publish."""
        if self._away:
            self._away = False
            log.info("dependency_back", dependency="mqtt")


class Sender:
    """Sends what is in one device's outbox, a message at a time, each until the broker has it.

    Args:
        outbox: what there is to send; call `wake` when something was put into it.
        publisher: the way to the broker.
        availability: who says that the broker is away; shared among devices.
        pace: the time between two backlog messages.
        disconnect: ends the connection, as a restart of the device does; the next message makes a new one.
    """

    def __init__(
        self,
        outbox: Outgoing,
        publisher: MessagePublisher,
        *,
        availability: BrokerAvailability,
        pace: timedelta = BACKLOG_PACE,
        disconnect: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._outbox = outbox
        self._publisher = publisher
        self._availability = availability
        self._pace_seconds = pace.total_seconds()
        self._disconnect = disconnect
        self._work = asyncio.Event()
        self._idle = asyncio.Event()

    def wake(self) -> None:
        """There is something to send, perhaps."""
        self._idle.clear()
        self._work.set()

    async def idle(self) -> None:
        """Wait until the broker has everything."""
        await self._idle.wait()

    async def run(self, on_published: Callable[[OutgoingMessage], None]) -> None:
        """Send until cancelled.

        Args:
            on_published: told about each message that the broker has taken.
        """
        backoff = Backoff()
        while True:
            message = self._outbox.next_message()
            if message is None:
                self._work.clear()
                self._idle.set()
                await self._work.wait()
                continue
            if message.after_restart and self._disconnect:
                await self._disconnect()
            try:
                await self._publisher.publish(message.topic, message.payload)
            except RetryableError as error:
                self._availability.failed(error)
                await asyncio.sleep(backoff.next_delay(at_least=error.retry_after).total_seconds())
                continue
            self._availability.worked()
            backoff.reset()
            self._outbox.sent(message)
            on_published(message)
            if message.is_backlog:
                await asyncio.sleep(self._pace_seconds)
