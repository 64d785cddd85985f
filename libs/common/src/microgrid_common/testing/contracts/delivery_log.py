"""What every `DeliveryLog` must do."""

import asyncio
from datetime import timedelta
from typing import Any

from microgrid_common.ports.delivery_log import ChannelQueue, DeliveryLog, DeliveryPlan
from microgrid_common.schemas.alert import Severity
from microgrid_common.schemas.delivery import Delivery, DeliveryState, FollowUp, Occasion
from microgrid_common.testing.samples import SAMPLE_TIME

_MINUTE = timedelta(minutes=1)


def _delivery(name: str, **fields: Any) -> Delivery:
    return Delivery(
        **{
            "id": name,
            "alert_id": "alert-1",
            "grid_id": "default",
            "occasion": Occasion.RAISED,
            "severity": Severity.WARNING,
            "channel_id": "mail",
            "created_at": SAMPLE_TIME,
            "look_again_at": SAMPLE_TIME,
            **fields,
        }
    )


def _plan(*deliveries: Delivery, **fields: Any) -> DeliveryPlan:
    return DeliveryPlan(**{"alert_id": "alert-1", "deliveries": deliveries, **fields})


def _follow_up(**fields: Any) -> FollowUp:
    return FollowUp(
        **{
            "alert_id": "alert-1",
            "key": "raised@1",
            "started_at": SAMPLE_TIME,
            "done_until": SAMPLE_TIME,
            "due_at": SAMPLE_TIME + _MINUTE,
            **fields,
        }
    )


async def _waiting(log: DeliveryLog, channel_id: str = "mail") -> list[str]:
    return [one.id for one in await log.waiting(channel_id, before=None, limit=100)]


