"""Where messages to devices and to the app go out."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Presence:
    """What a retained topic says about whether a publisher is connected."""

    topic: str
    online: bytes
    """Published after every connect."""
    offline: bytes
    """Published before leaving; by the broker itself (the last will) when the connection breaks."""


class MessagePublisher(Protocol):
    """Publishes to a broker, at least once."""

    async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish one message and wait until the broker has it.

        Raises:
            RetryableError: the broker is away.
        """

    async def ping(self) -> None:
        """Return if the broker is there.

        Raises:
            RetryableError: it is not; it says why.
        """
