"""Push tokens in Redis.

| key | holds |
| --- | --- |
| `push:token` | hash: token → `PushToken` in JSON |
| `push:user:{user}` | sorted set: the user's tokens by the time of their registration |
| `push:login:{login}` | set: the tokens that a login has registered |
"""

import json
from typing import cast

from redis.asyncio import Redis

from microgrid_common.adapters.redis import connection
from microgrid_common.adapters.redis.connection import redis_errors
from microgrid_common.adapters.redis.instants import from_microseconds, to_microseconds
from microgrid_common.ports.push_tokens import MOST_TOKENS_OF_A_USER, PushPlatform, PushToken

# What a token was registered with before names the keys that it leaves: one Redis, no cluster.
_FORGET = """
local function forget(token)
    local text = redis.call('HGET', KEYS[1], token)
    if not text then return end
    local old = cjson.decode(text)
    redis.call('HDEL', KEYS[1], token)
    redis.call('ZREM', 'push:user:' .. old['user'], token)
    redis.call('SREM', 'push:login:' .. old['login_id'], token)
end
"""

_REGISTER = (
    _FORGET
    + """
forget(ARGV[1])
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('ZADD', KEYS[2], ARGV[3], ARGV[1])
redis.call('SADD', KEYS[3], ARGV[1])
local surplus = redis.call('ZCARD', KEYS[2]) - tonumber(ARGV[4])
if surplus > 0 then
    for _, token in ipairs(redis.call('ZRANGE', KEYS[2], 0, surplus - 1)) do forget(token) end
end
return 1
"""
)

_REMOVE = (
    _FORGET
    + """
if not redis.call('ZSCORE', KEYS[2], ARGV[1]) then return 0 end
forget(ARGV[1])
return 1
"""
)

_REMOVE_LOGIN = (
    _FORGET
    + """
local tokens = redis.call('SMEMBERS', KEYS[2])
for _, token in ipairs(tokens) do forget(token) end
return #tokens
"""
)

_TOKENS_KEY = "push:token"


class RedisPushTokens:
    """Implements `PushTokens`."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._register = client.register_script(_REGISTER)
        self._remove = client.register_script(_REMOVE)
        self._remove_login = client.register_script(_REMOVE_LOGIN)

    async def register(self, token: PushToken) -> None:
        """As `PushTokens.register`."""
        registered_at = to_microseconds(token.registered_at)
        fields = {
            "token": token.token,
            "user": token.user,
            "platform": token.platform.value,
            "login_id": token.login_id,
            "registered_at": registered_at,
        }
        with redis_errors():
            await self._register(
                keys=[_TOKENS_KEY, _user_key(token.user), _login_key(token.login_id)],
                args=[token.token, json.dumps(fields), registered_at, MOST_TOKENS_OF_A_USER],
            )

    async def remove(self, user: str, token: str) -> bool:
        """As `PushTokens.remove`."""
        with redis_errors():
            return bool(await self._remove(keys=[_TOKENS_KEY, _user_key(user)], args=[token]))

    async def remove_login(self, login_id: str) -> int:
        """As `PushTokens.remove_login`."""
        with redis_errors():
            return int(await self._remove_login(keys=[_TOKENS_KEY, _login_key(login_id)]))

    async def of_user(self, user: str) -> list[PushToken]:
        """As `PushTokens.of_user`."""
        with redis_errors():
            names = cast("list[bytes]", await self._client.zrange(_user_key(user), 0, -1))
            if not names:
                return []
            texts = cast("list[bytes | None]", await self._client.hmget(_TOKENS_KEY, names))
        return [_token(text) for text in texts if text is not None]

    async def ping(self) -> None:
        """As `PushTokens.ping`."""
        await connection.ping(self._client)


def _user_key(user: str) -> str:
    return f"push:user:{user}"


def _login_key(login_id: str) -> str:
    return f"push:login:{login_id}"


def _token(text: bytes) -> PushToken:
    fields = json.loads(text)
    return PushToken(
        token=fields["token"],
        user=fields["user"],
        platform=PushPlatform(fields["platform"]),
        login_id=fields["login_id"],
        registered_at=from_microseconds(fields["registered_at"]),
    )
