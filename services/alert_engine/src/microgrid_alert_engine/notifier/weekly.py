"""Times of the week, by the clock on the wall."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from microgrid_common.schemas.notification import WEEKDAYS, WeeklyRange

_DAY = timedelta(days=1)
_MOST_RANGES_IN_A_ROW = 60
"""Ranges that touch one another may have no end, such as every day around the clock."""


def occurrences(weekly: WeeklyRange, zone: ZoneInfo, at: datetime) -> Iterator[tuple[datetime, datetime]]:
    """When a range begins and ends, around a time: those that begin on its day and on the day before."""
    today = at.astimezone(zone).date()
    for day in (today - _DAY, today):
        if WEEKDAYS[day.weekday()] in weekly.days:
            last_day = day if weekly.start < weekly.end else day + _DAY
            start = datetime.combine(day, weekly.start, zone)
            end = datetime.combine(last_day, weekly.end, zone)
            yield start.astimezone(UTC), end.astimezone(UTC)


def covers(weekly: WeeklyRange, zone: ZoneInfo, at: datetime) -> bool:
    """Whether a time is within a range."""
    return any(start <= at < end for start, end in occurrences(weekly, zone, at))


def end_of(ranges: Iterable[WeeklyRange], zone: ZoneInfo, at: datetime) -> datetime | None:
    """When the ranges that a time is within are over; None when it is within none."""
    weeklies = tuple(ranges)
    end: datetime | None = None
    for _ in range(_MOST_RANGES_IN_A_ROW):
        moment = end or at
        ends = [
            finish
            for weekly in weeklies
            for start, finish in occurrences(weekly, zone, moment)
            if start <= moment < finish
        ]
        if not ends:
            break
        end = max(ends)
    return end
