"""The quarantine in memory."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime

from microgrid_common.ports.durable_log import Record
from microgrid_common.ports.quarantine import (
    Dropped,
    QuarantineCounts,
    QuarantineFilter,
    QuarantineLimits,
    QuarantinePage,
    QuarantineTotals,
    surplus,
)
from microgrid_common.schemas.quarantine import Defect, QuarantinedMessage
from microgrid_common.schemas.quarantine_entry import QuarantineEntry, is_entry_id, read_quarantined
from microgrid_common.schemas.streams import QUARANTINE_STREAM
from microgrid_common.testing.fakes.durable_log import FakeDurableLog
from microgrid_common.testing.fakes.failing import FailsOnDemand


class FakeQuarantine(FailsOnDemand):
    """Implements `Quarantine`. What is known about each message is in `entries`, by id.

    Args:
        log: where the messages are appended, and where a replay puts its readings.
    """

    def __init__(self, log: FakeDurableLog) -> None:
        super().__init__()
        self.log = log
        self.entries: dict[str, QuarantineEntry] = {}
        self._messages: dict[str, QuarantinedMessage] = {}
        self._indexed = "0-0"
        self._doubles = 0
        self._dropped_open = 0

    async def find(
        self, wanted: QuarantineFilter, *, limit: int, cursor: str | None = None, oldest_first: bool = False
    ) -> QuarantinePage:
        """As `Quarantine.find`."""
        self._may_fail()
        self._take_in_new()
        if cursor is not None and not is_entry_id(cursor):
            raise ValueError("not a cursor of the quarantine")
        found = [entry for entry in self._oldest_first() if wanted.matches(entry)]
        if not oldest_first:
            found.reverse()
        if cursor is not None:
            after = _position(cursor)
            found = [
                entry
                for entry in found
                if (after < _position(entry.id) if oldest_first else _position(entry.id) < after)
            ]
        page = found[:limit]
        return QuarantinePage(page, page[-1].id if len(found) > limit else None)

    async def get(self, entry_id: str) -> tuple[QuarantineEntry, QuarantinedMessage] | None:
        """As `Quarantine.get`."""
        self._may_fail()
        self._take_in_new()
        entry = self.entries.get(entry_id)
        return (entry, self._messages[entry_id]) if entry else None

    async def counts(self, grid_id: str | None = None) -> QuarantineCounts:
        """As `Quarantine.counts`."""
        self._may_fail()
        self._take_in_new()
        return Counter(
            (entry.state, entry.reason) for entry in self.entries.values() if grid_id in (None, entry.grid)
        )

    async def totals(self) -> QuarantineTotals:
        """As `Quarantine.totals`."""
        self._may_fail()
        self._take_in_new()
        stored_bytes = sum(entry.stored_bytes for entry in self.entries.values())
        return QuarantineTotals(len(self.entries), stored_bytes, self._doubles, self._dropped_open)

    async def replay(
        self, entry_id: str, *, records: Sequence[Record], defects: Sequence[Defect], by: str, at: datetime
    ) -> QuarantineEntry | None:
        """As `Quarantine.replay`."""
        self._may_fail()
        after = self._change(entry_id, lambda entry: entry.after_replay(defects, by=by, at=at))
        if after:
            await self.log.append(records)
        return after

    async def discard(self, entry_id: str, *, by: str, at: datetime) -> QuarantineEntry | None:
        """As `Quarantine.discard`."""
        self._may_fail()
        return self._change(entry_id, lambda entry: entry.after_discard(by=by, at=at))

    async def drop_beyond(self, limits: QuarantineLimits, *, now: datetime) -> Dropped:
        """As `Quarantine.drop_beyond`."""
        self._may_fail()
        self._take_in_new()
        old = [entry for entry in self.entries.values() if entry.quarantined_at < now - limits.keep]
        self._drop(old)
        closed = self._drop(self._surplus(limits, is_open=False))
        opened = self._drop(self._surplus(limits, is_open=True))
        open_for_age = sum(entry.is_open for entry in old)
        return Dropped(closed + len(old) - open_for_age, opened, open_for_age)

    def _change(
        self, entry_id: str, change: Callable[[QuarantineEntry], QuarantineEntry]
    ) -> QuarantineEntry | None:
        self._take_in_new()
        if entry := self.entries.get(entry_id):
            self.entries[entry_id] = change(entry)
        return self.entries.get(entry_id)

    def _take_in_new(self) -> None:
        first_of = {entry.identity: entry.id for entry in self.entries.values()}
        for message in self.log.entries_after(QUARANTINE_STREAM, self._indexed):
            self._indexed = message.id
            arrived = QuarantineEntry.of(message.id, message.data)
            first_id = first_of.setdefault(arrived.identity, arrived.id)
            if first_id == arrived.id:
                self.entries[arrived.id] = arrived
                self._messages[arrived.id] = read_quarantined(message.id, message.data)
            else:
                self.entries[first_id] = self.entries[first_id].after_return(arrived)
                self._doubles += 1

    def _oldest_first(self) -> list[QuarantineEntry]:
        return sorted(self.entries.values(), key=lambda entry: _position(entry.id))

    def _surplus(self, limits: QuarantineLimits, *, is_open: bool) -> Sequence[QuarantineEntry]:
        stored_bytes = sum(entry.stored_bytes for entry in self.entries.values())
        return surplus(
            [entry for entry in self._oldest_first() if entry.is_open == is_open],
            too_many=len(self.entries) - limits.messages,
            too_large=stored_bytes - limits.stored_bytes,
        )

    def _drop(self, entries: Sequence[QuarantineEntry]) -> int:
        for entry in entries:
            del self.entries[entry.id], self._messages[entry.id]
            self._dropped_open += entry.is_open
        return len(entries)


def _position(entry_id: str) -> tuple[int, int]:
    milliseconds, _, sequence = entry_id.partition("-")
    return int(milliseconds), int(sequence)
