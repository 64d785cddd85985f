"""The store of the ledgers, and of what devices were asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from microgrid_common.schemas.ledger import AskedRange, DeviceKey, DeviceLedger


@dataclass(frozen=True, slots=True)
class LedgerPage:
    """Some ledgers as they were at one moment."""

    position: str
    """The id of the last entry of the stream that is in them; `0-0` for none."""
    ledgers: Mapping[DeviceKey, DeviceLedger]
    """Without devices of which nothing is known."""


@dataclass(frozen=True, slots=True)
class LedgerChanges:
    """What some entries of a stream change."""

    ledgers: Mapping[DeviceKey, DeviceLedger]
    """The new ledgers."""
    look_at: Mapping[DeviceKey, int] = field(default_factory=dict)
    """Devices with new gaps: when to look at them, in milliseconds since 1970."""
    settled: Sequence[DeviceKey] = ()
    """Devices whose last gap is gone."""
    missing: Mapping[str, int] = field(default_factory=dict)
    """Device type → by how much the number of its missing samples changes."""


@dataclass(frozen=True, slots=True)
class DeviceAccount:
    """The ledger of one device, and what it was asked for."""

    ledger: DeviceLedger
    asked: tuple[AskedRange, ...]


class LedgerStore(Protocol):
    """Keeps the ledgers of all devices.

    A ledger changes in one atomic step with the position in the stream up to which it was kept. So an
    entry that is delivered again is not entered twice, and who works from an older state changes nothing.
    """

    async def load(self, stream: str, devices: Sequence[DeviceKey]) -> LedgerPage:
        """How far the ledgers were kept from a stream, and those of some devices.

        Raises:
            RetryableError: the store is away.
        """

    async def apply(self, stream: str, *, after: str, position: str, changes: LedgerChanges) -> bool:
        """Enter the entries of a stream after one position up to another; durable when it returns.

        Args:
            stream: where the entries stand.
            after: the position that the changes were made from.
            position: the id of the last entry that is in the changes.
            changes: what becomes of the ledgers.

        Returns:
            Whether it happened; not when the ledgers are at another position than `after`.

        Raises:
            RetryableError: the store is away; it may or may not have happened, and calling again is safe.
        """

    async def account(self, device: DeviceKey) -> DeviceAccount | None:
        """The ledger of a device and what it was asked for; None when nothing is known of it.

        Raises:
            RetryableError: the store is away.
        """

    async def missing_by_type(self) -> dict[str, int]:
        """How many samples are missing in all ledgers, by device type; types without any are left out.

        Raises:
            RetryableError: the store is away.
        """

    async def begin_round(self, *, lasts: timedelta) -> bool:
        """Whether the caller is the one to ask devices for as long as a round lasts.

        Raises:
            RetryableError: the store is away.
        """

    async def due(self, *, now: int, limit: int) -> list[DeviceKey]:
        """Devices that it is time to look at, the longest overdue first.

        Args:
            now: milliseconds since 1970.
            limit: at most so many.

        Raises:
            RetryableError: the store is away.
        """

    async def remember_asked(
        self,
        device: DeviceKey,
        *,
        before: Sequence[AskedRange],
        after: Sequence[AskedRange],
        look_again_at: int,
    ) -> bool:
        """Keep what a device will have been asked for, and when to look at it next.

        Args:
            device: the device.
            before: what it had been asked for.
            after: what it will have been asked for.
            look_again_at: milliseconds since 1970.

        Returns:
            Whether it happened; not when somebody else has asked the device, or its gaps are gone.

        Raises:
            RetryableError: the store is away.
        """
