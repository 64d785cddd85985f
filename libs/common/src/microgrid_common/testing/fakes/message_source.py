"""A message source in memory."""

import asyncio
from collections import deque
from datetime import UTC, datetime

from microgrid_common.ports.errors import RetryableError
from microgrid_common.ports.message_source import InboundBatch, InboundMessage


class FakeMessageSource:
    """A `MessageSource` that a test feeds; what was not acknowledged comes again after `reconnect`."""

    def __init__(self, *, batch_limit: int = 1_000) -> None:
        self._batch_limit = batch_limit
        self._waiting: deque[InboundMessage] = deque()
        self._unacknowledged: list[InboundBatch] = []
        self._arrived = asyncio.Event()
        self.acknowledged: list[InboundMessage] = []
        self.connected = True

    def arrive(self, topic: str, payload: bytes, *, received_at: datetime | None = None) -> None:
        """Let a message come in."""
        self._waiting.append(InboundMessage(topic, payload, received_at or datetime.now(UTC)))
        self._arrived.set()

    @property
    def unacknowledged(self) -> list[InboundMessage]:
        """What was received and not acknowledged on this connection."""
        return [message for batch in self._unacknowledged for message in batch.messages]

    def reconnect(self) -> None:
        """Lose the connection and get it back: the broker sends again what was not acknowledged."""
        self._waiting.extendleft(reversed(self.unacknowledged))
        self._unacknowledged.clear()
        if self._waiting:
            self._arrived.set()

    async def receive(self) -> InboundBatch:
        """Wait for messages; all that have arrived, up to the batch limit."""
        while not self._waiting:
            self._arrived.clear()
            await self._arrived.wait()
        count = min(self._batch_limit, len(self._waiting))
        batch = InboundBatch([self._waiting.popleft() for _ in range(count)], None)
        self._unacknowledged.append(batch)
        return batch

    async def acknowledge(self, batch: InboundBatch) -> None:
        """Take the messages over; of a connection that is gone, nothing happens."""
        if batch in self._unacknowledged:
            self._unacknowledged.remove(batch)
            self.acknowledged.extend(batch.messages)

    async def ping(self) -> None:
        """Return if `connected`."""
        if not self.connected:
            raise RetryableError("the fake source is disconnected")
