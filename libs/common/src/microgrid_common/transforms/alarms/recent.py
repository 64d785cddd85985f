"""How many of something fell within a span."""

from collections import deque
from datetime import datetime, timedelta


class RecentTimes:
    """Counts times that come in order, the latest first, within a span.

    Args:
        span: two times that far apart are not within it any more.
    """

    def __init__(self, span: timedelta) -> None:
        self._span = span
        self._times: deque[datetime] = deque()

    def add(self, time: datetime) -> int:
        """How many times, this one too, are in the span that begins with it."""
        self._times.append(time)
        while self._times[0] - time >= self._span:
            self._times.popleft()
        return len(self._times)
