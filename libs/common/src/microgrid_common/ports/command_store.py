"""The store of commands to devices, which also tells about them in the stream `commands`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from microgrid_common.schemas.command import Command, is_command_id

LARGEST_PAGE: Final = 200

COMMANDS_LISTED: Final = 1_000
"""So many of one device are listed, the newest ones."""

KEYS_KEPT: Final = timedelta(hours=24)
"""For how long an idempotency key gives the same command."""

COMMANDS_KEPT: Final = timedelta(days=90)
"""For how long a command is there after it was given; none is open for nearly so long."""


@dataclass(frozen=True, slots=True)
class RequestKey:
    """What makes two requests one: the same person's same key, and the same wish."""

    user: str
    key: str
    wish: str
    """A digest of what was asked for."""


class KeyReusedError(Exception):
    """Somebody used a key again and asks for something else."""


@dataclass(frozen=True, slots=True)
class CommandWrite:
    """One change of one command, made on what was read before."""

    command: Command
    """What it becomes; its `revision` is the one that was read."""
    look_again_at: datetime | None
    """When it is due next; None for never."""
    told_at: datetime | None = None
    """The time of the event that tells about it; None when its state is the same as before."""


@dataclass(frozen=True, slots=True)
class CommandPage:
    """Some commands of a device, the newest first."""

    commands: Sequence[Command]
    cursor: str | None
    """To go on with; None when there are no more."""


class BadCursorError(ValueError):
    """A cursor is not one that this store has given."""


def check_cursor(cursor: str | None) -> None:
    """Return if a cursor can be one.

    Raises:
        BadCursorError: it cannot.
    """
    if cursor is not None and not is_command_id(cursor):
        raise BadCursorError("this is not a cursor of the commands")


class CommandStore(Protocol):
    """Keeps commands. Several services may change them at the same time."""

    async def create(self, command: Command, key: RequestKey | None = None) -> Command:
        """Keep a new command, due at once, and tell about it, in one step.

        Args:
            command: with an id of its own, and revision 0.
            key: a request that has it already gave a command: that one is returned, and nothing is kept.

        Returns:
            The command as it is kept.

        Raises:
            KeyReusedError: the key belongs to another wish.
            RetryableError: the store is away; it may or may not be kept, and calling again is safe.
        """

    async def get(self, command_id: str) -> Command | None:
        """One command; None when there is none, or none any more.

        Raises:
            RetryableError: the store is away.
        """

    async def of_device(
        self, grid_id: str, device_id: str, *, limit: int, cursor: str | None = None
    ) -> CommandPage:
        """A page of a device's commands.

        Args:
            grid_id: the grid of the device.
            device_id: the device.
            limit: 1 to `LARGEST_PAGE`.
            cursor: what `CommandPage.cursor` said.

        Raises:
            BadCursorError: the cursor is not one of this store's.
            RetryableError: the store is away.
        """

    async def due(self, now: datetime, *, limit: int) -> list[Command]:
        """Commands to look at, since their time has come; the longest overdue first.

        Raises:
            RetryableError: the store is away.
        """

    async def apply(self, write: CommandWrite) -> bool:
        """Change a command and tell about it in one step, unless somebody else changed it before.

        Returns:
            Whether it was made. If not, read again and decide anew.

        Raises:
            RetryableError: the store is away; it may or may not have been made. Trying again is safe: what
                was made counts as changed before.
        """
