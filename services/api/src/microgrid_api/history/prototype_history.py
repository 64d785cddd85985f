"""History that fits a screen: which part of it, and thinned so that no peak is lost."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from microgrid_api.history.slices import ReadSlice, in_slices
from microgrid_common.ports.telemetry_store import Point

MAXIMUM_PERIOD: Final = timedelta(days=366)
POINTS_SHOWN: Final = 2_000
"""More than any phone has columns of pixels."""

PERIOD_RULE: Final = "a whole number and m, h, d or w, such as 30m, 24h, 7d or 4w; at most 366d"

# More digits could only name a longer period than the longest one.
_PERIOD = re.compile(r"([0-9]{1,6})([mhdw])", re.ASCII)
_UNITS: Final = {
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}

_POINTS_KEPT_PER_BUCKET: Final = 3
_BUCKETS: Final = POINTS_SHOWN // _POINTS_KEPT_PER_BUCKET


def parse_period(text: str) -> timedelta:
    """The length of a period such as `24h`.

    Raises:
        ValueError: it is malformed, zero, or longer than `MAXIMUM_PERIOD`; the message says what is allowed.
    """
    if match := _PERIOD.fullmatch(text):
        period = int(match[1]) * _UNITS[match[2]]
        if timedelta() < period <= MAXIMUM_PERIOD:
            return period
    raise ValueError(f"Allowed: {PERIOD_RULE}")


@dataclass(slots=True)
class _Bucket:
    """What is kept of the points of one stretch of time."""

    lowest: Point
    highest: Point
    last: Point

    def add(self, point: Point) -> None:
        if point.value < self.lowest.value:
            self.lowest = point
        if point.value > self.highest.value:
            self.highest = point
        self.last = point


class Thinner:
    """Collects points in order of time and keeps at most `POINTS_SHOWN` of them.

    As long as they are fewer, it keeps all. Else the time is divided into equal buckets, and of each the
    lowest, the highest and the last point are kept, all as they were measured: a line through them has the
    same outline as one through all.
    """

    def __init__(self, *, start: datetime, end: datetime) -> None:
        self._start = start
        self._bucket_length = (end - start) / _BUCKETS
        self._all: list[Point] | None = []
        self._buckets: dict[int, _Bucket] = {}

    def add(self, points: Iterable[Point]) -> None:
        """Take in more points; none is earlier than those before."""
        for point in points:
            if self._all is not None:
                self._all.append(point)
                if len(self._all) > POINTS_SHOWN:
                    self._all = None
            number = (point.time - self._start) // self._bucket_length
            if (bucket := self._buckets.get(number)) is None:
                self._buckets[number] = _Bucket(point, point, point)
            else:
                bucket.add(point)

    def points(self) -> list[Point]:
        """What is kept, in order of time."""
        if self._all is not None:
            return self._all
        return [
            point
            for bucket in self._buckets.values()
            for point in sorted({bucket.lowest, bucket.highest, bucket.last}, key=_by_time)
        ]


async def read_thinned(read: ReadSlice[list[Point]], *, start: datetime, end: datetime) -> list[Point]:
    """The points with `start` <= time < `end`, thinned to `POINTS_SHOWN`.

    They are read slice by slice, since a year of one device every 5 s is 6 million points.

    Args:
        read: `TelemetryStore.history` of a certain grid and metric.
        start: aware.
        end: aware.
    """
    thinner = Thinner(start=start, end=end)
    async for points in in_slices(read, len, start=start, end=end):
        thinner.add(points)
    return thinner.points()


def _by_time(point: Point) -> tuple[datetime, str]:
    return point.time, point.device_id
