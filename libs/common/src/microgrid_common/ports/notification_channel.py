"""Channels: what brings a notification to a person."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from microgrid_common.schemas.alert import Severity
from microgrid_common.schemas.notification import Channel


@dataclass(frozen=True, slots=True)
class NotificationMessage:
    """What a person gets to read."""

    message_id: str
    """The same at every attempt to send it."""
    replaces: str
    """Messages with the same text here may take one another's place on a screen."""
    title: str
    body: str
    severity: Severity
    alert_ids: tuple[str, ...]
    """The alarms that it is about; more than one in a summary."""


class UncertainDeliveryError(Exception):
    """It was not said whether the message arrived: the answer did not come."""


class NotificationChannel(Protocol):
    """Sends messages. Making one does not connect."""

    @property
    def may_repeat(self) -> bool:
        """Whether a message that is sent twice with one `message_id` is read once."""

    async def send(self, message: NotificationMessage, recipient: str) -> None:
        """Send a message; when it returns, the other side has taken it.

        Args:
            message: what to send.
            recipient: whom to; empty where the channel itself knows.

        Raises:
            RetryableError: it was not taken, and may be later; `retry_after` says when if that was said.
            PermanentError: it was refused, and would be again.
            UncertainDeliveryError: it may or may not have been taken.
        """


ChannelOpener = Callable[[Channel], NotificationChannel]
"""Makes a channel out of its settings. Settings that no channel can be made of raise `PermanentError`."""
