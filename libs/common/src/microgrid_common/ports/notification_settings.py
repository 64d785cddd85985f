"""The store of the notifier's settings."""

from dataclasses import dataclass
from typing import Protocol

from microgrid_common.schemas.notification import NotificationSettings


@dataclass(frozen=True, slots=True)
class StoredNotificationSettings:
    """Settings and which change of them they are."""

    version: int
    """0: nobody has made any yet."""
    settings: NotificationSettings


class NotificationSettingsStore(Protocol):
    """Keeps the settings as a whole."""

    async def get(self) -> StoredNotificationSettings:
        """The settings; empty ones while there are none.

        Raises:
            RetryableError: the store is away.
        """

    async def put(self, settings: NotificationSettings, *, expected_version: int) -> int:
        """Replace the settings; returns their version.

        Args:
            settings: with every secret in clear: see `NotificationSettings.with_secrets_of`.
            expected_version: the version that they replace; 0 for the first ones.

        Raises:
            VersionConflictError: the stored version is another one (`ports.rule_store`).
            RetryableError: the store is away; it may or may not have happened.
        """

    async def ping(self) -> None:
        """Return if the store can be used.

        Raises:
            RetryableError: it cannot; it says why.
        """
