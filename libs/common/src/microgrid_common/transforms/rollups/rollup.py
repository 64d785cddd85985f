"""Figures of five minutes, an hour or a day."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import zip_longest
from math import fsum
from typing import NamedTuple

from microgrid_common.transforms.rollups.buckets import BUCKET_MS
from microgrid_common.transforms.rollups.calendar import Span
from microgrid_common.transforms.rollups.crossing import NO_PART, Part, parts_between
from microgrid_common.transforms.rollups.quantity import QUANTITIES, Quantity
from microgrid_common.transforms.rollups.summary import Summary, mean_within


class Rollup(NamedTuple):
    """What is known about one metric from one time to another."""

    start_ms: int
    end_ms: int
    points: int
    """How many points were measured in it; 0 when it is only crossed by the line between two others."""
    mean: float | None
    """The arithmetic mean of the points; None without one."""
    minimum: float | None
    maximum: float | None
    covered_ms: int
    """How much of its time points and the lines between them tell about."""
    energy_in_kwh: float
    """In the covered time: charged, imported, consumed or generated; 0 for what is no energy."""
    energy_out_kwh: float
    """In the covered time: discharged or exported; never negative."""

    @property
    def start(self) -> datetime:
        """When it begins: aware, UTC."""
        return datetime.fromtimestamp(self.start_ms / 1000, UTC)

    @property
    def end(self) -> datetime:
        """When it ends: aware, UTC."""
        return datetime.fromtimestamp(self.end_ms / 1000, UTC)

    @property
    def coverage(self) -> float:
        """The covered share of its real time, from 0 to 1: below 1, the energy is a lower bound."""
        return self.covered_ms / (self.end_ms - self.start_ms)


def five_minute_rollups(metric: str, summaries: Iterable[Summary], span: Span) -> list[Rollup]:
    """The figures of the five-minute buckets that begin in a span of time, with the lines between them.

    Args:
        metric: the canonical name.
        summaries: of one device, in order of time: all in the span, and those within `BRIDGE_MS` of it.
        span: of any length.

    Returns:
        In order of time. A bucket without points that no line crosses is not among them.
    """
    quantity = QUANTITIES.get(metric, Quantity.LEVEL)
    ordered = list(summaries)
    rollups: list[Rollup] = []
    arriving = NO_PART
    for summary, following in zip_longest(ordered, ordered[1:]):
        parts = parts_between(metric, quantity, summary, following) if following else ()
        rollups.append(_complete(summary, arriving, parts[0] if parts else NO_PART))
        arriving = NO_PART
        for part in parts[1:]:
            # A line that arrives at the very start of a bucket has no part in it.
            if part[0] == following.start_ms:
                arriving = part
            else:
                rollups.append(_only_crossed(part))
    return [rollup for rollup in rollups if span.start_ms <= rollup.start_ms < span.end_ms]


def add_up(rollups: Sequence[Rollup], span: Span) -> Rollup:
    """The figures of a longer span of time.

    Args:
        rollups: at least one; all of one metric and device that lie in the span, in order of time.
        span: what they lie in.
    """
    measured = [rollup for rollup in rollups if rollup.points]
    minima = [rollup.minimum for rollup in measured if rollup.minimum is not None]
    maxima = [rollup.maximum for rollup in measured if rollup.maximum is not None]
    points = sum(rollup.points for rollup in measured)
    mean = None
    if minima and maxima:
        total = fsum([rollup.mean * rollup.points for rollup in measured if rollup.mean is not None])
        mean = mean_within(total, points, min(minima), max(maxima))
    return Rollup(
        span.start_ms,
        span.end_ms,
        points,
        mean,
        min(minima, default=None),
        max(maxima, default=None),
        sum(rollup.covered_ms for rollup in rollups),
        fsum([rollup.energy_in_kwh for rollup in rollups]),
        fsum([rollup.energy_out_kwh for rollup in rollups]),
    )


def _only_crossed(part: Part) -> Rollup:
    bucket_ms, covered_ms, into, out = part
    return Rollup(bucket_ms, bucket_ms + BUCKET_MS, 0, None, None, None, covered_ms, into, out)


def _complete(own: Summary, arriving: Part, leaving: Part) -> Rollup:
    start_ms, points, mean, minimum, maximum, *_, covered_ms, into, out = own
    _, arriving_ms, arriving_in, arriving_out = arriving
    _, leaving_ms, leaving_in, leaving_out = leaving
    return Rollup(
        start_ms,
        start_ms + BUCKET_MS,
        points,
        mean,
        minimum,
        maximum,
        arriving_ms + covered_ms + leaving_ms,
        arriving_in + into + leaving_in,
        arriving_out + out + leaving_out,
    )
