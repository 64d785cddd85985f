"""The notifier's settings as they are now."""

import asyncio
from datetime import timedelta
from typing import Final

import structlog
from pydantic import ValidationError

from microgrid_common.ports.errors import PermanentError
from microgrid_common.ports.notification_settings import NotificationSettingsStore, StoredNotificationSettings
from microgrid_common.runtime.backoff import until_it_works
from microgrid_common.schemas.notification import NotificationSettings

log = structlog.get_logger()

LOOK_EVERY: Final = timedelta(seconds=5)
"""How long a change takes to count."""

REDIS: Final = "redis"


class SettingsWatch:
    """Reads the settings again and again."""

    def __init__(self, store: NotificationSettingsStore) -> None:
        self._store = store
        self._stored: StoredNotificationSettings | None = None
        self._there = asyncio.Event()

    @property
    def current(self) -> NotificationSettings:
        """The newest settings that could be read; none before `wait` has returned."""
        return self._stored.settings if self._stored else NotificationSettings()

    async def wait(self) -> None:
        """Wait until settings were read once: before that nothing is known about whom to tell."""
        await self._there.wait()

    async def keep_watching(self) -> None:
        """Read them for ever."""
        while True:
            await self.look()
            await asyncio.sleep(LOOK_EVERY.total_seconds())

    async def look(self) -> None:
        """Read them once."""
        try:
            stored = await until_it_works(self._store.get, dependency=REDIS)
        except (PermanentError, ValidationError) as error:
            # What is wrong with them may be a secret: it is not told.
            log.error("notification_settings_unreadable", problem=type(error).__name__)  # noqa: TRY400
            return
        if self._stored is None or stored.version != self._stored.version:
            log.info(
                "notification_settings_read",
                version=stored.version,
                channels=len(stored.settings.channels),
                routes=len(stored.settings.routes),
            )
        self._stored = stored
        self._there.set()
