"""History for a chart: from the readings or the roll-ups that suit the time, and no more than can be seen."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Final, NamedTuple

from microgrid_api.history.curves import FEWEST_SHOWN, MeasuredCurve, RollupCurve, ShownPoint
from microgrid_api.history.periods import Period, milliseconds
from microgrid_api.history.rollup_slices import (
    count_rollups,
    first_slice,
    first_start_ms,
    length_of,
    rollup_reader,
)
from microgrid_api.history.slices import in_slices
from microgrid_api.ports import ApiPorts
from microgrid_common.ports.retention import RAW_KEPT
from microgrid_common.runtime.rollup_history import Resolution
from microgrid_common.schemas.catalogue import Metric
from microgrid_common.schemas.grid import Grid
from microgrid_common.transforms.clock import MAXIMUM_AHEAD
from microgrid_common.transforms.rollups.devices import across_devices
from microgrid_common.transforms.rollups.samples import Samples

MOST_MEASURED: Final = 600_000
"""So many points are read for one answer: all that are kept of one device at 5 s, some 10 MB."""

_MEASURED_WITHIN: Final = timedelta(hours=6)
"""Of a time so short, people look at single points."""
_FEW_MEASURED: Final = 50_000
"""And they are read in a moment."""
_LARGEST_THINNING: Final = 5
"""Of five roll-ups one is still a good picture; beyond that, longer ones are."""


class Granularity(StrEnum):
    """How fine a history is."""

    RAW = "raw"
    """The points as they were measured."""
    FIVE_MINUTES = "5m"
    HOUR = "1h"
    """Of the grid's clock."""
    DAY = "1d"
    """Of the grid's calendar."""
    AUTO = "auto"
    """What suits the length of the time, and the points that may be shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What somebody wants to see."""

    grid: Grid
    metric: Metric
    device_id: str | None
    """Only this device; None for all of the grid together."""
    period: Period
    granularity: Granularity
    limit: int
    """The most points to show; at least `FEWEST_SHOWN`."""
    most_measured: int = MOST_MEASURED
    """The most points to read as they were measured."""
    now: datetime
    """The present, aware."""


class DeviceLine(NamedTuple):
    """What is shown of one device, or of all together."""

    device_id: str | None
    """None: of all that the question is about."""
    points: list[ShownPoint]


@dataclass(frozen=True, slots=True)
class History:
    """The answer."""

    granularity: Granularity
    """The one that was taken; never `AUTO`."""
    start: datetime
    """When the time begins: with roll-ups, when the first one of it does."""
    end: datetime
    thinned: bool
    """Whether some points were left out."""
    coverage: float
    """The share of the time until now that something is known about, from 0 to 1; the mean of the devices."""
    lines: list[DeviceLine]
    """One; or one for each device where several measured and their points are shown as they are."""


class TooMuchError(Exception):
    """It is more than one answer can show; the message says what to ask for instead."""


async def read_history(ports: ApiPorts, question: Question) -> History:
    """The history of one metric.

    Raises:
        TooMuchError: there are too many points, or too many devices, to show them as they were measured.
        RetryableError: a store is away.
    """
    if question.granularity is Granularity.RAW:
        return await _measured(ports, question, await _samples(ports, question, most=question.most_measured))
    if question.granularity is not Granularity.AUTO:
        return await _rolled_up(ports, question, Resolution(question.granularity))
    if question.period.length <= _MEASURED_WITHIN and question.period.start > question.now - RAW_KEPT:
        try:
            by_device = await _samples(ports, question, most=min(_FEW_MEASURED, question.most_measured))
        except TooMuchError:
            pass
        else:
            # Points of several devices make no curve; roll-ups add them up.
            if len(by_device) <= 1:
                return await _measured(ports, question, by_device)
    return await _rolled_up(ports, question, resolution_for(question.period.length, question.limit))


def resolution_for(length: timedelta, limit: int) -> Resolution:
    """The finest roll-ups of which not too many have to be left out."""
    for resolution in (Resolution.FIVE_MINUTES, Resolution.HOUR):
        if length <= limit * _LARGEST_THINNING * length_of(resolution):
            return resolution
    return Resolution.DAY


