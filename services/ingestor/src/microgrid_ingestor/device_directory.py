"""A copy of the device registry that the path of a message can look into without waiting."""

import asyncio
from datetime import timedelta

import structlog

from microgrid_common.ports.device_registry import DeviceRegistry
from microgrid_common.runtime.backoff import until_it_works
from microgrid_common.transforms.enrich import Registry

REFRESH_EVERY = timedelta(seconds=2)
"""A device that somebody registers is known to every replica so soon."""


class DeviceDirectory:
    """Follows the registry; a copy is replaced whole, never changed.

    Args:
        registry: what to follow.
    """

    def __init__(self, registry: DeviceRegistry) -> None:
        self._registry = registry
        self._version: int | None = None
        self._devices: Registry = {}

    @property
    def devices(self) -> Registry:
        """The newest copy; empty until the first one has come."""
        return self._devices

    async def refresh(self) -> None:
        """Get a new copy if something has changed; waits for the registry."""
        version = await until_it_works(self._registry.version, dependency="redis")
        if version == self._version:
            return
        snapshot = await until_it_works(self._registry.snapshot, dependency="redis")
        self._devices, self._version = snapshot.devices, snapshot.version
        structlog.get_logger().info(
            "device_registry_read", devices=len(snapshot.devices), version=snapshot.version
        )

    async def keep_fresh(self) -> None:
        """Refresh until cancelled."""
        while True:
            await self.refresh()
            await asyncio.sleep(REFRESH_EVERY.total_seconds())
