"""The queue of roll-ups in Redis: two sorted sets.

| key | holds |
| --- | --- |
| `rollup:waiting` | buckets by the time when they are due |
| `rollup:taken` | buckets that are being worked on, by the time until when |
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import cast

from redis.asyncio import Redis

from microgrid_common.adapters.redis.connection import redis_errors
from microgrid_common.adapters.redis.instants import from_microseconds, to_microseconds
from microgrid_common.ports.rollup_queue import Bucket, BucketKind, Claim

_WAITING = "rollup:waiting"
_TAKEN = "rollup:taken"

_LOOK_AGAIN_MICROSECONDS = 1_000_000
"""When to look again at a bucket that is due while somebody works on it: about as long as that takes."""

# A bucket is put where it goes before it is removed from where it was, so that a script cut off by a full
# memory leaves it in both and never in none.
_TAKE = """
local waiting, taken = unpack(KEYS)
local now, till, limit, look_again = unpack(ARGV)
for _, bucket in ipairs(redis.call('ZRANGEBYSCORE', taken, '-inf', now, 'LIMIT', 0, limit)) do
  redis.call('ZADD', waiting, 'NX', now, bucket)
  redis.call('ZREM', taken, bucket)
end
local found = {}
for _, bucket in ipairs(redis.call('ZRANGEBYSCORE', waiting, '-inf', now, 'LIMIT', 0, limit)) do
  if redis.call('ZADD', taken, 'NX', till, bucket) == 1 then
    redis.call('ZREM', waiting, bucket)
    table.insert(found, bucket)
  else
    redis.call('ZADD', waiting, look_again, bucket)
  end
end
return found
"""

_DONE = """
for i, bucket in ipairs(ARGV) do
  if i % 2 == 1 and redis.call('ZSCORE', KEYS[1], bucket) == ARGV[i + 1] then
    redis.call('ZREM', KEYS[1], bucket)
  end
end
"""


class RedisRollupQueue:
    """Implements `RollupQueue`."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._take = client.register_script(_TAKE)
        self._done = client.register_script(_DONE)

    async def mark(self, buckets: Mapping[Bucket, datetime]) -> None:
        """As `RollupQueue.mark`. Nothing is written, nor waited for, when all are waiting already."""
        if buckets:
            scores = {_member(bucket): to_microseconds(due) for bucket, due in buckets.items()}
            with redis_errors():
                await self._client.zadd(_WAITING, scores, nx=True)

    async def take(self, *, now: datetime, until: datetime, limit: int) -> list[Claim]:
        """As `RollupQueue.take`."""
        at = to_microseconds(now)
        with redis_errors():
            found = await self._take(
                keys=[_WAITING, _TAKEN],
                args=[at, to_microseconds(until), limit, at + _LOOK_AGAIN_MICROSECONDS],
            )
        exactly = from_microseconds(to_microseconds(until))
        return [Claim(_bucket(member), exactly) for member in cast("list[bytes]", found)]

    async def done(self, claims: Sequence[Claim]) -> None:
        """As `RollupQueue.done`."""
        if claims:
            args: list[str | int] = []
            for bucket, until in claims:
                args += [_member(bucket), to_microseconds(until)]
            with redis_errors():
                await self._done(keys=[_TAKEN], args=args)

    async def waiting(self) -> int:
        """As `RollupQueue.waiting`."""
        with redis_errors():
            return int(await self._client.zcard(_WAITING))


def _member(bucket: Bucket) -> str:
    # Grids and devices have no colon in their names.
    return f"{bucket.kind}:{bucket.grid_id}:{bucket.device_id}:{bucket.start_ms}"


def _bucket(member: bytes) -> Bucket:
    kind, grid_id, device_id, start_ms = member.decode().split(":")
    return Bucket(BucketKind(kind), grid_id, device_id, int(start_ms))
