"""A member of a consumer group on Redis streams."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from types import TracebackType
from typing import Any, Self, cast

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from microgrid_common.adapters.redis.connection import redis_errors
from microgrid_common.adapters.redis.durable_log import (
    START,
    block_milliseconds,
    entries_of,
    entries_of_stream,
)
from microgrid_common.adapters.redis.stream_leases import StreamLeases
from microgrid_common.ports.durable_log import Entry

_NEW = ">"
_REFRESHES_PER_LEASE = 4
"""A refresh may be late or fail twice before a lease is lost."""

DEFAULT_LEASE = timedelta(seconds=5)
"""How long the streams of a member that died stay unread: longer than a slow answer of Redis."""


class RedisLogConsumer:
    """Implements `LogConsumer`. Enter it before use.

    Each stream belongs to one member of the group at a time, so its entries are worked on in their order
    also when members come and go: first what the owner before it left pending, then new ones. A group
    that is missing is made, and begins with the oldest entry.

    Args:
        client: its own or shared; waiting holds one of its connections.
        group: the name of the consumer group.
        member: the name of this member, which shows in XINFO.
        streams: what the group reads; the same for every member.
        lease: how long the streams of a member that died stay unread. A member that hangs for longer may
            see its entries given to another, so what is done with an entry must bear being done twice.
    """

    def __init__(
        self,
        client: Redis,
        *,
        group: str,
        member: str,
        streams: Sequence[str],
        lease: timedelta = DEFAULT_LEASE,
    ) -> None:
        self._client = client
        self._group = group
        self._member = member
        self._leases = StreamLeases(client, group=group, streams=streams, duration=lease)
        self._streams = tuple(streams)
        self._lease = lease
        self._owned: frozenset[str] = frozenset()
        self._pending_after: dict[str, str] = {}
        """Streams whose pending entries are still to be read, and how far they have been."""
        self._taken_over_until: dict[str, float] = {}
        """Streams whose owner before may still be given entries, by a read that was under way when it lost
        the lease, and until when."""
        self._in_hand: dict[str, set[str]] = {}
        """The ids of the entries that were read and not acknowledged, by stream."""
        self._next_claim = 0.0
        self._refreshed = asyncio.Event()
        self._stopping = asyncio.Event()
        self._problem: Exception | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Begin to take part in the group."""
        self._task = asyncio.create_task(self._keep_leases(), name=f"leases-{self._group}")
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leave the group; what is in hand goes to the next owner of its stream."""
        await self.stop_renewing()
        with suppress(RedisError, OSError):
            await self._leases.release()

    async def stop_renewing(self) -> None:
        """Let the leases run out, as they do when the process dies."""
        # Not by cancelling: the client leaks a connection that is being made at that moment.
        self._stopping.set()
        if self._task:
            await asyncio.wait([self._task])

    async def read(self, *, count: int, wait: timedelta) -> list[Entry]:
        """As `LogConsumer.read`."""
        if self._task is None:
            raise RuntimeError("the consumer was not entered")
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait.total_seconds()
        while True:
            try:
                entries = await self._read_once(count, deadline - loop.time())
            except BaseException:
                # Entries may have been assigned to this member in an answer that never arrived (also
                # when the task was cancelled while it waited). They are pending now.
                self._pending_after = dict.fromkeys(self._owned, START)
                raise
            for entry in entries:
                self._in_hand.setdefault(entry.stream, set()).add(entry.id)
            if entries or loop.time() >= deadline:
                return entries

    async def acknowledge(self, entries: Sequence[Entry]) -> None:
        """As `LogConsumer.acknowledge`."""
        by_stream: dict[str, list[str]] = defaultdict(list)
        for entry in entries:
            by_stream[entry.stream].append(entry.id)
        with redis_errors():
            await self._acknowledge(by_stream)
        for stream, ids in by_stream.items():
            self._in_hand.get(stream, set()).difference_update(ids)

    async def _keep_leases(self) -> None:
        interval = self._lease.total_seconds() / _REFRESHES_PER_LEASE
        while not self._stopping.is_set():
            try:
                await self._refresh_leases()
            except (RedisError, OSError) as error:
                # The leases run out; `read` tells the caller why there is nothing to read.
                self._problem = error
            with suppress(TimeoutError):
                async with asyncio.timeout(interval):
                    await self._stopping.wait()

    async def _refresh_leases(self) -> None:
        await self._leases.refresh(busy={stream for stream, ids in self._in_hand.items() if ids})
        self._problem = None
        self._refreshed.set()

    async def _read_once(self, count: int, seconds: float) -> list[Entry]:
        with redis_errors():
            try:
                owned = await self._take_over()
                if not owned:
                    if self._problem:
                        # What was wrong may be over; if not, the caller hears of it.
                        await self._refresh_leases()
                    await self._wait_for_leases(seconds)
                    return []
                per_stream = max(1, count // len(owned))
                if entries := await self._read_pending(per_stream):
                    return entries
                entries = await self._read_new(owned, per_stream, seconds)
                entries = await self._without_those_that_come_later(entries)
            except ResponseError as error:
                # The stream is not there yet, or was lost with the group.
                if not str(error).startswith(("NOGROUP", "UNBLOCKED")):
                    raise
                await self._make_groups()
                return []
        # A lease that was lost meanwhile took its entries along: its next owner claims them.
        still_owned = set(self._leases.owned)
        return [entry for entry in entries if entry.stream in still_owned]

    async def _take_over(self) -> tuple[str, ...]:
        """The streams that are ours, those that are new claimed from whoever had them before."""
        owned = self._leases.owned
        for stream in self._owned.difference(owned):
            self._pending_after.pop(stream, None)
            self._taken_over_until.pop(stream, None)
            self._in_hand.pop(stream, None)
        now = asyncio.get_running_loop().time()
        claim_all = now >= self._next_claim
        for stream in owned:
            # Now and then of all: a member may have been given an entry just after it lost the lease.
            if stream not in self._owned:
                await self._claim(stream, timedelta())
                self._pending_after[stream] = START
                self._taken_over_until[stream] = now + 2 * self._lease.total_seconds()
            elif claim_all and await self._claim(stream, self._lease):
                self._pending_after[stream] = START
        if claim_all:
            self._next_claim = now + self._lease.total_seconds()
        self._owned = frozenset(owned)
        return owned

    async def _claim(self, stream: str, idle: timedelta) -> bool:
        """Make this member the one that all pending entries belong to; whether there were any of others'."""
        claimed, cursor = False, START
        milliseconds = int(idle.total_seconds() * 1000)
        while True:
            # The server itself drops those that were deleted from what is pending.
            answer = await self._client.xautoclaim(
                stream, self._group, self._member, milliseconds, cursor, count=50
            )
            claimed = claimed or bool(answer[1])
            cursor = answer[0].decode()
            if cursor == START:
                return claimed

    async def _without_those_that_come_later(self, entries: list[Entry]) -> list[Entry]:
        """New entries, but none of streams where the owner before was given earlier ones just now.

        Those are claimed, so that all of them are read again as pending, in their order.
        """
        now = asyncio.get_running_loop().time()
        for stream in {entry.stream for entry in entries}.intersection(self._taken_over_until):
            if now >= self._taken_over_until[stream]:
                del self._taken_over_until[stream]
            elif await self._others_have_pending(stream):
                await self._claim(stream, timedelta())
                self._pending_after[stream] = START
        return [entry for entry in entries if entry.stream not in self._pending_after]

    async def _others_have_pending(self, stream: str) -> bool:
        pending = await self._client.xpending(stream, self._group)
        return any(consumer["name"] != self._member.encode() for consumer in pending["consumers"])

    async def _wait_for_leases(self, seconds: float) -> None:
        self._refreshed.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(max(0.0, seconds)):
                await self._refreshed.wait()

    async def _read_new(self, owned: Sequence[str], per_stream: int, seconds: float) -> list[Entry]:
        positions = dict.fromkeys(owned, _NEW)
        # Not longer than until the next refresh: by then there may be another stream to read.
        seconds = min(seconds, self._lease.total_seconds() / _REFRESHES_PER_LEASE)
        return entries_of(await self._read_group(positions, per_stream, block_milliseconds(seconds)))

    async def _read_pending(self, per_stream: int) -> list[Entry]:
        """What this member was given before and has not acknowledged, each stream in its order."""
        entries: list[Entry] = []
        while self._pending_after and not entries:
            answer = await self._read_group(self._pending_after, per_stream, None)
            deleted: dict[str, list[str]] = {}
            for name, raw_entries in answer:
                stream = name.decode()
                if not raw_entries:
                    del self._pending_after[stream]
                    continue
                self._pending_after[stream] = raw_entries[-1][0].decode()
                entries.extend(entries_of_stream(stream, raw_entries))
                # Trimmed while pending: there is nothing left to work on.
                deleted[stream] = [entry_id.decode() for entry_id, fields in raw_entries if not fields]
            await self._acknowledge(deleted)
        return entries

    async def _read_group(
        self, positions: dict[str, str], per_stream: int, block: int | None
    ) -> list[tuple[bytes, Any]]:
        answer = await self._client.xreadgroup(
            self._group,
            self._member,
            cast("dict[Any, Any]", positions),
            count=per_stream,
            block=block,
        )
        return cast("list[tuple[bytes, Any]]", answer or [])

    async def _acknowledge(self, by_stream: dict[str, list[str]]) -> None:
        async with self._client.pipeline(transaction=False) as pipeline:
            for stream, ids in by_stream.items():
                if ids:
                    pipeline.xack(stream, self._group, *ids)
            await pipeline.execute()

    async def _make_groups(self) -> None:
        for stream in self._streams:
            try:
                await self._client.xgroup_create(stream, self._group, id=START, mkstream=True)
            except ResponseError as error:
                if not str(error).startswith("BUSYGROUP"):
                    raise
