"""The ledger of deliveries: what is to be sent, and what became of it, over restarts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from microgrid_common.schemas.delivery import Delivery, FollowUp

KEPT_AFTER_END: Final = timedelta(days=30)
"""How long the deliveries of an alarm are kept when it is over."""

MOST_WAITING: Final = 10_000
"""Deliveries that may wait for a channel; beyond that new ones fail at once."""

MOST_CRITICAL_WAITING: Final = 20_000
"""The same of those that go first."""


@dataclass(frozen=True, slots=True)
class DeliveryPlan:
    """What an event, or the time, asks for about one alarm: recorded whole or not at all."""

    alert_id: str
    deliveries: Sequence[Delivery] = ()
    """Those that were recorded before are left as they are."""
    follow_up: FollowUp | None = None
    """Takes the place of the one that there is."""
    stops_escalation: bool = False
    """Whether to drop the follow-up that there is."""
    ends: bool = False
    """Whether the alarm is over: its deliveries are forgotten after `KEPT_AFTER_END`."""


@dataclass(frozen=True, slots=True)
class ChannelQueue:
    """What waits for a channel."""

    length: int
    oldest_at: datetime
    """When the oldest of it was planned."""


class DeliveryLog(Protocol):
    """Keeps deliveries. Several notifiers may use it at the same time."""

    async def record(self, plan: DeliveryPlan) -> list[Delivery]:
        """Make a plan, in one step.

        Returns:
            The deliveries that are new, as they were recorded: failed where too many wait already.

        Raises:
            RetryableError: the store is away; calling again is safe.
        """

    async def waiting(self, channel_id: str, *, before: datetime | None, limit: int) -> list[Delivery]:
        """What waits for a channel: what `goes_first`, then the rest, both in the order of `look_again_at`.

        Args:
            channel_id: the channel.
            before: only what is to be looked at by then; None for all.
            limit: at most so many.

        Raises:
            RetryableError: the store is away.
        """

    async def change(self, deliveries: Sequence[Delivery]) -> bool:
        """Store deliveries of one channel as they are now, all of them or none.

        Args:
            deliveries: each with the `revision` that was read.

        Returns:
            Whether it was done. If not, somebody has changed one of them since it was read.

        Raises:
            RetryableError: the store is away; it may or may not have happened.
        """

    async def of_alert(self, alert_id: str) -> list[Delivery]:
        """All deliveries about an alarm, in the order in which they were planned.

        Raises:
            RetryableError: the store is away.
        """

    async def queues(self) -> Mapping[str, ChannelQueue]:
        """What waits, by channel; those for which nothing waits are left out.

        Raises:
            RetryableError: the store is away.
        """

    async def due_follow_ups(self, now: datetime, *, limit: int) -> list[FollowUp]:
        """Escalations whose next step is due, the longest overdue first.

        Raises:
            RetryableError: the store is away.
        """

    async def hasten(self, alert_id: str, *, round_: int, now: datetime) -> None:
        """Make the next step of an escalation due at once, if it has come no further than that round.

        Raises:
            RetryableError: the store is away; calling again is safe.
        """

    async def ping(self) -> None:
        """Return if the store can be used.

        Raises:
            RetryableError: it cannot; it says why.
        """
