"""The life of a command: as its table says, whatever comes, however often and in whatever order."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid_common.schemas.command import (
    FINAL_STATES,
    Command,
    CommandAcknowledgement,
    CommandAnswer,
    CommandState,
)
from microgrid_common.testing.contracts.command_store import sample_command
from microgrid_common.testing.samples import SAMPLE_TIME
from microgrid_common.transforms.commands.steps import (
    ANSWER_WITHIN,
    SEND_AGAIN_AFTER,
    TRY_AGAIN_AFTER,
    answered,
    attempted,
    gives_up_at,
    is_to_be_sent,
    look_again_at,
    message_of,
    sent,
    timed_out,
)

SECOND = timedelta(seconds=1)
COMMAND = sample_command(at=SAMPLE_TIME)
EXPIRES = COMMAND.expires_at
LAST_ANSWER = EXPIRES + ANSWER_WITHIN
STATES = list(CommandState)


def in_state(state: str) -> Command:
    return COMMAND.model_copy(update={"state": CommandState(state)})


def says(state: str, *, after: timedelta = SECOND, **fields: Any) -> CommandAnswer:
    said = CommandAcknowledgement(
        command_id=fields.pop("command_id", COMMAND.command_id),
        state=CommandState(state),
        detail=fields.pop("detail", None),
    )
    return CommandAnswer(
        **{
            "grid_id": COMMAND.grid_id,
            "device_id": COMMAND.device_id,
            "received_at": SAMPLE_TIME + after,
            "acknowledgement": said,
            **fields,
        }
    )


def happens(what: str, command: Command) -> Command:
    match what:
        case "the broker has it":
            return sent(command, SAMPLE_TIME + SECOND)
        case "its time is over":
            return timed_out(command, LAST_ANSWER)
        case _:
            return answered(command, says(what))


TABLE = {
    "the broker has it": {"queued": "sent"},
    "delivered": {"queued": "delivered", "sent": "delivered"},
    "succeeded": {"queued": "succeeded", "sent": "succeeded", "delivered": "succeeded"},
    "failed": {"queued": "failed", "sent": "failed", "delivered": "failed"},
    "its time is over": {"queued": "expired", "sent": "expired", "delivered": "expired"},
}


@pytest.mark.parametrize("before", STATES)
@pytest.mark.parametrize("what", TABLE)
def test_what_happens_to_a_command_is_what_the_table_says(what: str, before: CommandState) -> None:
    command = in_state(before)
    after = happens(what, command)
    if before in TABLE[what]:
        assert after.state == TABLE[what][before]
    else:
        assert after is command


def test_a_command_knows_when_it_came_to_where_it_is() -> None:
    command = answered(sent(COMMAND, SAMPLE_TIME + SECOND), says("delivered", after=2 * SECOND))
    command = answered(command, says("failed", after=3 * SECOND, detail="no such relay"))
    times = (command.sent_at, command.delivered_at, command.finished_at)
    assert times == tuple(SAMPLE_TIME + number * SECOND for number in (1, 2, 3))
    assert command.detail == "no such relay"


@pytest.mark.parametrize(
    ("state", "says_of_it"),
    [("queued", "not sent in time"), ("sent", "did not answer"), ("delivered", "did not say how it ended")],
)
def test_a_command_that_expires_says_how_far_it_is_known_to_have_come(state: str, says_of_it: str) -> None:
    command = timed_out(in_state(state), LAST_ANSWER)
    assert says_of_it in str(command.detail)
    assert command.finished_at == LAST_ANSWER


@pytest.mark.parametrize(
    ("state", "end"), [("queued", EXPIRES), ("sent", LAST_ANSWER), ("delivered", LAST_ANSWER)]
)
def test_a_device_that_may_have_begun_at_the_last_moment_has_time_to_answer(state: str, end: Any) -> None:
    command = in_state(state)
    assert gives_up_at(command) == end
    assert timed_out(command, end - timedelta(microseconds=1)) is command
    assert timed_out(command, end).state is CommandState.EXPIRED


def test_an_answer_counts_until_the_command_is_given_up() -> None:
    command = in_state("sent")
    almost = LAST_ANSWER - SAMPLE_TIME - timedelta(microseconds=1)
    assert answered(command, says("succeeded", after=almost)).state is CommandState.SUCCEEDED
    assert answered(command, says("succeeded", after=LAST_ANSWER - SAMPLE_TIME)) is command


@pytest.mark.parametrize(
    "elsewhere",
    [
        {"grid_id": "village-2"},
        {"device_id": "inverter-2"},
        {"command_id": sample_command(2).command_id},
    ],
)
def test_nobody_answers_for_another_device_or_another_command(elsewhere: dict[str, Any]) -> None:
    command = in_state("sent")
    assert answered(command, says("succeeded", **elsewhere)) is command


def test_a_command_is_sent_again_until_somebody_answers_or_it_expires() -> None:
    assert is_to_be_sent(COMMAND, SAMPLE_TIME)
    trying = attempted(COMMAND)
    assert look_again_at(trying, SAMPLE_TIME) == SAMPLE_TIME + TRY_AGAIN_AFTER
    underway = sent(trying, SAMPLE_TIME)
    assert is_to_be_sent(underway, SAMPLE_TIME)
    assert look_again_at(underway, SAMPLE_TIME) == SAMPLE_TIME + SEND_AGAIN_AFTER
    delivered = answered(underway, says("delivered"))
    assert not is_to_be_sent(delivered, SAMPLE_TIME + SECOND)
    assert look_again_at(delivered, SAMPLE_TIME + SECOND) == LAST_ANSWER
    assert look_again_at(answered(delivered, says("succeeded")), SAMPLE_TIME) is None


@pytest.mark.parametrize("state", ["queued", "sent"])
def test_nothing_is_sent_that_a_device_must_not_begin_any_more(state: str) -> None:
    command = attempted(in_state(state))
    assert not is_to_be_sent(command, EXPIRES)
    assert look_again_at(command, EXPIRES) == gives_up_at(command)


def test_what_goes_to_the_device_is_what_was_wanted() -> None:
    message = message_of(COMMAND)
    assert (message.command, message.parameters) == ("identify", {"seconds": 10})
    assert (message.command_id, message.expires_at) == (COMMAND.command_id, EXPIRES)


happenings = st.lists(
    st.tuples(
        st.sampled_from(["attempt", "sent", "look", "delivered", "succeeded", "failed", "a stranger"]),
        st.integers(0, 120),
    ),
    max_size=20,
)


def apply(command: Command, what: str, second: int) -> Command:
    at = SAMPLE_TIME + second * SECOND
    match what:
        case "attempt":
            return attempted(command) if is_to_be_sent(command, at) else command
        case "sent":
            return sent(command, at)
        case "look":
            return timed_out(command, at)
        case "a stranger":
            return answered(command, says("failed", after=second * SECOND, device_id="meter-1"))
        case _:
            return answered(command, says(what, after=second * SECOND))


@given(happenings)
def test_a_command_only_goes_forward_and_nothing_leaves_a_final_state(
    happened: list[tuple[str, int]],
) -> None:
    command = COMMAND
    for what, second in happened:
        after = apply(command, what, second)
        assert STATES.index(after.state) >= min(STATES.index(command.state), 3)
        if command.is_final:
            assert after is command
        if after.state in FINAL_STATES:
            assert after.finished_at is not None
        command = after


@given(happenings)
def test_doing_everything_twice_is_the_same_as_doing_it_once(happened: list[tuple[str, int]]) -> None:
    once = twice = COMMAND
    for what, second in happened:
        once = apply(once, what, second)
        twice = apply(apply(twice, what, second), what, second)
    ignoring = {"attempts": 0}
    assert once.model_copy(update=ignoring) == twice.model_copy(update=ignoring)


@given(happenings)
def test_every_command_comes_to_an_end_by_looking_at_it_when_it_is_due(
    happened: list[tuple[str, int]],
) -> None:
    command, now = COMMAND, SAMPLE_TIME
    for what, second in sorted(happened, key=lambda each: each[1]):
        now = SAMPLE_TIME + second * SECOND
        command = apply(command, what, second)
    for _ in range(100):
        due = look_again_at(command, now)
        if due is None:
            break
        now = max(now, due)
        command = timed_out(command, now)
        if is_to_be_sent(command, now):
            command = attempted(command)
    assert command.is_final
