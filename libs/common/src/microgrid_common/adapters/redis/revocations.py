"""Ended logins in Redis: `login:ended:{login_id}`, a key that goes when it is not needed any more."""

from datetime import datetime

from redis.asyncio import Redis

from microgrid_common.adapters.redis import connection
from microgrid_common.adapters.redis.connection import redis_errors


class RedisRevocations:
    """Implements `Revocations`."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    async def revoke(self, login_id: str, *, until: datetime) -> None:
        """As `Revocations.revoke`."""
        key = _key(login_id)
        with redis_errors():
            async with self._client.pipeline(transaction=True) as pipeline:
                # A second, shorter revocation must not end the first before its time.
                pipeline.set(key, b"", nx=True, pxat=until)
                pipeline.pexpireat(key, until, gt=True)
                await pipeline.execute()

    async def revoked(self, login_id: str) -> bool:
        """As `Revocations.revoked`."""
        with redis_errors():
            return bool(await self._client.exists(_key(login_id)))

    async def ping(self) -> None:
        """As `Revocations.ping`."""
        await connection.ping(self._client)


def _key(login_id: str) -> str:
    return f"login:ended:{login_id}"
