"""Grids in memory."""

from microgrid_common.ports.errors import PermanentError
from microgrid_common.ports.grid_store import MAXIMUM_GRIDS
from microgrid_common.ports.rule_store import VersionConflictError
from microgrid_common.schemas.grid import Grid
from microgrid_common.testing.fakes.failing import FailsOnDemand


class FakeGridStore(FailsOnDemand):
    """Implements `GridStore`.

    Args:
        time_zone: of grids that nobody described.
    """

    def __init__(self, *, time_zone: str = "UTC") -> None:
        super().__init__()
        self.grids: dict[str, Grid] = {}
        self._time_zone = time_zone

    async def get(self, grid_id: str) -> Grid:
        """As `GridStore.get`."""
        self._may_fail()
        undescribed = Grid(grid_id=grid_id, name=grid_id, time_zone=self._time_zone)
        return self.grids.get(grid_id, undescribed)

    async def put(self, grid: Grid) -> Grid:
        """As `GridStore.put`."""
        self._may_fail()
        stored = self.grids.get(grid.grid_id)
        if grid.version != (stored.version if stored else 0):
            raise VersionConflictError
        if stored is None and len(self.grids) >= MAXIMUM_GRIDS:
            raise PermanentError(f"there are {MAXIMUM_GRIDS} grids already")
        new = grid.model_copy(update={"version": grid.version + 1})
        self.grids[grid.grid_id] = new
        return new

    async def described(self) -> list[Grid]:
        """As `GridStore.described`."""
        self._may_fail()
        return [self.grids[grid_id] for grid_id in sorted(self.grids)]

    async def ping(self) -> None:
        """As `GridStore.ping`."""
        self._may_fail()
