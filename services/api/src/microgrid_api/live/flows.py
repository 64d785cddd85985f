"""Power that several devices of a grid measure, each a part of it: the newest value of each."""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from microgrid_common.schemas.reading import Reading

ADDED_UP: Final = frozenset({"consumption_kw", "generation_kw", "battery_power_kw", "grid_power_kw"})
"""Metrics of which a grid has the sum over its devices."""

FRESH_FOR: Final = timedelta(minutes=5)
"""An older value of one device is not added to newer ones of others: it would be of another moment."""

DEVICES_KEPT: Final = 20_000
"""Of all grids; beyond this the one that was quiet for longest is forgotten."""


@dataclass(frozen=True, slots=True)
class Flow:
    """A power of a whole grid."""

    value_kw: float
    """The sum over the devices."""
    time: datetime
    """When the oldest part of it was measured."""
    devices: int
    """How many devices it is the sum of."""


@dataclass(frozen=True, slots=True)
class _Part:
    value_kw: float
    time: datetime
    effective_at: datetime
    received_at: datetime


class LiveFlows:
    """The newest powers of each device."""

    def __init__(self, *, devices_kept: int = DEVICES_KEPT) -> None:
        self._devices_kept = devices_kept
        self._parts: OrderedDict[tuple[str, str], dict[str, _Part]] = OrderedDict()
        self._of_grid: dict[str, set[str]] = {}

    def apply(self, reading: Reading) -> None:
        """Take in a reading; a late one changes only what nothing newer is known of."""
        measured = ADDED_UP.intersection(reading.metrics)
        if not measured:
            return
        key = (reading.grid_id, reading.device_id)
        parts = self._parts.setdefault(key, {})
        self._parts.move_to_end(key)
        self._of_grid.setdefault(reading.grid_id, set()).add(reading.device_id)
        for metric in measured:
            known = parts.get(metric)
            rank = (reading.effective_at, reading.received_at)
            if known is None or rank >= (known.effective_at, known.received_at):
                parts[metric] = _Part(
                    reading.metrics[metric], reading.timestamp, reading.effective_at, reading.received_at
                )
        if len(self._parts) > self._devices_kept:
            self._forget_the_quietest()

    def of_grid(self, grid_id: str, *, now: datetime) -> dict[str, Flow]:
        """The powers of a grid as they are now, by metric; those that are not fresh are left out."""
        flows: dict[str, Flow] = {}
        for metric in sorted(ADDED_UP):
            fresh = [
                part
                for device_id in self._of_grid.get(grid_id, ())
                if (part := self._parts[grid_id, device_id].get(metric))
                and now - part.effective_at <= FRESH_FOR
            ]
            if fresh:
                total = sum(part.value_kw for part in fresh)
                flows[metric] = Flow(total, min(part.time for part in fresh), len(fresh))
        return flows

    def _forget_the_quietest(self) -> None:
        (grid_id, device_id), _ = self._parts.popitem(last=False)
        devices = self._of_grid[grid_id]
        devices.discard(device_id)
        if not devices:
            del self._of_grid[grid_id]
