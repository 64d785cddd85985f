"""Commands to devices in Redis: each change is one script, which the server runs as one step.

| key | holds |
| --- | --- |
| `command:record:{id}` | the revision, a blank, and `Command` in JSON; goes after `COMMANDS_KEPT` |
| `command:of:{grid}:{device}` | sorted set without scores: the ids of the device's commands, in their order |
| `command:due` | sorted set: ids of open commands by the time to look at them |
| `command:key:{digest}` | id, a blank, and the wish, for an idempotency key; goes after `KEYS_KEPT` |
| `commands` | the stream of events |
"""

from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256
from typing import Final, cast

import structlog
from pydantic import ValidationError
from redis.asyncio import Redis

from microgrid_common.adapters.redis.connection import redis_errors
from microgrid_common.adapters.redis.instants import to_microseconds
from microgrid_common.ports.command_store import (
    COMMANDS_KEPT,
    COMMANDS_LISTED,
    KEYS_KEPT,
    CommandPage,
    CommandWrite,
    KeyReusedError,
    RequestKey,
    check_cursor,
)
from microgrid_common.schemas.command import Command, CommandEvent
from microgrid_common.schemas.streams import COMMAND_EVENT_KIND, COMMANDS_STREAM

_DUE_KEY: Final = "command:due"
_KEPT_MILLISECONDS: Final = int(COMMANDS_KEPT.total_seconds() * 1000)
_KEY_MILLISECONDS: Final = int(KEYS_KEPT.total_seconds() * 1000)

# The first write may fail for want of memory, and then nothing was written; no later one can.
_CREATE = """
local record, of_device, due, stream, key = unpack(KEYS)
local id, text, look_again_at, keep, listed, kind, event, wish, keep_key = unpack(ARGV)
if wish ~= '' then
    local known = redis.call('GET', key)
    if known then return known end
end
if redis.call('EXISTS', record) == 1 then return '' end
redis.call('SET', record, text, 'PX', keep)
redis.call('ZADD', of_device, 0, id)
redis.call('ZREMRANGEBYRANK', of_device, 0, -1 - listed)
redis.call('PEXPIRE', of_device, keep)
redis.call('ZADD', due, look_again_at, id)
if wish ~= '' then redis.call('SET', key, id .. ' ' .. wish, 'PX', keep_key) end
redis.call('XADD', stream, '*', kind, event)
return ''
"""

_APPLY = """
local record, due, stream = unpack(KEYS)
local id, before, text, look_again_at, kind, event = unpack(ARGV)
local current = redis.call('GET', record)
if not current or string.match(current, '^%d+') ~= before then return 0 end
redis.call('SET', record, text, 'KEEPTTL')
if look_again_at == '' then redis.call('ZREM', due, id) else redis.call('ZADD', due, look_again_at, id) end
if event ~= '' then redis.call('XADD', stream, '*', kind, event) end
return 1
"""

# In one step: a record that is read after another has put it off would be taken for one that is due as it is.
# A record may be gone if nobody looked for as long as it is kept.
_DUE = """
local found = {}
local ids = redis.call('ZRANGE', KEYS[1], '-inf', ARGV[1], 'BYSCORE', 'LIMIT', 0, ARGV[2])
for _, id in ipairs(ids) do
    local text = redis.call('GET', 'command:record:' .. id)
    if text then table.insert(found, text) else redis.call('ZREM', KEYS[1], id) end
end
return found
"""


