"""The durable log in memory."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from microgrid_common.ports.durable_log import (
    AppendId,
    Entry,
    GroupMeasure,
    LogMeasure,
    Place,
    PlaceGoneError,
    Record,
    StreamMeasure,
    check_place,
)
from microgrid_common.testing.fakes.failing import FailsOnDemand

_START = "0-0"


@dataclass(slots=True)
class _Group:
    after: str = _START
    """The newest entry that was given to a member."""
    pending: dict[str, Entry] = field(default_factory=dict)
    owner: "FakeLogConsumer | None" = None


class FakeDurableLog(FailsOnDemand):
    """Implements `DurableLog`. What was appended is in `streams`.

    Args:
        now: the clock that ids are made from.
    """

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        super().__init__()
        self.streams: dict[str, list[Entry]] = defaultdict(list)
        self.memory_limit_bytes: int | None = None
        """What `measure` tells; it does not keep anybody from appending."""
        self.may_evict = False
        self._now = now
        self._groups: dict[str, dict[str, _Group]] = defaultdict(dict)
        self._last_ids: dict[str, str] = {}
        self._appended_count: dict[str, int] = defaultdict(int)
        self._last_numbers: dict[str, int] = {}
        self._appended = asyncio.Event()

    def consumer(self, *, group: str, member: str, streams: Sequence[str]) -> "FakeLogConsumer":
        """A member of a group; ask again with the same name for one that was started anew."""
        return FakeLogConsumer(self, group, member, streams)

    async def append(self, records: Sequence[Record], *, append_id: AppendId | None = None) -> None:
        """As `DurableLog.append`."""
        self._may_fail()
        if append_id:
            if append_id.number <= self._last_numbers.get(append_id.writer, 0):
                return
            self._last_numbers[append_id.writer] = append_id.number
        for record in records:
            entry_id = self._next_id(record.stream)
            self._last_ids[record.stream] = entry_id
            self._appended_count[record.stream] += 1
            self.streams[record.stream].append(Entry(record.stream, entry_id, record.kind, record.data))
        self._appended.set()
        self._appended = asyncio.Event()

    async def last_id(self, stream: str) -> str:
        """As `DurableLog.last_id`."""
        self._may_fail()
        entries = self.streams[stream]
        return entries[-1].id if entries else _START

    async def read_after(self, positions: dict[str, str], *, count: int, wait: timedelta) -> list[Entry]:
        """As `DurableLog.read_after`."""
        self._may_fail()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait.total_seconds()
        while True:
            found = [
                entry
                for stream, after in positions.items()
                for entry in self.entries_after(stream, after)[:count]
            ]
            if found or not await self.appended_before(deadline):
                return found

    async def newest_place(self, stream: str) -> Place:
        """As `DurableLog.newest_place`."""
        self._may_fail()
        return Place(self._last_ids.get(stream, _START), self._appended_count[stream])

    async def read_on(self, stream: str, place: Place, *, count: int) -> list[Entry]:
        """As `DurableLog.read_on`."""
        self._may_fail()
        entries = self.streams[stream]
        appended = self._appended_count[stream]
        is_there = any(entry.id == place.id for entry in entries)
        check_place(place, appended=appended, length=len(entries), is_there=is_there)
        following = self.entries_after(stream, place.id)
        if len(following) != appended - place.number:
            raise PlaceGoneError
        return following[:count]

    async def trim(self, stream: str, *, keep: timedelta) -> int:
        """As `DurableLog.trim`."""
        self._may_fail()
        oldest = (int((self._now() - keep).timestamp() * 1000), 0)
        bound = min([oldest, *(_first_needed(group) for group in self._groups[stream].values())])
        kept = [entry for entry in self.streams[stream] if _position(entry.id) >= bound]
        dropped = len(self.streams[stream]) - len(kept)
        self.streams[stream] = kept
        return dropped

    async def measure(self, streams: Sequence[str]) -> LogMeasure:
        """As `DurableLog.measure`; its memory is the data of all streams."""
        self._may_fail()
        return LogMeasure(
            streams={stream: self._measured(stream) for stream in streams},
            memory_used_bytes=sum(len(entry.data) for entries in self.streams.values() for entry in entries),
            memory_limit_bytes=self.memory_limit_bytes,
            may_evict=self.may_evict,
        )

    async def ping(self) -> None:
        """As `DurableLog.ping`."""
        self._may_fail()

    def entries_after(self, stream: str, after: str) -> list[Entry]:
        """The entries of a stream after a position."""
        return [entry for entry in self.streams[stream] if _position(entry.id) > _position(after)]

    async def appended_before(self, deadline: float) -> bool:
        """Wait until something is appended; False when the event loop's time reaches `deadline` first."""
        try:
            async with asyncio.timeout_at(deadline):
                await self._appended.wait()
        except TimeoutError:
            return False
        return True

    def group(self, stream: str, name: str) -> _Group:
        """A group of a stream; it begins with the oldest entry when it is new."""
        return self._groups[stream].setdefault(name, _Group())

    def _measured(self, stream: str) -> StreamMeasure:
        groups = {
            name: GroupMeasure(len(self.entries_after(stream, group.after)), len(group.pending))
            for name, group in self._groups[stream].items()
        }
        return StreamMeasure(len(self.streams[stream]), groups)

    def _next_id(self, stream: str) -> str:
        milliseconds = int(self._now().timestamp() * 1000)
        last_milliseconds, sequence = _position(self._last_ids.get(stream, _START))
        if milliseconds > last_milliseconds:
            return f"{milliseconds}-0"
        return f"{last_milliseconds}-{sequence + 1}"


