"""The alarm documents in Redis: each grid's commit is one script, which the server runs as one step.

| key | holds |
| --- | --- |
| `alarm:documents:{grid}` | hash: device → revision, a blank, document; the grid's own has the empty name |
| `alarm:timers:{grid}` | sorted set: devices by the time when the clock may change something |
| `alarm:timers` | sorted set: grids by the first time in their own set |
| `alarm:records:{grid}` | hash: id → the record as `alert_index` writes it |
| `alarm:index:{grid}` | sorted set: see `alert_index` |
| `alarm:annunciated` | set: grids with alerts that are annunciated |
| `alarm:put_aside` | set: grids with alerts that last and are not annunciated |
| `alarm:over` | sorted set: ids of records that are over and need nobody, by the time when they ended |
| `alerts` | the stream of events |
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import cast

import msgspec
import structlog
from redis.asyncio import Redis

from microgrid_common.adapters.redis.alert_index import (
    ANNUNCIATED_GRIDS_KEY,
    OVER_KEY,
    PLACES,
    PUT_ASIDE_GRIDS_KEY,
    encode_record,
    index_key,
    records_key,
)
from microgrid_common.adapters.redis.connection import ping, redis_errors
from microgrid_common.adapters.redis.instants import to_microseconds
from microgrid_common.ports.alarm_states import GridCommit, GridDocuments
from microgrid_common.schemas.alert import AlarmState, Alert
from microgrid_common.schemas.streams import ALERT_EVENT_KIND, ALERTS_STREAM
from microgrid_common.transforms.alarms.documents import (
    DeviceAlarms,
    GridAlarms,
    decode_device_alarms,
    decode_grid_alarms,
    encode_document,
)

_TIMERS_KEY = "alarm:timers"
_GRID_FIELD = ""

# The first write may fail for want of memory, and then nothing was written; no later one can. Lua unpacks at
# most some thousand arguments at once. Thousands of arguments cost 20 times what a packed one does.
_COMMIT = (
    PLACES
    + """
local documents, timers, all_timers, records, index, annunciated, put_aside, over, stream = unpack(KEYS)
local grid, kind = ARGV[1], ARGV[2]
local change = cmsgpack.unpack(ARGV[3])
local function in_chunks(items, act)
    for i = 1, #items, 2000 do act(i, math.min(i + 1999, #items)) end
