"""The device registry in memory."""

from collections.abc import Sequence

from microgrid_common.ports.device_registry import RegistrySnapshot
from microgrid_common.schemas.device import Device
from microgrid_common.testing.fakes.failing import FailsOnDemand


class FakeDeviceRegistry(FailsOnDemand):
    """Implements `DeviceRegistry`."""

    def __init__(self, *devices: Device) -> None:
        super().__init__()
        self._devices = {(device.grid_id, device.device_id): device for device in devices}
        self._version = 1 if devices else 0

    async def version(self) -> int:
        """As `DeviceRegistry.version`."""
        self._may_fail()
        return self._version

    async def snapshot(self) -> RegistrySnapshot:
        """As `DeviceRegistry.snapshot`."""
        self._may_fail()
        return RegistrySnapshot(self._version, dict(self._devices))

    async def get(self, grid_id: str, device_id: str) -> Device | None:
        """As `DeviceRegistry.get`."""
        self._may_fail()
        return self._devices.get((grid_id, device_id))

    async def of_grid(self, grid_id: str) -> list[Device]:
        """As `DeviceRegistry.of_grid`."""
        self._may_fail()
        return [device for (grid, _), device in sorted(self._devices.items()) if grid == grid_id]

    async def put(self, devices: Sequence[Device]) -> list[Device | None]:
        """As `DeviceRegistry.put`."""
        self._may_fail()
        before = [self._devices.get((device.grid_id, device.device_id)) for device in devices]
        if devices:
            self._devices |= {(device.grid_id, device.device_id): device for device in devices}
            self._version += 1
        return before

    async def remove(self, grid_id: str, device_id: str) -> Device | None:
        """As `DeviceRegistry.remove`."""
        self._may_fail()
        self._version += 1
        return self._devices.pop((grid_id, device_id), None)
