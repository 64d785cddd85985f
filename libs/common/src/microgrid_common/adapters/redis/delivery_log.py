"""The ledger of deliveries in Redis: each change is one script, which the server runs as one step.

| key | holds |
| --- | --- |
| `notify:of:{alert}` | hash: delivery → its revision, a blank, and `Delivery` in JSON |
| `notify:urgent:{channel}` | sorted set: `{alert} {delivery}` by `look_again_at`, of what goes first |
| `notify:waiting:{channel}` | sorted set: the same of everything else |
| `notify:planned:{channel}` | sorted set: the same members by `created_at` |
| `notify:channels` | set: the channels that something ever waited for |
| `notify:follow-up` | hash: alert → `FollowUp` in JSON |
| `notify:follow-up-due` | sorted set: alert by `due_at` |
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import cast

from redis.asyncio import Redis

from microgrid_common.adapters.redis import connection
from microgrid_common.adapters.redis.connection import redis_errors
from microgrid_common.adapters.redis.instants import from_microseconds, to_microseconds
from microgrid_common.ports.delivery_log import (
    KEPT_AFTER_END,
    MOST_CRITICAL_WAITING,
    MOST_WAITING,
    ChannelQueue,
    DeliveryPlan,
)
from microgrid_common.schemas.delivery import Delivery, DeliveryState, FollowUp

_CHANNELS_KEY = "notify:channels"
_FOLLOW_UP_KEY = "notify:follow-up"
_DUE_KEY = "notify:follow-up-due"

# KEYS: deliveries of the alert, channels, follow-ups, due follow-ups, then the two sets of each delivery.
# ARGV: alert, what becomes of the follow-up, its time, itself, seconds to keep, then seven for each delivery.
_RECORD = """
local answers = {}
for i = 5, #KEYS, 2 do
    local base = 5 + (i - 5) / 2 * 7
    local id, channel, text, refused, created, due, most = unpack(ARGV, base + 1, base + 7)
    if redis.call('HEXISTS', KEYS[1], id) == 1 then
        answers[#answers + 1] = 0
    elseif redis.call('ZCARD', KEYS[i]) >= tonumber(most) then
        redis.call('HSET', KEYS[1], id, '1 ' .. refused)
        answers[#answers + 1] = 2
    else
        redis.call('HSET', KEYS[1], id, '1 ' .. text)
        redis.call('SADD', KEYS[2], channel)
        redis.call('ZADD', KEYS[i], due, ARGV[1] .. ' ' .. id)
        redis.call('ZADD', KEYS[i + 1], created, ARGV[1] .. ' ' .. id)
        answers[#answers + 1] = 1
    end
end
if ARGV[2] == 'set' then
    redis.call('HSET', KEYS[3], ARGV[1], ARGV[4])
    redis.call('ZADD', KEYS[4], ARGV[3], ARGV[1])
elseif ARGV[2] == 'drop' then
    redis.call('HDEL', KEYS[3], ARGV[1])
    redis.call('ZREM', KEYS[4], ARGV[1])
end
if ARGV[5] ~= '' then redis.call('EXPIRE', KEYS[1], ARGV[5]) end
return answers
"""

# KEYS: the deliveries of the alert and the two sets, of each delivery. ARGV: five for each delivery.
_CHANGE = """
local count = #KEYS / 3
for n = 0, count - 1 do
    local id, _, before = unpack(ARGV, n * 5 + 1, n * 5 + 3)
    local current = redis.call('HGET', KEYS[n * 3 + 1], id)
    if not current or string.match(current, '^%d+') ~= before then return 0 end
end
for n = 0, count - 1 do
    local of_alert, waiting, planned = unpack(KEYS, n * 3 + 1, n * 3 + 3)
    local id, member, _, text, due = unpack(ARGV, n * 5 + 1, n * 5 + 5)
    redis.call('HSET', of_alert, id, text)
    if due == '' then
        redis.call('ZREM', waiting, member)
        redis.call('ZREM', planned, member)
    else
        redis.call('ZADD', waiting, due, member)
    end
end
return 1
"""

_HASTEN = """
local text = redis.call('HGET', KEYS[1], ARGV[1])
if not text or (cjson.decode(text)['round'] or 0) > tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[2], 'LT', ARGV[3], ARGV[1])
return 1
"""


class RedisDeliveryLog:
    """Implements `DeliveryLog`."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._record = client.register_script(_RECORD)
        self._change = client.register_script(_CHANGE)
        self._hasten = client.register_script(_HASTEN)

    async def record(self, plan: DeliveryPlan) -> list[Delivery]:
        """As `DeliveryLog.record`."""
        if not (plan.deliveries or plan.follow_up or plan.stops_escalation or plan.ends):
            return []
        keys = [_of_alert_key(plan.alert_id), _CHANNELS_KEY, _FOLLOW_UP_KEY, _DUE_KEY]
        keys += chain.from_iterable(map(_sets, plan.deliveries))
        stored = [_first(one) for one in plan.deliveries]
        parts = [_new_parts(one) for one in stored]
        with redis_errors():
            answers = await self._record(keys=keys, args=[*_plan_parts(plan), *chain.from_iterable(parts)])
        return [
            _refused(one) if answer == 2 else one  # noqa: PLR2004 - the script's own answer
            for one, answer in zip(stored, answers, strict=True)
            if answer
        ]

    async def waiting(self, channel_id: str, *, before: datetime | None, limit: int) -> list[Delivery]:
        """As `DeliveryLog.waiting`."""
        last = "+inf" if before is None else to_microseconds(before)
        with redis_errors():
            async with self._client.pipeline(transaction=False) as pipeline:
                for key in (_urgent_key(channel_id), _waiting_key(channel_id)):
                    pipeline.zrange(key, "-inf", last, byscore=True, offset=0, num=limit)
                urgent, rest = cast("list[list[bytes]]", await pipeline.execute())
                for member in [*urgent, *rest][:limit]:
                    alert_id, _, delivery = member.decode().rpartition(" ")
                    pipeline.hget(_of_alert_key(alert_id), delivery)
                texts = cast("list[bytes | None]", await pipeline.execute())
        found = [_delivery(text) for text in texts if text is not None]
        # Between the two answers somebody may have begun to send one of them, or settled it.
        return [one for one in found if _is_due(one, before)]

    async def change(self, deliveries: Sequence[Delivery]) -> bool:
        """As `DeliveryLog.change`."""
        if not deliveries:
            return True
        keys = list(chain.from_iterable((_of_alert_key(one.alert_id), *_sets(one)) for one in deliveries))
        with redis_errors():
            done = await self._change(keys=keys, args=list(chain.from_iterable(map(_parts, deliveries))))
        return bool(done)

    async def of_alert(self, alert_id: str) -> list[Delivery]:
        """As `DeliveryLog.of_alert`."""
        with redis_errors():
            texts = cast("list[bytes]", await self._client.hvals(_of_alert_key(alert_id)))
        return sorted(map(_delivery, texts), key=lambda one: (one.created_at, one.id))

    async def queues(self) -> Mapping[str, ChannelQueue]:
        """As `DeliveryLog.queues`."""
        with redis_errors():
            answer = cast("set[bytes]", await self._client.smembers(_CHANNELS_KEY))
            channels = sorted(name.decode() for name in answer)
            async with self._client.pipeline(transaction=False) as pipeline:
                for channel in channels:
                    pipeline.zcard(_planned_key(channel))
                    pipeline.zrange(_planned_key(channel), 0, 0, withscores=True)
                answers = await pipeline.execute()
        return {
            channel: ChannelQueue(length, from_microseconds(int(oldest[0][1])))
            for channel, length, oldest in zip(channels, answers[::2], answers[1::2], strict=True)
            if oldest
        }

    async def due_follow_ups(self, now: datetime, *, limit: int) -> list[FollowUp]:
        """As `DeliveryLog.due_follow_ups`."""
        with redis_errors():
            answer = await self._client.zrange(
                _DUE_KEY, "-inf", to_microseconds(now), byscore=True, offset=0, num=limit
            )
            if not answer:
                return []
            alerts = cast("list[bytes]", answer)
            texts = cast("list[bytes | None]", await self._client.hmget(_FOLLOW_UP_KEY, alerts))
        return [FollowUp.model_validate_json(text) for text in texts if text is not None]

    async def hasten(self, alert_id: str, *, round_: int, now: datetime) -> None:
        """As `DeliveryLog.hasten`."""
        with redis_errors():
            await self._hasten(keys=[_FOLLOW_UP_KEY, _DUE_KEY], args=[alert_id, round_, to_microseconds(now)])

    async def ping(self) -> None:
        """As `DeliveryLog.ping`."""
        await connection.ping(self._client)


def _is_due(delivery: Delivery, before: datetime | None) -> bool:
    return delivery.look_again_at is not None and (before is None or delivery.look_again_at <= before)


def _of_alert_key(alert_id: str) -> str:
    return f"notify:of:{alert_id}"


def _urgent_key(channel_id: str) -> str:
    return f"notify:urgent:{channel_id}"


def _waiting_key(channel_id: str) -> str:
    return f"notify:waiting:{channel_id}"


def _planned_key(channel_id: str) -> str:
    return f"notify:planned:{channel_id}"


def _sets(delivery: Delivery) -> tuple[str, str]:
    """The two sets that a delivery is in while it waits."""
    waiting_key = _urgent_key if delivery.goes_first else _waiting_key
    return waiting_key(delivery.channel_id), _planned_key(delivery.channel_id)


def _first(delivery: Delivery) -> Delivery:
    return delivery.model_copy(update={"revision": 1})


def _refused(delivery: Delivery) -> Delivery:
    return delivery.model_copy(
        update={
            "state": DeliveryState.FAILED,
            "problem": "too many wait for this channel",
            "look_again_at": None,
            "settled_at": delivery.created_at,
        }
    )


def _plan_parts(plan: DeliveryPlan) -> list[str | int]:
    kept_seconds = int(KEPT_AFTER_END.total_seconds()) if plan.ends else ""
    if plan.follow_up:
        due = to_microseconds(plan.follow_up.due_at)
        return [plan.alert_id, "set", due, plan.follow_up.model_dump_json(), kept_seconds]
    return [plan.alert_id, "drop" if plan.stops_escalation else "keep", "", "", kept_seconds]


def _new_parts(delivery: Delivery) -> list[str | int]:
    return [
        delivery.id,
        delivery.channel_id,
        _json(delivery),
        _json(_refused(delivery)),
        to_microseconds(delivery.created_at),
        to_microseconds(delivery.look_again_at or delivery.created_at),
        MOST_CRITICAL_WAITING if delivery.goes_first else MOST_WAITING,
    ]


def _parts(delivery: Delivery) -> list[str | int]:
    return [
        delivery.id,
        f"{delivery.alert_id} {delivery.id}",
        str(delivery.revision),
        f"{delivery.revision + 1} {_json(delivery)}",
        "" if delivery.look_again_at is None else to_microseconds(delivery.look_again_at),
    ]


def _json(delivery: Delivery) -> str:
    return delivery.model_dump_json(exclude={"revision"}, exclude_defaults=True)


def _delivery(text: bytes) -> Delivery:
    revision, _, body = text.partition(b" ")
    return Delivery.model_validate_json(body).model_copy(update={"revision": int(revision)})
