"""The alert store in Redis: each transition is one script, which the server runs as one step.

| key | holds |
| --- | --- |
| `alert:last_number` | the number of the newest alert |
| `alert:records` | hash: id → `Alert`, in JSON |
| `alert:active`, `alert:active:{grid}` | sorted sets of the ids of active alerts, by the time of raising |
| `alert:state:{grid}:{device}:{rule}` | hash: `at`, time of the last transition; while active `id`, `body` |
"""

from datetime import datetime
from typing import cast

from pydantic_core import to_json
from redis.asyncio import Redis

from microgrid_common.adapters.redis.connection import ping, redis_errors
from microgrid_common.adapters.redis.instants import to_microseconds
from microgrid_common.ports.alert_store import AlertToRaise
from microgrid_common.schemas.alert import Alert, AlertStatus, AlertTransition
from microgrid_common.schemas.streams import ALERT_EVENT_KIND, ALERTS_STREAM

_NUMBER_KEY = "alert:last_number"
_RECORDS_KEY = "alert:records"
_ACTIVE_KEY = "alert:active"

# Both scripts join JSON texts that were made here and never read one, since cjson would round the numbers
# in it. `body` is an alert without its last fields and its closing brace; `tail` is the rest of it. The
# first write of each may fail for want of memory, and then nothing was written; no later one can.
_RAISE = """
local state, number, records, active, active_in_grid, stream = unpack(KEYS)
local effective_at, raised_at, rest, tail, kind, event = unpack(ARGV)
local id, at = unpack(redis.call('HMGET', state, 'id', 'at'))
if id or (at and tonumber(effective_at) <= tonumber(at)) then return false end
id = 'alert-' .. redis.call('INCR', number)
local body = '{"id":"' .. id .. '",' .. rest
local alert = body .. tail
redis.call('HSET', state, 'at', effective_at, 'id', id, 'body', body)
redis.call('HSET', records, id, alert)
redis.call('ZADD', active, raised_at, id)
redis.call('ZADD', active_in_grid, raised_at, id)
redis.call('XADD', stream, '*', kind, event .. alert .. '}')
return alert
"""

_CLEAR = """
local state, records, active, active_in_grid, stream = unpack(KEYS)
local effective_at, tail, kind, event = unpack(ARGV)
local id, at, body = unpack(redis.call('HMGET', state, 'id', 'at', 'body'))
if not id or tonumber(effective_at) <= tonumber(at) then return false end
local alert = body .. tail
redis.call('HSET', state, 'at', effective_at)
redis.call('HDEL', state, 'id', 'body')
redis.call('HSET', records, id, alert)
redis.call('ZREM', active, id)
redis.call('ZREM', active_in_grid, id)
redis.call('XADD', stream, '*', kind, event .. alert .. '}')
return alert
"""


class RedisAlertStore:
    """Implements `AlertStore`."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._raise = client.register_script(_RAISE)
        self._clear = client.register_script(_CLEAR)

    async def raise_alert(self, wanted: AlertToRaise) -> Alert | None:
        """As `AlertStore.raise_alert`."""
        rest = wanted.as_alert("").model_dump_json(exclude={"id", "status", "cleared_at"})
        with redis_errors():
            answer = await self._raise(
                keys=[
                    _state_key(wanted.grid_id, wanted.device_id, wanted.rule_id),
                    _NUMBER_KEY,
                    _RECORDS_KEY,
                    _ACTIVE_KEY,
                    _active_key(wanted.grid_id),
                    ALERTS_STREAM,
                ],
                args=[
                    to_microseconds(wanted.effective_at),
                    to_microseconds(wanted.raised_at),
                    rest[1:-1],
                    _tail(AlertStatus.ACTIVE, None),
                    ALERT_EVENT_KIND,
                    _event_up_to_alert(AlertTransition.RAISED, wanted.raised_at),
                ],
            )
        return _alert(answer)

    async def clear_alert(
        self, grid_id: str, device_id: str, rule_id: str, *, cleared_at: datetime, effective_at: datetime
    ) -> Alert | None:
        """As `AlertStore.clear_alert`."""
        with redis_errors():
            answer = await self._clear(
                keys=[
                    _state_key(grid_id, device_id, rule_id),
                    _RECORDS_KEY,
                    _ACTIVE_KEY,
                    _active_key(grid_id),
                    ALERTS_STREAM,
                ],
                args=[
                    to_microseconds(effective_at),
                    _tail(AlertStatus.RESOLVED, cleared_at),
                    ALERT_EVENT_KIND,
                    _event_up_to_alert(AlertTransition.CLEARED, cleared_at),
                ],
            )
        return _alert(answer)

    async def active_alerts(self, grid_id: str | None = None) -> list[Alert]:
        """As `AlertStore.active_alerts`."""
        with redis_errors():
            ids = await self._client.zrevrange(
                _ACTIVE_KEY if grid_id is None else _active_key(grid_id), 0, -1
            )
            if not ids:
                return []
            records = await self._client.hmget(_RECORDS_KEY, cast("list[str]", ids))
        alerts = [Alert.model_validate_json(record) for record in records if record is not None]
        # One that was cleared between the two commands is resolved by now.
        active = [alert for alert in alerts if alert.status is AlertStatus.ACTIVE]
        return sorted(active, key=lambda alert: (alert.raised_at, alert.number), reverse=True)

    async def ping(self) -> None:
        """As `AlertStore.ping`."""
        await ping(self._client)


def _state_key(grid_id: str, device_id: str, rule_id: str) -> str:
    return f"alert:state:{grid_id}:{device_id}:{rule_id}"


def _active_key(grid_id: str) -> str:
    return f"{_ACTIVE_KEY}:{grid_id}"


def _tail(status: AlertStatus, cleared_at: datetime | None) -> str:
    return "," + to_json({"status": status, "cleared_at": cleared_at}).decode()[1:]


def _event_up_to_alert(transition: AlertTransition, at: datetime) -> str:
    return to_json({"transition": transition, "at": at}).decode()[:-1] + ',"alert":'


def _alert(answer: bytes | None) -> Alert | None:
    return None if answer is None else Alert.model_validate_json(answer)
