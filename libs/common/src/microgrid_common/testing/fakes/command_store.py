"""Commands to devices in memory."""

from datetime import datetime

from microgrid_common.ports.command_store import (
    COMMANDS_LISTED,
    CommandPage,
    CommandWrite,
    KeyReusedError,
    RequestKey,
    check_cursor,
)
from microgrid_common.ports.durable_log import Record
from microgrid_common.schemas.command import Command, CommandEvent
from microgrid_common.schemas.streams import COMMAND_EVENT_KIND, COMMANDS_STREAM
from microgrid_common.testing.fakes.durable_log import FakeDurableLog
from microgrid_common.testing.fakes.failing import FailsOnDemand


class FakeCommandStore(FailsOnDemand):
    """Implements `CommandStore`; what it keeps it keeps for good.

    Args:
        log: where events go; a log of its own by default.
    """

    def __init__(self, log: FakeDurableLog | None = None) -> None:
        super().__init__()
        self.log = log or FakeDurableLog()
        self.commands: dict[str, Command] = {}
        """By id, in the order of their creation."""
        self._due: dict[str, datetime] = {}
        self._keys: dict[tuple[str, str], tuple[str, str]] = {}

    @property
    def events(self) -> list[CommandEvent]:
        """What was told, in order."""
        entries = self.log.streams[COMMANDS_STREAM]
        return [CommandEvent.model_validate_json(entry.data) for entry in entries]

    async def create(self, command: Command, key: RequestKey | None = None) -> Command:
        """As `CommandStore.create`."""
        self._may_fail()
        if key and (known := self._keys.get((key.user, key.key))):
            command_id, wish = known
            if wish != key.wish:
                raise KeyReusedError
            return self.commands[command_id]
        if there := self.commands.get(command.command_id):
            return there
        if key:
            self._keys[key.user, key.key] = (command.command_id, key.wish)
        await self._keep(command, command.created_at, command.created_at)
        return self.commands[command.command_id]

    async def get(self, command_id: str) -> Command | None:
        """As `CommandStore.get`."""
        self._may_fail()
        return self.commands.get(command_id)

    async def of_device(
        self, grid_id: str, device_id: str, *, limit: int, cursor: str | None = None
    ) -> CommandPage:
        """As `CommandStore.of_device`."""
        self._may_fail()
        check_cursor(cursor)
        own = sorted(
            (
                command
                for command in self.commands.values()
                if (command.grid_id, command.device_id) == (grid_id, device_id)
            ),
            key=lambda command: command.command_id,
            reverse=True,
        )[:COMMANDS_LISTED]
        left = [command for command in own if cursor is None or command.command_id < cursor]
        return CommandPage(left[:limit], left[limit - 1].command_id if len(left) > limit else None)

    async def due(self, now: datetime, *, limit: int) -> list[Command]:
        """As `CommandStore.due`."""
        self._may_fail()
        past = sorted((time, command_id) for command_id, time in self._due.items() if time <= now)
        return [self.commands[command_id] for _, command_id in past[:limit]]

    async def apply(self, write: CommandWrite) -> bool:
        """As `CommandStore.apply`."""
        self._may_fail()
        current = self.commands.get(write.command.command_id)
        if current is None or current.revision != write.command.revision:
            return False
        await self._keep(write.command, write.look_again_at, write.told_at)
        return True

    async def _keep(self, command: Command, look_again_at: datetime | None, told_at: datetime | None) -> None:
        stored = command.model_copy(update={"revision": command.revision + 1})
        self.commands[command.command_id] = stored
        self._due.pop(command.command_id, None)
        if look_again_at is not None:
            self._due[command.command_id] = look_again_at
        if told_at is not None:
            event = CommandEvent(at=told_at, command=stored)
            data = event.model_dump_json(exclude_defaults=True).encode()
            await self.log.append([Record(COMMANDS_STREAM, COMMAND_EVENT_KIND, data)])
