"""Days, weeks and months of a calendar."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from microgrid_common.transforms.rollups.calendar import Span, day_of

MAXIMUM_DAYS: Final = 400
"""Twelve months and the one that runs; roll-ups are kept for a year."""

EARLIEST_DATE: Final = date(2000, 1, 1)

_LOOKED_BACK: Final = 7, 4, 12
_NOON: Final = time(12)


class Period(StrEnum):
    """What a report is divided into."""

    DAY = "day"
    WEEK = "week"
    """From Monday to Sunday, after ISO 8601."""
    MONTH = "month"


class Stretch(NamedTuple):
    """One day, week or month, or the part of it that a report is about."""

    label: str
    """As ISO 8601 writes it: `2026-11-23`, `2026-W48`, `2026-11`."""
    first: date
    last: date
    """Part of it."""


class Day(NamedTuple):
    """A calendar day and when it is."""

    date: date
    span: Span


def last_whole(period: Period, today: date) -> tuple[date, date]:
    """The first and the last day of the last 7 days, 4 weeks or 12 months that are over."""
    days, weeks, months = _LOOKED_BACK
    if period is Period.DAY:
        return today - timedelta(days=days), today - timedelta(days=1)
    if period is Period.WEEK:
        monday = today - timedelta(days=today.weekday())
        return monday - timedelta(weeks=weeks), monday - timedelta(days=1)
    months_before = today.year * 12 + today.month - 1 - months
    return date(months_before // 12, months_before % 12 + 1, 1), today.replace(day=1) - timedelta(days=1)


def stretches_of(period: Period, first: date, last: date) -> list[Stretch]:
    """What the days from `first` to `last` are divided into, in order; cut off at both ends."""
    found: list[Stretch] = []
    day = first
    while day <= last:
        end = min(_last_of(period, day), last)
        found.append(Stretch(_label(period, day), day, end))
        day = end + timedelta(days=1)
    return found


def days_from_to(first: date, last: date, zone: ZoneInfo) -> list[Day]:
    """The days of a zone's calendar from `first` to `last`, with when they are."""
    dates = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return [Day(day, day_of(_noon_ms(day, zone), zone)) for day in dates]


def parts(days: Sequence[Day], at_most: int) -> list[Sequence[Day]]:
    """Days in order, some at a time."""
    return [days[start : start + at_most] for start in range(0, len(days), at_most)]


def _last_of(period: Period, day: date) -> date:
    if period is Period.DAY:
        return day
    if period is Period.WEEK:
        return day + timedelta(days=6 - day.weekday())
    next_month = day.replace(day=28) + timedelta(days=4)
    return next_month - timedelta(days=next_month.day)


def _label(period: Period, day: date) -> str:
    if period is Period.DAY:
        return day.isoformat()
    if period is Period.WEEK:
        year, week, _ = day.isocalendar()
        return f"{year}-W{week:02}"
    return f"{day.year}-{day.month:02}"


def _noon_ms(day: date, zone: ZoneInfo) -> int:
    # Clocks are changed at night: midnight may be twice or not at all, noon is always there once.
    noon = datetime.combine(day, _NOON, tzinfo=zone)
    return int(noon.astimezone(UTC).timestamp()) * 1000
