"""Where messages to devices and to the app go out."""

from typing import Protocol


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
