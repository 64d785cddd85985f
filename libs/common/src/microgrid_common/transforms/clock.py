"""The device's clock: when to believe it."""

from datetime import UTC, datetime, timedelta

from microgrid_common.schemas.reading import Flag

MAXIMUM_AHEAD = timedelta(minutes=5)
"""A clock further ahead than this is wrong; less is drift, and is kept as it came."""

EARLIEST = datetime(2020, 1, 1, tzinfo=UTC)
"""Older than any device of ours: a clock before it was never set (an ESP32 starts at 1970 or 2000)."""


def to_utc_milliseconds(time: datetime) -> datetime:
    """`time` in UTC (which it is when it names no zone), cut to whole milliseconds."""
    if time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
    elif time.tzinfo is not UTC:
        try:
            time = time.astimezone(UTC)
        except OverflowError:
            # At either end of the calendar an offset leads out of it; a time there is wrong in any zone.
            time = time.replace(tzinfo=UTC)
    if excess := time.microsecond % 1000:
        time = time.replace(microsecond=time.microsecond - excess)
    return time


def trusted_time(device_time: datetime, received_at: datetime) -> tuple[datetime, tuple[Flag, ...]]:
    """The time of a measurement: the device's own, or that of arrival where the device's cannot be.

    Returns:
        The time, in UTC and whole milliseconds, and the flag that says so when it was replaced.
    """
    timestamp = to_utc_milliseconds(device_time)
    if EARLIEST <= timestamp <= received_at + MAXIMUM_AHEAD:
        return timestamp, ()
    return to_utc_milliseconds(received_at), (Flag.CLOCK_REPLACED,)
