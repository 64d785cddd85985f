"""The links of devices in Redis: each change is one script, which the server runs as one step.

| key | holds |
| --- | --- |
| `link:of:{grid}` | hash: device → the revision, a blank, and `DeviceLink` in JSON |
| `link:grids` | set of the grids that have one |
| `link:due` | sorted set: `{grid}:{device}` by the time to look at it again |
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import cast

from redis.asyncio import Redis

from microgrid_common.adapters.redis.connection import redis_errors
from microgrid_common.adapters.redis.instants import to_microseconds
from microgrid_common.ports.link_store import DeviceKey, LinkWrite
from microgrid_common.schemas.device_link import DeviceLink

_GRIDS_KEY = "link:grids"
_DUE_KEY = "link:due"

# The first write may fail for want of memory, and then nothing was written; no later one can.
_APPLY = """
local links, grids, due, stream = unpack(KEYS)
local grid, device, before, after, look_again_at = unpack(ARGV)
local member = grid .. ':' .. device
local current = redis.call('HGET', links, device)
local revision = current and string.match(current, '^%d+') or '0'
if revision ~= before then return 0 end
if after == '' then
    redis.call('HDEL', links, device)
    if redis.call('EXISTS', links) == 0 then redis.call('SREM', grids, grid) end
else
    redis.call('HSET', links, device, after)
    redis.call('SADD', grids, grid)
end
if look_again_at == '' then
    redis.call('ZREM', due, member)
else
    redis.call('ZADD', due, look_again_at, member)
end
for i = 6, #ARGV, 2 do redis.call('XADD', stream, '*', ARGV[i], ARGV[i + 1]) end
return 1
"""


class RedisLinkStore:
    """Implements `LinkStore`."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._apply = client.register_script(_APPLY)

    async def get_many(self, keys: Sequence[DeviceKey]) -> dict[DeviceKey, DeviceLink]:
        """As `LinkStore.get_many`."""
        by_grid: dict[str, list[str]] = defaultdict(list)
        for grid_id, device_id in keys:
            by_grid[grid_id].append(device_id)
        with redis_errors():
            async with self._client.pipeline(transaction=False) as pipeline:
                for grid_id, device_ids in by_grid.items():
                    pipeline.hmget(_grid_key(grid_id), device_ids)
                answers = cast("list[list[bytes | None]]", await pipeline.execute())
        links = [_link(text) for answer in answers for text in answer if text is not None]
        return {(link.grid_id, link.device_id): link for link in links}

    async def of_grid(self, grid_id: str) -> list[DeviceLink]:
        """As `LinkStore.of_grid`."""
        with redis_errors():
            texts = cast("list[bytes]", await self._client.hvals(_grid_key(grid_id)))
        return sorted(map(_link, texts), key=lambda link: link.device_id)

    async def grids(self) -> list[str]:
        """As `LinkStore.grids`."""
        with redis_errors():
            grids = cast("set[bytes]", await self._client.smembers(_GRIDS_KEY))
        return sorted(grid_id.decode() for grid_id in grids)

    async def due(self, now: datetime, *, limit: int) -> list[DeviceKey]:
        """As `LinkStore.due`."""
        with redis_errors():
            answer = await self._client.zrange(
                _DUE_KEY, "-inf", to_microseconds(now), byscore=True, offset=0, num=limit
            )
        members = [member.decode().partition(":") for member in cast("list[bytes]", answer)]
        return [(grid_id, device_id) for grid_id, _, device_id in members]

    async def apply(self, writes: Sequence[LinkWrite]) -> list[bool]:
        """As `LinkStore.apply`."""
        if not writes:
            return []
        with redis_errors():
            async with self._client.pipeline(transaction=False) as pipeline:
                for write in writes:
                    await self._apply(keys=_keys(write), args=_arguments(write), client=pipeline)
                return [bool(made) for made in await pipeline.execute()]


def _keys(write: LinkWrite) -> list[str]:
    streams = [record.stream for record in write.records[:1]]
    return [_grid_key(write.key[0]), _GRIDS_KEY, _DUE_KEY, *streams]


def _arguments(write: LinkWrite) -> list[str | int | bytes]:
    after = ""
    if write.link is not None:
        after = (
            f"{write.before + 1} {write.link.model_dump_json(exclude={'revision'}, exclude_defaults=True)}"
        )
    look_again_at = "" if write.look_again_at is None else to_microseconds(write.look_again_at)
    events = [part for record in write.records for part in (record.kind, record.data)]
    return [*write.key, str(write.before), after, look_again_at, *events]


def _grid_key(grid_id: str) -> str:
    return f"link:of:{grid_id}"


def _link(text: bytes) -> DeviceLink:
    revision, _, body = text.partition(b" ")
    return DeviceLink.model_validate_json(body).model_copy(update={"revision": int(revision)})
