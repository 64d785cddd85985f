"""The figures of a grid, from those of its devices."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import fsum

from microgrid_common.transforms.rollups.quantity import QUANTITIES, Quantity
from microgrid_common.transforms.rollups.rollup import Rollup


def across_devices(metric: str, by_device: Mapping[str, Sequence[Rollup]]) -> list[Rollup]:
    """The figures of all devices together, in order of time.

    Powers and meters are added: the mean is the sum of the devices' means, and the extremes, which no
    single point ever had, are the sums of theirs. Of levels the mean is that of the devices' means, each
    device counting the same. Energy is added in any case. The coverage is the mean of the devices': one that
    is silent for a while lowers it.

    Args:
        metric: the canonical name.
        by_device: device → its figures, for spans that are the same for all of them.
    """
    if len(by_device) == 1:
        (only,) = by_device.values()
        return list(only)
    by_span: dict[tuple[int, int], list[Rollup]] = defaultdict(list)
    for device_id in sorted(by_device):
        for rollup in by_device[device_id]:
            by_span[rollup.start_ms, rollup.end_ms].append(rollup)
    are_added = QUANTITIES.get(metric, Quantity.LEVEL) is not Quantity.LEVEL
    return [
        _merge(span, by_span[span], devices=len(by_device), are_added=are_added) for span in sorted(by_span)
    ]


def _merge(span: tuple[int, int], rollups: Sequence[Rollup], *, devices: int, are_added: bool) -> Rollup:
    # Column by column: an hour of every device goes through here, 26,000 for a year of three.
    _, _, points, means, minima, maxima, covered_ms, into, out = zip(*rollups, strict=True)
    if 0 in points:
        means, minima, maxima = (
            tuple(figure for figure in figures if figure is not None) for figures in (means, minima, maxima)
        )
    mean, minimum, maximum = _together(means, minima, maxima, are_added=are_added)
    return Rollup(
        *span,
        sum(points),
        mean,
        minimum,
        maximum,
        sum(covered_ms) // devices,
        fsum(into),
        fsum(out),
    )


def _together(
    means: Sequence[float], minima: Sequence[float], maxima: Sequence[float], *, are_added: bool
) -> tuple[float | None, float | None, float | None]:
    if not means:
        return None, None, None
    if are_added:
        return fsum(means), fsum(minima), fsum(maxima)
    return fsum(means) / len(means), min(minima), max(maxima)
