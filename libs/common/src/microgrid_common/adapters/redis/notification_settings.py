"""The notifier's settings in Redis: `notify:settings`, a string of the version, a blank, and the settings."""

from typing import cast

from redis.asyncio import Redis

from microgrid_common.adapters.redis import connection
from microgrid_common.adapters.redis.connection import redis_errors
from microgrid_common.ports.notification_settings import StoredNotificationSettings
from microgrid_common.ports.rule_store import VersionConflictError
from microgrid_common.schemas.notification import NotificationSettings

_KEY = "notify:settings"

_PUT = """
local current = redis.call('GET', KEYS[1])
local version = current and string.match(current, '^%d+') or '0'
if version ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1
"""


class RedisNotificationSettings:
    """Implements `NotificationSettingsStore`."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._put = client.register_script(_PUT)

    async def get(self) -> StoredNotificationSettings:
        """As `NotificationSettingsStore.get`."""
        with redis_errors():
            text = cast("bytes | None", await self._client.get(_KEY))
        if text is None:
            return StoredNotificationSettings(0, NotificationSettings())
        version, _, body = text.partition(b" ")
        return StoredNotificationSettings(int(version), NotificationSettings.model_validate_json(body))

    async def put(self, settings: NotificationSettings, *, expected_version: int) -> int:
        """As `NotificationSettingsStore.put`."""
        version = expected_version + 1
        text = f"{version} {settings.to_json_with_secrets()}"
        with redis_errors():
            done = await self._put(keys=[_KEY], args=[str(expected_version), text])
        if not done:
            raise VersionConflictError
        return version

    async def ping(self) -> None:
        """As `NotificationSettingsStore.ping`."""
        await connection.ping(self._client)
