"""The delays of one alarm: from a condition that begins or ends to an alarm that does.

Between two readings the earlier one stands, so a delay that has run out by the next reading has run out,
whatever that one says.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from microgrid_common.schemas.alarm_rule import AlarmRule
from microgrid_common.transforms.alarms.documents import AlarmPoint, Moment, Pending
from microgrid_common.transforms.alarms.lifecycle import end_calm, is_raised

UNDER_WAY: Final = timedelta(seconds=2)
"""What was measured at one time may arrive so much later: a timer waits for that too."""

Complete = Callable[[AlarmPoint, Pending, Moment], None]
"""Raises or ends the alarm at the end of a delay; the moment is the one that shows that it is over."""


def rests(point: AlarmPoint) -> bool:
    """Whether it changes nothing that a condition is judged and does not hold."""
    return not point.holds and point.pending is None and (point.alert is None or not is_raised(point))


def judged(point: AlarmPoint, rule: AlarmRule, now: Moment, *, holds: bool, complete: Complete) -> None:
    """A condition was judged: it holds, or not."""
    if point.pending is not None and now.effective_at >= point.pending.due:
        finish(point, now if point.holds == holds else point.pending.began, complete)
    point.holds = holds
    if holds == is_raised(point):
        point.pending = None
        return
    if point.pending is not None:
        return
    end_calm(point, now.timestamp)
    delay = timedelta(
        seconds=rule.on_delay_seconds if holds else rule.off_delay_seconds + point.added_delay_seconds
    )
    point.pending = Pending(
        began=now, due=now.effective_at + delay, timer=now.received_at + delay + UNDER_WAY
    )
    if not delay:
        finish(point, now, complete)


def ticked(point: AlarmPoint, at: datetime, complete: Complete) -> None:
    """The clock says that it is `at`."""
    if point.pending is not None and at >= point.pending.timer:
        finish(point, point.pending.began, complete)


def finish(point: AlarmPoint, shown_by: Moment, complete: Complete) -> None:
    """A delay has run out."""
    if (pending := point.pending) is not None:
        point.pending = None
        complete(point, pending, shown_by)


def over_at(pending: Pending) -> datetime:
    """When a delay was over, as operators see it."""
    return pending.began.timestamp + (pending.due - pending.began.effective_at)