class DeliveryLogContract:
    """Needs a fixture `deliveries`, an empty `DeliveryLog`."""

    async def test_it_begins_empty(self, deliveries: DeliveryLog) -> None:
        """Nothing waits, nothing is due."""
        assert await _waiting(deliveries) == []
        assert await deliveries.of_alert("alert-1") == []
        assert await deliveries.queues() == {}
        assert await deliveries.due_follow_ups(SAMPLE_TIME + _MINUTE, limit=10) == []
        assert await deliveries.record(_plan()) == []
        assert await deliveries.change([])

    async def test_what_was_planned_is_read_with_everything(self, deliveries: DeliveryLog) -> None:
        """To the microsecond."""
        full = _delivery(
            "a",
            recipient="maria@example.org; ünïcode 'x'",
            round=2,
            created_at=SAMPLE_TIME + timedelta(microseconds=1),
            held_until=SAMPLE_TIME + _MINUTE,
            problem='it said "no"',
        )
        [recorded] = await deliveries.record(_plan(full))
        assert recorded == full.model_copy(update={"revision": 1})
        assert await deliveries.of_alert("alert-1") == [recorded]
        assert await deliveries.waiting("mail", before=None, limit=10) == [recorded]

    async def test_the_same_plan_again_adds_nothing(self, deliveries: DeliveryLog) -> None:
        """Also when a delivery has been settled meanwhile."""
        [sent, _] = await deliveries.record(_plan(_delivery("a"), _delivery("b")))
        settled = sent.model_copy(update={"state": DeliveryState.SENT, "look_again_at": None})
        assert await deliveries.change([settled])
        assert [one.id for one in await deliveries.record(_plan(_delivery("a"), _delivery("c")))] == ["c"]
        assert await _waiting(deliveries) == ["b", "c"]
        assert [one.state for one in await deliveries.of_alert("alert-1")] == ["sent", "pending", "pending"]

    async def test_what_waits_comes_in_the_order_of_its_time(self, deliveries: DeliveryLog) -> None:
        """Each channel by itself, and no more than asked for."""
        await deliveries.record(
            _plan(
                _delivery("late", look_again_at=SAMPLE_TIME + _MINUTE),
                _delivery("early"),
                _delivery("other", channel_id="push"),
            )
        )
        assert await _waiting(deliveries) == ["early", "late"]
        assert await _waiting(deliveries, "push") == ["other"]
        due = await deliveries.waiting("mail", before=SAMPLE_TIME, limit=10)
        assert [one.id for one in due] == ["early"]
        assert len(await deliveries.waiting("mail", before=None, limit=1)) == 1

    async def test_what_is_critical_goes_first(self, deliveries: DeliveryLog) -> None:
        """But that it is over can wait."""
        critical = {"severity": Severity.CRITICAL, "look_again_at": SAMPLE_TIME + _MINUTE}
        await deliveries.record(
            _plan(
                _delivery("ordinary"),
                _delivery("critical", **critical),
                _delivery("over", occasion=Occasion.ALL_CLEAR, **critical),
            )
        )
        assert await _waiting(deliveries) == ["critical", "ordinary", "over"]
        [first] = await deliveries.waiting("mail", before=None, limit=1)
        assert first.id == "critical"
        assert await deliveries.change([first.model_copy(update={"look_again_at": None})])
        assert await _waiting(deliveries) == ["ordinary", "over"]
        assert (await deliveries.queues())["mail"].length == 2

    async def test_only_who_has_read_the_last_revision_may_change(self, deliveries: DeliveryLog) -> None:
        """All of them or none."""
        [first, second] = await deliveries.record(_plan(_delivery("a"), _delivery("b")))
        begun = first.model_copy(update={"state": DeliveryState.SENDING, "attempts": 1})
        assert await deliveries.change([begun])
        assert not await deliveries.change([second.model_copy(update={"attempts": 7}), begun])
        assert [one.attempts for one in await deliveries.of_alert("alert-1")] == [1, 0]
        assert not await deliveries.change([_delivery("unknown")])

    async def test_of_many_that_want_to_send_one_may(self, deliveries: DeliveryLog) -> None:
        """However close they come."""
        [first] = await deliveries.record(_plan(_delivery("a")))
        answers = await asyncio.gather(
            *(deliveries.change([first.model_copy(update={"sender": f"{n}"})]) for n in range(10))
        )
        assert sorted(answers) == [False] * 9 + [True]

    async def test_changes_of_several_alarms_are_one_step(self, deliveries: DeliveryLog) -> None:
        """As a summary needs it."""
        [first] = await deliveries.record(_plan(_delivery("a")))
        [second] = await deliveries.record(_plan(_delivery("b", alert_id="alert-2"), alert_id="alert-2"))
        changes = {"state": DeliveryState.SENT, "look_again_at": None, "message_id": "summary"}
        assert await deliveries.change([one.model_copy(update=changes) for one in (first, second)])
        assert await _waiting(deliveries) == []
        assert [one.message_id for one in await deliveries.of_alert("alert-2")] == ["summary"]

    async def test_a_queue_tells_its_length_and_its_oldest(self, deliveries: DeliveryLog) -> None:
        """Until all of it is settled, however often it is put off."""
        later = SAMPLE_TIME + _MINUTE
        [first, second] = await deliveries.record(_plan(_delivery("a"), _delivery("b", created_at=later)))
        assert await deliveries.change([first.model_copy(update={"look_again_at": later})])
        assert await deliveries.queues() == {"mail": ChannelQueue(2, SAMPLE_TIME)}
        await deliveries.change([first.model_copy(update={"look_again_at": None, "revision": 2})])
        assert await deliveries.queues() == {"mail": ChannelQueue(1, later)}
        await deliveries.change([second.model_copy(update={"look_again_at": None})])
        assert await deliveries.queues() == {}

    async def test_a_full_queue_fails_what_comes_at_once_but_not_what_is_critical(
        self, deliveries: DeliveryLog, few_may_wait: int
    ) -> None:
        """So a dead channel cannot fill the store."""
        many = [_delivery(f"{number:05}") for number in range(few_may_wait + 1)]
        states = [one.state for one in await deliveries.record(_plan(*many))]
        assert states == ["pending"] * few_may_wait + ["failed"]
        [critical] = await deliveries.record(_plan(_delivery("critical", severity=Severity.CRITICAL)))
        assert critical.state == "pending"
        assert len(await _waiting(deliveries)) == few_may_wait + 1
        [refused] = [one for one in await deliveries.of_alert("alert-1") if one.state == "failed"]
        assert refused.look_again_at is None
        assert refused.problem

    async def test_an_escalation_is_due_at_its_time(self, deliveries: DeliveryLog) -> None:
        """A later plan takes its place; one that says nothing about it leaves it alone."""
        first = _follow_up()
        await deliveries.record(_plan(follow_up=first))
        await deliveries.record(_plan(_delivery("a")))
        assert await deliveries.due_follow_ups(SAMPLE_TIME, limit=10) == []
        assert await deliveries.due_follow_ups(first.due_at, limit=10) == [first]
        second = _follow_up(due_at=first.due_at + _MINUTE, round=1)
        await deliveries.record(_plan(follow_up=second))
        assert await deliveries.due_follow_ups(first.due_at, limit=10) == []
        assert await deliveries.due_follow_ups(second.due_at, limit=10) == [second]

    async def test_an_escalation_can_be_stopped(self, deliveries: DeliveryLog) -> None:
        """And others are not."""
        other = _follow_up(alert_id="alert-2", due_at=SAMPLE_TIME)
        await deliveries.record(_plan(follow_up=_follow_up()))
        await deliveries.record(_plan(alert_id="alert-2", follow_up=other))
        later = SAMPLE_TIME + timedelta(days=1)
        assert len(await deliveries.due_follow_ups(later, limit=10)) == 2
        assert await deliveries.due_follow_ups(later, limit=1) == [other]
        await deliveries.record(_plan(stops_escalation=True))
        assert await deliveries.due_follow_ups(later, limit=10) == [other]

    async def test_a_step_can_be_made_due_at_once(self, deliveries: DeliveryLog) -> None:
        """Unless the escalation has come further already; and never later than it was."""
        await deliveries.record(_plan(follow_up=_follow_up(round=1)))
        await deliveries.hasten("alert-1", round_=0, now=SAMPLE_TIME)
        assert await deliveries.due_follow_ups(SAMPLE_TIME, limit=10) == []
        await deliveries.hasten("alert-1", round_=1, now=SAMPLE_TIME)
        await deliveries.hasten("alert-1", round_=1, now=SAMPLE_TIME + 5 * _MINUTE)
        assert await deliveries.due_follow_ups(SAMPLE_TIME, limit=10) == [_follow_up(round=1)]
        await deliveries.hasten("alert-9", round_=1, now=SAMPLE_TIME)

    async def test_what_is_over_stays_to_be_looked_at(self, deliveries: DeliveryLog) -> None:
        """For a while."""
        await deliveries.record(_plan(_delivery("a")))
        await deliveries.record(_plan(ends=True, stops_escalation=True))
        assert len(await deliveries.of_alert("alert-1")) == 1
