"""The store of alarm documents: the state of every alarm, so that any replica can go on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from microgrid_common.schemas.alert import Alert, AlertEvent
from microgrid_common.transforms.alarms.documents import DeviceAlarms, GridAlarms


@dataclass(slots=True)
class GridDocuments:
    """The documents of a grid that were asked for."""

    grid: GridAlarms
    """A new one when there is none yet."""
    devices: dict[str, DeviceAlarms]
    """By device; a new one for each that was asked for and is not stored."""


@dataclass(frozen=True, slots=True)
class GridCommit:
    """All that entries, or an operator, change in one grid: made whole or not at all."""

    grid_id: str
    grid: GridAlarms | None
    """None when it has not changed. Its `revision` is the one that was read."""
    devices: Mapping[str, DeviceAlarms]
    """Those that changed, each with the `revision` that was read."""
    timers: Mapping[str, datetime | None]
    """Of each of `devices`: when the clock may change something next; None for never."""
    alerts: Sequence[Alert] = field(default=())
    """The records that are new or changed, as they stand now."""
    events: Sequence[AlertEvent] = field(default=())
    """What is appended to the `alerts` stream, in order."""


class AlarmStates(Protocol):
    """Keeps alarm documents. Engines and operators may change them at the same time."""

    async def load(self, wanted: Mapping[str, Sequence[str]]) -> dict[str, GridDocuments]:
        """Documents of some grids and devices.

        Args:
            wanted: grid → the devices of it.

        Raises:
            RetryableError: the store is away.
        """

    async def commit(self, commits: Sequence[GridCommit]) -> list[bool]:
        """Make changes, each in one atomic step with its records and its events.

        Where a change is made, `revision` of the documents in it has grown by one, here and in the store.

        Args:
            commits: of different grids.

        Returns:
            For each: whether it was made. If not, somebody has changed one of its documents since it was
            read: read again and decide anew.

        Raises:
            RetryableError: the store is away; each change may or may not have been made. Read again: what
                was made then counts as done before.
        """

    async def due(self, grids: Sequence[str] | None, now: datetime, *, limit: int) -> list[tuple[str, str]]:
        """Devices (grid, device) whose timer has come, the longest overdue first.

        Args:
            grids: only of these; None for all.
            now: aware.
            limit: at most so many.

        Raises:
            RetryableError: the store is away.
        """

    async def ping(self) -> None:
        """Return if the store can be used.

        Raises:
            RetryableError: it cannot; it says why.
        """
