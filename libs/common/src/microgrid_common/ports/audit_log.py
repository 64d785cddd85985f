"""The audit log: entries are added, and never changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from microgrid_common.schemas.audit import AuditEntry

LARGEST_PAGE: Final = 200
ENTRIES_KEPT: Final = 100_000
"""Of each grid, and of the whole: about ten years of a busy village. The oldest ones go."""


@dataclass(frozen=True, slots=True)
class RecordedEntry:
    """An entry as it was recorded."""

    entry_id: str
    """Grows from entry to entry."""
    entry: AuditEntry


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Some entries, the newest first."""

    entries: Sequence[RecordedEntry]
    cursor: str | None
    """To go on with; None when there are no more."""


class BadCursorError(ValueError):
    """A cursor is not one that this log has given."""


class AuditLog(Protocol):
    """Keeps who changed what."""

    async def append(self, entry: AuditEntry) -> str:
        """Add an entry; returns its id.

        Raises:
            RetryableError: the store is away; it may or may not have happened.
        """

    async def find(self, grid_id: str | None, *, limit: int, cursor: str | None = None) -> AuditPage:
        """The newest entries.

        Args:
            grid_id: those of one grid; None: all, also those that belong to none.
            limit: 1 to `LARGEST_PAGE`.
            cursor: of the page before; None for the first.

        Raises:
            BadCursorError: the cursor is none.
            RetryableError: the store is away.
        """

    async def ping(self) -> None:
        """Return if the store can be used.

        Raises:
            RetryableError: it cannot; it says why.
        """
