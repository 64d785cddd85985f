"""Figures of five minutes, an hour or a day."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from math import fsum
from typing import NamedTuple

from microgrid_common.transforms.rollups.buckets import BRIDGE_MS, BUCKET_MS, bucket_of
from microgrid_common.transforms.rollups.calendar import Span
from microgrid_common.transforms.rollups.energy import Flow, Segment, flow_of
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
    """The figures of the five-minute buckets of a span of time, with the lines between them.

    Args:
        metric: the canonical name.
        summaries: of one device, in order of time: all in the span, and those within `BRIDGE_MS` of it.
        span: from the start of a bucket to the end of one.

    Returns:
        In order of time. A bucket without points that no line crosses is not among them.
    """
    ordered = list(summaries)
    crossings = _crossings(metric, ordered)
    own = {summary.start_ms: summary for summary in ordered}
    return [
        _complete(start_ms, own.get(start_ms), crossings.get(start_ms, []))
        for start_ms in sorted(own.keys() | crossings.keys())
        if span.start_ms <= start_ms < span.end_ms
    ]


def add_up(rollups: Sequence[Rollup], span: Span) -> Rollup:
    """The figures of a longer span of time.

    Args:
        rollups: at least one; all of one metric and device that lie in the span, in order of time.
        span: what they lie in.
    """
    measured = [rollup for rollup in rollups if rollup.points]
    minima, maxima = extremes(measured)
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


def extremes(rollups: Iterable[Rollup]) -> tuple[list[float], list[float]]:
    """The minima and the maxima that there are."""
    rollups = list(rollups)
    return (
        [rollup.minimum for rollup in rollups if rollup.minimum is not None],
        [rollup.maximum for rollup in rollups if rollup.maximum is not None],
    )


_Part = tuple[int, Flow]
"""Covered milliseconds, and the energy in them."""


def _crossings(metric: str, summaries: Sequence[Summary]) -> dict[int, list[_Part]]:
    """Bucket → the parts in it of the lines that lead from one bucket to another."""
    quantity = QUANTITIES.get(metric, Quantity.LEVEL)
    crossings: dict[int, list[_Part]] = {}
    for before, after in pairwise(summaries):
        if after.first_ms - before.last_ms > BRIDGE_MS:
            continue
        segment = Segment(metric, before.last_ms, before.last, after.first_ms, after.first)
        for start_ms, end_ms in _cut(segment):
            flow = flow_of(segment, quantity, start_ms, end_ms)
            if flow is not None:
                crossings.setdefault(bucket_of(start_ms), []).append((end_ms - start_ms, flow))
    return crossings


def _cut(segment: Segment) -> Iterator[tuple[int, int]]:
    """The parts of a segment in each bucket, from the earliest on."""
    start_ms = segment.from_ms
    while start_ms < segment.to_ms:
        end_ms = min(bucket_of(start_ms) + BUCKET_MS, segment.to_ms)
        yield start_ms, end_ms
        start_ms = end_ms


def _complete(start_ms: int, own: Summary | None, crossings: Sequence[_Part]) -> Rollup:
    covered_ms = sum(duration_ms for duration_ms, _ in crossings)
    into = [flow.in_kwh for _, flow in crossings]
    out = [flow.out_kwh for _, flow in crossings]
    if own is None:
        return Rollup(start_ms, start_ms + BUCKET_MS, 0, None, None, None, covered_ms, fsum(into), fsum(out))
    return Rollup(
        start_ms,
        start_ms + BUCKET_MS,
        own.points,
        own.mean,
        own.minimum,
        own.maximum,
        own.covered_ms + covered_ms,
        fsum([own.energy_in_kwh, *into]),
        fsum([own.energy_out_kwh, *out]),
    )
