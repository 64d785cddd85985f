"""The rate of a channel, what its turn means for a delivery, and what a person gets to read."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid_alert_engine.notifier.batching import MOST_IN_A_SUMMARY, Allowance, compose
from microgrid_alert_engine.notifier.planning import plan_event
from microgrid_alert_engine.notifier.turn import OLD_NEWS_AFTER, Tell, Withdraw, at_turn
from microgrid_alert_engine.notifier.wording import one_alarm, summary
from microgrid_common.schemas.alert import Alert, Severity
from microgrid_common.schemas.delivery import Delivery, Occasion
from microgrid_common.testing.notification_samples import (
    acknowledged,
    ended,
    event_of,
    lasting_alarm,
    settings_with,
    shelved,
)
from microgrid_common.testing.samples import SAMPLE_TIME

LATER = SAMPLE_TIME + timedelta(minutes=1)


@dataclass(frozen=True)
class Item:
    number: int
    recipient: str
    urgent: bool
    held: bool


ITEMS = st.lists(st.tuples(st.sampled_from("ab"), st.booleans(), st.booleans()), max_size=250).map(
    lambda drawn: [Item(number, *parts) for number, parts in enumerate(drawn)]
)


@given(waiting=ITEMS, left=st.integers(0, 30))
def test_messages_keep_the_rate_and_lose_nothing_that_is_urgent(waiting: list[Item], left: int) -> None:
    batches = compose(waiting, left)
    urgent = [item for item in waiting if item.urgent]
    assert [batch for batch in batches if batch[0].urgent] == [[item] for item in urgent]
    assert len(batches) <= max(left, len(urgent))
    told = [item.number for batch in batches for item in batch]
    assert len(told) == len(set(told))
    for batch in batches:
        assert len(batch) <= MOST_IN_A_SUMMARY
        assert len({item.recipient for item in batch}) == 1
        assert len(batch) == 1 or not any(item.urgent for item in batch)
    if left > len(urgent) and len(urgent) < len(waiting):
        assert len(batches) > len(urgent), "there was room for something"


def test_what_is_urgent_uses_up_the_rate_for_the_others() -> None:
    urgent, other = Item(1, "a", urgent=True, held=False), Item(2, "a", urgent=False, held=False)
    assert compose([other, urgent], 1) == [[urgent]]
    assert compose([other, urgent], 2) == [[urgent], [other]]


def test_what_is_held_back_goes_as_one_summary_for_each_recipient() -> None:
    waiting = [Item(number, "ab"[number % 2], urgent=False, held=False) for number in range(10)]
    assert [len(batch) for batch in compose(waiting, 10)] == [1] * 10
    assert [[item.number for item in batch] for batch in compose(waiting, 9)] == [
        [0, 2, 4, 6, 8],
        [1, 3, 5, 7, 9],
    ]
    assert compose(waiting, 0) == []


def test_what_quiet_hours_held_back_is_one_summary() -> None:
    waiting = [Item(number, "a", urgent=False, held=number > 0) for number in range(5)]
    assert [len(batch) for batch in compose(waiting, 10)] == [1, 4]


@given(
    messages=st.integers(1, 20),
    waits=st.lists(st.floats(0, 30), min_size=1, max_size=60),
)
def test_no_more_than_allowed_go_out_in_any_period(messages: int, waits: list[float]) -> None:
    period = timedelta(seconds=60)
    allowance = Allowance(messages, period, SAMPLE_TIME)
    now, sent = SAMPLE_TIME, []
    for wait in waits:
        now += timedelta(seconds=wait)
        count = allowance.left(now)
        allowance.spend(count, now)
        sent += [now] * count
    for start in sent:
        within = sum(start <= at < start + period for at in sent)
        assert within <= 2 * messages


def test_urgent_messages_make_the_others_wait_but_not_for_ever() -> None:
    allowance = Allowance(2, timedelta(seconds=60), SAMPLE_TIME)
    allowance.spend(50, SAMPLE_TIME)
    assert allowance.left(SAMPLE_TIME) == 0
    again = allowance.next_at(SAMPLE_TIME)
    assert again == SAMPLE_TIME + timedelta(seconds=90)
    assert allowance.left(again) == 1


def delivery(alarm: Alert, **fields: Any) -> Delivery:
    [planned] = plan_event(
        event_of(lasting_alarm(severity=alarm.severity)), settings_with({}), told=[], now=SAMPLE_TIME
    ).deliveries
    return planned.model_copy(update=fields)


@pytest.mark.parametrize(
    ("alarm", "occasion", "outcome"),
    [
        (lasting_alarm(), "raised", "tell"),
        (acknowledged(lasting_alarm()), "raised", "tell"),
        (ended(lasting_alarm()), "raised", "tell as over"),
        (ended(lasting_alarm(), SAMPLE_TIME - OLD_NEWS_AFTER), "raised", "withdraw"),
        (ended(lasting_alarm(), hidden_at_end=True), "raised", "withdraw"),
        (shelved(lasting_alarm(), LATER), "raised", "withdraw"),
        (shelved(lasting_alarm(), LATER), "resumed", "withdraw"),
        (lasting_alarm(), "escalation", "tell"),
        (acknowledged(lasting_alarm()), "escalation", "withdraw"),
        (ended(lasting_alarm()), "escalation", "withdraw"),
        (ended(lasting_alarm()), "all_clear", "withdraw"),
        (None, "raised", "withdraw"),
    ],
)
def test_an_alarm_that_is_not_as_it_was_is_not_told_as_if_it_were(
    alarm: Alert | None, occasion: str, outcome: str
) -> None:
    one = delivery(alarm or lasting_alarm(), occasion=Occasion(occasion))
    decision = at_turn(one, alarm, [], LATER)
    if outcome == "withdraw":
        assert isinstance(decision, Withdraw)
    else:
        assert isinstance(decision, Tell)
        assert decision.over is (outcome == "tell as over")


@pytest.mark.parametrize(
    ("told", "heard"),
    [
        ({"state": "sent"}, True),
        ({"state": "uncertain"}, True),
        ({"state": "failed"}, False),
        ({"state": "withdrawn"}, False),
        ({"state": "sent", "told_as_over": True}, False),
        ({"state": "sent", "recipient": "somebody else"}, False),
    ],
)
def test_an_all_clear_is_for_those_who_believe_that_it_lasts(told: dict[str, Any], *, heard: bool) -> None:
    alarm = ended(lasting_alarm())
    first = Delivery.model_validate(delivery(alarm).model_dump() | told)
    one = delivery(alarm, id="b", occasion=Occasion.ALL_CLEAR)
    decision = at_turn(one, alarm, [first, one], LATER)
    assert isinstance(decision, Tell) is heard


def test_a_person_reads_what_where_since_when_and_what_to_do() -> None:
    alarm = lasting_alarm(recommended_action="Start the generator.", component="battery")
    message = one_alarm(delivery(alarm), Tell(alarm, over=False), message_id="m", repeated=False)
    assert message.title == "CRITICAL: Battery 1 is low"
    assert message.body.splitlines() == [
        "Battery 1 is low",
        "default/device-1 (battery)",
        "since 2026-11-23 10:00 UTC",
        "Start the generator.",
        "alert-1",
    ]


def test_an_escalation_a_repetition_and_an_end_say_so() -> None:
    alarm = lasting_alarm()
    escalated = one_alarm(
        delivery(alarm, occasion=Occasion.ESCALATION), Tell(alarm, over=False), message_id="m", repeated=True
    )
    assert "Nobody has acknowledged it yet." in escalated.body
    assert "Sent again" in escalated.body
    over = ended(alarm, LATER)
    message = one_alarm(delivery(over), Tell(over, over=True), message_id="m", repeated=False)
    assert message.title == "Over: Battery 1 is low"
    assert "2026-11-23 10:00 UTC to 2026-11-23 10:01 UTC" in message.body


def test_a_summary_says_how_many_and_names_the_first_of_them() -> None:
    tells = [Tell(lasting_alarm(number, Severity.WARNING), over=number > 20) for number in range(1, 26)]
    message = summary(tells, message_id="m", repeated=False)
    assert message.title == "25 alarms: 20 last, 5 are over"
    assert message.body.splitlines()[0].startswith("WARNING: Battery 1 is low (default/device-1")
    assert message.body.splitlines()[-1] == "and 5 more"
    assert len(message.alert_ids) == 25


def test_what_a_device_wrote_cannot_end_a_line_or_a_header() -> None:
    alarm = lasting_alarm(message="Door open\r\nBcc: everybody@example.org\x00\u2028" + "x" * 400)
    message = one_alarm(delivery(alarm), Tell(alarm, over=False), message_id="m", repeated=False)
    assert message.title.startswith("CRITICAL: Door open Bcc: everybody@example.org x")
    assert message.title.isprintable()
    assert len(message.title) == 200
    assert len(message.body.splitlines()) == 4
