"""The line from the last point of one bucket to the first of the next one that has points."""

from collections.abc import Sequence
from typing import NamedTuple

from microgrid_common.transforms.rollups.buckets import BRIDGE_MS, BUCKET_MS
from microgrid_common.transforms.rollups.energy import Flow, energy_below, growth_kwh
from microgrid_common.transforms.rollups.quantity import QUANTITIES, Quantity
from microgrid_common.transforms.rollups.summary import Summary


class Part(NamedTuple):
    """What of a line lies in one bucket."""

    bucket_ms: int
    """When the bucket begins."""
    covered_ms: int
    in_kwh: float
    out_kwh: float


def parts_between(metric: str, before: Summary, after: Summary) -> Sequence[Part]:
    """The parts of the line between two summaries, in order of time.

    Returns:
        The first part lies in the bucket of `before`. There is none when the gap is longer than the bridge,
        or when nothing can be told of the time between: a meter went back, or jumped.
    """
    from_ms, to_ms = before.last_ms, after.first_ms
    if to_ms - from_ms > BRIDGE_MS:
        return ()
    quantity = QUANTITIES.get(metric, Quantity.LEVEL)
    growth = 0.0
    if quantity is Quantity.COUNTER:
        counted = growth_kwh(metric, (from_ms, before.last), (to_ms, after.first))
        if counted is None:
            return ()
        growth = counted
    slope = (after.first - before.last) / (to_ms - from_ms)
    parts: list[Part] = []
    start_ms, value, bucket_ms = from_ms, before.last, before.start_ms
    while start_ms < to_ms:
        end_ms = min(bucket_ms + BUCKET_MS, to_ms)
        end_value = before.last + slope * (end_ms - from_ms) if end_ms < to_ms else after.first
        if quantity is Quantity.POWER:
            flow = energy_below(value, end_value, end_ms - start_ms)
        else:
            flow = Flow(growth * ((end_ms - start_ms) / (to_ms - from_ms)), 0.0)
        parts.append(Part(bucket_ms, end_ms - start_ms, *flow))
        start_ms, value, bucket_ms = end_ms, end_value, bucket_ms + BUCKET_MS
    return parts
