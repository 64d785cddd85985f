"""A channel in memory."""

from microgrid_common.ports.notification_channel import NotificationMessage
from microgrid_common.testing.fakes.failing import FailsOnDemand


class FakeNotificationChannel(FailsOnDemand):
    """Implements `NotificationChannel`; what it took is in `sent`.

    Args:
        may_repeat: as `NotificationChannel.may_repeat`.
    """

    def __init__(self, *, may_repeat: bool = False) -> None:
        super().__init__()
        self.sent: list[tuple[str, NotificationMessage]] = []
        """Recipient and message, in order."""
        self._may_repeat = may_repeat

    @property
    def may_repeat(self) -> bool:
        """As `NotificationChannel.may_repeat`."""
        return self._may_repeat

    @property
    def titles(self) -> list[str]:
        """Of what it took, in order."""
        return [message.title for _, message in self.sent]

    async def send(self, message: NotificationMessage, recipient: str) -> None:
        """As `NotificationChannel.send`."""
        self._may_fail()
        self.sent.append((recipient, message))
