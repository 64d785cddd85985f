"""The durable log: named streams of entries that survive a crash, read by consumer groups or by position."""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Record:
    """Something to append to a stream."""

    stream: str
    kind: str
    """What `data` is: see `schemas.streams`."""
    data: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that was appended to a stream."""

    stream: str
    id: str
    """Its position, `milliseconds-sequence`: increasing within the stream."""
    kind: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Place:
    """A position in a stream, with what tells later whether anything after it was dropped."""

    id: str
    """As `Entry.id`; `0-0` before the first entry."""
    number: int
    """How many entries had ever been appended to the stream, up to and with this one."""

    def next(self, entry: Entry) -> "Place":
        """The place of the entry that follows."""
        return Place(entry.id, self.number + 1)


class PlaceGoneError(Exception):
    """Entries after a place were dropped, or it is no place of this log: what came after it is not known."""


def check_place(place: Place, *, appended: int, length: int, is_there: bool) -> None:
    """Return if a stream still has everything that came after a place.

    Args:
        place: one that this stream is believed to have had.
        appended: how many entries were ever appended to the stream.
        length: how many of them are left; only the oldest ones are ever dropped.
        is_there: whether the entry at the place is.

    Raises:
        PlaceGoneError: something was dropped, or the stream never had that place.
    """
    dropped = appended - length
    if not dropped <= place.number <= appended or is_there != (place.number > dropped):
        raise PlaceGoneError


@dataclass(frozen=True, slots=True)
class AppendId:
    """Names one append, so that a second attempt at it adds nothing."""

    writer: str
    """Whoever appends one thing after the other; unique."""
    number: int
    """Higher for each append of the writer than for the one before."""


def append_ids() -> Iterator[AppendId]:
    """The ids of a new writer, one for each append."""
    writer = secrets.token_hex(8)
    return (AppendId(writer, number) for number in count(1))


@dataclass(frozen=True, slots=True)
class GroupMeasure:
    """How far a consumer group has come in a stream."""

    lag: int | None
    """How many entries no member has been given yet; None when that cannot be told."""
    pending: int
    """How many entries members have been given and not acknowledged."""


@dataclass(frozen=True, slots=True)
class StreamMeasure:
    """How much is in a stream."""

    length: int
    """How many entries."""
    groups: Mapping[str, GroupMeasure]
    """By the group's name."""


@dataclass(frozen=True, slots=True)
class LogMeasure:
    """How much is in the log."""

    streams: Mapping[str, StreamMeasure]
    memory_used_bytes: int
    memory_limit_bytes: int | None
    """Where appending stops; None when there is no limit."""
    may_evict: bool = False
    """Whether it drops what was not read when there is no memory left, instead of refusing what is new."""


class LogAppender(Protocol):
    """Appends to streams."""

    async def append(self, records: Sequence[Record], *, append_id: AppendId | None = None) -> None:
        """Append all records, or none of them, in their order; durable when it returns.

        Args:
            records: what to append.
            append_id: with it a retry appends nothing when the attempt before it had come through after all.

        Raises:
            RetryableError: the log is away, or full; without an id a retry may double the records.
        """


class DurableLog(LogAppender, Protocol):
    """Appends to streams and reads them by position."""

    async def last_id(self, stream: str) -> str:
        """The position of the newest entry; `0-0` of an empty stream.

        Raises:
            RetryableError: the log is away.
        """

    async def read_after(self, positions: dict[str, str], *, count: int, wait: timedelta) -> list[Entry]:
        """Entries after a position in each of some streams, without a consumer group.

        Args:
            positions: stream → the id after which to read, exclusive.
            count: at most so many entries of each stream.
            wait: how long to wait when there is none; then the list is empty.

        Raises:
            RetryableError: the log is away.
        """

    async def newest_place(self, stream: str) -> Place:
        """The place of the newest entry, also when it was dropped since.

        Raises:
            RetryableError: the log is away.
        """

    async def read_on(self, stream: str, place: Place, *, count: int) -> list[Entry]:
        """The entries that directly follow a place, at most `count`; empty when there are none yet.

        Raises:
            PlaceGoneError: some of them were dropped, or the place is not one of this log.
            RetryableError: the log is away.
        """

    async def trim(self, stream: str, *, keep: timedelta) -> int:
        """Drop entries older than `keep` that every consumer group has acknowledged.

        Returns:
            How many entries were dropped.

        Raises:
            RetryableError: the log is away.
        """

    async def measure(self, streams: Sequence[str]) -> LogMeasure:
        """How much is in some streams, how far their consumer groups are, and how much memory is used.

        Raises:
            RetryableError: the log is away.
        """

    async def ping(self) -> None:
        """Return if the log can be used.

        Raises:
            RetryableError: it cannot; it says why.
        """


class LogConsumer(Protocol):
    """A member of a consumer group: every entry goes to one member, until one has acknowledged it."""

    async def read(self, *, count: int, wait: timedelta) -> list[Entry]:
        """Entries to work on: what a dead member left behind first, then new ones.

        Args:
            count: at most so many entries, though one of each stream in any case.
            wait: how long to wait when there is none; then the list is empty.

        Raises:
            RetryableError: the log is away.
        """

    async def acknowledge(self, entries: Sequence[Entry]) -> None:
        """Say that entries are done with: no member gets them again.

        Raises:
            RetryableError: the log is away.
        """
