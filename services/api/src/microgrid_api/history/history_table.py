"""History as a table: a row for each time, all that is known, nothing left out."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from microgrid_api.history.historical import Granularity, resolution_for
from microgrid_api.history.periods import Period
from microgrid_api.history.rollup_slices import count_rollups, first_slice, first_start_ms, rollup_reader
from microgrid_api.history.slices import in_slices
from microgrid_api.history.tables import Cell, Column, Row, Table
from microgrid_api.ports import ApiPorts
from microgrid_api.web.wire_time import format_local_time
from microgrid_common.ports.retention import RAW_KEPT
from microgrid_common.ports.telemetry_store import Point
from microgrid_common.runtime.rollup_history import Resolution
from microgrid_common.schemas.catalogue import Metric
from microgrid_common.schemas.grid import Grid
from microgrid_common.transforms.clock import MAXIMUM_AHEAD
from microgrid_common.transforms.rollups.devices import across_devices
from microgrid_common.transforms.rollups.rollup import Rollup

_ROWS_OF_A_GOOD_TABLE: Final = 2_000
_FIGURES: Final = 3
"""Of a metric in a roll-up: mean, lowest, highest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableQuestion:
    """Which history somebody wants as a table."""

    grid: Grid
    metrics: Sequence[Metric]
    """At least one, each once."""
    device_id: str | None
    """Only this device; None for all of the grid."""
    period: Period
    granularity: Granularity
    now: datetime
    """The present, aware."""

    @property
    def resolution(self) -> Resolution | None:
        """Of the roll-ups; None for the points as they were measured."""
        if self.granularity is Granularity.RAW:
            return None
        if self.granularity is Granularity.AUTO:
            return resolution_for(self.period.length, _ROWS_OF_A_GOOD_TABLE)
        return Resolution(self.granularity)


def history_table(ports: ApiPorts, question: TableQuestion) -> Table:
    """The history of some metrics of a grid; read slice by slice, so that it may be long.

    As they were measured, there is a row for each device and time. Of roll-ups there is one for each time,
    with the mean, the lowest and the highest value.
    """
    resolution = question.resolution
    times = [Column("time", question.grid.time_zone), Column("time_utc")]
    if resolution is None:
        period = question.period
        columns = [
            *times,
            Column("device_id"),
            *(Column(metric.name, metric.unit) for metric in question.metrics),
        ]
        batches = _measured(ports, question)
    else:
        start_ms = first_start_ms(question.period.start_ms, resolution, question.grid.zone)
        period = question.period.beginning_at(start_ms)
        columns = times + [
            Column(f"{metric.name}{figure}", metric.unit)
            for metric in question.metrics
            for figure in ("", "_min", "_max")
        ]
        batches = _rolled_up(ports, question, resolution, period)
    zone = question.grid.zone
    return Table(
        title="History",
        about={
            "grid_id": question.grid.grid_id,
            "device_id": question.device_id,
            "granularity": resolution or Granularity.RAW,
            "time_zone": question.grid.time_zone,
            "from": format_local_time(period.start.astimezone(zone)),
            "to": format_local_time(period.end.astimezone(zone)),
        },
        columns=columns,
        batches=batches,
    )


async def _measured(ports: ApiPorts, question: TableQuestion) -> AsyncGenerator[Sequence[Row], None]:
    async def read(*, start: datetime, end: datetime) -> list[list[Point]]:
        return [
            await ports.telemetry.history(
                question.grid.grid_id, metric.name, start=start, end=end, device_id=question.device_id
            )
            for metric in question.metrics
        ]

    period = question.period
    # A device's clock may be ahead by as much as the ingestor believes.
    end = period.end + MAXIMUM_AHEAD if period.ends_now else period.end
    start = max(period.start, question.now - RAW_KEPT)
    async with aclosing(in_slices(read, _count, start=start, end=end)) as slices:
        async for by_metric in slices:
            yield await asyncio.to_thread(_rows_of_points, question, by_metric)


async def _rolled_up(
    ports: ApiPorts, question: TableQuestion, resolution: Resolution, period: Period
) -> AsyncGenerator[Sequence[Row], None]:
    readers = [
        rollup_reader(
            ports.rollups,
            question.grid,
            metric.name,
            resolution=resolution,
            device_id=question.device_id,
        )
        for metric in question.metrics
    ]

    async def read(*, start: datetime, end: datetime) -> list[dict[str, list[Rollup]]]:
        return [await read_one(start=start, end=end) for read_one in readers]

    first = first_slice(resolution)
    async with aclosing(
        in_slices(
            read,
            lambda by_metric: sum(map(count_rollups, by_metric)),
            start=period.start,
            end=period.end,
            first=first,
            longest=2 * first,
        )
    ) as slices:
        async for by_metric in slices:
            yield await asyncio.to_thread(_rows_of_rollups, question, by_metric)


def _count(by_metric: Sequence[Sequence[Point]]) -> int:
    return sum(map(len, by_metric))


def _rows_of_points(question: TableQuestion, by_metric: Sequence[Sequence[Point]]) -> list[Row]:
    found: dict[tuple[datetime, str], list[Cell]] = {}
    for place, points in enumerate(by_metric):
        for point in points:
            key = (point.time, point.device_id)
            if (cells := found.get(key)) is None:
                cells = found[key] = [None] * len(by_metric)
            cells[place] = point.value
    zone = question.grid.zone
    return [
        [time.astimezone(zone), time.astimezone(UTC), device_id, *found[time, device_id]]
        for time, device_id in sorted(found)
    ]


def _rows_of_rollups(question: TableQuestion, by_metric: Sequence[dict[str, list[Rollup]]]) -> list[Row]:
    found: dict[int, list[Cell]] = {}
    for place, (metric, by_device) in enumerate(zip(question.metrics, by_metric, strict=True)):
        for rollup in across_devices(metric.name, by_device):
            if rollup.points == 0:
                continue
            if (cells := found.get(rollup.start_ms)) is None:
                cells = found[rollup.start_ms] = [None] * (_FIGURES * len(by_metric))
            cells[_FIGURES * place : _FIGURES * (place + 1)] = rollup.mean, rollup.minimum, rollup.maximum
    zone = question.grid.zone
    return [
        [
            datetime.fromtimestamp(start_ms / 1000, zone),
            datetime.fromtimestamp(start_ms / 1000, UTC),
            *found[start_ms],
        ]
        for start_ms in sorted(found)
    ]
