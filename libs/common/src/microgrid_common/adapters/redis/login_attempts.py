"""Tries to log in, in Redis: `login:attempts:{name}`, a hash of their number and of the time of the last."""

from datetime import datetime, timedelta
from typing import cast

from redis.asyncio import Redis

from microgrid_common.adapters.redis import connection
from microgrid_common.adapters.redis.connection import redis_errors
from microgrid_common.adapters.redis.instants import to_microseconds
from microgrid_common.ports.login_attempts import FIRST_WAIT, FORGOTTEN_AFTER, FREE_ATTEMPTS, LONGEST_WAIT

# ARGV: the present, the tries that are free, the first wait and the longest one, in microseconds, and after
# how many milliseconds it is forgotten. Returns the microseconds to wait; 0: it was counted.
_ATTEMPT = """
local count = tonumber(redis.call('HGET', KEYS[1], 'count') or 0)
local last = tonumber(redis.call('HGET', KEYS[1], 'last') or 0)
if count >= tonumber(ARGV[2]) then
    local wait = math.min(ARGV[3] * 2 ^ math.min(count - ARGV[2], 40), ARGV[4])
    local left = last + wait - ARGV[1]
    if left > 0 then return math.min(left, wait) end
end
redis.call('HSET', KEYS[1], 'count', count + 1, 'last', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return 0
"""

_MICROSECOND = timedelta(microseconds=1)


class RedisLoginAttempts:
    """Implements `LoginAttempts`."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._attempt = client.register_script(_ATTEMPT)

    async def attempt(self, username: str, *, at: datetime) -> timedelta | None:
        """As `LoginAttempts.attempt`."""
        arguments = [
            to_microseconds(at),
            FREE_ATTEMPTS,
            FIRST_WAIT // _MICROSECOND,
            LONGEST_WAIT // _MICROSECOND,
            FORGOTTEN_AFTER // timedelta(milliseconds=1),
        ]
        with redis_errors():
            wait = cast("int", await self._attempt(keys=[_key(username)], args=arguments))
        return timedelta(microseconds=wait) if wait else None

    async def clear(self, username: str) -> None:
        """As `LoginAttempts.clear`."""
        with redis_errors():
            await self._client.delete(_key(username))

    async def ping(self) -> None:
        """As `LoginAttempts.ping`."""
        await connection.ping(self._client)


def _key(username: str) -> str:
    return f"login:attempts:{username}"
