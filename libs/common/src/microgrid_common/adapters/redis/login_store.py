"""Logins in Redis.

| key | holds |
| --- | --- |
| `login:{id}` | hash of a `Login`; expires with it |
| `login:user:{name}` | sorted set: the ids of the user's logins by their beginning; expires with the last |
"""

from datetime import datetime
from typing import cast

from redis.asyncio import Redis

from microgrid_common.adapters.redis import connection
from microgrid_common.adapters.redis.connection import redis_errors
from microgrid_common.adapters.redis.instants import from_microseconds, to_microseconds
from microgrid_common.ports.login_store import MOST_LOGINS_OF_A_USER, Login

# The names of surplus logins come out of the set: one Redis, no cluster. ARGV: id, start, expiry in ms, the
# most there may be, then the fields. What expired by itself goes from the set first.
_START = """
for _, id in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
    if redis.call('EXISTS', 'login:' .. id) == 0 then redis.call('ZREM', KEYS[2], id) end
end
redis.call('HSET', KEYS[1], unpack(ARGV, 5))
redis.call('PEXPIREAT', KEYS[1], ARGV[3])
redis.call('ZADD', KEYS[2], ARGV[2], ARGV[1])
local ends = redis.call('PEXPIRETIME', KEYS[2])
if ends < tonumber(ARGV[3]) then redis.call('PEXPIREAT', KEYS[2], ARGV[3]) end
local surplus = redis.call('ZCARD', KEYS[2]) - tonumber(ARGV[4])
if surplus <= 0 then return {} end
local ended = redis.call('ZRANGE', KEYS[2], 0, surplus - 1)
for _, id in ipairs(ended) do
    redis.call('DEL', 'login:' .. id)
    redis.call('ZREM', KEYS[2], id)
end
return ended
"""

_RENEW = """
if redis.call('HGET', KEYS[1], 'generation') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'generation', ARGV[1] + 1, 'renewed_at', ARGV[2], 'expires_at', ARGV[3])
redis.call('PEXPIREAT', KEYS[1], ARGV[4])
local user = 'login:user:' .. redis.call('HGET', KEYS[1], 'username')
if redis.call('PEXPIRETIME', user) < tonumber(ARGV[4]) then redis.call('PEXPIREAT', user, ARGV[4]) end
return 1
"""

_END = """
local username = redis.call('HGET', KEYS[1], 'username')
if not username then return 0 end
redis.call('DEL', KEYS[1])
redis.call('ZREM', 'login:user:' .. username, ARGV[1])
return 1
"""


class RedisLoginStore:
    """Implements `LoginStore`."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._start = client.register_script(_START)
        self._renew = client.register_script(_RENEW)
        self._end = client.register_script(_END)

    async def start(self, login: Login) -> list[str]:
        """As `LoginStore.start`."""
        started_at, expires_at = to_microseconds(login.started_at), to_microseconds(login.expires_at)
        fields: dict[str, str | int] = {
            "username": login.username,
            "generation": login.generation,
            "started_at": started_at,
            "renewed_at": to_microseconds(login.renewed_at),
            "expires_at": expires_at,
        }
        arguments: list[str | int] = [login.login_id, started_at, expires_at // 1000, MOST_LOGINS_OF_A_USER]
        arguments += [part for field in fields.items() for part in field]
        with redis_errors():
            ended = cast(
                "list[bytes]",
                await self._start(keys=[_key(login.login_id), _user_key(login.username)], args=arguments),
            )
        return [login_id.decode() for login_id in ended]

    async def get(self, login_id: str) -> Login | None:
        """As `LoginStore.get`."""
        with redis_errors():
            fields = cast("dict[bytes, bytes]", await self._client.hgetall(_key(login_id)))
        return _login(login_id, fields) if fields else None

    async def renew(self, login_id: str, *, generation: int, at: datetime, expires_at: datetime) -> bool:
        """As `LoginStore.renew`."""
        expires = to_microseconds(expires_at)
        arguments = [generation, to_microseconds(at), expires, expires // 1000]
        with redis_errors():
            return bool(await self._renew(keys=[_key(login_id)], args=arguments))

    async def end(self, login_id: str) -> bool:
        """As `LoginStore.end`."""
        with redis_errors():
            return bool(await self._end(keys=[_key(login_id)], args=[login_id]))

    async def of_user(self, username: str) -> list[Login]:
        """As `LoginStore.of_user`."""
        with redis_errors():
            ids = cast("list[bytes]", await self._client.zrange(_user_key(username), 0, -1))
            async with self._client.pipeline(transaction=False) as pipeline:
                for login_id in ids:
                    pipeline.hgetall(_key(login_id.decode()))
                answers = cast("list[dict[bytes, bytes]]", await pipeline.execute())
        return [
            _login(login_id.decode(), fields) for login_id, fields in zip(ids, answers, strict=True) if fields
        ]

    async def ping(self) -> None:
        """As `LoginStore.ping`."""
        await connection.ping(self._client)


def _key(login_id: str) -> str:
    return f"login:{login_id}"


def _user_key(username: str) -> str:
    return f"login:user:{username}"


def _login(login_id: str, fields: dict[bytes, bytes]) -> Login:
    return Login(
        login_id=login_id,
        username=fields[b"username"].decode(),
        generation=int(fields[b"generation"]),
        started_at=from_microseconds(int(fields[b"started_at"])),
        renewed_at=from_microseconds(int(fields[b"renewed_at"])),
        expires_at=from_microseconds(int(fields[b"expires_at"])),
    )
