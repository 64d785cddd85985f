"""The store of the links of all devices, which also decides who tells about a change."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from microgrid_common.ports.durable_log import Record
from microgrid_common.schemas.device_link import DeviceLink

DeviceKey = tuple[str, str]
"""Grid and device."""


@dataclass(frozen=True, slots=True)
class LinkWrite:
    """One change of one link, made on what was read before."""

    key: DeviceKey
    before: int
    """The revision that was read; 0 when there was no link."""
    link: DeviceLink | None
    """What it becomes, whatever its revision says; None to forget it."""
    look_again_at: datetime | None
    """When silence may change it next; None for never."""
    records: tuple[Record, ...] = ()
    """What is appended to the log in the same step; all to one stream."""


class LinkStore(Protocol):
    """Keeps the link of each device. Several services may change them at the same time."""

    async def get_many(self, keys: Sequence[DeviceKey]) -> dict[DeviceKey, DeviceLink]:
        """The links of some devices; those that are not known are left out.

        Raises:
            RetryableError: the store is away.
        """

    async def of_grid(self, grid_id: str) -> list[DeviceLink]:
        """The links of a grid's devices, in the order of their ids.

        Raises:
            RetryableError: the store is away.
        """

    async def grids(self) -> list[str]:
        """The grids that have a device with a link, in order: those that were ever heard of.

        Raises:
            RetryableError: the store is away.
        """

    async def due(self, now: datetime, *, limit: int) -> list[DeviceKey]:
        """Devices to look at, since their `look_again_at` has come; the longest overdue first.

        Raises:
            RetryableError: the store is away.
        """

    async def apply(self, writes: Sequence[LinkWrite]) -> list[bool]:
        """Make changes, each with its records in one step, unless somebody else changed that link before.

        Returns:
            For each: whether it was made. If not, read again and decide anew.

        Raises:
            RetryableError: the store is away; each change may or may not have been made. Trying again is
                safe: what was made counts as changed before.
        """
