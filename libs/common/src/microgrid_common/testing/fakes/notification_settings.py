"""The notifier's settings in memory."""

from microgrid_common.ports.notification_settings import StoredNotificationSettings
from microgrid_common.ports.rule_store import VersionConflictError
from microgrid_common.schemas.notification import NotificationSettings
from microgrid_common.testing.fakes.failing import FailsOnDemand


class FakeNotificationSettings(FailsOnDemand):
    """Implements `NotificationSettingsStore`.

    Args:
        settings: what somebody has stored already.
    """

    def __init__(self, settings: NotificationSettings | None = None) -> None:
        super().__init__()
        self.stored = StoredNotificationSettings(1 if settings else 0, settings or NotificationSettings())
        self.reads = 0
        """How often they were asked for."""

    async def get(self) -> StoredNotificationSettings:
        """As `NotificationSettingsStore.get`."""
        self._may_fail()
        self.reads += 1
        return self.stored

    async def put(self, settings: NotificationSettings, *, expected_version: int) -> int:
        """As `NotificationSettingsStore.put`."""
        self._may_fail()
        if self.stored.version != expected_version:
            raise VersionConflictError
        self.stored = StoredNotificationSettings(expected_version + 1, settings)
        return self.stored.version

    async def ping(self) -> None:
        """As `NotificationSettingsStore.ping`."""
        self._may_fail()
