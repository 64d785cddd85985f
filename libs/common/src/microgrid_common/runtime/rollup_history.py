"""Reading roll-ups: five minutes, hours and days, the same from every store."""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from zoneinfo import ZoneInfo

from microgrid_common.ports.rollup_store import RollupStore
from microgrid_common.transforms.rollups.buckets import BRIDGE_MS, bucket_of
from microgrid_common.transforms.rollups.calendar import Span, days_between, hours_between
from microgrid_common.transforms.rollups.rollup import Rollup, add_up, five_minute_rollups


class Resolution(StrEnum):
    """How long each roll-up is."""

    FIVE_MINUTES = "5m"
    HOUR = "1h"
    """Of the grid's clock."""
    DAY = "1d"
    """Of the grid's calendar."""


async def read_rollups(
    store: RollupStore,
    grid_id: str,
    metric: str,
    *,
    resolution: Resolution,
    span: Span,
    zone: ZoneInfo,
    device_id: str | None = None,
) -> dict[str, list[Rollup]]:
    """The roll-ups of one metric that begin in a span of time.

    A stretch about which nothing is known has no roll-up. For the figures of the whole grid, see
    `transforms.rollups.devices.across_devices`.

    Args:
        store: where they are.
        grid_id: the grid.
        metric: a canonical metric name.
        resolution: how long each is.
        span: when they may begin; half-open, milliseconds since 1970.
        zone: the grid's time zone.
        device_id: only this device; None for all of the grid.

    Returns:
        Device → roll-ups, in order of time. A device without any is not in it.

    Raises:
        RetryableError: the store is away.
        TooManyPointsError: there are more than the store gives at once.
    """
    if resolution is Resolution.FIVE_MINUTES:
        around = Span(bucket_of(span.start_ms - BRIDGE_MS), span.end_ms + BRIDGE_MS)
        summaries = await store.summaries(grid_id, metric, around, device_id=device_id)
        return _without_empty(
            {device: five_minute_rollups(metric, rows, span) for device, rows in summaries.items()}
        )
    if resolution is Resolution.HOUR:
        hours = await store.hours(grid_id, metric, span, device_id=device_id)
        return _of_zone(hours, span, zone)
    days = days_between(*span, zone)
    if not days:
        return {}
    whole = Span(days[0].start_ms, days[-1].end_ms)
    hours = await store.hours(grid_id, metric, whole, device_id=device_id)
    return {device: _into_days(rows, days) for device, rows in _of_zone(hours, whole, zone).items()}


def _of_zone(
    by_device: Mapping[str, Sequence[Rollup]], span: Span, zone: ZoneInfo
) -> dict[str, list[Rollup]]:
    """Hours of the zone's clock alone: others were made while the grid had another zone, and overlap them."""
    hours = {hour.start_ms: hour.end_ms for hour in hours_between(*span, zone)}
    return _without_empty(
        {
            device: [row for row in rows if hours.get(row.start_ms) == row.end_ms]
            for device, rows in by_device.items()
        }
    )


def _into_days(hours: Sequence[Rollup], days: Iterable[Span]) -> list[Rollup]:
    found: list[Rollup] = []
    position = 0
    for day in days:
        first = position
        while position < len(hours) and hours[position].start_ms < day.end_ms:
            position += 1
        if position > first:
            found.append(add_up(hours[first:position], day))
    return found


def _without_empty(by_device: dict[str, list[Rollup]]) -> dict[str, list[Rollup]]:
    return {device: rows for device, rows in by_device.items() if rows}
