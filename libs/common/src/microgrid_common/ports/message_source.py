"""Where messages of devices come from."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol


class InboundMessage(NamedTuple):
    """A message as it came."""

    topic: str
    payload: bytes
    received_at: datetime
    """Aware, UTC; later for each message than for the one before it, by a microsecond at least."""
    left_out_bytes: int = 0
    """How much of the end of `payload` was not kept: it was far larger than what is valid."""
    retained: bool = False
    """Whether the broker had kept it from an unknown earlier time, for those who come later."""


@dataclass(frozen=True, slots=True)
class InboundBatch:
    """Messages that arrived together, in the order of their arrival."""

    messages: list[InboundMessage]
    """Never empty."""
    receipt: Any
    """What the source needs to acknowledge them; nobody else's business."""


class MessageSource(Protocol):
    """A queue of messages that stay the broker's until they are acknowledged."""

    async def receive(self) -> InboundBatch:
        """Wait for messages; all that have arrived, up to the source's batch limit."""

    async def acknowledge(self, batch: InboundBatch) -> None:
        """Take the messages over from the broker.

        When the connection they came by is gone nothing happens: the broker sends them again.
        """

    async def ping(self) -> None:
        """Return if messages can arrive now.

        Raises:
            RetryableError: they cannot; it says why.
        """
