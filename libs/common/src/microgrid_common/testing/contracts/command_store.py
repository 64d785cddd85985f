"""What every `CommandStore` must do."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from microgrid_common.ports.command_store import (
    COMMANDS_LISTED,
    BadCursorError,
    CommandStore,
    CommandWrite,
    KeyReusedError,
    RequestKey,
)
from microgrid_common.ports.durable_log import DurableLog
from microgrid_common.schemas.command import Command, CommandEvent, CommandState, command_id
from microgrid_common.schemas.streams import COMMAND_EVENT_KIND, COMMANDS_STREAM
from microgrid_common.testing.samples import SAMPLE_TIME

_MINUTE = timedelta(minutes=1)


def sample_command(number: int = 1, at: datetime = SAMPLE_TIME, **fields: Any) -> Command:
    """A command that is given at a time; those with another number have another id."""
    return Command(
        **{
            "command_id": command_id(at, f"{number:016x}"),
            "grid_id": "village-1",
            "device_id": "inverter-1",
            "command": "identify",
            "parameters": {"seconds": 10},
            "created_by": "maria",
            "created_at": at,
            "expires_at": at + _MINUTE,
            **fields,
        }
    )


async def _events(log: DurableLog) -> list[CommandEvent]:
    entries = await log.read_after({COMMANDS_STREAM: "0-0"}, count=100, wait=timedelta())
    assert {entry.kind for entry in entries} <= {COMMAND_EVENT_KIND}
    return [CommandEvent.model_validate_json(entry.data) for entry in entries]


def _key(wish: str = "identify", *, user: str = "maria", key: str = "tap-1") -> RequestKey:
    return RequestKey(user=user, key=key, wish=wish)


class CommandStoreContract:
    """Needs fixtures `commands`, an empty `CommandStore`, and `log`, the `DurableLog` that it appends to."""

    async def test_it_begins_empty(self, commands: CommandStore) -> None:
        """Nothing is known, and nothing is due."""
        assert await commands.get(sample_command().command_id) is None
        assert (await commands.of_device("village-1", "inverter-1", limit=10)).commands == []
        assert await commands.due(SAMPLE_TIME, limit=10) == []

    async def test_a_command_is_kept_told_about_and_due_in_one_step(
        self, commands: CommandStore, log: DurableLog
    ) -> None:
        """With everything, and from its time on."""
        given = sample_command(
            parameters={"limit_kw": 2.5, "closed": True, "relay": 3, "mode": "eco"}, created_by="Maria Ünal"
        )
        kept = await commands.create(given)
        assert kept == given.model_copy(update={"revision": 1})
        assert type(kept.parameters["relay"]) is int
        assert await commands.get(given.command_id) == kept
        assert await _events(log) == [CommandEvent(at=SAMPLE_TIME, command=kept)]
        assert await commands.due(SAMPLE_TIME - timedelta(microseconds=1), limit=10) == []
        assert await commands.due(SAMPLE_TIME, limit=10) == [kept]

    async def test_creating_it_again_changes_nothing(self, commands: CommandStore, log: DurableLog) -> None:
        """As who does not know whether the first attempt came through."""
        first = await commands.create(sample_command())
        assert await commands.create(sample_command()) == first
        assert len(await _events(log)) == 1

    async def test_the_same_key_and_wish_give_the_same_command_as_it_is(
        self, commands: CommandStore, log: DurableLog
    ) -> None:
        """However far it has come."""
        first = await commands.create(sample_command(1), _key())
        assert await commands.create(sample_command(2), _key()) == first
        sent = first.model_copy(update={"state": CommandState.SENT, "sent_at": SAMPLE_TIME})
        assert await commands.apply(CommandWrite(sent, None, SAMPLE_TIME))
        again = await commands.create(sample_command(3), _key())
        assert (again.command_id, again.state) == (first.command_id, CommandState.SENT)
        assert await commands.get(sample_command(2).command_id) is None
        assert len(await _events(log)) == 2

    async def test_of_many_requests_with_one_key_one_makes_a_command(
        self, commands: CommandStore, log: DurableLog
    ) -> None:
        """However close they come."""
        made = await asyncio.gather(
            *(commands.create(sample_command(number), _key()) for number in range(10))
        )
        assert len({command.command_id for command in made}) == 1
        assert len(await _events(log)) == 1

    async def test_a_key_with_another_wish_is_refused(self, commands: CommandStore, log: DurableLog) -> None:
        """And nothing is kept of it."""
        await commands.create(sample_command(1), _key())
        with pytest.raises(KeyReusedError):
            await commands.create(sample_command(2), _key("restart"))
        assert len(await _events(log)) == 1

    async def test_a_key_is_its_users_own(self, commands: CommandStore) -> None:
        """Whatever is in the names."""
        for number, key in enumerate(
            [_key(), _key(user="jonas"), _key(key="tap-2"), _key(user="mariat", key="ap-1"), _key(user="ü:")]
        ):
            made = await commands.create(sample_command(number), key)
            assert made.command_id == sample_command(number).command_id

    async def test_only_who_has_read_the_last_revision_may_write(
        self, commands: CommandStore, log: DurableLog
    ) -> None:
        """Who comes too late changes nothing, tells nothing, and is told so."""
        first = await commands.create(sample_command())
        sent = first.model_copy(update={"state": CommandState.SENT, "sent_at": SAMPLE_TIME})
        answers = await asyncio.gather(
            *(commands.apply(CommandWrite(sent, SAMPLE_TIME + _MINUTE, SAMPLE_TIME)) for _ in range(10))
        )
        assert sorted(answers) == [False] * 9 + [True]
        assert await commands.get(first.command_id) == sent.model_copy(update={"revision": 2})
        assert [event.command.state for event in await _events(log)] == ["queued", "sent"]
        assert not await commands.apply(CommandWrite(sample_command(9), None))

    async def test_a_change_of_which_nothing_is_told_is_in_no_event(
        self, commands: CommandStore, log: DurableLog
    ) -> None:
        """Such as one more attempt."""
        first = await commands.create(sample_command())
        tried = first.model_copy(update={"attempts": 1})
        assert await commands.apply(CommandWrite(tried, SAMPLE_TIME + _MINUTE))
        assert len(await _events(log)) == 1

    async def test_each_change_says_anew_when_it_is_due(self, commands: CommandStore) -> None:
        """The longest overdue first; or that it never is."""
        first, second = [await commands.create(sample_command(number)) for number in (1, 2)]
        await commands.apply(CommandWrite(first, SAMPLE_TIME + _MINUTE))
        later = SAMPLE_TIME + 2 * _MINUTE
        assert [each.command_id for each in await commands.due(later, limit=10)] == [
            second.command_id,
            first.command_id,
        ]
        assert len(await commands.due(later, limit=1)) == 1
        await commands.apply(CommandWrite(second, None))
        assert [each.command_id for each in await commands.due(later, limit=10)] == [first.command_id]

    async def test_of_many_that_look_for_what_is_due_one_takes_each_command(
        self, commands: CommandStore
    ) -> None:
        """What one has put off is due for nobody, also for those that are just looking."""
        for number in range(50):
            await commands.create(sample_command(number))
        taken: list[str] = []

        async def take() -> None:
            while due := await commands.due(SAMPLE_TIME, limit=3):
                for command in due:
                    tried = command.model_copy(update={"attempts": command.attempts + 1})
                    if await commands.apply(CommandWrite(tried, SAMPLE_TIME + _MINUTE)):
                        taken.append(command.command_id)

        await asyncio.gather(*(take() for _ in range(5)))
        assert sorted(taken) == [sample_command(number).command_id for number in range(50)]

    async def test_a_device_has_its_commands_by_pages_the_newest_first(self, commands: CommandStore) -> None:
        """What is given meanwhile does not shift them, and other devices' are not among them."""
        given = [
            sample_command(number, SAMPLE_TIME + timedelta(milliseconds=number // 2)) for number in range(5)
        ]
        others = [
            sample_command(8, device_id="inverter-2"),
            sample_command(9, grid_id="village-2"),
        ]
        for command in [*given, *others]:
            await commands.create(command)
        ids = [command.command_id for command in reversed(given)]
        page = await commands.of_device("village-1", "inverter-1", limit=2)
        assert [each.command_id for each in page.commands] == ids[:2]
        await commands.create(sample_command(7, SAMPLE_TIME + _MINUTE))
        page = await commands.of_device("village-1", "inverter-1", limit=2, cursor=page.cursor)
        assert [each.command_id for each in page.commands] == ids[2:4]
        page = await commands.of_device("village-1", "inverter-1", limit=2, cursor=page.cursor)
        assert ([each.command_id for each in page.commands], page.cursor) == (ids[4:], None)

    async def test_a_cursor_of_somebody_elses_making_is_refused(self, commands: CommandStore) -> None:
        """Also one that might mean something to the store."""
        for cursor in ("", "+", "cmd-1", "(cmd"):
            with pytest.raises(BadCursorError):
                await commands.of_device("village-1", "inverter-1", limit=2, cursor=cursor)

    async def test_of_too_many_the_newest_are_listed(self, commands: CommandStore) -> None:
        """A device that is commanded without end does not fill the store's memory with lists."""
        for number in range(COMMANDS_LISTED + 2):
            await commands.create(sample_command(number))
        listed = 0
        cursor = None
        while True:
            page = await commands.of_device("village-1", "inverter-1", limit=200, cursor=cursor)
            listed += len(page.commands)
            cursor = page.cursor
            if cursor is None:
                break
        assert listed == COMMANDS_LISTED
        assert page.commands[-1].command_id == sample_command(2).command_id
