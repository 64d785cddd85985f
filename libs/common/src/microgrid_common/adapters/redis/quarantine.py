"""The quarantine on a Redis stream, with an index beside it: see `quarantine_index`."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, cast

from redis.asyncio import Redis

from microgrid_common.adapters.epoch_milliseconds import first_millisecond_from
from microgrid_common.adapters.redis.connection import redis_errors
from microgrid_common.adapters.redis.durable_log import entries_of_stream
from microgrid_common.adapters.redis.quarantine_index import (
    APPLY,
    APPLY_ALSO_WHEN_FULL,
    COUNTS_KEY,
    DOUBLES_FIELD,
    DROPPED_OPEN_FIELD,
    ENTRIES_KEY,
    IDENTITIES_KEY,
    INDEXED_FIELD,
    STORED_BYTES_FIELD,
    TOTALS_KEY,
    VERSION_FIELD,
    Changes,
    count_of,
    entry_ids_of,
    id_range,
    ids_key,
    sortable,
    sortable_milliseconds,
)
from microgrid_common.ports.durable_log import Entry, Record
from microgrid_common.ports.errors import RetryableError
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
from microgrid_common.schemas.quarantine_entry import (
    QuarantineEntry,
    QuarantineState,
    is_entry_id,
    read_quarantined,
)
from microgrid_common.schemas.streams import QUARANTINE_STREAM

_FIRST_STEP = 64
"""So that a step of the largest messages, of 350 kB each, stays near 20 MB."""

_LARGEST_STEP = 1_000
_BYTES_PER_STEP = 2 * 1024 * 1024
"""What the next step should be near, going by the sizes of the last one: a round trip costs as much as ten
small messages."""

_ENTRIES_PER_LOOK = 500
_ENTRIES_PER_DROP = 200

_ATTEMPTS = 100
"""Each is lost only to somebody else who got something done in the same millisecond."""

_STEPS_PER_CALL = 200
"""What a reader takes in before it answers, though messages keep coming faster."""


class RedisQuarantine:
    """Implements `Quarantine`.

    Messages come by `DurableLog.append`, which knows nothing of the index. Every call first takes in what
    is new, whoever makes it, and each change is made only if nobody has made another one meanwhile: so
    several processes may use the same quarantine.
    """

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._apply = client.register_script(APPLY)
        self._apply_also_when_full = client.register_script(APPLY_ALSO_WHEN_FULL)

    async def find(
        self, wanted: QuarantineFilter, *, limit: int, cursor: str | None = None, oldest_first: bool = False
    ) -> QuarantinePage:
        """As `Quarantine.find`."""
        if cursor is not None and not is_entry_id(cursor):
            raise ValueError("not a cursor of the quarantine")
        found: list[QuarantineEntry] = []
        count = limit + 1
        with redis_errors():
            await self._take_in_new()
            while True:
                ids = await self._ids(wanted, cursor, count, oldest_first=oldest_first)
                found += [entry for entry in await self._entries(ids) if wanted.matches(entry)]
                if len(found) > limit:
                    return QuarantinePage(found[:limit], found[limit - 1].id)
                if len(ids) < count:
                    return QuarantinePage(found, None)
                cursor, count = ids[-1], _ENTRIES_PER_LOOK

    async def get(self, entry_id: str) -> tuple[QuarantineEntry, QuarantinedMessage] | None:
        """As `Quarantine.get`."""
        with redis_errors():
            await self._take_in_new()
            entries = await self._entries([entry_id])
            if not entries:
                return None
            stored = await self._messages(entry_id, entry_id, count=1)
        return (entries[0], read_quarantined(entry_id, stored[0].data)) if stored else None

    async def counts(self, grid_id: str | None = None) -> QuarantineCounts:
        """As `Quarantine.counts`."""
        with redis_errors():
            await self._take_in_new()
            stored = cast("dict[bytes, bytes]", await self._client.hgetall(COUNTS_KEY))
        counts: Counter[Any] = Counter()
        for field, number in stored.items():
            grid, state, reason = count_of(field)
            if grid_id in (None, grid):
                counts[state, reason] += int(number)
        return counts

    async def totals(self) -> QuarantineTotals:
        """As `Quarantine.totals`."""
        with redis_errors():
            await self._take_in_new()
            messages = await self._client.hlen(ENTRIES_KEY)
            stored_bytes, doubles, dropped_open = await self._totals(
                STORED_BYTES_FIELD, DOUBLES_FIELD, DROPPED_OPEN_FIELD
            )
        return QuarantineTotals(messages, int(stored_bytes or 0), int(doubles or 0), int(dropped_open or 0))

    async def replay(
        self, entry_id: str, *, records: Sequence[Record], defects: Sequence[Defect], by: str, at: datetime
    ) -> QuarantineEntry | None:
        """As `Quarantine.replay`."""
        return await self._change(
            entry_id, lambda entry: entry.after_replay(defects, by=by, at=at), records=records
        )

    async def discard(self, entry_id: str, *, by: str, at: datetime) -> QuarantineEntry | None:
        """As `Quarantine.discard`."""
        return await self._change(entry_id, lambda entry: entry.after_discard(by=by, at=at))

    async def drop_beyond(self, limits: QuarantineLimits, *, now: datetime) -> Dropped:
        """As `Quarantine.drop_beyond`."""
        before = sortable_milliseconds(first_millisecond_from(now - limits.keep))
        with redis_errors():
            await self._take_in_new()
            closed = await self._drop_old(before, is_open=False)
            open_for_age = await self._drop_old(before, is_open=True)
            closed += await self._drop_surplus(limits, is_open=False)
            open_for_room = await self._drop_surplus(limits, is_open=True)
        return Dropped(closed, open_for_room, open_for_age)

    async def _take_in_new(self) -> None:
        count = _FIRST_STEP
        for _ in range(_STEPS_PER_CALL):
            version, indexed = await self._totals(VERSION_FIELD, INDEXED_FIELD)
            after = "-" if indexed is None else f"({indexed.decode()}"
            messages = await self._messages(after, "+", count=count)
            if not messages:
                return
            changes = await self._taking_in(messages)
            done = await self._commit(version, changes, script=self._apply_also_when_full)
            if done and len(messages) < count:
                return
            count = _next_step(messages)

    async def _taking_in(self, messages: Sequence[Entry]) -> Changes:
        changes = Changes()
        arrived = [QuarantineEntry.of(message.id, message.data) for message in messages]
        identities = [entry.identity for entry in arrived]
        ids = cast("list[bytes | None]", await self._client.hmget(IDENTITIES_KEY, identities))
        known = {
            entry.identity: entry
            for entry in await self._entries([entry_id.decode() for entry_id in ids if entry_id is not None])
        }
        for entry in arrived:
            if (first := known.get(entry.identity)) is None:
                changes.add(entry)
                known[entry.identity] = entry
                continue
            changes.remove_double(entry.id)
            if (returned := first.after_return(entry)) is not first:
                changes.replace(first, returned)
                known[entry.identity] = returned
        changes.index_up_to(messages[-1].id)
        return changes

    async def _change(
        self,
        entry_id: str,
        change: Callable[[QuarantineEntry], QuarantineEntry],
        *,
        records: Sequence[Record] = (),
    ) -> QuarantineEntry | None:
        for _ in range(_ATTEMPTS):
            with redis_errors():
                await self._take_in_new()
                (version,) = await self._totals(VERSION_FIELD)
                found = await self._entries([entry_id])
                if not found:
                    return None
                after = change(found[0])
                if after is found[0] and not records:
                    return after
                changes = Changes()
                changes.append(records)
                changes.replace(found[0], after)
                # A discard frees room in the end; a replay needs some.
                script = self._apply if records else self._apply_also_when_full
                if await self._commit(version, changes, script=script):
                    return after
        raise RetryableError("redis: the quarantine is too busy")

    async def _drop_old(self, before: str, *, is_open: bool) -> int:
        """Drop the messages whose ids are below `before`; returns how many."""
        dropped = 0
        key = ids_key(is_open=is_open, grid=None)
        while True:
            (version,) = await self._totals(VERSION_FIELD)
            members = await self._client.zrangebylex(key, "-", f"({before}", start=0, num=_ENTRIES_PER_DROP)
            old = await self._entries(entry_ids_of(members))
            if not old:
                return dropped
            dropped += await self._drop(version, old)

    async def _drop_surplus(self, limits: QuarantineLimits, *, is_open: bool) -> int:
        """Drop the oldest open or closed messages as long as there is too much; returns how many."""
        dropped = 0
        key = ids_key(is_open=is_open, grid=None)
        while True:
            version, stored_bytes = await self._totals(VERSION_FIELD, STORED_BYTES_FIELD)
            too_many = await self._client.hlen(ENTRIES_KEY) - limits.messages
            too_large = int(stored_bytes or 0) - limits.stored_bytes
            if too_many <= 0 and too_large <= 0:
                return dropped
            members = await self._client.zrange(key, 0, _ENTRIES_PER_DROP - 1)
            oldest = await self._entries(entry_ids_of(members))
            if not oldest:
                return dropped
            dropped += await self._drop(version, surplus(oldest, too_many=too_many, too_large=too_large))

    async def _drop(self, version: bytes | None, entries: Sequence[QuarantineEntry]) -> int:
        changes = Changes()
        for entry in entries:
            changes.drop(entry)
        done = await self._commit(version, changes, script=self._apply_also_when_full)
        return len(entries) if done else 0

    async def _commit(self, version: bytes | None, changes: Changes, *, script: Any) -> bool:
        """Make changes; False, and nothing is changed, when the version is not that any more."""
        done = await script(keys=[TOTALS_KEY], args=[version or b"", *changes.arguments()])
        return bool(done)

    async def _ids(
        self, wanted: QuarantineFilter, after: str | None, count: int, *, oldest_first: bool
    ) -> list[str]:
        """The next ids that a filter's grid, state and time leave; some may be of another state by now."""
        low, high = id_range(wanted, after=after, oldest_first=oldest_first)
        ids: list[str] = []
        for is_open in (True, False) if wanted.state is None else (wanted.state is QuarantineState.OPEN,):
            key = ids_key(is_open=is_open, grid=wanted.grid_id)
            if oldest_first:
                members = await self._client.zrangebylex(key, low, high, start=0, num=count)
            else:
                members = await self._client.zrevrangebylex(key, high, low, start=0, num=count)
            ids += entry_ids_of(members)
        return sorted(ids, key=sortable, reverse=not oldest_first)[:count]

    async def _entries(self, ids: Sequence[str]) -> list[QuarantineEntry]:
        """What is known of each id, in the order of `ids`; of some there may be nothing."""
        if not ids:
            return []
        stored = await self._client.hmget(ENTRIES_KEY, list(ids))
        return [QuarantineEntry.model_validate_json(entry) for entry in stored if entry is not None]

    async def _messages(self, first: str, last: str, *, count: int) -> list[Entry]:
        answer = await self._client.xrange(QUARANTINE_STREAM, first, last, count=count)
        return entries_of_stream(QUARANTINE_STREAM, cast("Any", answer))

    async def _totals(self, *fields: str) -> list[bytes | None]:
        return cast("list[bytes | None]", await self._client.hmget(TOTALS_KEY, list(fields)))


def _next_step(messages: Sequence[Entry]) -> int:
    average = sum(len(message.data) for message in messages) // len(messages) + 1
    return max(1, min(_BYTES_PER_STEP // average, _LARGEST_STEP))
