"""Grids in Redis: `grid:described`, a hash: grid → its version, a blank, and the rest of `Grid` in JSON."""

from typing import cast

import structlog
from pydantic import ValidationError
from redis.asyncio import Redis

from microgrid_common.adapters.redis import connection
from microgrid_common.adapters.redis.connection import redis_errors
from microgrid_common.ports.errors import PermanentError
from microgrid_common.ports.grid_store import MAXIMUM_GRIDS
from microgrid_common.ports.rule_store import VersionConflictError
from microgrid_common.schemas.grid import Grid, GridFacts

_KEY = "grid:described"

_PUT = """
local current = redis.call('HGET', KEYS[1], ARGV[1])
local version = current and string.match(current, '^%d+') or '0'
if version ~= ARGV[2] then return 'conflict' end
if not current and redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[4]) then return 'full' end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 'done'
"""


class RedisGridStore:
    """Implements `GridStore`.

    Args:
        client: the connection.
        time_zone: of grids that nobody described.
    """

    def __init__(self, client: Redis, *, time_zone: str = "UTC") -> None:
        self._client = client
        self._time_zone = time_zone
        self._put = client.register_script(_PUT)

    async def get(self, grid_id: str) -> Grid:
        """As `GridStore.get`."""
        with redis_errors():
            text = cast("bytes | None", await self._client.hget(_KEY, grid_id))
        return self._grid(grid_id, text or b"0 ")

    async def put(self, grid: Grid) -> Grid:
        """As `GridStore.put`."""
        new = grid.model_copy(update={"version": grid.version + 1})
        facts = new.model_dump_json(exclude={"grid_id", "version"})
        arguments = [grid.grid_id, str(grid.version), f"{new.version} {facts}", str(MAXIMUM_GRIDS)]
        with redis_errors():
            outcome = cast("bytes", await self._put(keys=[_KEY], args=arguments))
        if outcome == b"conflict":
            raise VersionConflictError
        if outcome == b"full":
            raise PermanentError(f"there are {MAXIMUM_GRIDS} grids already")
        return new

    async def described(self) -> list[Grid]:
        """As `GridStore.described`."""
        with redis_errors():
            texts = cast("dict[bytes, bytes]", await self._client.hgetall(_KEY))
        return [self._grid(grid_id.decode(), texts[grid_id]) for grid_id in sorted(texts)]

    async def ping(self) -> None:
        """As `GridStore.ping`."""
        await connection.ping(self._client)

    def _grid(self, grid_id: str, text: bytes) -> Grid:
        version, _, body = text.partition(b" ")
        facts = GridFacts(name=grid_id, time_zone=self._time_zone)
        if body:
            try:
                # A newer service may have written fields that this one does not know.
                facts = GridFacts.model_validate_json(body, extra="ignore")
            except ValidationError as error:
                # The readings of a grid can be shown without its description, and it can be put again.
                structlog.get_logger().error(
                    "described_grid_unreadable", grid_id=grid_id, problems=error.error_count()
                )
        return Grid(grid_id=grid_id, version=int(version), **dict(facts))
