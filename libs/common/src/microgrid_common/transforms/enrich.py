"""What the registry knows about a device."""

from collections.abc import Mapping

from microgrid_common.schemas.device import UNREGISTERED, Device

Registry = Mapping[tuple[str, str], Device]
"""A snapshot of the device registry: (grid_id, device_id) → device."""


def look_up(registry: Registry, grid_id: str, device_id: str) -> tuple[str, str | None]:
    """The type of a device and the component that it watches; of an unknown one, that it is unregistered."""
    device = registry.get((grid_id, device_id))
    return (device.device_type, device.component) if device else (UNREGISTERED, None)
