"""The audit log in Redis.

| key | holds |
| --- | --- |
| `audit` | stream: `{entry: AuditEntry in JSON}`, all of them |
| `audit:grid:{grid}` | stream: the same with the same ids, those of one grid |
"""

import re
from typing import Any, Final, cast

from redis.asyncio import Redis

from microgrid_common.adapters.redis import connection
from microgrid_common.adapters.redis.connection import redis_errors
from microgrid_common.ports.audit_log import ENTRIES_KEPT, AuditPage, BadCursorError, RecordedEntry
from microgrid_common.schemas.audit import AuditEntry

_ALL_KEY: Final = "audit"
_ID: Final = re.compile(r"[0-9]{1,20}-[0-9]{1,20}")

# The first write may fail for want of memory, and then nothing was written.
_APPEND = """
local id = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[2], '*', 'entry', ARGV[1])
if KEYS[2] then redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[2], id, 'entry', ARGV[1]) end
return id
"""


class RedisAuditLog:
    """Implements `AuditLog`."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._append = client.register_script(_APPEND)

    async def append(self, entry: AuditEntry) -> str:
        """As `AuditLog.append`."""
        keys = [_ALL_KEY] if entry.grid_id is None else [_ALL_KEY, _grid_key(entry.grid_id)]
        with redis_errors():
            entry_id = await self._append(keys=keys, args=[entry.model_dump_json(), ENTRIES_KEPT])
        return cast("bytes", entry_id).decode()

    async def find(self, grid_id: str | None, *, limit: int, cursor: str | None = None) -> AuditPage:
        """As `AuditLog.find`."""
        if cursor is not None and not _ID.fullmatch(cursor):
            raise BadCursorError
        key = _ALL_KEY if grid_id is None else _grid_key(grid_id)
        with redis_errors():
            # One more, to know whether there are more.
            answer = await self._client.xrevrange(
                key, max="+" if cursor is None else f"({cursor}", count=limit + 1
            )
        found = [_recorded(item) for item in cast("list[Any]", answer)]
        shown = found[:limit]
        return AuditPage(shown, shown[-1].entry_id if len(found) > limit else None)

    async def ping(self) -> None:
        """As `AuditLog.ping`."""
        await connection.ping(self._client)


def _grid_key(grid_id: str) -> str:
    return f"audit:grid:{grid_id}"


def _recorded(item: tuple[bytes, dict[bytes, bytes]]) -> RecordedEntry:
    entry_id, fields = item
    return RecordedEntry(entry_id.decode(), AuditEntry.model_validate_json(fields[b"entry"]))