end
for i = 1, #change.names, 2000 do
    local stored = redis.call('HMGET', documents, unpack(change.names, i, math.min(i + 1999, #change.names)))
    for k = 1, #stored do
        local revision = stored[k] and string.match(stored[k], '^%d+') or '0'
        if revision ~= change.revisions[i + k - 1] then return 0 end
    end
end
in_chunks(change.documents, function(i, j)
    redis.call('HSET', documents, unpack(change.documents, i, j))
end)
in_chunks(change.timers, function(i, j) redis.call('ZADD', timers, unpack(change.timers, i, j)) end)
in_chunks(change.no_timers, function(i, j) redis.call('ZREM', timers, unpack(change.no_timers, i, j)) end)
if #change.timers + #change.no_timers > 0 then
    local first = redis.call('ZRANGE', timers, 0, 0, 'WITHSCORES')
    if first[2] then
        redis.call('ZADD', all_timers, first[2], grid)
    else
        redis.call('ZREM', all_timers, grid)
    end
end
for i = 1, #change.records, 3 do
    local id, record, ended = unpack(change.records, i, i + 2)
    local before = redis.call('HGET', records, id)
    redis.call('HSET', records, id, record)
    if before then redis.call('ZREM', index, places(before)) end
    local whole, of_device, of_rule, of_both = places(record)
    redis.call('ZADD', index, 0, whole, 0, of_device, 0, of_rule, 0, of_both)
    if ended == '' then redis.call('ZREM', over, id) else redis.call('ZADD', over, ended, id) end
end
if #change.records > 0 then
    for state, grids in pairs({a = annunciated, p = put_aside}) do
        local one = redis.call('ZRANGE', index, '[' .. state, '(' .. state .. '~', 'BYLEX', 'LIMIT', 0, 1)
        redis.call(one[1] and 'SADD' or 'SREM', grids, grid)
    end
end
for i = 1, #change.events do redis.call('XADD', stream, '*', kind, change.events[i]) end
return 1
"""
)


class RedisAlarmStates:
    """Implements `AlarmStates`."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._commit = client.register_script(_COMMIT)

    async def load(self, wanted: Mapping[str, Sequence[str]]) -> dict[str, GridDocuments]:
        """As `AlarmStates.load`."""
        if not wanted:
            return {}
        with redis_errors():
            async with self._client.pipeline(transaction=False) as pipeline:
                for grid_id, devices in wanted.items():
                    pipeline.hmget(_documents_key(grid_id), [_GRID_FIELD, *devices])
                answers = await pipeline.execute()
        loaded: dict[str, GridDocuments] = {}
        for (grid_id, devices), (stored_grid, *stored) in zip(wanted.items(), answers, strict=True):
            grid = _grid_alarms(stored_grid) or await self._grid_anew(grid_id, stored_grid)
            loaded[grid_id] = GridDocuments(
                grid,
                {
                    device_id: _device_alarms(grid_id, device_id, data)
                    for device_id, data in zip(devices, stored, strict=True)
                },
            )
        return loaded

    async def commit(self, commits: Sequence[GridCommit]) -> list[bool]:
        """As `AlarmStates.commit`."""
        if not commits:
            return []
        with redis_errors():
            async with self._client.pipeline(transaction=False) as pipeline:
                for commit in commits:
                    await self._commit(
                        keys=_keys(commit.grid_id),
                        args=[commit.grid_id, ALERT_EVENT_KIND, _packed(commit)],
                        client=pipeline,
                    )
                made = [bool(answer) for answer in await pipeline.execute()]
        for commit, was_made in zip(commits, made, strict=True):
            if was_made:
                for _, document in _documents(commit):
                    document.revision += 1
        return made

    async def due(self, grids: Sequence[str] | None, now: datetime, *, limit: int) -> list[tuple[str, str]]:
        """As `AlarmStates.due`."""
        until = to_microseconds(now)
        with redis_errors():
            found = await self._client.zrange(_TIMERS_KEY, cast("int", "-inf"), until, byscore=True)
            with_timers = [name.decode() for name in cast("list[bytes]", found)]
            if grids is not None:
                wanted = set(grids)
                with_timers = [grid_id for grid_id in with_timers if grid_id in wanted]
            # In the order of their first timers: those beyond have none among the first `limit`.
            with_timers = with_timers[:limit]
            async with self._client.pipeline(transaction=False) as pipeline:
                for grid_id in with_timers:
                    pipeline.zrange(
                        _timers_key(grid_id),
                        cast("int", "-inf"),
                        until,
                        byscore=True,
                        withscores=True,
                        offset=0,
                        num=limit,
                    )
                answers = await pipeline.execute()
        timers = [
            (time, grid_id, device_id.decode())
            for grid_id, answer in zip(with_timers, answers, strict=True)
            for device_id, time in answer
        ]
        return [(grid_id, device_id) for _, grid_id, device_id in sorted(timers)[:limit]]

    async def ping(self) -> None:
        """As `AlarmStates.ping`."""
        await ping(self._client)

    async def _grid_anew(self, grid_id: str, stored: bytes | None) -> GridAlarms:
        if stored is None:
            return GridAlarms()
        structlog.get_logger().error("grid_alarms_unreadable", grid_id=grid_id)
        with redis_errors():
            ids = cast("list[bytes]", await self._client.hkeys(records_key(grid_id)))
        # A number that is given again would write over the record that has it.
        last_number = max((int(each.rpartition(b"-")[2]) for each in ids), default=0)
        return GridAlarms(revision=_revision(stored), last_number=last_number)


def _documents_key(grid_id: str) -> str:
    return f"alarm:documents:{grid_id}"


def _timers_key(grid_id: str) -> str:
    return f"{_TIMERS_KEY}:{grid_id}"


def _keys(grid_id: str) -> list[str]:
    return [
        _documents_key(grid_id),
        _timers_key(grid_id),
        _TIMERS_KEY,
        records_key(grid_id),
        index_key(grid_id),
        ANNUNCIATED_GRIDS_KEY,
        PUT_ASIDE_GRIDS_KEY,
        OVER_KEY,
        ALERTS_STREAM,
    ]


def _packed(commit: GridCommit) -> bytes:
    documents = _documents(commit)
    timers = [(name, time) for name, time in commit.timers.items() if time is not None]
    return msgspec.msgpack.encode(
        {
            "names": [name for name, _ in documents],
            "revisions": [str(document.revision) for _, document in documents],
            "documents": _flat((name, _stored(document)) for name, document in documents),
            "timers": _flat((str(to_microseconds(time)), name) for name, time in timers),
            "no_timers": [name for name, time in commit.timers.items() if time is None],
            "records": _flat((alert.id, encode_record(alert), _ended(alert)) for alert in commit.alerts),
            "events": [event.model_dump_json(exclude_defaults=True) for event in commit.events],
        }
    )


def _documents(commit: GridCommit) -> list[tuple[str, DeviceAlarms | GridAlarms]]:
    documents: list[tuple[str, DeviceAlarms | GridAlarms]] = list(commit.devices.items())
    if commit.grid is not None:
        documents.append((_GRID_FIELD, commit.grid))
    return documents


def _stored(document: DeviceAlarms | GridAlarms) -> str:
    content = encode_document(msgspec.structs.replace(document, revision=0))
    # As text: Lua's MessagePack has no type for bytes.
    return f"{document.revision + 1} {content.decode()}"


def _revision(stored: bytes) -> int:
    return int(stored.partition(b" ")[0])


def _grid_alarms(stored: bytes | None) -> GridAlarms | None:
    if stored is None:
        return None
    revision, _, content = stored.partition(b" ")
    try:
        grid = decode_grid_alarms(content)
    except msgspec.DecodeError:
        return None
    grid.revision = int(revision)
    return grid


def _device_alarms(grid_id: str, device_id: str, stored: bytes | None) -> DeviceAlarms:
    if stored is None:
        return DeviceAlarms()
    revision, _, content = stored.partition(b" ")
    try:
        device = decode_device_alarms(content)
    except msgspec.DecodeError:
        # Of another version, or damaged: the device begins anew, rather than stop all others.
        structlog.get_logger().error("device_alarms_unreadable", grid_id=grid_id, device_id=device_id)
        device = DeviceAlarms()
    device.revision = int(revision)
    return device


def _ended(alert: Alert) -> str:
    """When a record ended that needs nobody any more."""
    if alert.state is AlarmState.NORMAL and alert.cleared_at:
        return str(to_microseconds(alert.cleared_at))
    return ""


def _flat(tuples: Iterable[tuple[str, ...]]) -> list[str]:
    return list(chain.from_iterable(tuples))
