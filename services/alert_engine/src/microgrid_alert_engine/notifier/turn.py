"""What to do with a delivery when its turn has come: the alarm may not be as it was."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from microgrid_common.schemas.alert import AlarmState, Alert, AlertStatus, Severity
from microgrid_common.schemas.delivery import Delivery, Occasion

OLD_NEWS_AFTER: Final = timedelta(hours=24)
"""What ended longer ago is not told any more, nor tried any longer."""


@dataclass(frozen=True, slots=True)
class Tell:
    """It is to be sent."""

    alert: Alert
    """As it stands."""
    over: bool
    """Whether it has ended already: it is told as such."""

    @property
    def urgent(self) -> bool:
        """Whether it waits for nothing, and goes as a message of its own."""
        return self.alert.severity is Severity.CRITICAL and not self.over


@dataclass(frozen=True, slots=True)
class Withdraw:
    """There is nothing to tell any more."""

    because: str


def at_turn(
    delivery: Delivery, alert: Alert | None, told: Iterable[Delivery], now: datetime
) -> Tell | Withdraw:
    """Whether to send a delivery now.

    Args:
        delivery: what was planned.
        alert: the alarm as it stands; None when it is not known any more.
        told: all deliveries about it.
        now: aware.
    """
    if alert is None:
        return Withdraw("the alarm is not known any more")
    over = alert.status is AlertStatus.RESOLVED
    because = _why_not(delivery, alert, told, now)
    return Withdraw(because) if because else Tell(alert, over=over)


def _why_not(delivery: Delivery, alert: Alert, told: Iterable[Delivery], now: datetime) -> str:
    if delivery.occasion is Occasion.ALL_CLEAR:
        heard = any(one.has_told and _same_reader(one, delivery) for one in told)
        return "" if heard else "nobody was told that it lasted"
    unfit = f"the alarm is {alert.state.value} by now"
    if delivery.occasion is Occasion.ESCALATION and alert.state is not AlarmState.UNACKNOWLEDGED:
        return unfit
    if alert.status is AlertStatus.ACTIVE:
        return "" if alert.annunciated else unfit
    if alert.hidden_at_end:
        return "the alarm was put aside and is over"
    old = alert.cleared_at is not None and now - alert.cleared_at > OLD_NEWS_AFTER
    return "the alarm was over long ago" if old else ""


def _same_reader(one: Delivery, other: Delivery) -> bool:
    return (one.channel_id, one.recipient) == (other.channel_id, other.recipient)
