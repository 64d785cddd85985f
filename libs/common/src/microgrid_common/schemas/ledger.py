"""The ledger of a device: which of its numbered samples have come, are in quarantine, or are missing.

These are plain tuples, since one is made for every device in every entry of the log. Times are whole
milliseconds since 1970.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

BOOTS_KEPT = 8
"""Boots of a device that are kept in detail; of more, the one heard from longest ago is closed."""

GAPS_KEPT = 1_000
"""Missing ranges of a device that are kept, some 35 kB; of more, the oldest are only counted.

While one of two replicas that share the messages is away, every second message waits for it: each of
them is a gap for a while."""

REFUSED_KEPT = 200
"""Quarantined ranges of a device that are kept; of more, the oldest are only counted."""

CLOSED_NAMES_KEPT = 32
"""Closed boots that are known by name, so that a late sample of one is not taken for a new boot."""


DeviceKey = tuple[str, str]
"""One device of one grid: `grid_id` and `device_id`."""


class Span(NamedTuple):
    """Consecutive numbers."""

    first: int
    last: int
    """Inclusive."""


class Gap(NamedTuple):
    """Consecutive numbers that have not come."""

    first: int
    last: int
    """Inclusive."""
    noticed_at: int
    """When the ledger learned that they exist, in milliseconds since 1970."""


class BootLedger(NamedTuple):
    """The numbers of one boot of a device."""

    boot_id: str
    first_ever: bool
    """Whether the device was first seen in this boot: it may have counted for long before."""
    first: int | None
    """Where the account begins: 0; in the first boot ever, the lowest number seen, or None before any."""
    last: int
    """The highest number that came or that the device said it gave; -1 before any."""
    quarantined: int = 0
    """How many numbers are in quarantine and have not been accepted since."""
    forgotten: int = 0
    """How many numbers are missing without being in `gaps`, since there were too many."""
    detailed_from: int = 0
    """The ranges below tell all of the numbers from here on; of lower ones only counts are left."""
    gaps: tuple[Gap, ...] = ()
    """What is missing, in order; within `first` and `last`."""
    refused: tuple[Span, ...] = ()
    """What is in quarantine, in order; less than `quarantined` says where there were too many."""

    @property
    def span(self) -> int:
        """How many numbers there are to account for."""
        return 0 if self.first is None else self.last - self.first + 1

    @property
    def missing(self) -> int:
        """How many numbers have not come."""
        return self.forgotten + sum(gap.last - gap.first + 1 for gap in self.gaps)

    @property
    def received(self) -> int:
        """How many numbers have been accepted and are not in quarantine."""
        return self.span - self.quarantined - self.missing


class ClosedBoots(NamedTuple):
    """What is left of the boots that are no longer kept in detail."""

    names: tuple[str, ...] = ()
    """The last ones of them."""
    boots: int = 0
    """How many they are."""
    received: int = 0
    """Accepted numbers; what comes late is added, since duplicates cannot be told any more."""
    quarantined: int = 0
    missing: int = 0


class DeviceLedger(NamedTuple):
    """The account of one device."""

    device_type: str
    heard_at: int = 0
    """When something last came from the device itself, in milliseconds since 1970; 0 for never."""
    duplicates: int = 0
    """Numbered readings that had come before."""
    unnumbered: int = 0
    """Readings without a boot or a number: they are counted, no more."""
    unnumbered_refused: int = 0
    """Messages in quarantine in which no number could be read."""
    missing: int = 0
    """Numbers that have not come, of all boots."""
    boots: tuple[BootLedger, ...] = ()
    """The boots that are kept in detail, the one heard from last at the end."""
    closed: ClosedBoots = ClosedBoots()

    @property
    def received(self) -> int:
        """How many numbers have been accepted and are not in quarantine."""
        return self.closed.received + sum(boot.received for boot in self.boots)

    @property
    def quarantined(self) -> int:
        """How many numbers are in quarantine and have not been accepted since."""
        return self.closed.quarantined + sum(boot.quarantined for boot in self.boots)

    @property
    def has_gaps(self) -> bool:
        """Whether there are missing numbers that can be asked back."""
        return any(boot.gaps for boot in self.boots)


class AskedRange(NamedTuple):
    """Missing numbers that the device was asked for."""

    boot_id: str
    first: int
    last: int
    """Inclusive."""
    requests: int
    """How often."""
    asked_at: int
    """The last time, in milliseconds since 1970."""
    unanswered: bool = False
    """Whether the device is not asked again."""


_ENCODER = msgspec.json.Encoder()
_LEDGER_DECODER = msgspec.json.Decoder(DeviceLedger)
_ASKED_DECODER = msgspec.json.Decoder(tuple[AskedRange, ...])


def encode_ledger(ledger: DeviceLedger) -> bytes:
    """A ledger as the JSON text that is stored."""
    return _ENCODER.encode(ledger)


def decode_ledger(data: bytes) -> DeviceLedger:
    """The inverse of `encode_ledger`.

    Raises:
        ValueError: `data` is not what `encode_ledger` writes.
    """
    return _LEDGER_DECODER.decode(data)


def encode_asked(asked: Sequence[AskedRange]) -> bytes:
    """What a device was asked for as the JSON text that is stored: the same for the same."""
    return _ENCODER.encode(tuple(asked))


def decode_asked(data: bytes) -> tuple[AskedRange, ...]:
    """The inverse of `encode_asked`.

    Raises:
        ValueError: `data` is not what `encode_asked` writes.
    """
    return _ASKED_DECODER.decode(data)
