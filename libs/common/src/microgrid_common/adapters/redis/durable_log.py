"""The durable log on Redis streams."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, cast

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from microgrid_common.adapters.redis.connection import ANSWER_SECONDS, ping, redis_errors
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

START = "0-0"
"""The position before every entry."""

# A blocking command must end before the connection gives up on its answer.
_LONGEST_BLOCK_SECONDS = ANSWER_SECONDS / 2

# KEYS: the number of the writer's last append, then a stream for each record. ARGV: the number of this
# append, how long to remember it, then kind and data of each record. A server that hung may run an attempt
# that was given up when it goes on, also after a later one: hence one step, and numbers that only grow. The
# first write may fail for want of memory, and then nothing was written.
_APPEND_ONCE = """
local last = redis.call('GET', KEYS[1])
if last and tonumber(last) >= tonumber(ARGV[1]) then return end
for i = 2, #KEYS do
    redis.call('XADD', KEYS[i], '*', ARGV[2 * i - 1], ARGV[2 * i])
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
"""

_REMEMBERED_MILLISECONDS = 600_000
"""Far longer than a retry is put off."""

Position = tuple[int, int]


class RedisDurableLog:
    """Implements `DurableLog`: an entry is a stream entry with the one field `{kind: data}`.

    How durable it is the server decides: `appendonly yes` and `appendfsync always` for a crash of the
    machine, `maxmemory-policy noeviction` so that nothing is dropped for want of memory.
    """

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._append_once = client.register_script(_APPEND_ONCE)

    async def append(self, records: Sequence[Record], *, append_id: AppendId | None = None) -> None:
        """As `DurableLog.append`."""
        if not records:
            return
        with redis_errors():
            if append_id:
                await self._append_once(
                    keys=[f"append:{append_id.writer}", *(record.stream for record in records)],
                    args=[
                        append_id.number,
                        _REMEMBERED_MILLISECONDS,
                        *(part for record in records for part in (record.kind, record.data)),
                    ],
                )
                return
            # MULTI/EXEC: the server runs all or none of it, also when it loads a log cut off by a crash.
            async with self._client.pipeline(transaction=True) as pipeline:
                for record in records:
                    pipeline.xadd(record.stream, {record.kind: record.data})
                await pipeline.execute()

    async def last_id(self, stream: str) -> str:
        """As `DurableLog.last_id`."""
        with redis_errors():
            newest = await self._client.xrevrange(stream, count=1)
        return cast("Any", newest)[0][0].decode() if newest else START

    async def read_after(self, positions: dict[str, str], *, count: int, wait: timedelta) -> list[Entry]:
        """As `DurableLog.read_after`."""
        if not positions:
            return []
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait.total_seconds()
        while True:
            remaining = deadline - loop.time()
            with redis_errors():
                answer = await self._client.xread(
                    cast("dict[Any, Any]", positions), count=count, block=block_milliseconds(remaining)
                )
            if answer or remaining <= _LONGEST_BLOCK_SECONDS:
                return entries_of(answer)

    async def newest_place(self, stream: str) -> Place:
        """As `DurableLog.newest_place`."""
        with redis_errors():
            try:
                about = await self._client.xinfo_stream(stream)
            except ResponseError as error:
                if _says_no_such_key(error):
                    return Place(START, 0)
                raise
        return Place(about["last-generated-id"].decode(), about["entries-added"])

    async def read_on(self, stream: str, place: Place, *, count: int) -> list[Entry]:
        """As `DurableLog.read_on`. The server counts what it appends; trimming takes the oldest entries."""
        with redis_errors():
            # In one step: what is trimmed between two would go unnoticed.
            async with self._client.pipeline(transaction=True) as pipeline:
                pipeline.xinfo_stream(stream)
                pipeline.xrange(stream, place.id, place.id)
                pipeline.xrange(stream, f"({place.id}", count=count)
                about, itself, following = await pipeline.execute(raise_on_error=False)
            for answer in (about, itself, following):
                if isinstance(answer, Exception) and not _says_no_such_key(answer):
                    raise answer
        empty = isinstance(about, Exception)
        appended, length = (0, 0) if empty else (about["entries-added"], about["length"])
        check_place(place, appended=appended, length=length, is_there=bool(itself))
        if len(following) != min(count, appended - place.number):
            raise PlaceGoneError
        return entries_of_stream(stream, following)

    async def trim(self, stream: str, *, keep: timedelta) -> int:
        """As `DurableLog.trim`. A stream without consumer groups is trimmed by age alone."""
        with redis_errors():
            # The server's clock: it made the ids, too.
            seconds, microseconds = await self._client.time()
            oldest = int(seconds * 1000 + microseconds / 1000 - keep.total_seconds() * 1000)
            needed = [await self._first_needed(stream, group) for group in await self._groups(stream)]
            bound = min([(max(oldest, 0), 0), *needed])
            return await self._client.xtrim(stream, minid="{}-{}".format(*bound), approximate=False)

    async def measure(self, streams: Sequence[str]) -> LogMeasure:
        """As `DurableLog.measure`."""
        with redis_errors():
            async with self._client.pipeline(transaction=False) as pipeline:
                pipeline.info("memory")
                for stream in streams:
                    pipeline.xlen(stream)
                    pipeline.xinfo_groups(stream)
                memory, *answers = await pipeline.execute(raise_on_error=False)
            for answer in (memory, *answers):
                # A stream without entries has no groups to tell of.
                if isinstance(answer, Exception) and not _says_no_such_key(answer):
                    raise answer
        return LogMeasure(
            streams={
                stream: StreamMeasure(length, {} if isinstance(groups, Exception) else _measured(groups))
                for stream, length, groups in zip(streams, answers[::2], answers[1::2], strict=True)
            },
            memory_used_bytes=memory["used_memory"],
            memory_limit_bytes=memory["maxmemory"] or None,
            may_evict=memory["maxmemory_policy"] != "noeviction",
        )

    async def ping(self) -> None:
        """As `DurableLog.ping`."""
        await ping(self._client)

    async def _groups(self, stream: str) -> Sequence[Mapping[str, Any]]:
        try:
            return await self._client.xinfo_groups(stream)
        except ResponseError as error:
            if _says_no_such_key(error):
                return ()
            raise

    async def _first_needed(self, stream: str, group: Mapping[str, Any]) -> Position:
        """The first position that a group still needs.

        What it has pending is asked for after how far it has read: so what it reads in between counts as
        not read, and what it acknowledges in between only makes the answer too careful.
        """
        pending = await self._client.xpending(stream, group["name"])
        if pending["pending"]:
            return _position(pending["min"])
        milliseconds, sequence = _position(group["last-delivered-id"])
        return milliseconds, sequence + 1


def block_milliseconds(seconds: float) -> int | None:
    """The argument of BLOCK for a wait of so long, at most as long as an answer may take; None: no wait."""
    # BLOCK 0 would wait for ever.
    return int(min(seconds, _LONGEST_BLOCK_SECONDS) * 1000) or None if seconds > 0 else None


def entries_of(answer: object) -> list[Entry]:
    """The entries in an answer to XREAD or XREADGROUP; those that were deleted are left out."""
    return [
        entry
        for stream, raw_entries in cast("list[tuple[bytes, Any]]", answer or [])
        for entry in entries_of_stream(stream.decode(), raw_entries)
    ]


def entries_of_stream(stream: str, raw_entries: Sequence[tuple[bytes, dict[bytes, bytes]]]) -> list[Entry]:
    """The entries of one stream; those that were deleted, which come without fields, are left out."""
    return [
        Entry(stream, entry_id.decode(), kind.decode(), data)
        for entry_id, fields in raw_entries
        for kind, data in fields.items()
    ]


def _measured(groups: Sequence[Mapping[str, Any]]) -> dict[str, GroupMeasure]:
    return {group["name"].decode(): GroupMeasure(group["lag"], group["pending"]) for group in groups}


def _says_no_such_key(error: Exception) -> bool:
    return "no such key" in str(error)


def _position(entry_id: bytes) -> Position:
    milliseconds, _, sequence = entry_id.partition(b"-")
    return int(milliseconds), int(sequence)
