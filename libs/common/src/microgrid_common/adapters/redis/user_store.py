"""Users in Redis: `user:all`, a hash: name → version, a blank, and `{user, password_hash}` in JSON."""

from typing import cast

from pydantic import BaseModel, ConfigDict
from redis.asyncio import Redis

from microgrid_common.adapters.redis import connection
from microgrid_common.adapters.redis.connection import redis_errors
from microgrid_common.ports.errors import PermanentError
from microgrid_common.ports.rule_store import VersionConflictError
from microgrid_common.ports.user_store import MAXIMUM_USERS, StoredUser
from microgrid_common.schemas.user import User

_KEY = "user:all"

_PUT = """
local current = redis.call('HGET', KEYS[1], ARGV[1])
local version = current and tonumber(string.match(current, '^%d+')) or 0
if version + 1 ~= tonumber(ARGV[2]) then return 'conflict' end
if not current and redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[4]) then return 'full' end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. ' ' .. ARGV[3])
return 'done'
"""


class _Record(BaseModel):
    # A newer service may have written fields that this one does not know.
    model_config = ConfigDict(extra="ignore")

    user: User
    password_hash: str


class RedisUserStore:
    """Implements `UserStore`."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._put = client.register_script(_PUT)

    async def get(self, username: str) -> StoredUser | None:
        """As `UserStore.get`."""
        with redis_errors():
            text = cast("bytes | None", await self._client.hget(_KEY, username))
        return None if text is None else _stored(text)

    async def all(self) -> list[User]:
        """As `UserStore.all`."""
        with redis_errors():
            texts = cast("dict[bytes, bytes]", await self._client.hgetall(_KEY))
        return [_stored(texts[name]).user for name in sorted(texts)]

    async def put(self, stored: StoredUser) -> None:
        """As `UserStore.put`."""
        text = _Record(user=stored.user, password_hash=stored.password_hash).model_dump_json()
        arguments = [stored.user.username, str(stored.user.version), text, str(MAXIMUM_USERS)]
        with redis_errors():
            outcome = cast("bytes", await self._put(keys=[_KEY], args=arguments))
        if outcome == b"conflict":
            raise VersionConflictError
        if outcome == b"full":
            raise PermanentError(f"there are {MAXIMUM_USERS} users already")

    async def remove(self, username: str) -> bool:
        """As `UserStore.remove`."""
        with redis_errors():
            return bool(await self._client.hdel(_KEY, username))

    async def ping(self) -> None:
        """As `UserStore.ping`."""
        await connection.ping(self._client)


def _stored(text: bytes) -> StoredUser:
    record = _Record.model_validate_json(text.partition(b" ")[2])
    return StoredUser(record.user, record.password_hash)
