"""The ledgers in Redis: each step is one script, which the server runs as one.

| key | holds |
| --- | --- |
| `ledger:positions` | hash: stream → id of the last entry that is in the ledgers |
| `ledger:devices` | hash: `{grid}:{device}` → `DeviceLedger`, in JSON |
| `ledger:asked` | hash: `{grid}:{device}` → what it was asked for, in JSON |
| `ledger:due` | sorted set of the devices with gaps, by when to look at them next |
| `ledger:missing` | hash: device type → how many samples are missing |
| `ledger:round` | there while somebody asks |
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from itertools import chain
from typing import TypeVar, cast

import structlog
from redis.asyncio import Redis

from microgrid_common.adapters.redis.connection import redis_errors
from microgrid_common.adapters.redis.durable_log import START
from microgrid_common.ports.ledger_store import DeviceAccount, LedgerChanges, LedgerPage
from microgrid_common.schemas.ledger import (
    AskedRange,
    DeviceKey,
    DeviceLedger,
    decode_asked,
    decode_ledger,
    encode_asked,
    encode_ledger,
)

_POSITIONS = "ledger:positions"
_DEVICES = "ledger:devices"
_ASKED = "ledger:asked"
_DUE = "ledger:due"
_MISSING = "ledger:missing"
_ROUND = "ledger:round"

Decoded = TypeVar("Decoded")

# The first write may fail for want of memory, and then nothing was written; no later one can. Lua unpacks at
# most some thousand arguments at once.
_APPLY = """
local positions, devices, due, asked, missing = unpack(KEYS)
local stream, after, position, ledgers, looks, settled = unpack(ARGV, 1, 6)
if (redis.call('HGET', positions, stream) or '0-0') ~= after then return 0 end
redis.call('HSET', positions, stream, position)
local at = 7
local function each_chunk(items, size, act)
    local last = at + tonumber(items) - 1
    while at <= last do
        local chunk_end = math.min(at + size - 1, last)
        act(at, chunk_end)
        at = chunk_end + 1
    end
