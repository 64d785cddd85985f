"""Which devices report through which gateways, as the registry says."""

import asyncio
from collections import defaultdict
from typing import Final

from microgrid_alert_engine.inputs import NO_FAMILY, Family
from microgrid_alert_engine.ticks import Ticker
from microgrid_common.ports.alert_records import AlertRecords
from microgrid_common.ports.device_registry import DeviceRegistry
from microgrid_common.runtime.backoff import until_it_works
from microgrid_common.schemas.alert import Alert, SuppressionCause

_EVERY_SECONDS: Final = 2.0
_ON_SILENCE: Final = frozenset({"disconnected", "no_data"})
"""The types of alerts that a gateway which is down suppresses."""

_Devices = dict[tuple[str, str], None]
"""Grid and device, in order."""


class Families:
    """Follows the registry.

    Args:
        registry: what to follow.
        records: where the alerts are of devices that report through another gateway now.
        ticker: tells them the time.
    """

    def __init__(self, registry: DeviceRegistry, *, records: AlertRecords, ticker: Ticker) -> None:
        self._registry = registry
        self._records = records
        self._ticker = ticker
        self._version: int | None = None
        self._by_grid: dict[str, Family] = {}
        self._told: dict[str, Family] | None = None
        """The families that those whom they concern were told of; None before the first time."""

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

    async def tell_of_changes(self) -> None:
        """Let what is suppressed follow devices to another gateway, also those that moved meanwhile.

        The gateways are told first: whether one is down is remembered only while it has devices.
        """
        families = self._by_grid
        if families is self._told:
            return
        moved, gateways = _changes(self._told or {}, families)
        if moved or self._told is None:
            put_aside = await until_it_works(self._records.put_aside_alerts, dependency="redis")
            active = await until_it_works(self._records.active_alerts, dependency="redis")
            await self._ticker.tell(gateways)
            await self._ticker.tell(
                (alert.grid_id, alert.device_id)
                for alert in (*put_aside, *active)
                if alert.type in _ON_SILENCE
                and ((alert.grid_id, alert.device_id) in moved or _follows_another(alert, families))
            )
        self._told = families

    async def keep_fresh(self) -> None:
        """Follow the registry until cancelled."""
        while True:
            await self.refresh()
            await self.tell_of_changes()
            await asyncio.sleep(_EVERY_SECONDS)


def _family(parents: dict[str, str]) -> Family:
    children: dict[str, list[str]] = defaultdict(list)
    for device_id, parent_id in parents.items():
        children[parent_id].append(device_id)
    return Family(parents, {parent_id: tuple(of_one) for parent_id, of_one in children.items()})


def _changes(before: dict[str, Family], now: dict[str, Family]) -> tuple[_Devices, _Devices]:
    """The devices whose gateway is another one, and the gateways that they left or came to."""
    moved: _Devices = {}
    gateways: _Devices = {}
    for grid_id in before | now:
        old = before.get(grid_id, NO_FAMILY).parents
        new = now.get(grid_id, NO_FAMILY).parents
        for device_id in old | new:
            left, joined = old.get(device_id), new.get(device_id)
            if left != joined:
                moved[grid_id, device_id] = None
                gateways |= {(grid_id, each): None for each in (left, joined) if each is not None}
    return moved, gateways


def _follows_another(alert: Alert, families: dict[str, Family]) -> bool:
    """Whether an alert is suppressed by a gateway that its device does not report through."""
    suppressed = alert.suppressed
    if suppressed is None or suppressed.cause is not SuppressionCause.PARENT_DOWN:
        return False
    return suppressed.by != families.get(alert.grid_id, NO_FAMILY).parents.get(alert.device_id)
