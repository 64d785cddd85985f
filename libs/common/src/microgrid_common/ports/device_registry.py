"""The registry of devices: what is known about each, entered by people."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from microgrid_common.schemas.device import Device


@dataclass(frozen=True, slots=True)
class RegistrySnapshot:
    """The whole registry at one time."""

    version: int
    """As `DeviceRegistry.version` at that time, or an earlier one."""
    devices: dict[tuple[str, str], Device]
    """Grid and device → what is known about it."""


class DeviceRegistry(Protocol):
    """Keeps what is known about devices."""

    async def version(self) -> int:
        """A number that grows with every change; 0 of one that never changed.

        Raises:
            RetryableError: the registry is away.
        """

    async def snapshot(self) -> RegistrySnapshot:
        """All of it.

        Raises:
            RetryableError: the registry is away.
        """

    async def get(self, grid_id: str, device_id: str) -> Device | None:
        """What is known about one device; None when it is not registered.

        Raises:
            RetryableError: the registry is away.
        """

    async def of_grid(self, grid_id: str) -> list[Device]:
        """The devices of a grid, in the order of their ids.

        Raises:
            RetryableError: the registry is away.
        """

    async def put(self, devices: Sequence[Device]) -> list[Device | None]:
        """Register devices, all or none of them; one that is registered is replaced.

        Returns:
            What each of them replaced; None for one that was not registered.

        Raises:
            RetryableError: the registry is away; it may or may not have happened, and calling again is safe.
        """

    async def remove(self, grid_id: str, device_id: str) -> Device | None:
        """Forget a device; returns what was known about it, None when it was not registered.

        Raises:
            RetryableError: as `put`.
        """
