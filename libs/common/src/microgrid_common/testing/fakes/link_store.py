"""The links of devices in memory."""

from collections.abc import Sequence
from datetime import datetime

from microgrid_common.ports.link_store import DeviceKey, LinkWrite
from microgrid_common.schemas.device_link import DeviceLink, LinkEvent
from microgrid_common.schemas.streams import LINK_KIND
from microgrid_common.testing.fakes.durable_log import FakeDurableLog
from microgrid_common.testing.fakes.failing import FailsOnDemand


class FakeLinkStore(FailsOnDemand):
    """Implements `LinkStore`.

    Args:
        log: where the records of a change go; a log of its own by default.
    """

    def __init__(self, log: FakeDurableLog | None = None) -> None:
        super().__init__()
        self.log = log or FakeDurableLog()
        self.links: dict[DeviceKey, DeviceLink] = {}
        self.applied: list[LinkWrite] = []
        """Every change that was made, in order."""
        self._due: dict[DeviceKey, datetime] = {}

    @property
    def events(self) -> list[LinkEvent]:
        """What was told about changes, in order."""
        records = [record for write in self.applied for record in write.records]
        return [LinkEvent.model_validate_json(record.data) for record in records if record.kind == LINK_KIND]

    async def get_many(self, keys: Sequence[DeviceKey]) -> dict[DeviceKey, DeviceLink]:
        """As `LinkStore.get_many`."""
        self._may_fail()
        return {key: self.links[key] for key in keys if key in self.links}

    async def of_grid(self, grid_id: str) -> list[DeviceLink]:
        """As `LinkStore.of_grid`."""
        self._may_fail()
        return [link for (grid, _), link in sorted(self.links.items()) if grid == grid_id]

    async def grids(self) -> list[str]:
        """As `LinkStore.grids`."""
        self._may_fail()
        return sorted({grid_id for grid_id, _ in self.links})

    async def due(self, now: datetime, *, limit: int) -> list[DeviceKey]:
        """As `LinkStore.due`."""
        self._may_fail()
        past = sorted((time, key) for key, time in self._due.items() if time <= now)
        return [key for _, key in past[:limit]]

    async def apply(self, writes: Sequence[LinkWrite]) -> list[bool]:
        """As `LinkStore.apply`."""
        self._may_fail()
        return [await self._apply(write) for write in writes]

    async def _apply(self, write: LinkWrite) -> bool:
        current = self.links.get(write.key)
        if (current.revision if current else 0) != write.before:
            return False
        self.links.pop(write.key, None)
        self._due.pop(write.key, None)
        if write.link is not None:
            self.links[write.key] = write.link.model_copy(update={"revision": write.before + 1})
        if write.look_again_at is not None:
            self._due[write.key] = write.look_again_at
        await self.log.append(write.records)
        self.applied.append(write)
        return True
