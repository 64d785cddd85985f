"""Sends one message: intent first, then the message, then the outcome."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

import structlog

from microgrid_alert_engine.notifier.settings_watch import REDIS
from microgrid_alert_engine.notifier.turn import Tell
from microgrid_alert_engine.notifier.wording import one_alarm, summary
from microgrid_common.ports.delivery_log import DeliveryLog
from microgrid_common.ports.errors import PermanentError, RetryableError
from microgrid_common.ports.notification_channel import (
    NotificationChannel,
    NotificationMessage,
    UncertainDeliveryError,
)
from microgrid_common.runtime import metrics
from microgrid_common.runtime.backoff import Backoff, until_it_works
from microgrid_common.schemas.alert import Severity
from microgrid_common.schemas.delivery import Delivery, DeliveryState, Occasion
from microgrid_common.schemas.notification import Channel

log = structlog.get_logger()

SEND_SECONDS: Final = 30.0
"""How long a channel may take for a message; then it is not known whether it arrived."""

LEASE: Final = timedelta(seconds=90)
"""How long a message may be on its way before its sender counts as dead: longer than it may take to send
it and to write down the outcome."""

MOST_REPEATS: Final = 5
"""How often what may have arrived is sent again."""

FAILURES_BEFORE_HURRY: Final = 3
"""How often a critical alarm may fail to go out before the next step of its escalation is made at once."""

_LONGEST_DELAY: Final = timedelta(minutes=10)
_LONGEST_DELAY_OF_URGENT: Final = timedelta(minutes=1)

_LONGEST_PROBLEM: Final = 300


@dataclass(frozen=True, slots=True)
class Turn:
    """A delivery whose turn it is, and what to tell."""

    delivery: Delivery
    tell: Tell

    @property
    def recipient(self) -> str:
        """Whom to."""
        return self.delivery.recipient

    @property
    def urgent(self) -> bool:
        """Whether it must not wait, nor be one of many."""
        return self.tell.urgent

    @property
    def held(self) -> bool:
        """Whether quiet hours have held it back."""
        return self.delivery.held_until is not None


class Poster:
    """Sends messages through one channel, and keeps the ledger about it.

    Args:
        settings: the channel's settings.
        channel: the channel.
        deliveries: the ledger.
        sender: the name of this notifier.
        clock: the time, aware.
    """

    def __init__(
        self,
        settings: Channel,
        channel: NotificationChannel,
        *,
        deliveries: DeliveryLog,
        sender: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._channel = channel
        self._deliveries = deliveries
        self._sender = sender
        self._clock = clock
        self._backoff = Backoff(first=timedelta(seconds=1), longest=timedelta(minutes=1))
        # From 0 on, so that Prometheus sees the very first failure as an increase.
        for state in (DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.UNCERTAIN):
            self._count(state.value, 0)

    @property
    def may_repeat(self) -> bool:
        """As `NotificationChannel.may_repeat`."""
        return self._channel.may_repeat

    async def post(self, turns: Sequence[Turn]) -> timedelta:
        """Send one message.

        Args:
            turns: what it tells, all to one recipient; more than one make a summary.

        Returns:
            How long to leave the channel alone.
        """
        message_id = turns[0].delivery.message_id or _message_id(turns)
        repeated = turns[0].delivery.message_id is not None
        now = self._clock()
        begun = await self._change(
            [
                turn.delivery.model_copy(
                    update={
                        "state": DeliveryState.SENDING,
                        "attempts": turn.delivery.attempts + 1,
                        "sender": self._sender,
                        "message_id": message_id,
                        "look_again_at": now + LEASE,
                        # Whoever reads the first one may never see the second.
                        "told_as_over": turn.tell.over and (turn.delivery.told_as_over or not repeated),
                    }
                )
                for turn in turns
            ]
        )
        if not begun:
            return timedelta()
        message = _message(turns, message_id, repeated=repeated)
        return await self._send(begun, message)

    async def lose(self, deliveries: Sequence[Delivery]) -> None:
        """Decide about deliveries of which nobody knows whether they arrived.

        They are sent again where that does no harm; else they stay uncertain.
        """
        now = self._clock()
        again = [one for one in deliveries if self.may_repeat and one.attempts < MOST_REPEATS]
        given_up = [one for one in deliveries if one not in again]
        if again:
            delay = timedelta(seconds=2 ** again[0].attempts)
            await self._store(again, state=DeliveryState.PENDING, look_again_at=now + delay, sender=None)
            self._count("repeated", len(again))
        if given_up:
            problem = given_up[0].problem or "it is not known whether it arrived"
            await self.settle(given_up, DeliveryState.UNCERTAIN, problem)

    async def settle(self, deliveries: Sequence[Delivery], state: DeliveryState, problem: str = "") -> None:
        """Write down that nothing more happens with deliveries."""
        done = await self._store(
            deliveries,
            state=state,
            look_again_at=None,
            sender=None,
            settled_at=self._clock(),
            problem=problem[:_LONGEST_PROBLEM],
        )
        if not done:
            return
        self._count(state.value, len(deliveries))
        if state in {DeliveryState.FAILED, DeliveryState.UNCERTAIN}:
            log.warning(
                "notification_not_delivered",
                outcome=state.value,
                channel=self._settings.channel_id,
                alerts=sorted({one.alert_id for one in deliveries}),
                problem=problem,
            )
            await self._hurry(deliveries)

    async def _send(self, begun: Sequence[Delivery], message: NotificationMessage) -> timedelta:
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self._channel.send(message, begun[0].recipient)
        except RetryableError as error:
            return await self._try_later(begun, error)
        except PermanentError as error:
            await self.settle(begun, DeliveryState.FAILED, str(error))
            return timedelta()
        except (UncertainDeliveryError, TimeoutError) as error:
            problem = str(error) or f"no answer within {SEND_SECONDS:g} s"
            await self.lose([one.model_copy(update={"problem": problem}) for one in begun])
            return self._backoff.next_delay()
        except Exception as error:
            # A fault of ours, which must not end the channel.
            log.exception("notification_channel_broke", channel=self._settings.channel_id)
            await self.settle(begun, DeliveryState.FAILED, type(error).__name__)
            return timedelta()
        self._backoff.reset()
        await self.settle(begun, DeliveryState.SENT)
        log.info(
            "notification_sent",
            channel=self._settings.channel_id,
            message=message.message_id,
            alerts=len(message.alert_ids),
        )
        return timedelta()

    async def _try_later(self, begun: Sequence[Delivery], error: RetryableError) -> timedelta:
        pause = self._backoff.next_delay(at_least=error.retry_after)
        longest = _LONGEST_DELAY_OF_URGENT if begun[0].goes_first else _LONGEST_DELAY
        own = min(longest, timedelta(seconds=2 ** min(begun[0].attempts, 20)))
        await self._store(
            begun,
            state=DeliveryState.PENDING,
            look_again_at=self._clock() + max(pause, own),
            sender=None,
            message_id=None,
            problem=str(error)[:_LONGEST_PROBLEM],
        )
        self._count("retried", len(begun))
        await self._hurry([one for one in begun if one.attempts >= FAILURES_BEFORE_HURRY])
        return pause

    async def _store(self, deliveries: Sequence[Delivery], **changes: Any) -> list[Delivery]:
        return await self._change([one.model_copy(update=changes) for one in deliveries])

    async def _change(self, wanted: Sequence[Delivery]) -> list[Delivery]:
        """Deliveries as they are stored now; empty when somebody else has changed one of them."""
        done = [one.model_copy(update={"revision": one.revision + 1}) for one in wanted]
        if await until_it_works(lambda: self._deliveries.change(wanted), dependency=REDIS):
            return done
        # An attempt whose answer was lost may have done it.
        for one in done:
            stored = await until_it_works(
                lambda: self._deliveries.of_alert(one.alert_id),  # noqa: B023 - awaited here
                dependency=REDIS,
            )
            if one not in stored:
                return []
        return done

    async def _hurry(self, deliveries: Sequence[Delivery]) -> None:
        """Make the next step of an escalation now: whoever was to hear of it may not have."""
        for one in deliveries:
            if one.severity is Severity.CRITICAL and one.occasion is not Occasion.ALL_CLEAR:
                await until_it_works(
                    lambda: self._deliveries.hasten(one.alert_id, round_=one.round, now=self._clock()),  # noqa: B023 - awaited here
                    dependency=REDIS,
                )

    def _count(self, outcome: str, deliveries: int) -> None:
        metrics.NOTIFICATIONS.labels(channel=self._settings.kind, outcome=outcome).inc(deliveries)


def _message(turns: Sequence[Turn], message_id: str, *, repeated: bool) -> NotificationMessage:
    if len(turns) == 1:
        [turn] = turns
        return one_alarm(turn.delivery, turn.tell, message_id=message_id, repeated=repeated)
    return summary([turn.tell for turn in turns], message_id=message_id, repeated=repeated)


def _message_id(turns: Sequence[Turn]) -> str:
    """The same for the same deliveries."""
    if len(turns) == 1:
        return turns[0].delivery.id
    return sha256(" ".join(sorted(turn.delivery.id for turn in turns)).encode()).hexdigest()[:32]
