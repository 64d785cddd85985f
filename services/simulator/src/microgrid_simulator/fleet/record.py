"""What a fleet sent, number by number."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict

from microgrid_simulator.fleet.measurements import REFUSED_SAMPLES, BadMessage
from microgrid_simulator.fleet.options import FleetOptions

Ranges = list[tuple[int, int]]
"""Ranges of numbers in order, first and last inclusive."""


class JunkRecord(BaseModel):
    """One message beside the samples that cannot be read as telemetry."""

    model_config = ConfigDict(frozen=True)

    kind: BadMessage
    token: str
    """Stands in its payload."""
    accepted: bool
    """Whether the broker acknowledged it; if not, it may have it all the same."""


class BootRecord(BaseModel):
    """What one device sent in one boot.

    Every number from 0 to `last_seq` is in exactly one of `accepted`, `waiting` and `dropped`.
    """

    model_config = ConfigDict(frozen=True)

    grid_id: str
    device_id: str
    boot_id: str
    started_at_ms: int
    """The timestamp of number 0, in milliseconds since 1970."""
    interval_ms: float
    last_seq: int | None
    """None when nothing was measured."""
    accepted: Ranges
    """The broker acknowledged them."""
    waiting: Ranges
    """It did not, and the device still has them; the broker may have them all the same."""
    dropped: Ranges
    """They made room in the device's buffer, as `waiting` otherwise."""
    bad: dict[BadMessage, list[int]]
    """Numbers of samples that are refused, whole or (`in_part`) in part."""
    junk: list[JunkRecord]
    resent: int
    """How many samples were sent again because the platform asked for them."""

    def timestamp_ms(self, seq: int) -> int:
        """The timestamp of a sample, in milliseconds since 1970: no two have the same."""
        return timestamp_ms(self.started_at_ms, self.interval_ms, seq)

    @property
    def refused(self) -> set[int]:
        """Numbers of which nothing is to be stored, whether the broker has them or not."""
        return {seq for kind in REFUSED_SAMPLES for seq in self.bad.get(kind, ())}

    def to_be_stored(self) -> Iterator[int]:
        """Numbers that the broker has and of which a row is to be stored, in order."""
        refused = self.refused
        return (seq for first, last in self.accepted for seq in range(first, last + 1) if seq not in refused)


class FleetRecord(BaseModel):
    """What a fleet sent."""

    model_config = ConfigDict(frozen=True)

    format: int = 1
    options: FleetOptions
    boots: list[BootRecord]

    @property
    def totals(self) -> dict[str, int]:
        """Sums over all devices: `measured`, `accepted`, `waiting`, `dropped`, `bad`, `junk`, `resent`."""
        boots = self.boots
        return {
            "measured": sum(0 if boot.last_seq is None else boot.last_seq + 1 for boot in boots),
            "accepted": sum(_count(boot.accepted) for boot in boots),
            "waiting": sum(_count(boot.waiting) for boot in boots),
            "dropped": sum(_count(boot.dropped) for boot in boots),
            "bad": sum(len(numbers) for boot in boots for numbers in boot.bad.values()),
            "junk": sum(junk.accepted for boot in boots for junk in boot.junk),
            "resent": sum(boot.resent for boot in boots),
        }

    def write(self, path: Path) -> None:
        """Write it as JSON; a reader sees all of it or nothing."""
        unfinished = path.with_suffix(f"{path.suffix}.part")
        unfinished.write_text(self.model_dump_json())
        unfinished.replace(path)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what `write` wrote."""
        return cls.model_validate_json(path.read_bytes())


def timestamp_ms(started_at_ms: int, interval_ms: float, seq: int) -> int:
    """When a device measures, in milliseconds since 1970."""
    return started_at_ms + round(seq * interval_ms)


def ranges_of(numbers: Iterable[int]) -> Ranges:
    """Numbers, which come in order and once each, as ranges."""
    ranges: Ranges = []
    for number in numbers:
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1] = (ranges[-1][0], number)
        else:
            ranges.append((number, number))
    return ranges


def _count(ranges: Ranges) -> int:
    return sum(last - first + 1 for first, last in ranges)
