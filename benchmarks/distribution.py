"""Figures about many measured times. Pure: no I/O."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Distribution:
    """What measured times are like, in milliseconds."""

    count: int
    median: float
    p95: float
    p99: float
    maximum: float

    @classmethod
    def of(cls, seconds: Iterable[float]) -> "Distribution":
        """That of some times, at least one."""
        ordered = sorted(second * 1000 for second in seconds)
        # Nearest rank: each is a time that was measured.
        median, p95, p99 = (ordered[ceil(share * len(ordered)) - 1] for share in (0.5, 0.95, 0.99))
        return cls(len(ordered), median, p95, p99, ordered[-1])


class Sight(NamedTuple):
    """The newest message that could be seen at a time."""

    seconds: float
    number: int


def ages(sights: Iterable[Sight], published: Sequence[float]) -> list[float]:
    """How long ago the newest message was published each time, in seconds.

    Args:
        sights: what was seen.
        published: when each message was published, by its number; on the same clock.
    """
    return [sight.seconds - published[sight.number] for sight in sights]


def until_seen(sights: Sequence[Sight], published: Sequence[float], *, first: int = 0) -> list[float]:
    """For each message, how long it took until it or a newer one was seen, in seconds.

    Args:
        sights: what was seen, in order of time.
        published: when each message was published, by its number; on the same clock.
        first: the number of the first message that counts.

    Raises:
        ValueError: neither the last message nor a newer one was ever seen.
    """
    waits: list[float] = []
    number = first
    for sight in sights:
        seen = range(number, sight.number + 1)
        waits.extend(sight.seconds - published[each] for each in seen)
        number = max(number, sight.number + 1)
    if number < len(published):
        raise ValueError(f"{len(published) - number} of {len(published)} messages were never seen")
    return waits
