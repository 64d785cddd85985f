"""What every `GridStore` must do."""

import asyncio

import pytest

from microgrid_common.ports.grid_store import GridStore
from microgrid_common.ports.rule_store import VersionConflictError
from microgrid_common.schemas.grid import Grid, Tariff

SAMPLE_GRID = Grid(
    grid_id="village-1",
    name="Kisumu „Süd“",
    time_zone="Africa/Nairobi",
    latitude=-0.1,
    longitude=34.75,
    tariff=Tariff(currency="KES", import_price_per_kwh=28.5, export_price_per_kwh=0),
    co2_kg_per_kwh=0.8,
    battery_capacity_kwh=100,
)


class GridStoreContract:
    """Needs a fixture `store`, an empty `GridStore` for which Asia/Kathmandu is the platform's time zone."""

    async def test_a_grid_that_nobody_described_has_its_id_for_its_name(self, store: GridStore) -> None:
        """And the platform's time zone; it is not among the described ones, nor after it was asked for."""
        await store.ping()
        expected = Grid(grid_id="village-1", name="village-1", time_zone="Asia/Kathmandu", version=0)
        assert await store.get("village-1") == expected
        assert await store.described() == []

    async def test_a_grid_is_there_with_everything_about_it(self, store: GridStore) -> None:
        """As its first version."""
        stored = await store.put(SAMPLE_GRID)
        assert stored == SAMPLE_GRID.model_copy(update={"version": 1})
        assert await store.get("village-1") == stored
        assert (await store.get("village-2")).version == 0

    async def test_a_change_replaces_all_of_it(self, store: GridStore) -> None:
        """What is not said any more is gone."""
        await store.put(SAMPLE_GRID)
        changed = await store.put(Grid(grid_id="village-1", name="Kisumu", version=1))
        assert changed == Grid(grid_id="village-1", name="Kisumu", version=2)
        assert await store.get("village-1") == changed

    async def test_described_grids_are_in_the_order_of_their_ids(self, store: GridStore) -> None:
        """Whenever they were put."""
        for grid_id in ("b", "C", "a"):
            await store.put(Grid(grid_id=grid_id, name="The grid"))
        assert [grid.grid_id for grid in await store.described()] == ["C", "a", "b"]

    async def test_of_changes_at_the_same_time_one_is_made(self, store: GridStore) -> None:
        """The others are told, and so is who means another version than the stored one."""
        outcomes = await asyncio.gather(*(store.put(SAMPLE_GRID) for _ in range(5)), return_exceptions=True)
        assert sum(isinstance(outcome, Grid) for outcome in outcomes) == 1
        assert sum(isinstance(outcome, VersionConflictError) for outcome in outcomes) == 4
        for version in (0, 2):
            with pytest.raises(VersionConflictError):
                await store.put(Grid(grid_id="village-1", name="Other", version=version))
        with pytest.raises(VersionConflictError):
            await store.put(Grid(grid_id="village-2", name="New", version=1))
        assert (await store.get("village-1")).name == SAMPLE_GRID.name
