"""What the registry knows about a device."""

from collections.abc import Mapping

from microgrid_common.schemas.device import Device

Registry = Mapping[tuple[str, str], Device]
"""A snapshot of the device registry: (grid_id, device_id) → device."""


def look_up(registry: Registry, grid_id: str, device_id: str) -> Device:
    """The registry's entry of a device, or one that says that it is unregistered."""
    device = registry.get((grid_id, device_id))
    # Nothing is validated: both identifiers were checked where the topic was taken apart.
    return device or Device.model_construct(grid_id=grid_id, device_id=device_id)
