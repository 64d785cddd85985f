"""A member of a consumer group on Redis streams."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, cast

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from microgrid_common.adapters.redis.connection import redis_errors
from microgrid_common.adapters.redis.durable_log import (
    START,
    block_milliseconds,
    entries_of,
    entries_of_stream,
)
from microgrid_common.ports.durable_log import Entry

_NEW = ">"
_CLAIMS_PER_IDLE_TIME = 4
"""How often to look for what dead members left: a claim is late by a quarter of `claim_idle` at most."""


class RedisLogConsumer:
    """Implements `LogConsumer`.

    Within one stream a member gets its entries in their order: first what it had pending from before a
    restart, then what it claims from members that are silent, then new ones. A group that is missing is
    made, and begins with the oldest entry.

    Args:
        client: its own or shared; waiting holds one of its connections.
        group: the name of the consumer group.
        member: the name of this member: the same after a restart, so that it goes on where it was.
        streams: what to read.
        claim_idle: how long a member may hold an entry before others take it for dead. Longer than the
            work on one batch takes.
    """

    def __init__(
        self, client: Redis, *, group: str, member: str, streams: Sequence[str], claim_idle: timedelta
    ) -> None:
        self._client = client
        self._group = group
        self._member = member
        self._streams = tuple(streams)
        self._claim_idle = claim_idle
        self._next_claim = 0.0
        self._claim_from: dict[str, str] = {}
        self._pending_after: dict[str, str] = {}
        self._reread_pending()

    async def read(self, *, count: int, wait: timedelta) -> list[Entry]:
        """As `LogConsumer.read`."""
        per_stream = max(1, count // len(self._streams))
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait.total_seconds()
        while True:
            try:
                entries = await self._read_once(per_stream, deadline - loop.time())
            except BaseException:
                # Entries may have been assigned to this member in an answer that never arrived (also
                # when the task was cancelled while it waited). They are pending now.
                self._reread_pending()
                raise
            if entries or loop.time() >= deadline:
                return entries

    async def acknowledge(self, entries: Sequence[Entry]) -> None:
        """As `LogConsumer.acknowledge`."""
        by_stream: dict[str, list[str]] = defaultdict(list)
        for entry in entries:
            by_stream[entry.stream].append(entry.id)
        with redis_errors():
            await self._acknowledge(by_stream)

    async def _read_once(self, per_stream: int, seconds: float) -> list[Entry]:
        with redis_errors():
            try:
                if entries := await self._read_pending(per_stream) or await self._claim(per_stream):
                    return entries
                return await self._read_new(per_stream, seconds)
            except ResponseError as error:
                # The stream is not there yet, or was lost with the group.
                if not str(error).startswith(("NOGROUP", "UNBLOCKED")):
                    raise
                await self._make_groups()
                return []

    async def _read_new(self, per_stream: int, seconds: float) -> list[Entry]:
        positions = dict.fromkeys(self._streams, _NEW)
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

    async def _claim(self, per_stream: int) -> list[Entry]:
        """What members that have been silent for `claim_idle` left behind."""
        now = asyncio.get_running_loop().time()
        if not self._claim_from:
            if now < self._next_claim:
                return []
            self._claim_from = dict.fromkeys(self._streams, START)
            self._next_claim = now + self._claim_idle.total_seconds() / _CLAIMS_PER_IDLE_TIME
        entries: list[Entry] = []
        idle_milliseconds = int(self._claim_idle.total_seconds() * 1000)
        for stream, after in list(self._claim_from.items()):
            # The server itself drops those that were deleted from what is pending.
            answer = await self._client.xautoclaim(
                stream, self._group, self._member, idle_milliseconds, after, count=per_stream
            )
            cursor = answer[0].decode()
            if cursor == START:
                del self._claim_from[stream]
            else:
                self._claim_from[stream] = cursor
            entries.extend(entries_of_stream(stream, answer[1]))
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

    def _reread_pending(self) -> None:
        self._pending_after = dict.fromkeys(self._streams, START)
