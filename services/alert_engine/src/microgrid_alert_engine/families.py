"""Which devices report through which gateways, as the registry says."""

import asyncio
from collections import defaultdict
from typing import Final

from microgrid_alert_engine.inputs import NO_FAMILY, Family
from microgrid_common.ports.device_registry import DeviceRegistry
from microgrid_common.runtime.backoff import until_it_works

_EVERY_SECONDS: Final = 2.0


class Families:
    """Follows the registry.

    Args:
        registry: what to follow.
    """

    def __init__(self, registry: DeviceRegistry) -> None:
        self._registry = registry
        self._version: int | None = None
        self._by_grid: dict[str, Family] = {}

    def of(self, grid_id: str) -> Family:
        """The family of a grid, as it was last read."""
        return self._by_grid.get(grid_id, NO_FAMILY)

    async def refresh(self) -> None:
        """Read the registry anew if it has changed; waits for it."""
        version = await until_it_works(self._registry.version, dependency="redis")
        if version == self._version:
            return
        snapshot = await until_it_works(self._registry.snapshot, dependency="redis")
        parents: dict[str, dict[str, str]] = defaultdict(dict)
        for (grid_id, device_id), device in sorted(snapshot.devices.items()):
            if device.parent_id is not None:
                parents[grid_id][device_id] = device.parent_id
        self._by_grid = {grid_id: _family(of_grid) for grid_id, of_grid in parents.items()}
        self._version = snapshot.version

    async def keep_fresh(self) -> None:
        """Refresh until cancelled."""
        while True:
            await self.refresh()
            await asyncio.sleep(_EVERY_SECONDS)


def _family(parents: dict[str, str]) -> Family:
    children: dict[str, list[str]] = defaultdict(list)
    for device_id, parent_id in parents.items():
        children[parent_id].append(device_id)
    return Family(parents, {parent_id: tuple(of_one) for parent_id, of_one in children.items()})
