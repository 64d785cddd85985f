"""Energy between points."""

from collections.abc import Sequence
from itertools import islice
from math import fsum
from operator import add, mul, sub

from microgrid_common.transforms.rollups.quantity import largest_growth_kwh

Sample = tuple[int, float]
"""A time in milliseconds since 1970, and the value then."""

_KW_MS_PER_KWH = 3_600_000


Flow = tuple[float, float]
"""kWh by direction, neither of them negative: in (of positive power, which is charged, imported, consumed or
generated, or counted by a meter), and out (of negative power, which is discharged or exported)."""


def energy_below(first_kw: float, last_kw: float, duration_ms: int) -> Flow:
    """The energy of a power that goes from one value to another in a straight line."""
    if first_kw >= 0 and last_kw >= 0:
        return (first_kw + last_kw) / 2 * duration_ms / _KW_MS_PER_KWH, 0.0
    if first_kw <= 0 and last_kw <= 0:
        return 0.0, -(first_kw + last_kw) / 2 * duration_ms / _KW_MS_PER_KWH
    crossing = first_kw / (first_kw - last_kw)
    before = abs(first_kw) / 2 * (crossing * duration_ms) / _KW_MS_PER_KWH
    after = abs(last_kw) / 2 * ((1 - crossing) * duration_ms) / _KW_MS_PER_KWH
    return (before, after) if first_kw > 0 else (after, before)


def growth_kwh(metric: str, before: Sample, after: Sample) -> float | None:
    """By how much a meter grew between two points; None when that cannot be told.

    A meter that goes back was reset, exchanged, or misread. What it counted between the reset and the next
    point is unknown, and the next value may be anything: counting it, as is done elsewhere, takes the life of
    an exchanged meter for one interval. So it counts nothing, at a loss of one interval at most. The same
    for a leap beyond what the largest plant does, and for one from zero, which many meters report until
    they have read their register.
    """
    growth = after[1] - before[1]
    if growth < 0 or growth > largest_growth_kwh(metric, after[0] - before[0]):
        return None
    return growth if before[1] > 0 or growth == 0 else None


def energy_of_powers(times_ms: Sequence[int], kilowatts: Sequence[float]) -> Flow:
    """The energy under straight lines through all points, in their order of time."""
    durations = map(sub, islice(times_ms, 1, None), times_ms)
    if min(kilowatts) >= 0:
        # Nearly every one: several times as fast as asking each line where it crosses zero.
        doubled = fsum(map(mul, durations, map(add, kilowatts, islice(kilowatts, 1, None))))
        return doubled / 2 / _KW_MS_PER_KWH, 0.0
    flows = list(map(energy_below, kilowatts, islice(kilowatts, 1, None), durations))
    return fsum(into for into, _ in flows), fsum(out for _, out in flows)
