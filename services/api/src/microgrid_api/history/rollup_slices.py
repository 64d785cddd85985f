"""Roll-ups of a long time, slice by slice."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from microgrid_api.history.periods import milliseconds
from microgrid_api.history.slices import ReadSlice
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


def first_slice(resolution: Resolution) -> timedelta:
    """For how long a time to ask first; it may become twice as long."""
    return _FIRST_SLICES[resolution]


def first_start_ms(time_ms: int, resolution: Resolution, zone: ZoneInfo) -> int:
    """When the roll-up begins that a time lies in; in milliseconds since 1970."""
    if resolution is Resolution.FIVE_MINUTES:
        return bucket_of(time_ms)
    span = hour_of(time_ms, zone) if resolution is Resolution.HOUR else day_of(time_ms, zone)
    return span.start_ms


def rollup_reader(
    store: RollupStore, grid: Grid, metric: str, *, resolution: Resolution, device_id: str | None
) -> ReadSlice[dict[str, list[Rollup]]]:
    """What reads the roll-ups that begin between two times: device → roll-ups, in order of time.

    Args:
        store: where they are.
        grid: of this one.
        metric: a canonical metric name.
        resolution: how long each is.
        device_id: only this device; None for all of the grid.
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

    return read


def count_rollups(by_device: Mapping[str, Sequence[Rollup]]) -> int:
    """How many there are of all devices."""
    return sum(map(len, by_device.values()))
