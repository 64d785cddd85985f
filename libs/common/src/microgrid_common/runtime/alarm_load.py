"""The alarm load of a grid from its stored alerts."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from microgrid_common.ports.alert_records import LARGEST_PAGE, AlertQuery, AlertRecords
from microgrid_common.schemas.alarm_load import AlarmLoad
from microgrid_common.schemas.alert import AlertStatus
from microgrid_common.transforms.alarms.load import AlarmLoadMeter

LOOKED_BACK: Final = timedelta(days=31)
"""For a time in the past: an alarm that was raised longer before it, and has ended since, is not counted
among those that stood at its end."""


async def read_alarm_load(
    records: AlertRecords, grid_id: str, *, start: datetime, end: datetime, now: datetime
) -> AlarmLoad:
    """The alarm load of a grid; it is read page by page.

    Args:
        records: the store.
        grid_id: the grid.
        start: aware.
        end: aware; not part of it.
        now: the present, aware.

    Raises:
        ValueError: `end` is not after `start`.
        RetryableError: the store is away.
    """
    meter = AlarmLoadMeter(grid_id, start=start, end=end)
    # What stands at present is known by its status, however old it is.
    since = start if end >= now else start - LOOKED_BACK
    await _add_all(meter, records, AlertQuery(grid_id=grid_id, start=since, end=end, limit=LARGEST_PAGE))
    older = AlertQuery(grid_id=grid_id, status=AlertStatus.ACTIVE, end=since, limit=LARGEST_PAGE)
    await _add_all(meter, records, older)
    return meter.load()


async def _add_all(meter: AlarmLoadMeter, records: AlertRecords, query: AlertQuery) -> None:
    while True:
        page = await records.find(query)
        for alert in page.alerts:
            meter.add(alert)
        if page.cursor is None:
            return
        query = replace(query, cursor=page.cursor)