async def _samples(ports: ApiPorts, question: Question, *, most: int) -> dict[str, Samples]:
    """Device → its points."""
    by_device: dict[str, Samples] = defaultdict(Samples)
    period = question.period
    # A device's clock may be ahead by as much as the ingestor believes.
    end = period.end + MAXIMUM_AHEAD if period.ends_now else period.end
    read = partial(
        ports.telemetry.history, question.grid.grid_id, question.metric.name, device_id=question.device_id
    )
    left = most
    start = max(period.start, question.now - RAW_KEPT)
    async with aclosing(in_slices(read, len, start=start, end=end)) as slices:
        async for points in slices:
            left -= len(points)
            if left < 0:
                raise TooMuchError(
                    f"More than {most} points: a shorter period, one device, or a longer granularity"
                )
            for point in points:
                by_device[point.device_id].append(milliseconds(point.time), point.value)
    return by_device


async def _measured(ports: ApiPorts, question: Question, by_device: Mapping[str, Samples]) -> History:
    share = question.limit // max(1, len(by_device))
    if share < FEWEST_SHOWN:
        raise TooMuchError(
            f"{len(by_device)} devices measure it: one by device_id, more points, or a longer granularity"
        )
    intervals = {
        device.device_id: timedelta(seconds=device.expected_interval_seconds)
        for device in await ports.devices.of_grid(question.grid.grid_id)
        if device.expected_interval_seconds is not None
    }
    return await asyncio.to_thread(_draw, question, by_device, intervals, share)


def _draw(
    question: Question,
    by_device: Mapping[str, Samples],
    intervals: Mapping[str, timedelta],
    share: int,
) -> History:
    period = question.period
    curves = {
        device_id: MeasuredCurve(question.metric.name, samples, interval=intervals.get(device_id))
        for device_id, samples in sorted(by_device.items())
    }
    known_until_ms = _known_until_ms(question)
    covered_ms = sum(curve.covered_ms(period.start_ms, known_until_ms) for curve in curves.values())
    return History(
        granularity=Granularity.RAW,
        start=period.start,
        end=period.end,
        thinned=any(curve.is_too_long_for(share) for curve in curves.values()),
        coverage=_share(covered_ms, len(curves) * (known_until_ms - period.start_ms)),
        lines=[
            DeviceLine(device_id if len(curves) > 1 else None, curve.shown(share))
            for device_id, curve in curves.items()
        ],
    )


async def _rolled_up(ports: ApiPorts, question: Question, resolution: Resolution) -> History:
    start_ms = first_start_ms(question.period.start_ms, resolution, question.grid.zone)
    period = question.period.beginning_at(start_ms)
    curve = RollupCurve()
    covered_ms: Counter[str] = Counter()
    first = first_slice(resolution)
    read = rollup_reader(
        ports.rollups,
        question.grid,
        question.metric.name,
        resolution=resolution,
        device_id=question.device_id,
    )
    async with aclosing(
        in_slices(read, count_rollups, start=period.start, end=period.end, first=first, longest=2 * first)
    ) as slices:
        async for by_device in slices:
            for device_id, rollups in by_device.items():
                covered_ms[device_id] += sum(rollup.covered_ms for rollup in rollups)
            curve.add(across_devices(question.metric.name, by_device))
    return History(
        granularity=Granularity(resolution),
        start=period.start,
        end=period.end,
        thinned=curve.is_too_long_for(question.limit),
        coverage=_share(covered_ms.total(), len(covered_ms) * (_known_until_ms(question) - start_ms)),
        lines=[DeviceLine(None, await asyncio.to_thread(curve.shown, question.limit))],
    )


def _known_until_ms(question: Question) -> int:
    """Until when something can be known: to the minute, so that the same answer stays the same for one."""
    now_ms = round(question.now.replace(second=0, microsecond=0).timestamp()) * 1000
    return min(question.period.end_ms, now_ms)


def _share(part: int, whole: int) -> float:
    return round(min(1.0, part / whole), 4) if whole > 0 else 0.0
