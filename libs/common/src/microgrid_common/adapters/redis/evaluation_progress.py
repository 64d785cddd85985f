"""The alert engine's progress in Redis: one hash."""

from collections.abc import Mapping
from datetime import datetime
from typing import cast

from redis.asyncio import Redis

from microgrid_common.adapters.redis.connection import redis_errors
from microgrid_common.adapters.redis.instants import from_microseconds, to_microseconds
from microgrid_common.ports.evaluation_progress import RuleOnDevice

_KEY = "alert:evaluated"


class RedisEvaluationProgress:
    """Implements `EvaluationProgress`."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    async def load(self) -> dict[RuleOnDevice, datetime]:
        """As `EvaluationProgress.load`."""
        with redis_errors():
            stored = cast("dict[bytes, bytes]", await self._client.hgetall(_KEY))
        return {
            # Grids and devices have no colon in their names; a rule may.
            RuleOnDevice(*field.decode().split(":", 2)): from_microseconds(int(value))
            for field, value in stored.items()
        }

    async def save(self, progress: Mapping[RuleOnDevice, datetime]) -> None:
        """As `EvaluationProgress.save`."""
        if not progress:
            return
        with redis_errors():
            await self._client.hset(
                _KEY, mapping={":".join(key): to_microseconds(at) for key, at in progress.items()}
            )
