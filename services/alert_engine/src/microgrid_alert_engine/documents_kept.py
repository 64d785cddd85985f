"""The alarm documents that the engine has at hand, so that it need not read them for every batch."""

from collections.abc import Collection, Mapping
from typing import Final

from microgrid_common.ports.alarm_states import AlarmStates, GridDocuments

DEVICES_KEPT: Final = 100_000
"""Devices whose documents are kept: a sender can make up as many as it likes."""


class KeptDocuments:
    """Documents as the last commit left them.

    They may be stale: an operator changes them too. A commit notices that, and then they are to be dropped.

    Args:
        states: where they are stored.
        limit: of how many devices documents are kept.
    """

    def __init__(self, states: AlarmStates, *, limit: int = DEVICES_KEPT) -> None:
        self._states = states
        self._limit = limit
        self._grids: dict[str, GridDocuments] = {}
        """The one that was used last stands last."""
        self._devices = 0

    async def load(self, wanted: Mapping[str, Collection[str]]) -> dict[str, GridDocuments]:
        """The documents of some grids and devices, of exactly these; what is at hand is not read again.

        Raises:
            RetryableError: the store is away.
        """
        missing = {}
        for grid_id, devices in wanted.items():
            kept = self._grids.get(grid_id)
            new = [device_id for device_id in devices if kept is None or device_id not in kept.devices]
            if kept is None or new:
                missing[grid_id] = new
        for grid_id, loaded in (await self._states.load(missing) if missing else {}).items():
            kept = self._grids.setdefault(grid_id, loaded)
            self._devices += len(loaded.devices)
            kept.grid = loaded.grid
            kept.devices.update(loaded.devices)
        found = {grid_id: self._use(grid_id, devices) for grid_id, devices in wanted.items()}
        while self._devices > self._limit or len(self._grids) > self._limit:
            self.drop(next(iter(self._grids)))
        return found

    def drop(self, grid_id: str) -> None:
        """Forget the documents of a grid: they are stale, or work on them was not finished."""
        kept = self._grids.pop(grid_id, None)
        if kept is not None:
            self._devices -= len(kept.devices)

    def _use(self, grid_id: str, devices: Collection[str]) -> GridDocuments:
        kept = self._grids[grid_id] = self._grids.pop(grid_id)
        return GridDocuments(kept.grid, {device_id: kept.devices[device_id] for device_id in devices})
