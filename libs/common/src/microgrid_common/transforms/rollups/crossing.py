"""The line from the last point of one bucket to the first of the next one that has points."""

from collections.abc import Sequence

from microgrid_common.transforms.rollups.buckets import BRIDGE_MS, BUCKET_MS
from microgrid_common.transforms.rollups.energy import energy_below, growth_kwh
from microgrid_common.transforms.rollups.quantity import Quantity
from microgrid_common.transforms.rollups.summary import Summary

# Plain tuples: a year of five minutes makes 200,000 of them, and each with names would take twice as long.
Part = tuple[int, int, float, float]
"""What of a line lies in one bucket: the bucket's start, milliseconds covered, kWh in, kWh out."""

NO_PART: Part = (-1, 0, 0.0, 0.0)
"""Of no bucket: it adds nothing."""


def parts_between(metric: str, quantity: Quantity, before: Summary, after: Summary) -> Sequence[Part]:
    """The parts of the line between two summaries, in order of time.

    Args:
        metric: the canonical name.
        quantity: what its values are.
        before: where the line begins.
        after: the next summary, where it ends.

    Returns:
        The first part lies in the bucket of `before`. There is none when the gap is longer than the bridge,
        or when nothing can be told of the time between: a meter went back, or jumped.
    """
    from_ms, to_ms = before.last_ms, after.first_ms
    length_ms = to_ms - from_ms
    if length_ms > BRIDGE_MS:
        return ()
    if quantity is Quantity.POWER:
        return _power(before, after.first, to_ms)
    growth = 0.0
    if quantity is Quantity.COUNTER:
        counted = growth_kwh(metric, (from_ms, before.last), (to_ms, after.first))
        if counted is None:
            return ()
        growth = counted
    return [
        (bucket_ms, end_ms - start_ms, growth * ((end_ms - start_ms) / length_ms), 0.0)
        for bucket_ms, start_ms, end_ms in _cut(before.start_ms, from_ms, to_ms)
    ]


def _power(before: Summary, to_kw: float, to_ms: int) -> list[Part]:
    from_ms, from_kw = before.last_ms, before.last
    slope = (to_kw - from_kw) / (to_ms - from_ms)
    start_kw = from_kw
    parts: list[Part] = []
    for bucket_ms, start_ms, end_ms in _cut(before.start_ms, from_ms, to_ms):
        end_kw = from_kw + slope * (end_ms - from_ms) if end_ms < to_ms else to_kw
        parts.append((bucket_ms, end_ms - start_ms, *energy_below(start_kw, end_kw, end_ms - start_ms)))
        start_kw = end_kw
    return parts


def _cut(bucket_ms: int, start_ms: int, to_ms: int) -> list[tuple[int, int, int]]:
    """Each bucket that a line from `start_ms`, which lies in `bucket_ms`, crosses: its start, from, to."""
    pieces: list[tuple[int, int, int]] = []
    edge_ms = bucket_ms + BUCKET_MS
    while edge_ms < to_ms:
        pieces.append((bucket_ms, start_ms, edge_ms))
        bucket_ms = start_ms = edge_ms
        edge_ms += BUCKET_MS
    pieces.append((bucket_ms, start_ms, to_ms))
    return pieces