class FakeLogConsumer(FailsOnDemand):
    """Implements `LogConsumer`; `FakeDurableLog.consumer` makes it.

    A stream belongs to the member that reads it first, until that one crashes or starts anew.
    """

    def __init__(self, log: FakeDurableLog, group: str, member: str, streams: Sequence[str]) -> None:
        super().__init__()
        self._log = log
        self._group = group
        self._member = member
        self._streams = tuple(streams)
        self._crashed = False
        self._pending_after: dict[str, str] = {}

    def crash(self) -> None:
        """Be gone: what is pending goes to the next one that reads."""
        self._crashed = True

    async def read(self, *, count: int, wait: timedelta) -> list[Entry]:
        """As `LogConsumer.read`."""
        self._may_fail()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait.total_seconds()
        per_stream = max(1, count // len(self._streams))
        while True:
            owned = [stream for stream in self._streams if self._owns(stream)]
            for step in (self._pending, self._new):
                if found := [entry for stream in owned for entry in step(stream, per_stream)]:
                    return found
            if not await self._log.appended_before(deadline):
                return []

    async def acknowledge(self, entries: Sequence[Entry]) -> None:
        """As `LogConsumer.acknowledge`."""
        self._may_fail()
        for entry in entries:
            self._log.group(entry.stream, self._group).pending.pop(entry.id, None)

    def _owns(self, stream: str) -> bool:
        group = self._log.group(stream, self._group)
        owner = group.owner
        if owner is self:
            return True
        if self._crashed or (owner and not owner._crashed and owner._member != self._member):  # noqa: SLF001
            return False
        group.owner = self
        self._pending_after[stream] = _START
        return True

    def _pending(self, stream: str, count: int) -> list[Entry]:
        """What was pending when the stream became ours; what is given from then on is in hand."""
        if stream not in self._pending_after:
            return []
        after = _position(self._pending_after[stream])
        pending = self._log.group(stream, self._group).pending
        there = {entry.id for entry in self._log.streams[stream]}
        for entry_id in [entry_id for entry_id in pending if entry_id not in there]:
            del pending[entry_id]
        ordered = sorted(pending.values(), key=lambda entry: _position(entry.id))
        found = [entry for entry in ordered if _position(entry.id) > after][:count]
        if found:
            self._pending_after[stream] = found[-1].id
        else:
            del self._pending_after[stream]
        return found

    def _new(self, stream: str, count: int) -> list[Entry]:
        group = self._log.group(stream, self._group)
        entries = self._log.entries_after(stream, group.after)[:count]
        for entry in entries:
            group.pending[entry.id] = entry
            group.after = entry.id
        return entries


def _position(entry_id: str) -> tuple[int, int]:
    milliseconds, _, sequence = entry_id.partition("-")
    return int(milliseconds), int(sequence)


def _first_needed(group: _Group) -> tuple[int, int]:
    if group.pending:
        return min(_position(entry_id) for entry_id in group.pending)
    milliseconds, sequence = _position(group.after)
    return milliseconds, sequence + 1
