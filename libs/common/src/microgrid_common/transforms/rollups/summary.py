"""What the points of one five-minute bucket add up to."""

from bisect import bisect_left
from collections.abc import Iterable
from itertools import pairwise
from math import fsum
from typing import NamedTuple

from microgrid_common.transforms.rollups.buckets import BUCKET_MS, bucket_of
from microgrid_common.transforms.rollups.energy import (
    Flow,
    Sample,
    energy_of_powers,
    growth_kwh,
)
from microgrid_common.transforms.rollups.quantity import QUANTITIES, Quantity
from microgrid_common.transforms.rollups.samples import Samples


class Summary(NamedTuple):
    """One metric of one device in one bucket, from the points in it and no others."""

    start_ms: int
    """When the bucket begins."""
    points: int
    """How many points there are; at least one."""
    mean: float
    """The arithmetic mean: what anyone gets who averages the points, and always between the extremes."""
    minimum: float
    maximum: float
    first_ms: int
    first: float
    """The value at `first_ms`, where the line from the bucket before arrives."""
    last_ms: int
    last: float
    """The value at `last_ms`, where the line to the next bucket begins."""
    covered_ms: int
    """How much of the time from the first to the last point the points tell about."""
    energy_in_kwh: float
    """From the first to the last point, of positive power; 0 for what is no energy."""
    energy_out_kwh: float
    """From the first to the last point, of negative power."""


def summarise(metric: str, samples: Iterable[Sample]) -> list[Summary]:
    """Sum up points, bucket by bucket.

    Args:
        metric: the canonical name.
        samples: all points of each bucket that one of them lies in, each time once, in any order.

    Returns:
        In order of time.
    """
    ordered = Samples.in_order(samples)
    times_ms, count = ordered.times_ms, len(ordered)
    summaries: list[Summary] = []
    first = 0
    while first < count:
        start_ms = bucket_of(times_ms[first])
        end = bisect_left(times_ms, start_ms + BUCKET_MS, first)
        inside = ordered if end - first == count else ordered.part(first, end)
        summaries.append(_summarise(metric, start_ms, inside))
        first = end
    return summaries


def mean_within(total: float, count: int, minimum: float, maximum: float) -> float:
    """The mean; rounding never carries it past the extremes."""
    return min(max(total / count, minimum), maximum)


def _summarise(metric: str, start_ms: int, ordered: Samples) -> Summary:
    times_ms, values = ordered.times_ms, ordered.values
    minimum, maximum = min(values), max(values)
    covered_ms, flow = _inside(metric, ordered)
    return Summary(
        start_ms,
        len(values),
        mean_within(fsum(values), len(values), minimum, maximum),
        minimum,
        maximum,
        times_ms[0],
        values[0],
        times_ms[-1],
        values[-1],
        covered_ms,
        *flow,
    )


def _inside(metric: str, ordered: Samples) -> tuple[int, Flow]:
    """How much time is covered between the points, and the energy in it.

    No gap inside a bucket is too long to be bridged: the bucket itself is shorter than that.
    """
    times_ms = ordered.times_ms
    quantity = QUANTITIES.get(metric, Quantity.LEVEL)
    if quantity is Quantity.COUNTER:
        return _counted(metric, ordered)
    flow = energy_of_powers(times_ms, ordered.values) if quantity is Quantity.POWER else (0.0, 0.0)
    return times_ms[-1] - times_ms[0], flow


def _counted(metric: str, ordered: Samples) -> tuple[int, Flow]:
    covered_ms = 0
    grown: list[float] = []
    for before, after in pairwise(ordered):
        growth = growth_kwh(metric, before, after)
        if growth is not None:
            covered_ms += after[0] - before[0]
            grown.append(growth)
    return covered_ms, (fsum(grown), 0.0)
