"""Both device registries keep the same contract."""

import pytest
from pydantic import ValidationError
from redis.asyncio import Redis

from microgrid_common.adapters.redis.device_registry import RedisDeviceRegistry
from microgrid_common.ports.device_registry import DeviceRegistry
from microgrid_common.schemas.device import Device
from microgrid_common.testing.contracts.device_registry import DeviceRegistryContract
from microgrid_common.testing.fakes.device_registry import FakeDeviceRegistry


class TestFakeDeviceRegistry(DeviceRegistryContract):
    @pytest.fixture
    def registry(self) -> DeviceRegistry:
        return FakeDeviceRegistry()


@pytest.mark.integration
class TestRedisDeviceRegistry(DeviceRegistryContract):
    @pytest.fixture
    def registry(self, redis_client: Redis) -> DeviceRegistry:
        return RedisDeviceRegistry(redis_client)

    async def test_what_a_newer_service_wrote_is_read_as_far_as_it_is_known(
        self, redis_client: Redis, registry: DeviceRegistry
    ) -> None:
        newer = '{"grid_id":"village-1","device_id":"meter-1","device_type":"meter","colour":"red"}'
        await redis_client.hset("device:of:village-1", "meter-1", newer)
        device = Device(grid_id="village-1", device_id="meter-1", device_type="meter")
        assert await registry.of_grid("village-1") == [device]

    async def test_one_entry_that_cannot_be_read_leaves_the_others_alone(
        self, redis_client: Redis, registry: DeviceRegistry
    ) -> None:
        device = Device(grid_id="village-1", device_id="meter-1", device_type="meter")
        await registry.put([device])
        await redis_client.hset("device:of:village-1", "meter-0", "{}")
        assert await registry.of_grid("village-1") == [device]
        assert (await registry.snapshot()).devices == {("village-1", "meter-1"): device}
        assert await registry.get("village-1", "meter-0") is None


@pytest.mark.integration
class TestRedisDeviceRegistryOnValkey(DeviceRegistryContract):
    @pytest.fixture
    def registry(self, valkey_client: Redis) -> DeviceRegistry:
        return RedisDeviceRegistry(valkey_client)


@pytest.mark.parametrize(
    "fields",
    [
        {"device_id": "meter 1"},
        {"device_type": "meter;drop"},
        {"parent_id": "meter-1"},
        {"latitude": 91},
        {"longitude": float("nan")},
        {"expected_interval_seconds": 0},
        {"expected_interval_seconds": float("inf")},
        {"metadata": {"": "x"}},
        {"metadata": {"key": "x" * 257}},
        {"metadata": {f"key-{number}": "x" for number in range(33)}},
        {"colour": "red"},
    ],
)
def test_a_device_that_makes_no_sense_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Device.model_validate({"grid_id": "village-1", "device_id": "meter-1", **fields})