end
each_chunk(ledgers, 2000, function(i, j) redis.call('HSET', devices, unpack(ARGV, i, j)) end)
each_chunk(looks, 2, function(i) redis.call('ZADD', due, 'LT', ARGV[i], ARGV[i + 1]) end)
each_chunk(settled, 2000, function(i, j)
    redis.call('ZREM', due, unpack(ARGV, i, j))
    redis.call('HDEL', asked, unpack(ARGV, i, j))
end)
each_chunk(#ARGV - at + 1, 2, function(i)
    if redis.call('HINCRBY', missing, ARGV[i], ARGV[i + 1]) == 0 then redis.call('HDEL', missing, ARGV[i]) end
end)
return 1
"""

_REMEMBER_ASKED = """
local asked, due = unpack(KEYS)
local device, before, after, look_again_at = unpack(ARGV)
if not redis.call('ZSCORE', due, device) then return 0 end
if (redis.call('HGET', asked, device) or '[]') ~= before then return 0 end
redis.call('ZADD', due, look_again_at, device)
if after == '[]' then redis.call('HDEL', asked, device) else redis.call('HSET', asked, device, after) end
return 1
"""


class RedisLedgerStore:
    """Implements `LedgerStore`."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._apply = client.register_script(_APPLY)
        self._remember_asked = client.register_script(_REMEMBER_ASKED)

    async def load(self, stream: str, devices: Sequence[DeviceKey]) -> LedgerPage:
        """As `LedgerStore.load`."""
        with redis_errors():
            async with self._client.pipeline(transaction=True) as pipeline:
                pipeline.hget(_POSITIONS, stream)
                if devices:
                    pipeline.hmget(_DEVICES, [_field(device) for device in devices])
                position, *stored = await pipeline.execute()
        ledgers: dict[DeviceKey, DeviceLedger] = {}
        for device, data in zip(devices, stored[0] if stored else (), strict=True):
            ledger = _decoded(data, decode_ledger, device)
            if ledger is not None:
                ledgers[device] = ledger
        return LedgerPage(position.decode() if position else START, ledgers)

    async def apply(self, stream: str, *, after: str, position: str, changes: LedgerChanges) -> bool:
        """As `LedgerStore.apply`."""
        ledgers: list[str | bytes] = []
        for device, ledger in changes.ledgers.items():
            ledgers.append(_field(device))
            ledgers.append(encode_ledger(ledger))
        looks = _flat((at, _field(device)) for device, at in changes.look_at.items())
        settled = [_field(device) for device in changes.settled]
        missing = _flat((kind, delta) for kind, delta in changes.missing.items() if delta)
        sizes = [len(ledgers), len(looks), len(settled)]
        with redis_errors():
            applied = await self._apply(
                keys=[_POSITIONS, _DEVICES, _DUE, _ASKED, _MISSING],
                args=[stream, after, position, *sizes, *ledgers, *looks, *settled, *missing],
            )
        return bool(applied)

    async def account(self, device: DeviceKey) -> DeviceAccount | None:
        """As `LedgerStore.account`."""
        with redis_errors():
            async with self._client.pipeline(transaction=True) as pipeline:
                pipeline.hget(_DEVICES, _field(device))
                pipeline.hget(_ASKED, _field(device))
                stored, asked = await pipeline.execute()
        ledger = _decoded(stored, decode_ledger, device)
        remembered = _decoded(asked, decode_asked, device)
        if (stored and ledger is None) or (asked and remembered is None):
            # Else nobody could ever say again what the device was asked for.
            with redis_errors():
                await self._client.hdel(_ASKED, _field(device))
        return DeviceAccount(ledger, remembered or ()) if ledger else None

    async def missing_by_type(self) -> dict[str, int]:
        """As `LedgerStore.missing_by_type`."""
        with redis_errors():
            stored = cast("dict[bytes, bytes]", await self._client.hgetall(_MISSING))
        return {kind.decode(): int(number) for kind, number in stored.items()}

    async def begin_round(self, *, lasts: timedelta) -> bool:
        """As `LedgerStore.begin_round`."""
        with redis_errors():
            return bool(await self._client.set(_ROUND, b"", nx=True, px=lasts))

    async def due(self, *, now: int, limit: int) -> list[DeviceKey]:
        """As `LedgerStore.due`."""
        with redis_errors():
            found = await self._client.zrangebyscore(_DUE, "-inf", now, start=0, num=limit)
        return [_device(field) for field in cast("list[bytes]", found)]

    async def remember_asked(
        self,
        device: DeviceKey,
        *,
        before: Sequence[AskedRange],
        after: Sequence[AskedRange],
        look_again_at: int,
    ) -> bool:
        """As `LedgerStore.remember_asked`."""
        with redis_errors():
            remembered = await self._remember_asked(
                keys=[_ASKED, _DUE],
                args=[_field(device), encode_asked(before), encode_asked(after), look_again_at],
            )
        return bool(remembered)


def _field(device: DeviceKey) -> str:
    # Neither has a colon in its name.
    return f"{device[0]}:{device[1]}"


def _device(field: bytes) -> DeviceKey:
    grid_id, _, device_id = field.decode().partition(":")
    return grid_id, device_id


def _flat(pairs: Iterable[tuple[str | int, str | int]]) -> list[str | int]:
    return list(chain.from_iterable(pairs))


def _decoded(data: bytes | None, decode: Callable[[bytes], Decoded], device: DeviceKey) -> Decoded | None:
    if data is None:
        return None
    try:
        return decode(data)
    except ValueError:
        # Of another version, or damaged: the device is taken for a new one, rather than none be kept at all.
        structlog.get_logger().warning("ledger_unreadable", grid_id=device[0], device_id=device[1])
        return None
