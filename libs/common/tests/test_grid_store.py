"""Grids: what may be said about them, and both stores."""

import json
from typing import Any

import pytest
from pydantic import ValidationError
from redis.asyncio import Redis

from microgrid_common.adapters.redis.grid_store import RedisGridStore
from microgrid_common.ports.errors import PermanentError
from microgrid_common.ports.grid_store import MAXIMUM_GRIDS, GridStore
from microgrid_common.schemas.grid import Grid
from microgrid_common.testing.contracts.grid_store import SAMPLE_GRID, GridStoreContract
from microgrid_common.testing.fakes.grid_store import FakeGridStore


class TestFakeGridStore(GridStoreContract):
    @pytest.fixture
    def store(self) -> GridStore:
        return FakeGridStore(time_zone="Asia/Kathmandu")

    async def test_there_is_a_greatest_number_of_grids(self) -> None:
        store = FakeGridStore()
        store.grids = {f"grid-{number}": SAMPLE_GRID for number in range(MAXIMUM_GRIDS)}
        with pytest.raises(PermanentError):
            await store.put(SAMPLE_GRID)


@pytest.mark.integration
class TestRedisGridStore(GridStoreContract):
    @pytest.fixture
    def store(self, redis_client: Redis) -> GridStore:
        return RedisGridStore(redis_client, time_zone="Asia/Kathmandu")

    async def test_there_is_a_greatest_number_of_grids(self, redis_client: Redis) -> None:
        store = RedisGridStore(redis_client)
        pipeline = redis_client.pipeline(transaction=False)
        for number in range(MAXIMUM_GRIDS):
            pipeline.hset("grid:described", f"grid-{number}", '1 {"name": "A grid"}')
        await pipeline.execute()
        with pytest.raises(PermanentError):
            await store.put(SAMPLE_GRID)
        changed = await store.put(Grid(grid_id="grid-7", name="Seven", version=1))
        assert await store.get("grid-7") == changed

    async def test_what_a_newer_service_has_written_is_read(self, redis_client: Redis) -> None:
        text = json.dumps({"name": "Kisumu", "moon": True})
        await redis_client.hset("grid:described", "village-1", f"3 {text}")
        grid = await RedisGridStore(redis_client).get("village-1")
        assert grid == Grid(grid_id="village-1", name="Kisumu", version=3)

    @pytest.mark.parametrize("text", ['{"time_zone": "Mars/Olympus", "name": "Kisumu"}', "{"])
    async def test_an_unreadable_grid_hides_no_other_and_can_be_put_again(
        self, redis_client: Redis, text: str
    ) -> None:
        store = RedisGridStore(redis_client)
        await redis_client.hset("grid:described", "village-0", f"3 {text}")
        good = await store.put(SAMPLE_GRID)
        unreadable = Grid(grid_id="village-0", name="village-0", version=3)
        assert await store.described() == [unreadable, good]
        again = await store.put(unreadable.model_copy(update={"name": "Kisumu"}))
        assert await store.get("village-0") == again


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("grid_id", "village 1"),
        ("name", ""),
        ("name", "   "),
        ("name", "x" * 101),
        ("name", "a\nb"),
        ("name", "a\x00b"),
        ("name", "a\u2028b"),
        ("time_zone", ""),
        ("time_zone", "Mars/Olympus"),
        ("time_zone", "../../etc/passwd"),
        ("time_zone", "africa/nairobi"),
        ("time_zone", "localtime"),
        ("time_zone", "posixrules"),
        ("time_zone", "right/UTC"),
        ("latitude", 90.1),
        ("longitude", float("nan")),
        ("co2_kg_per_kwh", -0.1),
        ("battery_capacity_kwh", 0),
        ("battery_capacity_kwh", float("inf")),
        ("surprise", 1),
    ],
)
def test_what_cannot_be_is_refused(field: str, value: object) -> None:
    with pytest.raises(ValidationError) as refusal:
        Grid.model_validate({"grid_id": "village-1", "name": "Kisumu", field: value})
    assert [error["loc"] for error in refusal.value.errors()] == [(field,)]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("currency", "kes"),
        ("currency", "KESH"),
        ("import_price_per_kwh", -1),
        ("export_price_per_kwh", float("inf")),
        ("discount", 1),
    ],
)
def test_a_tariff_that_cannot_be_is_refused(field: str, value: object) -> None:
    tariff: dict[str, Any] = {"currency": "KES", "import_price_per_kwh": 28, "export_price_per_kwh": 5}
    with pytest.raises(ValidationError) as refusal:
        Grid.model_validate({"grid_id": "village-1", "name": "Kisumu", "tariff": {**tariff, field: value}})
    assert [error["loc"] for error in refusal.value.errors()] == [("tariff", field)]


def test_a_name_is_taken_without_the_blanks_around_it() -> None:
    assert Grid(grid_id="village-1", name=" Kisumu ").name == "Kisumu"


def test_the_time_zone_is_there_as_one() -> None:
    assert SAMPLE_GRID.zone.key == "Africa/Nairobi"
