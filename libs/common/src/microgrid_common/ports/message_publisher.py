"""Where messages to devices and to the app go out."""

from collections.abc import Callable
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


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a publisher also wants to hear, such as requests to the device that it is."""

    topic: str
    """Exactly this topic: no wildcards."""
    on_message: Callable[[bytes], None]
    """Called with each payload; it returns at once and raises nothing."""


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
