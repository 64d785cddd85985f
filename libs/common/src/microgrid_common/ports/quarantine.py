"""The quarantine: messages that were refused, until somebody replays or discards them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from microgrid_common.ports.durable_log import Record
from microgrid_common.schemas.quarantine import Defect, QuarantinedMessage, Reason
from microgrid_common.schemas.quarantine_entry import QuarantineEntry, QuarantineState


@dataclass(frozen=True, slots=True)
class QuarantineFilter:
    """Which messages are wanted: those for which everything given holds."""

    grid_id: str | None = None
    """`NO_GRID` for messages that name no grid; None for all."""
    device_id: str | None = None
    reason: Reason | None = None
    state: QuarantineState | None = QuarantineState.OPEN
    """None for every state."""
    since: datetime | None = None
    """Aware; those that were put in quarantine then or later."""
    until: datetime | None = None
    """Aware; those that were put in quarantine before."""

    def matches(self, entry: QuarantineEntry) -> bool:
        """Whether an entry is wanted."""
        return (
            self.grid_id in (None, entry.grid)
            and self.device_id in (None, entry.device_id)
            and self.reason in (None, entry.reason)
            and self.state in (None, entry.state)
            and (self.since is None or self.since <= entry.quarantined_at)
            and (self.until is None or entry.quarantined_at < self.until)
        )


@dataclass(frozen=True, slots=True)
class QuarantinePage:
    """A part of what was found."""

    entries: list[QuarantineEntry]
    cursor: str | None
    """Where the next part begins; None when there is no more."""


@dataclass(frozen=True, slots=True)
class QuarantineLimits:
    """How much the quarantine may hold. Beyond it the oldest closed messages go first, then open ones."""

    messages: int = 50_000
    stored_bytes: int = 64 * 1024 * 1024
    """What the messages take in the stream; what is known about each takes 1 kB beside it."""
    keep: timedelta = timedelta(days=90)
    """How long a message stays after it was put in quarantine, whether somebody has looked at it or not."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """How many messages have gone for want of room, or of age."""

    closed: int = 0
    open_for_room: int = 0
    open_for_age: int = 0

    @property
    def open(self) -> int:
        """Messages that nobody had looked at."""
        return self.open_for_room + self.open_for_age


@dataclass(frozen=True, slots=True)
class QuarantineTotals:
    """How much the quarantine holds, and what it has let go."""

    messages: int
    stored_bytes: int
    doubles: int
    """Since the beginning: how often a message came that was here already."""
    dropped_open: int
    """Since the beginning: how many messages have gone before somebody looked at them."""


def surplus(oldest: Sequence[QuarantineEntry], *, too_many: int, too_large: int) -> Sequence[QuarantineEntry]:
    """Those of the oldest messages that have to go.

    Args:
        oldest: in their order.
        too_many: by how many messages there are more than there may be.
        too_large: by how many bytes they take more than they may.
    """
    for count, entry in enumerate(oldest):
        if too_many <= 0 and too_large <= 0:
            return oldest[:count]
        too_many -= 1
        too_large -= entry.stored_bytes
    return oldest


QuarantineCounts = Mapping[tuple[QuarantineState, Reason], int]
"""How many messages there are of each state and reason; where there are none there is no key."""


class Quarantine(Protocol):
    """The messages that were appended to the stream `quarantine`, and what became of them.

    It knows of a message as soon as the append has returned, and lets nothing go by itself: see
    `drop_beyond`. A message that a retry has appended twice is there once.
    """

    async def find(
        self, wanted: QuarantineFilter, *, limit: int, cursor: str | None = None, oldest_first: bool = False
    ) -> QuarantinePage:
        """The messages that are wanted, the newest first.

        Args:
            wanted: which.
            limit: at most so many; at least 1.
            cursor: the one of the page before, which was asked for with the same order; None to begin.
            oldest_first: the other way round.

        Raises:
            RetryableError: the store is away.
            ValueError: `cursor` is not one.
        """

    async def get(self, entry_id: str) -> tuple[QuarantineEntry, QuarantinedMessage] | None:
        """One message, with its bytes; None when there is none of that id.

        Raises:
            RetryableError: the store is away.
        """

    async def counts(self, grid_id: str | None = None) -> QuarantineCounts:
        """How many messages there are, of one grid (or `NO_GRID`) or of all.

        Raises:
            RetryableError: the store is away.
        """

    async def totals(self) -> QuarantineTotals:
        """How much there is.

        Raises:
            RetryableError: the store is away.
        """

    async def replay(
        self, entry_id: str, *, records: Sequence[Record], defects: Sequence[Defect], by: str, at: datetime
    ) -> QuarantineEntry | None:
        """Append what a message has become now, and record that, in one step.

        Args:
            entry_id: which message.
            records: its readings and notices.
            defects: what of it is still refused; when there are none it is closed.
            by: who wants it.
            at: now.

        Returns:
            What is known then; None when there is no such message, and then nothing was appended.

        Raises:
            RetryableError: the store is away or full; it may have happened, and doing it again is safe.
        """

    async def discard(self, entry_id: str, *, by: str, at: datetime) -> QuarantineEntry | None:
        """Record that an open message is not needed; one that is closed stays as it is.

        Returns:
            What is known then; None when there is no such message.

        Raises:
            RetryableError: the store is away; it may have happened, and doing it again is safe.
        """

    async def drop_beyond(self, limits: QuarantineLimits, *, now: datetime) -> Dropped:
        """Let go what is too old, then what is too much: the oldest closed messages first.

        Raises:
            RetryableError: the store is away.
        """
