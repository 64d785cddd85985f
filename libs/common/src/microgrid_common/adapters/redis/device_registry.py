"""The device registry in Redis.

| key | holds |
| --- | --- |
| `device:of:{grid}` | hash: device → `Device`, in JSON |
| `device:grids` | set of the grids that ever had a device |
| `device:version` | how often it has changed |
"""

from collections.abc import Sequence
from typing import cast

import structlog
from pydantic import ValidationError
from redis.asyncio import Redis

from microgrid_common.adapters.redis.connection import redis_errors
from microgrid_common.ports.device_registry import RegistrySnapshot
from microgrid_common.schemas.device import Device

_GRIDS_KEY = "device:grids"
_VERSION_KEY = "device:version"


class RedisDeviceRegistry:
    """Implements `DeviceRegistry`."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    async def version(self) -> int:
        """As `DeviceRegistry.version`."""
        with redis_errors():
            return int(await self._client.get(_VERSION_KEY) or 0)

    async def snapshot(self) -> RegistrySnapshot:
        """As `DeviceRegistry.snapshot`."""
        with redis_errors():
            # Before the devices: one that changes meanwhile is then in the next snapshot at the latest.
            version = int(await self._client.get(_VERSION_KEY) or 0)
            grids = [grid.decode() for grid in cast("set[bytes]", await self._client.smembers(_GRIDS_KEY))]
            async with self._client.pipeline(transaction=False) as pipeline:
                for grid_id in grids:
                    pipeline.hvals(_grid_key(grid_id))
                answers = cast("list[list[bytes]]", await pipeline.execute())
        devices = [device for answer in answers for text in answer if (device := _device(text))]
        return RegistrySnapshot(version, {(device.grid_id, device.device_id): device for device in devices})

    async def get(self, grid_id: str, device_id: str) -> Device | None:
        """As `DeviceRegistry.get`."""
        with redis_errors():
            text = cast("bytes | None", await self._client.hget(_grid_key(grid_id), device_id))
        return None if text is None else _device(text)

    async def of_grid(self, grid_id: str) -> list[Device]:
        """As `DeviceRegistry.of_grid`."""
        with redis_errors():
            texts = cast("list[bytes]", await self._client.hvals(_grid_key(grid_id)))
        devices = [device for text in texts if (device := _device(text))]
        return sorted(devices, key=lambda device: device.device_id)

    async def put(self, devices: Sequence[Device]) -> list[Device | None]:
        """As `DeviceRegistry.put`."""
        if not devices:
            return []
        with redis_errors():
            async with self._client.pipeline(transaction=True) as pipeline:
                for device in devices:
                    pipeline.hget(_grid_key(device.grid_id), device.device_id)
                for device in devices:
                    pipeline.hset(_grid_key(device.grid_id), device.device_id, device.model_dump_json())
                    pipeline.sadd(_GRIDS_KEY, device.grid_id)
                pipeline.incr(_VERSION_KEY)
                before = (await pipeline.execute())[: len(devices)]
        return [text and _device(text) for text in before]

    async def remove(self, grid_id: str, device_id: str) -> Device | None:
        """As `DeviceRegistry.remove`."""
        with redis_errors():
            async with self._client.pipeline(transaction=True) as pipeline:
                pipeline.hget(_grid_key(grid_id), device_id)
                pipeline.hdel(_grid_key(grid_id), device_id)
                pipeline.incr(_VERSION_KEY)
                before, _, _ = await pipeline.execute()
        return before and _device(before)


def _grid_key(grid_id: str) -> str:
    return f"device:of:{grid_id}"


def _device(text: bytes) -> Device | None:
    """A device as it is stored; None, which is logged, when it cannot be read: the others still can."""
    try:
        # A newer service may have written fields that this one does not know.
        return Device.model_validate_json(text, extra="ignore")
    except ValidationError as error:
        structlog.get_logger().error("registered_device_unreadable", problems=error.error_count())
        return None
