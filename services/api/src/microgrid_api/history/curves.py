"""Curves: the points of one metric in order of time, the gaps between them, and what of them is shown."""

import math
from array import array
from bisect import bisect_left
from collections.abc import Iterable
from datetime import timedelta
from itertools import pairwise
from statistics import median
from typing import Final, NamedTuple

from microgrid_api.history.thinning import FEWEST, kept
from microgrid_common.schemas.catalogue import BY_NAME
from microgrid_common.transforms.rollups.buckets import BRIDGE_MS
from microgrid_common.transforms.rollups.rollup import Rollup
from microgrid_common.transforms.rollups.samples import Samples
from microgrid_common.transforms.steps import is_implausible_step

FEWEST_SHOWN: Final = 4 * FEWEST
"""With a share of gaps and of implausible steps."""

_INTERVALS_OF_SILENCE: Final = 3
"""After so many of its intervals a device counts as silent: as for its link."""
_MILLISECOND: Final = timedelta(milliseconds=1)
# To sort hundreds of thousands would stop everything else for a tenth of a second.
_ENOUGH_FOR_A_PACE: Final = 5_000


class ShownPoint(NamedTuple):
    """A point of a curve as a chart needs it."""

    time_ms: int
    """In milliseconds since 1970."""
    value: float | None
    """None: here a gap begins."""
    minimum: float | None
    """The lowest value of what this point stands for; None as `value`."""
    maximum: float | None
    """The highest one."""
    is_implausible_step: bool = False
    """Whether the value is further from the one before than is believable."""


class Curve:
    """The points of one metric, of one device or of a grid, in order of time."""

    def __init__(self) -> None:
        self.times_ms = array("q")
        """In milliseconds since 1970."""
        self.values = array("d")
        self.minima = array("d")
        """The lowest value behind each point."""
        self.maxima = array("d")
        """The highest one."""
        self.gaps: dict[int, int] = {}
        """The place of a point after which there is a gap → when it begins, after that point."""
        self.implausible: list[int] = []
        """The places of the points that an implausible step leads to."""

    def shown(self, limit: int) -> list[ShownPoint]:
        """The points for a chart, with a point without a value in each gap.

        Of too many, some are left out. The extremes of these count for the next one that is shown, so that
        none is lost; so do gaps, of which at least one is shown wherever there are some between two points.

        Args:
            limit: the most that there may be, at least `FEWEST_SHOWN`.
        """
        places = self._kept(limit) if self.is_too_long_for(limit) else list(range(len(self.values)))
        gaps = sorted(self.gaps)
        implausible = frozenset(self.implausible)
        points: list[ShownPoint] = []
        after = -1
        for place in places:
            gap = bisect_left(gaps, max(after, 0))
            if points and gap < len(gaps) and gaps[gap] < place:
                points.append(ShownPoint(self.gaps[gaps[gap]], None, None, None))
            points.append(
                ShownPoint(
                    self.times_ms[place],
                    self.values[place],
                    min(self.minima[after + 1 : place + 1]),
                    max(self.maxima[after + 1 : place + 1]),
                    place in implausible,
                )
            )
            after = place
        return points

    def is_too_long_for(self, limit: int) -> bool:
        """Whether more points would have to be shown than fit."""
        return len(self.values) + len(self.gaps) > limit

    def _kept(self, limit: int) -> list[int]:
        places = limit - min(len(self.gaps), limit // 2)
        always: set[int] = set()
        for marked in (
            [edge for place in self.gaps for edge in (place, place + 1)],
            self.implausible,
        ):
            # Where there are very many of them, the shape says more.
            if len(marked) <= places // 4:
                always.update(marked)
        return kept(self.times_ms, self.values, limit=places, always=always)


class RollupCurve(Curve):
    """A curve of roll-ups, each at the time when it begins."""

    def __init__(self) -> None:
        super().__init__()
        self._known_until_ms: int | None = None
        self._gap_from_ms: int | None = None

    def add(self, rollups: Iterable[Rollup]) -> None:
        """Take in more roll-ups; all begin after those before.

        One that has no point, because a line between two others crosses it, is no gap.
        """
        for rollup in rollups:
            if self._known_until_ms is not None and rollup.start_ms > self._known_until_ms:
                self._gap_from_ms = self._gap_from_ms or self._known_until_ms
            self._known_until_ms = rollup.end_ms
            if rollup.mean is None or rollup.minimum is None or rollup.maximum is None:
                continue
            if self._gap_from_ms is not None and self.values:
                self.gaps[len(self.values) - 1] = self._gap_from_ms
            self._gap_from_ms = None
            self.times_ms.append(rollup.start_ms)
            self.values.append(rollup.mean)
            self.minima.append(rollup.minimum)
            self.maxima.append(rollup.maximum)


class MeasuredCurve(Curve):
    """A curve of the points of one device as they were measured.

    Args:
        metric: the canonical name.
        samples: in order of time, each time once.
        interval: how often the device should report; None to go by how often it does.
    """

    def __init__(self, metric: str, samples: Samples, *, interval: timedelta | None) -> None:
        super().__init__()
        self.times_ms = samples.times_ms
        self.values = self.minima = self.maxima = samples.values
        durations = array("q", (after - before for before, after in pairwise(self.times_ms)))
        pace_ms = _pace_ms(durations, interval)
        self._silent_after_ms = pace_ms * _INTERVALS_OF_SILENCE
        self._covered_ms = 0
        least_implausible = BY_NAME[metric].plausible_step
        for place, (duration, (before, after)) in enumerate(
            zip(durations, pairwise(self.values), strict=True)
        ):
            if duration > self._silent_after_ms:
                self.gaps[place] = self.times_ms[place] + pace_ms
            else:
                self._covered_ms += duration
            # The first comparison spares nearly every point the second, which takes ten times as long.
            if abs(after - before) > least_implausible and is_implausible_step(
                metric, before, after, duration * _MILLISECOND
            ):
                self.implausible.append(place + 1)

    def covered_ms(self, start_ms: int, end_ms: int) -> int:
        """How much of a time from before its first point to after its last one it tells about."""
        if not self.times_ms:
            return 0
        edges = (self.times_ms[0] - start_ms, end_ms - self.times_ms[-1])
        return self._covered_ms + sum(edge for edge in edges if 0 < edge <= self._silent_after_ms)


def _pace_ms(durations: "array[int]", interval: timedelta | None) -> int:
    """How often a device reports, in milliseconds; at least 1."""
    if interval is not None:
        return max(1, interval // _MILLISECOND)
    # Who learns it from few points must not take the longest silence for a pace: roll-ups do not either.
    slowest_ms = BRIDGE_MS // _INTERVALS_OF_SILENCE
    if not durations:
        return slowest_ms
    some = durations[:: math.ceil(len(durations) / _ENOUGH_FOR_A_PACE)]
    return max(1, min(slowest_ms, int(median(some))))
