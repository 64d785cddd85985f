"""The ledger of deliveries in memory."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from microgrid_common.ports.delivery_log import (
    MOST_CRITICAL_WAITING,
    MOST_WAITING,
    ChannelQueue,
    DeliveryPlan,
)
from microgrid_common.schemas.delivery import Delivery, DeliveryState, FollowUp
from microgrid_common.testing.fakes.failing import FailsOnDemand


class FakeDeliveryLog(FailsOnDemand):
    """Implements `DeliveryLog`; it forgets nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.deliveries: dict[str, Delivery] = {}
        """By id."""
        self.follow_ups: dict[str, FollowUp] = {}
        """By alert."""
        self._hastened: dict[str, datetime] = {}

    async def record(self, plan: DeliveryPlan) -> list[Delivery]:
        """As `DeliveryLog.record`."""
        self._may_fail()
        new = [self._add(one) for one in plan.deliveries if one.id not in self.deliveries]
        if plan.follow_up or plan.stops_escalation:
            self.follow_ups.pop(plan.alert_id, None)
            self._hastened.pop(plan.alert_id, None)
        if plan.follow_up:
            self.follow_ups[plan.alert_id] = plan.follow_up
        return new

    async def waiting(self, channel_id: str, *, before: datetime | None, limit: int) -> list[Delivery]:
        """As `DeliveryLog.waiting`."""
        self._may_fail()
        found = [
            (not one.goes_first, one.look_again_at, one.alert_id, one.id)
            for one in self.deliveries.values()
            if one.channel_id == channel_id and one.look_again_at is not None
        ]
        return [self.deliveries[name] for _, at, _, name in sorted(found) if before is None or at <= before][
            :limit
        ]

    async def change(self, deliveries: Sequence[Delivery]) -> bool:
        """As `DeliveryLog.change`."""
        self._may_fail()
        stored = [self.deliveries.get(one.id) for one in deliveries]
        if [one.revision for one in deliveries] != [one.revision if one else None for one in stored]:
            return False
        self.deliveries.update(
            {one.id: one.model_copy(update={"revision": one.revision + 1}) for one in deliveries}
        )
        return True

    async def of_alert(self, alert_id: str) -> list[Delivery]:
        """As `DeliveryLog.of_alert`."""
        self._may_fail()
        found = [one for one in self.deliveries.values() if one.alert_id == alert_id]
        return sorted(found, key=lambda one: (one.created_at, one.id))

    async def queues(self) -> Mapping[str, ChannelQueue]:
        """As `DeliveryLog.queues`."""
        self._may_fail()
        waiting: dict[str, list[datetime]] = {}
        for one in self.deliveries.values():
            if one.look_again_at is not None:
                waiting.setdefault(one.channel_id, []).append(one.created_at)
        return {channel: ChannelQueue(len(times), min(times)) for channel, times in waiting.items()}

    async def due_follow_ups(self, now: datetime, *, limit: int) -> list[FollowUp]:
        """As `DeliveryLog.due_follow_ups`."""
        self._may_fail()
        due = sorted((self._hastened.get(name, one.due_at), name) for name, one in self.follow_ups.items())
        return [self.follow_ups[name] for at, name in due if at <= now][:limit]

    async def hasten(self, alert_id: str, *, round_: int, now: datetime) -> None:
        """As `DeliveryLog.hasten`."""
        self._may_fail()
        follow_up = self.follow_ups.get(alert_id)
        if follow_up and follow_up.round <= round_:
            self._hastened[alert_id] = min(now, self._hastened.get(alert_id, follow_up.due_at))

    async def ping(self) -> None:
        """As `DeliveryLog.ping`."""
        self._may_fail()

    def _add(self, delivery: Delivery) -> Delivery:
        most = MOST_CRITICAL_WAITING if delivery.goes_first else MOST_WAITING
        waiting = sum(
            one.channel_id == delivery.channel_id
            and one.look_again_at is not None
            and one.goes_first is delivery.goes_first
            for one in self.deliveries.values()
        )
        changes: dict[str, object] = {"revision": 1}
        if waiting >= most:
            changes |= {
                "state": DeliveryState.FAILED,
                "problem": "too many wait for this channel",
                "look_again_at": None,
                "settled_at": delivery.created_at,
            }
        added = delivery.model_copy(update=changes)
        self.deliveries[added.id] = added
        return added
