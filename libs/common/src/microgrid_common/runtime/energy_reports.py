"""Reading what an energy report is made from."""

import asyncio
from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

from microgrid_common.ports.errors import TooManyPointsError
from microgrid_common.ports.rollup_store import RollupStore
from microgrid_common.runtime.rollup_history import Resolution, read_rollups
from microgrid_common.schemas.grid import Grid
from microgrid_common.transforms.reports.days import METRICS, DayFigures, figures_of_days
from microgrid_common.transforms.reports.energy_report import energy_report
from microgrid_common.transforms.reports.figures import EnergyReport
from microgrid_common.transforms.reports.periods import Day, Period, days_from_to, parts, stretches_of
from microgrid_common.transforms.rollups.calendar import Span
from microgrid_common.transforms.rollups.rollup import Rollup

_DAYS_AT_ONCE: Final = 31
"""The hours of a month of 20 devices are some 30 MB of memory."""


async def read_energy_report(
    rollups: RollupStore, grid: Grid, *, period: Period, first: date, last: date, now: datetime
) -> EnergyReport:
    """The energy report of a grid over some days of its calendar.

    Args:
        rollups: where the hours are.
        grid: what is known about it.
        period: what the days are divided into.
        first: the first day; not after `last`.
        last: the last day.
        now: the present, aware.

    Raises:
        RetryableError: the store is away.
        TooManyPointsError: the hours of a single day are more than the store gives.
    """
    days = days_from_to(first, last, grid.zone)
    figures: list[DayFigures] = []
    for some in parts(days, _DAYS_AT_ONCE):
        figures += await _read(rollups, grid, some)
    now_ms = int(now.timestamp() * 1000)
    stretches = stretches_of(period, first, last)
    return await asyncio.to_thread(energy_report, figures, stretches, grid, now_ms=now_ms)


async def _read(rollups: RollupStore, grid: Grid, days: Sequence[Day]) -> list[DayFigures]:
    try:
        hours = await _hours(rollups, grid, Span(days[0].span.start_ms, days[-1].span.end_ms))
    except TooManyPointsError:
        if len(days) == 1:
            raise
        halves = parts(days, (len(days) + 1) // 2)
        return [figures for half in halves for figures in await _read(rollups, grid, half)]
    # Work for the processor, in which the event loop goes on.
    return await asyncio.to_thread(figures_of_days, days, hours)


async def _hours(rollups: RollupStore, grid: Grid, span: Span) -> dict[str, dict[str, list[Rollup]]]:
    return {
        metric: await read_rollups(
            rollups, grid.grid_id, metric, resolution=Resolution.HOUR, span=span, zone=grid.zone
        )
        for metric in METRICS
    }
