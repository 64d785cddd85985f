"""The rate of a channel: what it holds back goes as one summary."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

MOST_IN_A_SUMMARY = 100
"""Alarms in one message; the next ones go with the next."""


class Waiting(Protocol):
    """Something that is to be sent now."""

    @property
    def recipient(self) -> str:
        """Whom to."""

    @property
    def urgent(self) -> bool:
        """Whether it must not wait, nor be one of many."""

    @property
    def held(self) -> bool:
        """Whether quiet hours have held it back: it goes with the others that they have."""


Item = TypeVar("Item", bound=Waiting)


class Allowance:
    """How many messages may go out: so many in a period, which come back evenly.

    Args:
        messages: how many.
        period: in how long.
        now: when it begins, with all of them.
    """

    def __init__(self, messages: int, period: timedelta, now: datetime) -> None:
        self._most = float(messages)
        self._per_second = messages / period.total_seconds()
        self._left = self._most
        self._at = now

    def left(self, now: datetime) -> int:
        """How many may go now; 0 also when urgent ones have used up what is still to come."""
        self._refill(now)
        # What is lacking of a whole one by rounding alone is there.
        return max(0, int(self._left + 1e-6))

    def spend(self, messages: int, now: datetime) -> None:
        """Count what was sent. Urgent ones may spend what is not there: then the others wait longer."""
        self._refill(now)
        self._left = max(self._left - messages, -self._most)

    def next_at(self, now: datetime) -> datetime:
        """When there is one again."""
        self._refill(now)
        return now + timedelta(seconds=max(0.0, (1 - self._left) / self._per_second))

    def _refill(self, now: datetime) -> None:
        seconds = max(0.0, (now - self._at).total_seconds())
        self._left = min(self._most, self._left + seconds * self._per_second)
        self._at = max(self._at, now)


def compose(waiting: Sequence[Item], left: int) -> list[list[Item]]:
    """The messages to send now, each with what it tells.

    What is urgent goes first and by itself, whatever is left. The rest goes one by one while there is
    enough left for all of it, else as one summary for each recipient, as far as that goes; what was held
    back by quiet hours always as a summary.

    Args:
        waiting: what is to be sent, in its order.
        left: how many messages may go out.
    """
    urgent = [[item] for item in waiting if item.urgent]
    left -= len(urgent)
    singles = [[item] for item in waiting if not item.urgent and not item.held]
    summaries = _summaries([item for item in waiting if not item.urgent and item.held])
    if len(singles) + len(summaries) > left:
        singles, summaries = [], _summaries([item for item in waiting if not item.urgent])
    return urgent + (singles + summaries)[: max(0, left)]


def _summaries(items: Sequence[Item]) -> list[list[Item]]:
    by_recipient: dict[str, list[Item]] = {}
    for item in items:
        by_recipient.setdefault(item.recipient, []).append(item)
    return [
        group[start : start + MOST_IN_A_SUMMARY]
        for group in by_recipient.values()
        for start in range(0, len(group), MOST_IN_A_SUMMARY)
    ]