class RedisCommandStore:
    """Implements `CommandStore`."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._create = client.register_script(_CREATE)
        self._apply = client.register_script(_APPLY)
        self._due = client.register_script(_DUE)

    async def create(self, command: Command, key: RequestKey | None = None) -> Command:
        """As `CommandStore.create`."""
        stored = command.model_copy(update={"revision": 1})
        created_at = to_microseconds(command.created_at)
        with redis_errors():
            known = await self._create(
                keys=[
                    _record_key(command.command_id),
                    _device_key(command.grid_id, command.device_id),
                    _DUE_KEY,
                    COMMANDS_STREAM,
                    _request_key(key),
                ],
                args=[
                    command.command_id,
                    _text(stored),
                    created_at,
                    _KEPT_MILLISECONDS,
                    COMMANDS_LISTED,
                    COMMAND_EVENT_KIND,
                    _event(stored, command.created_at),
                    key.wish if key else "",
                    _KEY_MILLISECONDS,
                ],
            )
        command_id, _, wish = cast("bytes", known).decode().partition(" ")
        if key and command_id and wish != key.wish:
            raise KeyReusedError
        return await self.get(command_id or command.command_id) or stored

    async def get(self, command_id: str) -> Command | None:
        """As `CommandStore.get`."""
        with redis_errors():
            commands = await self._records([command_id])
        return commands[0] if commands else None

    async def of_device(
        self, grid_id: str, device_id: str, *, limit: int, cursor: str | None = None
    ) -> CommandPage:
        """As `CommandStore.of_device`."""
        check_cursor(cursor)
        with redis_errors():
            found = await self._client.zrange(
                _device_key(grid_id, device_id),
                cast("int", f"({cursor}" if cursor else "+"),
                cast("int", "-"),
                desc=True,
                bylex=True,
                offset=0,
                num=limit + 1,
            )
            ids = [name.decode() for name in cast("list[bytes]", found)]
            commands = await self._records(ids[:limit])
        return CommandPage(commands, ids[limit - 1] if len(ids) > limit else None)

    async def due(self, now: datetime, *, limit: int) -> list[Command]:
        """As `CommandStore.due`."""
        with redis_errors():
            texts = await self._due(keys=[_DUE_KEY], args=[to_microseconds(now), limit])
        return _commands(texts)

    async def apply(self, write: CommandWrite) -> bool:
        """As `CommandStore.apply`."""
        command = write.command
        stored = command.model_copy(update={"revision": command.revision + 1})
        look_again_at = "" if write.look_again_at is None else to_microseconds(write.look_again_at)
        with redis_errors():
            made = await self._apply(
                keys=[_record_key(command.command_id), _DUE_KEY, COMMANDS_STREAM],
                args=[
                    command.command_id,
                    str(command.revision),
                    _text(stored),
                    look_again_at,
                    COMMAND_EVENT_KIND,
                    _event(stored, write.told_at),
                ],
            )
        return bool(made)

    async def _records(self, ids: list[str]) -> list[Command]:
        if not ids:
            return []
        texts = cast("list[bytes | None]", await self._client.mget([_record_key(each) for each in ids]))
        return _commands(texts)


def _record_key(command_id: str) -> str:
    return f"command:record:{command_id}"


def _device_key(grid_id: str, device_id: str) -> str:
    return f"command:of:{grid_id}:{device_id}"


def _request_key(key: RequestKey | None) -> str:
    # Both may be long and hold anything.
    parts = (key.user, key.key) if key else ()
    digest = sha256(b"".join(sha256(part.encode()).digest() for part in parts)).hexdigest()
    return f"command:key:{digest}"


def _text(command: Command) -> str:
    return f"{command.revision} {command.model_dump_json(exclude={'revision'}, exclude_defaults=True)}"


def _event(command: Command, at: datetime | None) -> str:
    return "" if at is None else CommandEvent(at=at, command=command).model_dump_json(exclude_defaults=True)


def _commands(texts: Iterable[bytes | None]) -> list[Command]:
    return [command for text in texts if text is not None and (command := _command(text))]


def _command(text: bytes) -> Command | None:
    revision, _, body = text.partition(b" ")
    try:
        command = Command.model_validate_json(body)
    except ValidationError:
        # Of another version, or damaged: as if it were not there, rather than stop all others.
        structlog.get_logger().error("command_unreadable", record=text[:100].decode(errors="replace"))
        return None
    return command.model_copy(update={"revision": int(revision)})
