"""Commands on their way to devices: sent once, again when nobody answers, ended by answers or by time."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from microgrid_common.ports.command_store import CommandWrite
from microgrid_common.ports.errors import RetryableError
from microgrid_common.schemas.command import (
    Command,
    CommandAcknowledgement,
    CommandAnswer,
    CommandMessage,
    CommandState,
)
from microgrid_common.testing.contracts.command_store import sample_command
from microgrid_common.testing.fakes.command_store import FakeCommandStore
from microgrid_common.testing.fakes.durable_log import FakeDurableLog
from microgrid_common.testing.fakes.message_publisher import FakeMessagePublisher
from microgrid_common.testing.fakes.message_source import FakeMessageSource
from microgrid_common.testing.samples import SAMPLE_TIME
from microgrid_common.testing.waiting import wait_until
from microgrid_common.transforms.commands.steps import ANSWER_WITHIN, SEND_AGAIN_AFTER, TRY_AGAIN_AFTER
from microgrid_ingestor.command_keeper import CommandKeeper
from microgrid_ingestor.device_desk import DeviceDesk
from microgrid_ingestor.receiver import receive_messages

pytestmark = pytest.mark.usefixtures("virtual_time")

AWAY = RetryableError("away")
TOPIC = "microgrid/village-1/device/inverter-1/command"


class Clock:
    def __init__(self) -> None:
        self.time = SAMPLE_TIME

    def __call__(self) -> datetime:
        return self.time

    def pass_by(self, span: timedelta) -> None:
        self.time += span


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def publisher() -> FakeMessagePublisher:
    return FakeMessagePublisher()


@pytest.fixture
def keeper(commands: FakeCommandStore, publisher: FakeMessagePublisher, clock: Clock) -> CommandKeeper:
    return CommandKeeper(commands, publisher, commands.log, clock=clock)


@pytest.fixture
async def given(commands: FakeCommandStore) -> Command:
    """A command that somebody has given."""
    return await commands.create(sample_command())


def answer(state: str, *, number: int = 1, at: datetime = SAMPLE_TIME, **fields: Any) -> CommandAnswer:
    said = CommandAcknowledgement(
        command_id=sample_command(number).command_id, state=CommandState(state), detail=fields.get("detail")
    )
    return CommandAnswer(grid_id="village-1", device_id="inverter-1", received_at=at, acknowledgement=said)


def states(commands: FakeCommandStore) -> list[str]:
    return [event.command.state.value for event in commands.events]


async def test_a_command_goes_to_its_device_once_and_is_sent(
    keeper: CommandKeeper, commands: FakeCommandStore, publisher: FakeMessagePublisher, given: Command
) -> None:
    await keeper.make_round()
    await keeper.make_round()
    ((topic, payload),) = publisher.published
    assert topic == TOPIC
    assert CommandMessage.model_validate_json(payload) == CommandMessage(
        command_id=given.command_id,
        command="identify",
        parameters={"seconds": 10},
        expires_at=given.expires_at,
    )
    assert publisher.retained == {}
    stored = commands.commands[given.command_id]
    assert (stored.state, stored.attempts, stored.sent_at) == ("sent", 1, SAMPLE_TIME)
    assert states(commands) == ["queued", "sent"]


async def test_what_the_device_says_is_told_as_it_comes(
    keeper: CommandKeeper, commands: FakeCommandStore, given: Command
) -> None:
    await keeper.make_round()
    await keeper.take([answer("delivered"), answer("failed", detail="no such relay")])
    assert states(commands) == ["queued", "sent", "delivered", "failed"]
    assert commands.commands[given.command_id].detail == "no such relay"


async def test_what_is_said_twice_or_too_late_or_of_nothing_changes_nothing(
    keeper: CommandKeeper, commands: FakeCommandStore, given: Command
) -> None:
    await keeper.make_round()
    await keeper.take([answer("succeeded"), answer("succeeded"), answer("failed"), answer("delivered")])
    await keeper.take([answer("succeeded", number=9)])
    late = given.expires_at + ANSWER_WITHIN
    await keeper.take([answer("failed", at=late)])
    assert states(commands) == ["queued", "sent", "succeeded"]


async def test_a_command_that_nobody_answers_is_sent_again_and_then_expires(
    keeper: CommandKeeper,
    commands: FakeCommandStore,
    publisher: FakeMessagePublisher,
    clock: Clock,
    given: Command,
) -> None:
    rounds = int((given.expires_at + ANSWER_WITHIN - SAMPLE_TIME).total_seconds())
    for _ in range(rounds):
        await keeper.make_round()
        clock.pass_by(timedelta(seconds=1))
    assert len(publisher.published) == (given.expires_at - SAMPLE_TIME) / SEND_AGAIN_AFTER
    assert states(commands) == ["queued", "sent"]
    await keeper.make_round()
    assert states(commands) == ["queued", "sent", "expired"]
    assert await commands.due(clock() + timedelta(days=1), limit=10) == []


async def test_a_device_that_has_the_command_does_not_get_it_again(
    keeper: CommandKeeper, publisher: FakeMessagePublisher, clock: Clock, given: Command
) -> None:
    await keeper.make_round()
    await keeper.take([answer("delivered")])
    clock.pass_by(SEND_AGAIN_AFTER)
    await keeper.make_round()
    assert len(publisher.published) == 1


async def test_while_the_broker_is_away_nothing_counts_as_sent_and_it_is_said_once(
    keeper: CommandKeeper,
    commands: FakeCommandStore,
    publisher: FakeMessagePublisher,
    clock: Clock,
    given: Command,
) -> None:
    publisher.fail_next(AWAY, times=3)
    with capture_logs() as lines:
        for _ in range(4):
            await keeper.make_round()
            clock.pass_by(TRY_AGAIN_AFTER)
    stored = commands.commands[given.command_id]
    assert (stored.state, stored.attempts) == ("sent", 1)
    said = [line["event"] for line in lines if line["event"].startswith("dependency")]
    assert said == ["dependency_away", "dependency_back"]


async def test_a_command_that_never_reached_the_broker_expires_at_its_time(
    keeper: CommandKeeper,
    commands: FakeCommandStore,
    publisher: FakeMessagePublisher,
    clock: Clock,
    given: Command,
) -> None:
    publisher.fail_next(AWAY, times=100)
    await keeper.make_round()
    clock.time = given.expires_at
    await keeper.make_round()
    assert states(commands) == ["queued", "expired"]
    assert "broker was away" in str(commands.commands[given.command_id].detail)


async def test_a_broker_that_breaks_off_in_the_middle_gets_it_again(
    keeper: CommandKeeper,
    commands: FakeCommandStore,
    publisher: FakeMessagePublisher,
    clock: Clock,
    given: Command,
) -> None:
    publisher.fail_next(AWAY, after=1)
    await keeper.make_round()
    assert publisher.published == []
    clock.pass_by(TRY_AGAIN_AFTER)
    await keeper.make_round()
    assert len(publisher.published) == 1
    assert commands.commands[given.command_id].attempts == 2


async def test_of_several_replicas_one_sends(
    commands: FakeCommandStore, publisher: FakeMessagePublisher, clock: Clock, given: Command
) -> None:
    replicas = [CommandKeeper(commands, publisher, commands.log, clock=clock) for _ in range(5)]
    await asyncio.gather(*(replica.make_round() for replica in replicas))
    assert len(publisher.published) == 1
    assert states(commands) == ["queued", "sent"]


async def test_an_answer_that_overtakes_the_note_of_sending_counts(
    commands: FakeCommandStore, clock: Clock, given: Command
) -> None:
    class QuickDevice(FakeMessagePublisher):
        async def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
            await super().publish(topic, payload, retain=retain)
            await its_keeper.take([answer("succeeded")])

    its_keeper = CommandKeeper(commands, QuickDevice(), commands.log, clock=clock)
    await its_keeper.make_round()
    assert states(commands) == ["queued", "succeeded"]


async def test_one_that_died_before_sending_leaves_it_to_the_next(
    keeper: CommandKeeper,
    commands: FakeCommandStore,
    publisher: FakeMessagePublisher,
    clock: Clock,
    given: Command,
) -> None:
    wanted = given.model_copy(update={"attempts": 1})
    assert await commands.apply(CommandWrite(wanted, SAMPLE_TIME + TRY_AGAIN_AFTER))
    await keeper.make_round()
    assert publisher.published == []
    clock.pass_by(TRY_AGAIN_AFTER)
    await keeper.make_round()
    assert len(publisher.published) == 1


async def test_many_that_are_due_at_once_are_all_looked_at(
    keeper: CommandKeeper, commands: FakeCommandStore, publisher: FakeMessagePublisher
) -> None:
    for number in range(250):
        await commands.create(sample_command(number))
    await keeper.make_round()
    assert len(publisher.published) == 250


@pytest.fixture
async def running(keeper: CommandKeeper) -> AsyncIterator[None]:
    task = asyncio.create_task(keeper.run())
    yield
    task.cancel()
    await asyncio.wait([task])


@pytest.mark.usefixtures("running")
async def test_a_new_command_is_sent_when_its_event_comes_also_after_the_store_was_away(
    commands: FakeCommandStore, publisher: FakeMessagePublisher
) -> None:
    await commands.create(sample_command(1))
    await wait_until(lambda: len(publisher.published) == 1, timeout=5, description="the first command")
    commands.fail_next(AWAY, times=2)
    commands.log.fail_next(AWAY)
    await wait_until(
        lambda: not (commands.failures_left or commands.log.failures_left),
        timeout=10,
        description="both to be missed",
    )
    await commands.create(sample_command(2))
    await wait_until(lambda: len(publisher.published) == 2, timeout=10, description="the second command")


async def test_an_answer_waits_for_the_store_and_a_fault_of_it_stops_no_reading(
    keeper: CommandKeeper, commands: FakeCommandStore, given: Command
) -> None:
    commands.fail_next(AWAY, times=2)
    await keeper.take([answer("delivered")])
    commands.fail_next(ZeroDivisionError())
    await keeper.take([answer("failed"), answer("succeeded")])
    assert states(commands) == ["queued", "delivered", "succeeded"]


async def test_what_a_device_says_about_a_command_is_kept_before_it_is_acknowledged(
    devices: DeviceDesk, commands: FakeCommandStore
) -> None:
    source, log = FakeMessageSource(), FakeDurableLog()
    given = await commands.create(sample_command(at=datetime.now(UTC)))
    said = CommandAcknowledgement(command_id=given.command_id, state=CommandState.DELIVERED)
    topic = "microgrid/village-1/device/inverter-1/command/ack"
    receiving = asyncio.create_task(receive_messages(source, log, devices=devices, shards=2))
    source.arrive(topic, said.encode())
    source.arrive(topic, b'{"command_id": "cmd-1", "state": "done"}')
    await wait_until(lambda: len(source.acknowledged) == 2, timeout=5, description="both to be taken")
    receiving.cancel()
    await asyncio.wait([receiving])
    assert commands.commands[given.command_id].state is CommandState.DELIVERED
    ((entry,),) = [entries for stream, entries in log.streams.items() if stream == "quarantine"]
    assert b"invalid_field" in entry.data
    assert b"command_id" in entry.data
