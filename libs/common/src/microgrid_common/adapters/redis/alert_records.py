"""Alert records in Redis, found by their index; `alarm_states` writes them, and has the table of keys."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import cast

from redis.asyncio import Redis

from microgrid_common.adapters.redis.alert_index import (
    ANNUNCIATED_GRIDS_KEY,
    OVER_KEY,
    PLACES,
    PUT_ASIDE_GRIDS_KEY,
    decode_record,
    index_key,
    positions_in,
    ranges_of,
    records_key,
)
from microgrid_common.adapters.redis.connection import ping, redis_errors
from microgrid_common.adapters.redis.instants import to_microseconds
from microgrid_common.ports.alert_records import AlertPage, AlertQuery, check_cursor
from microgrid_common.schemas.alert import Alert, AlertStatus, Severity, alert_id, grid_of_alert
from microgrid_common.schemas.identifiers import is_identifier

_RECORDS_AT_ONCE = 1_000

# What is not over any more was changed after it was looked up.
_FORGET = (
    PLACES
    + """
local over, records, index = unpack(KEYS)
local dropped = 0
for i = 1, #ARGV do
    if redis.call('ZREM', over, ARGV[i]) == 1 then
        local record = redis.call('HGET', records, ARGV[i])
        if record then redis.call('ZREM', index, places(record)) end
        redis.call('HDEL', records, ARGV[i])
        dropped = dropped + 1
    end
end
return dropped
"""
)


# One step: an alert that goes from one range to another is in just one of them. A script and not MULTI, in
# which a server that is full refuses also what only reads.
_RANGES = """
local found = {}
for i = 2, #ARGV, 2 do
    found[#found + 1] =
        redis.call('ZRANGE', KEYS[1], ARGV[i], ARGV[i + 1], 'BYLEX', 'REV', 'LIMIT', 0, ARGV[1])
end
return found
"""


class RedisAlertRecords:
    """Implements `AlertRecords`."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._ranges = client.register_script(_RANGES)
        self._forget = client.register_script(_FORGET)

    async def get(self, alert_id: str) -> Alert | None:
        """As `AlertRecords.get`."""
        grid_id = grid_of_alert(alert_id)
        if grid_id is None or not is_identifier(grid_id):
            return None
        with redis_errors():
            stored = await self._client.hget(records_key(grid_id), alert_id)
        return None if stored is None else decode_record(cast("bytes", stored))

    async def find(self, query: AlertQuery) -> AlertPage:
        """As `AlertRecords.find`."""
        check_cursor(query.cursor)
        positions = await self._positions(query, query.limit + 1)
        page = positions[: query.limit]
        alerts = await self._records(query.grid_id, page)
        # Meanwhile one may have changed so that it is not wanted any more.
        wanted = [alert for alert in alerts if query.matches(alert)]
        return AlertPage(wanted, page[-1] if len(positions) > len(page) else None)

    async def active_alerts(self, grid_id: str | None = None) -> list[Alert]:
        """As `AlertRecords.active_alerts`."""
        grids = [grid_id]
        if grid_id is None:
            with redis_errors():
                members = cast("set[bytes]", await self._client.smembers(ANNUNCIATED_GRIDS_KEY))
            grids = [member.decode() for member in members]
        alerts = [alert for grid in grids if grid for alert in await self._annunciated(grid)]
        return sorted(alerts, key=lambda alert: (alert.raised_at, alert.number), reverse=True)

    async def count_active(self, grid_id: str) -> dict[Severity, int]:
        """As `AlertRecords.count_active`."""
        with redis_errors():
            async with self._client.pipeline(transaction=False) as pipeline:
                for severity in Severity:
                    query = AlertQuery(grid_id=grid_id, annunciated=True, severity=severity)
                    for end, start in ranges_of(query):
                        pipeline.zlexcount(index_key(grid_id), start, end)
                counts = await pipeline.execute()
        return {severity: count for severity, count in zip(Severity, counts, strict=True) if count}

    async def put_aside_alerts(self) -> list[Alert]:
        """As `AlertRecords.put_aside_alerts`."""
        with redis_errors():
            members = cast("set[bytes]", await self._client.smembers(PUT_ASIDE_GRIDS_KEY))
        alerts: list[Alert] = []
        for member in members:
            grid_id = member.decode()
            query = AlertQuery(grid_id=grid_id, status=AlertStatus.ACTIVE, annunciated=False)
            found = await self._records(grid_id, await self._positions(query, -1))
            alerts += filter(query.matches, found)
        return sorted(alerts, key=lambda alert: (alert.raised_at, alert.number), reverse=True)

    async def forget(self, before: datetime, *, limit: int) -> int:
        """As `AlertRecords.forget`."""
        low, high = cast("int", "-inf"), cast("int", f"({to_microseconds(before)}")
        with redis_errors():
            found = await self._client.zrange(OVER_KEY, low, high, byscore=True, offset=0, num=limit)
        by_grid: dict[str, list[str]] = defaultdict(list)
        for identifier in (member.decode() for member in cast("list[bytes]", found)):
            by_grid[cast("str", grid_of_alert(identifier))].append(identifier)
        dropped = 0
        for grid_id, ids in by_grid.items():
            with redis_errors():
                dropped += await self._forget(
                    keys=[OVER_KEY, records_key(grid_id), index_key(grid_id)], args=ids
                )
        return dropped

    async def ping(self) -> None:
        """As `AlertRecords.ping`."""
        await ping(self._client)

    async def _annunciated(self, grid_id: str) -> list[Alert]:
        query = AlertQuery(grid_id=grid_id, annunciated=True)
        positions = await self._positions(query, -1)
        return [alert for alert in await self._records(grid_id, positions) if alert.annunciated]

    async def _positions(self, query: AlertQuery, limit: int) -> list[str]:
        """The first positions in each range that a query wants, all of them where `limit` is -1; sorted."""
        with redis_errors():
            answers = await self._ranges(
                keys=[index_key(query.grid_id)],
                args=[limit, *(end for ends in ranges_of(query) for end in ends)],
            )
        return sorted((each for members in answers for each in positions_in(members)), reverse=True)

    async def _records(self, grid_id: str, positions: Sequence[str]) -> list[Alert]:
        ids = [alert_id(grid_id, int(position.rpartition("-")[2])) for position in positions]
        alerts: list[Alert] = []
        for at in range(0, len(ids), _RECORDS_AT_ONCE):
            with redis_errors():
                stored = await self._client.hmget(records_key(grid_id), ids[at : at + _RECORDS_AT_ONCE])
            alerts += [decode_record(each) for each in cast("list[bytes | None]", stored) if each is not None]
        return alerts
