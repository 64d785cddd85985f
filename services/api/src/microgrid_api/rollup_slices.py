"""Roll-ups of a long time, slice by slice."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from microgrid_api.periods import Period, milliseconds
from microgrid_api.slices import in_slices
from microgrid_common.ports.rollup_store import RollupStore
from microgrid_common.runtime.rollup_history import Resolution, read_rollups
from microgrid_common.schemas.grid import Grid
from microgrid_common.transforms.rollups.buckets import bucket_of
from microgrid_common.transforms.rollups.calendar import Span, day_of, hour_of
from microgrid_common.transforms.rollups.rollup import Rollup

_LENGTHS: Final = {
    Resolution.FIVE_MINUTES: timedelta(minutes=5),
    Resolution.HOUR: timedelta(hours=1),
    Resolution.DAY: timedelta(days=1),
}
# Some 2,000 rows of a device: days are added up from hours.
_FIRST_SLICES: Final = {
    Resolution.FIVE_MINUTES: timedelta(days=7),
    Resolution.HOUR: timedelta(days=92),
    Resolution.DAY: timedelta(days=92),
}


def length_of(resolution: Resolution) -> timedelta:
    """How long a roll-up is, unless the clock is changed in it."""
    return _LENGTHS[resolution]


def first_start_ms(time_ms: int, resolution: Resolution, zone: ZoneInfo) -> int:
    """When the roll-up begins that a time lies in; in milliseconds since 1970."""
    if resolution is Resolution.FIVE_MINUTES:
        return bucket_of(time_ms)
    span = hour_of(time_ms, zone) if resolution is Resolution.HOUR else day_of(time_ms, zone)
    return span.start_ms


def rollup_slices(
    store: RollupStore,
    grid: Grid,
    metric: str,
    *,
    resolution: Resolution,
    period: Period,
    device_id: str | None = None,
) -> AsyncGenerator[dict[str, list[Rollup]], None]:
    """The roll-ups that begin in a period: device → some of them, slices in order of time.

    Args:
        store: where they are.
        grid: of this one.
        metric: a canonical metric name.
        resolution: how long each is.
        period: when they may begin.
        device_id: only this device; None for all of the grid.

    Raises:
        RetryableError: the store is away.
    """

    async def read(*, start: datetime, end: datetime) -> dict[str, list[Rollup]]:
        return await read_rollups(
            store,
            grid.grid_id,
            metric,
            resolution=resolution,
            span=Span(milliseconds(start), milliseconds(end)),
            zone=grid.zone,
            device_id=device_id,
        )

    first = _FIRST_SLICES[resolution]
    return in_slices(read, _rows, start=period.start, end=period.end, first=first, longest=4 * first)


def _rows(by_device: Mapping[str, Sequence[Rollup]]) -> int:
    return sum(map(len, by_device.values()))
