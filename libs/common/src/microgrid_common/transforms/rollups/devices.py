"""The figures of a grid, from those of its devices."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import fsum

from microgrid_common.transforms.rollups.quantity import QUANTITIES, Quantity
from microgrid_common.transforms.rollups.rollup import Rollup, extremes


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
    together = _levels_together if QUANTITIES.get(metric, Quantity.LEVEL) is Quantity.LEVEL else _added
    return [
        _merge(span, by_span[span], devices=len(by_device), together=together) for span in sorted(by_span)
    ]


_Together = Callable[[Iterable[Rollup]], tuple[float, float, float]]
"""Figures of devices that have points → mean, minimum and maximum of all."""


def _merge(span: tuple[int, int], rollups: Sequence[Rollup], *, devices: int, together: _Together) -> Rollup:
    measured = [rollup for rollup in rollups if rollup.points]
    mean, minimum, maximum = together(measured) if measured else (None, None, None)
    return Rollup(
        *span,
        sum(rollup.points for rollup in rollups),
        mean,
        minimum,
        maximum,
        sum(rollup.covered_ms for rollup in rollups) // devices,
        fsum([rollup.energy_in_kwh for rollup in rollups]),
        fsum([rollup.energy_out_kwh for rollup in rollups]),
    )


def _added(measured: Iterable[Rollup]) -> tuple[float, float, float]:
    measured = list(measured)
    minima, maxima = extremes(measured)
    return fsum(_means(measured)), fsum(minima), fsum(maxima)


def _levels_together(measured: Iterable[Rollup]) -> tuple[float, float, float]:
    measured = list(measured)
    means = _means(measured)
    minima, maxima = extremes(measured)
    return fsum(means) / len(means), min(minima), max(maxima)


def _means(rollups: Iterable[Rollup]) -> list[float]:
    return [rollup.mean for rollup in rollups if rollup.mean is not None]
