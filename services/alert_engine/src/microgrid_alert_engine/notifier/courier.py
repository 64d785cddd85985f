"""Works on what waits for one channel."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final, TypeVar

from microgrid_alert_engine.notifier.batching import Allowance, compose
from microgrid_alert_engine.notifier.posting import Poster, Turn
from microgrid_alert_engine.notifier.settings_watch import REDIS
from microgrid_alert_engine.notifier.turn import OLD_NEWS_AFTER, Withdraw, at_turn
from microgrid_common.ports.alert_records import AlertRecords
from microgrid_common.ports.delivery_log import DeliveryLog
from microgrid_common.runtime.backoff import until_it_works
from microgrid_common.schemas.alert import Alert
from microgrid_common.schemas.delivery import Delivery, DeliveryState, Occasion

AT_ONCE: Final = 200
"""How much of its queue a channel holds in memory."""

_LOOK_EVERY: Final = timedelta(seconds=1)
"""How long what another notifier has planned may stay unseen."""

_ALL_AT_A_START: Final = 30_000
"""More than can wait for a channel."""


Item = TypeVar("Item")


class Courier:
    """Sends what waits for a channel: one message after the other, in the order of their time.

    Args:
        channel_id: the channel.
        poster: sends.
        allowance: how many messages may go out.
        deliveries: the ledger.
        records: where alarms are looked up.
        sender: the name of this notifier.
        clock: the time, aware.
    """

    def __init__(
        self,
        channel_id: str,
        *,
        poster: Poster,
        allowance: Allowance,
        deliveries: DeliveryLog,
        records: AlertRecords,
        sender: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._channel_id = channel_id
        self._poster = poster
        self._allowance = allowance
        self._deliveries = deliveries
        self._records = records
        self._sender = sender
        self._clock = clock
        self._ending = False
        self._left_alone = False
        """Whether the channel is to be left alone, whatever is new."""
        self._something = asyncio.Event()

    @property
    def ending(self) -> bool:
        """Whether `end` was called."""
        return self._ending

    def wake(self) -> None:
        """There is something new, perhaps."""
        self._something.set()

    def end(self) -> None:
        """Send no other message after the one that is on its way."""
        self._ending = True
        self._something.set()

    async def run(self) -> None:
        """Send until `end` is called."""
        await self.recover()
        while not self._ending:
            self._something.clear()
            pause = await self.work()
            with suppress(TimeoutError):
                async with asyncio.timeout(pause.total_seconds()):
                    await (self._told_to_end() if self._left_alone else self._something.wait())

    async def recover(self) -> None:
        """Decide about what this notifier was sending when it died."""
        waiting = await self._waiting(before=None, limit=_ALL_AT_A_START)
        await self._lose([one for one in waiting if _on_its_way(one) and one.sender == self._sender])

    async def work(self) -> timedelta:
        """Send what is due now; returns how long to wait then."""
        now = self._clock()
        self._left_alone = False
        due = await self._waiting(before=now, limit=AT_ONCE)
        await self._lose([one for one in due if _on_its_way(one)])
        turns = await self._turns([one for one in due if one.state is DeliveryState.PENDING])
        repeats = _grouped([turn for turn in turns if turn.delivery.message_id], _message_of_turn)
        fresh = [turn for turn in turns if not turn.delivery.message_id]
        batches = [*repeats, *compose(fresh, self._allowance.left(now))]
        for batch in batches:
            self._allowance.spend(1, now)
            pause = await self._poster.post(batch)
            if self._ending or pause:
                self._left_alone = True
                return pause
            if self._clock() - now > _LOOK_EVERY:
                # What was decided about the others is getting old: an alarm may be over by now.
                return timedelta()
        held_back = len(fresh) > sum(len(batch) for batch in batches[len(repeats) :])
        if held_back:
            return min(_LOOK_EVERY, self._allowance.next_at(now) - now)
        return timedelta() if len(due) == AT_ONCE else _LOOK_EVERY

    async def _turns(self, deliveries: Sequence[Delivery]) -> list[Turn]:
        """Those of which there is something to tell; the others are withdrawn."""
        turns: list[Turn] = []
        alerts: dict[str, Alert | None] = {}
        for one in deliveries:
            if one.alert_id not in alerts:
                alerts[one.alert_id] = await self._alert(one.alert_id)
            told = await self._told(one)
            now = self._clock()
            decision = at_turn(one, alerts[one.alert_id], told, now)
            if isinstance(decision, Withdraw):
                # What may have arrived already cannot be withdrawn.
                state = DeliveryState.UNCERTAIN if one.message_id else DeliveryState.WITHDRAWN
                await self._poster.settle([one], state, decision.because)
            elif one.attempts and now - (one.held_until or one.created_at) > OLD_NEWS_AFTER:
                await self._poster.settle([one], DeliveryState.FAILED, one.problem)
            else:
                turns.append(Turn(one, decision))
        return turns

    async def _lose(self, deliveries: Sequence[Delivery]) -> None:
        for message in _grouped(deliveries, _message_of):
            await self._poster.lose(message)

    async def _alert(self, alert_id: str) -> Alert | None:
        return await until_it_works(lambda: self._records.get(alert_id), dependency=REDIS)

    async def _told(self, delivery: Delivery) -> Sequence[Delivery]:
        if delivery.occasion is not Occasion.ALL_CLEAR:
            return ()
        return await until_it_works(lambda: self._deliveries.of_alert(delivery.alert_id), dependency=REDIS)

    async def _waiting(self, *, before: datetime | None, limit: int) -> list[Delivery]:
        return await until_it_works(
            lambda: self._deliveries.waiting(self._channel_id, before=before, limit=limit), dependency=REDIS
        )

    async def _told_to_end(self) -> None:
        while not self._ending:
            await self._something.wait()
            if not self._ending:
                self._something.clear()


def _on_its_way(delivery: Delivery) -> bool:
    return delivery.state is DeliveryState.SENDING


def _message_of(delivery: Delivery) -> str | None:
    return delivery.message_id


def _message_of_turn(turn: Turn) -> str | None:
    return turn.delivery.message_id


def _grouped(items: Sequence[Item], key: Callable[[Item], str | None]) -> list[list[Item]]:
    groups: dict[str | None, list[Item]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return list(groups.values())
