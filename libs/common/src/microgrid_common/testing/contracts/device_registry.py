"""What every `DeviceRegistry` must do."""

import pytest

from microgrid_common.ports.device_registry import DeviceRegistry
from microgrid_common.schemas.device import Device

_METER = Device(
    grid_id="village-1",
    device_id="meter-1",
    device_type="meter",
    component="feeder-1",
    parent_id="gateway-1",
    latitude=-0.1,
    longitude=34.75,
    expected_interval_seconds=5,
    metadata={"serial": "Zähler 7"},
)
_BATTERY = Device(grid_id="village-1", device_id="battery-1", device_type="battery")
_ELSEWHERE = Device(grid_id="village-2", device_id="meter-1", device_type="meter")


class DeviceRegistryContract:
    """Needs a fixture `registry`: a `DeviceRegistry` with nothing in it."""

    async def test_it_begins_empty(self, registry: DeviceRegistry) -> None:
        """Nothing is known, and that is no error."""
        assert await registry.version() == 0
        assert (await registry.snapshot()).devices == {}
        assert await registry.get("village-1", "meter-1") is None
        assert await registry.of_grid("village-1") == []

    async def test_what_was_put_is_there_with_everything_about_it(self, registry: DeviceRegistry) -> None:
        """By its grid and its id."""
        await registry.put([_METER])
        assert await registry.get("village-1", "meter-1") == _METER
        assert await registry.get("village-2", "meter-1") is None

    async def test_the_devices_of_a_grid_are_in_the_order_of_their_ids(
        self, registry: DeviceRegistry
    ) -> None:
        """And no others are among them."""
        await registry.put([_METER, _ELSEWHERE, _BATTERY])
        assert await registry.of_grid("village-1") == [_BATTERY, _METER]

    async def test_a_device_that_is_put_again_is_replaced(self, registry: DeviceRegistry) -> None:
        """Nothing of the old entry stays, but it is told once more."""
        assert await registry.put([_METER]) == [None]
        plain = Device(grid_id="village-1", device_id="meter-1")
        assert await registry.put([_BATTERY, plain]) == [None, _METER]
        assert await registry.remove("village-1", "battery-1") == _BATTERY
        assert await registry.of_grid("village-1") == [plain]

    async def test_a_removed_device_is_gone(self, registry: DeviceRegistry) -> None:
        """The others stay."""
        await registry.put([_METER, _BATTERY])
        assert await registry.remove("village-1", "meter-1") == _METER
        assert await registry.remove("village-1", "meter-1") is None
        assert await registry.of_grid("village-1") == [_BATTERY]

    async def test_a_snapshot_has_the_devices_of_all_grids(self, registry: DeviceRegistry) -> None:
        """And the version that it is of."""
        await registry.put([_METER, _ELSEWHERE])
        snapshot = await registry.snapshot()
        assert snapshot.version == await registry.version()
        assert snapshot.devices == {("village-1", "meter-1"): _METER, ("village-2", "meter-1"): _ELSEWHERE}

    async def test_every_change_raises_the_version(self, registry: DeviceRegistry) -> None:
        """So that copies are known to be old."""
        versions = [await registry.version()]
        await registry.put([_METER])
        versions.append(await registry.version())
        await registry.put([_METER.model_copy(update={"component": "feeder-2"})])
        versions.append(await registry.version())
        await registry.remove("village-1", "meter-1")
        versions.append(await registry.version())
        assert versions == sorted(set(versions))

    @pytest.mark.parametrize("grid_id", ["grids", "version", "of"])
    async def test_no_name_of_a_grid_gets_in_the_way(self, registry: DeviceRegistry, grid_id: str) -> None:
        """Nor is taken for anything else."""
        device = Device(grid_id=grid_id, device_id="meter-1")
        await registry.put([device])
        assert (await registry.snapshot()).devices == {(grid_id, "meter-1"): device}
        assert await registry.version() == 1

    async def test_putting_nothing_changes_nothing(self, registry: DeviceRegistry) -> None:
        """Not even the version."""
        await registry.put([])
        assert await registry.version() == 0
