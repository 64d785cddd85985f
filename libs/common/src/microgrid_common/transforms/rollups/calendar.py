"""Hours and days of a time zone, as spans of real time.

A day lasts 23, 24 or 25 hours, an hour that the clock is changed in less or more than 60 minutes (on Lord
Howe Island clocks change by 30), and hours begin off the full hour of UTC where the offset is +05:45. Spans
of one kind follow one another without gap or overlap, and hours lie whole in days.
"""

from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from microgrid_common.transforms.rollups.buckets import BRIDGE_MS, BUCKET_MS, bucket_of

HOUR_MS = 60 * 60 * 1000
DAY_MS = 24 * HOUR_MS


class Span(NamedTuple):
    """From one time to another, which is not part of it."""

    start_ms: int
    end_ms: int


def hour_of(time_ms: int, zone: ZoneInfo) -> Span:
    """The hour of the zone's clock that a time lies in.

    It ends early, or begins late, where the clock is changed in the middle of it.
    """
    offset_ms = _offset_ms(time_ms, zone)
    start_ms = time_ms - (time_ms + offset_ms) % HOUR_MS
    end_ms = start_ms + HOUR_MS
    if _offset_ms(start_ms, zone) != offset_ms:
        start_ms = bucket_of(time_ms)
        while _offset_ms(start_ms - BUCKET_MS, zone) == offset_ms:
            start_ms -= BUCKET_MS
    if _offset_ms(end_ms - 1, zone) != offset_ms:
        end_ms = bucket_of(time_ms) + BUCKET_MS
        while _offset_ms(end_ms, zone) == offset_ms:
            end_ms += BUCKET_MS
    return Span(start_ms, end_ms)


def day_of(time_ms: int, zone: ZoneInfo) -> Span:
    """The calendar day of the zone that a time lies in."""
    day = _local(time_ms, zone).date()
    return Span(_midnight_ms(day, zone), _midnight_ms(day + timedelta(days=1), zone))


def hours_between(start_ms: int, end_ms: int, zone: ZoneInfo) -> list[Span]:
    """The hours that begin in a time, in order."""
    hours: list[Span] = []
    cursor = _first_from(start_ms, hour_of(start_ms, zone))
    while cursor < end_ms:
        offset_ms = _offset_ms(cursor, zone)
        on_the_hour = (cursor + offset_ms) % HOUR_MS == 0
        if on_the_hour and offset_ms == _offset_ms(cursor + DAY_MS, zone):
            # No clock is changed twice within a day, so not at all in this one.
            starts = range(cursor, min(end_ms, cursor + DAY_MS), HOUR_MS)
            hours.extend(Span(start, start + HOUR_MS) for start in starts)
        else:
            hours.append(hour_of(cursor, zone))
        cursor = hours[-1].end_ms
    return hours


def days_between(start_ms: int, end_ms: int, zone: ZoneInfo) -> list[Span]:
    """The days that begin in a time, in order."""
    days: list[Span] = []
    cursor = _first_from(start_ms, day_of(start_ms, zone))
    while cursor < end_ms:
        days.append(day_of(cursor, zone))
        cursor = days[-1].end_ms
    return days


def hours_touched(bucket_ms: int, zone: ZoneInfo) -> list[Span]:
    """The hours whose figures may change with a bucket: those that a line from or to its points can reach."""
    earliest = hour_of(bucket_ms - BRIDGE_MS, zone).start_ms
    return hours_between(earliest, bucket_ms + BUCKET_MS + BRIDGE_MS, zone)


def _first_from(time_ms: int, span: Span) -> int:
    return span.start_ms if span.start_ms == time_ms else span.end_ms


def _local(time_ms: int, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(time_ms / 1000, zone)


def _offset_ms(time_ms: int, zone: ZoneInfo) -> int:
    """What the zone's clock is ahead of UTC, by the start of the bucket: so the bucket is in one hour.

    Of all zones one, a station in Antarctica, has changed its clock at another time than the start of one.
    """
    offset = _local(bucket_of(time_ms), zone).utcoffset() or timedelta()
    return offset // timedelta(milliseconds=1)


def _midnight_ms(day: date, zone: ZoneInfo) -> int:
    """When a day begins: with the first midnight of two; where midnight is skipped, with what follows."""
    midnight = datetime.combine(day, time(), tzinfo=zone)
    return int(midnight.astimezone(UTC).timestamp()) * 1000
