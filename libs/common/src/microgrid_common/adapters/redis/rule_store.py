"""Alarm rules and maintenance windows in Redis: each change is one script, which the server runs as one step.

| key | holds |
| --- | --- |
| `rule:revision` | how often anything here has changed |
| `rule:current` | hash: rule → its version, a blank, and the rest of `AlarmRule` in JSON |
| `rule:newest` | hash: rule → the newest version that it ever had; deleted rules too |
| `rule:versions:{rule}` | hash: version → as in `rule:current` |
| `rule:windows` | hash: `{grid}:{window}` → `MaintenanceWindow` in JSON |
"""

import json
from collections.abc import Sequence
from typing import Final, cast

import structlog
from pydantic import ValidationError
from redis.asyncio import Redis

from microgrid_common.adapters.redis.connection import ping, redis_errors
from microgrid_common.ports.errors import PermanentError
from microgrid_common.ports.rule_store import (
    MAXIMUM_VERSIONS,
    MAXIMUM_WINDOWS,
    RuleBook,
    VersionConflictError,
)
from microgrid_common.schemas.alarm_rule import MAXIMUM_RULES, AlarmRule, AlarmRuleDraft
from microgrid_common.schemas.maintenance import MaintenanceWindow

_REVISION_KEY = "rule:revision"
_CURRENT_KEY = "rule:current"
_NEWEST_KEY = "rule:newest"
_WINDOWS_KEY = "rule:windows"

_CONFLICT: Final = -1
_FULL: Final = -2

# In each script the first write may fail for want of memory, and then nothing was written; no later one can.
_PUT = """
local revision, current, newest, versions = unpack(KEYS)
local rule, expected, text, most_rules, most_versions = unpack(ARGV)
local stored = redis.call('HGET', current, rule)
local version = stored and string.match(stored, '^%d+') or ''
if version ~= expected then return -1 end
if not stored and redis.call('HLEN', current) >= tonumber(most_rules) then return -2 end
local following = (tonumber(redis.call('HGET', newest, rule)) or 0) + 1
text = following .. ' ' .. text
redis.call('HSET', current, rule, text)
redis.call('HSET', newest, rule, following)
redis.call('HSET', versions, following, text)
redis.call('HDEL', versions, following - tonumber(most_versions))
redis.call('INCR', revision)
return following
"""

_SEED = """
local revision, current, newest = unpack(KEYS)
local missing = {}
for i = 2, #ARGV, 2 do
    if redis.call('HEXISTS', newest, ARGV[i]) == 0 then missing[#missing + 1] = i end
end
if #missing == 0 then return 0 end
if redis.call('HLEN', current) + #missing > tonumber(ARGV[1]) then return -2 end
for n, i in ipairs(missing) do
    redis.call('HSET', newest, ARGV[i], 1)
    redis.call('HSET', KEYS[3 + i / 2], 1, '1 ' .. ARGV[i + 1])
    redis.call('HSET', current, ARGV[i], '1 ' .. ARGV[i + 1])
end
redis.call('INCR', revision)
return #missing
"""

_DISABLE = """
local revision, current, versions = unpack(KEYS)
local rule, before, after, version = unpack(ARGV)
if redis.call('HGET', current, rule) ~= before then return 0 end
redis.call('HSET', current, rule, after)
redis.call('HSET', versions, version, after)
redis.call('INCR', revision)
return 1
"""

_REMOVE = """
local revision, current = unpack(KEYS)
local rule, expected = unpack(ARGV)
local stored = redis.call('HGET', current, rule)
if not stored then return 0 end
if string.match(stored, '^%d+') ~= expected then return -1 end
redis.call('HDEL', current, rule)
redis.call('INCR', revision)
return 1
"""

_PUT_WINDOW = """
local revision, windows = unpack(KEYS)
local name, text, most = unpack(ARGV)
local before = redis.call('HGET', windows, name)
if not before and redis.call('HLEN', windows) >= tonumber(most) then return -2 end
redis.call('HSET', windows, name, text)
redis.call('INCR', revision)
return before
"""

_REMOVE_WINDOW = """
local revision, windows = unpack(KEYS)
local before = redis.call('HGET', windows, ARGV[1])
if before then
    redis.call('HDEL', windows, ARGV[1])
    redis.call('INCR', revision)
end
return before
"""


class RedisRuleStore:
    """Implements `RuleStore`."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._put = client.register_script(_PUT)
        self._seed = client.register_script(_SEED)
        self._disable = client.register_script(_DISABLE)
        self._remove = client.register_script(_REMOVE)
        self._put_window = client.register_script(_PUT_WINDOW)
        self._remove_window = client.register_script(_REMOVE_WINDOW)

    async def revision(self) -> int:
        """As `RuleStore.revision`."""
        with redis_errors():
            return int(await self._client.get(_REVISION_KEY) or 0)

    async def book(self) -> RuleBook:
        """As `RuleStore.book`."""
        with redis_errors():
            async with self._client.pipeline(transaction=True) as pipeline:
                pipeline.get(_REVISION_KEY)
                pipeline.hvals(_CURRENT_KEY)
                pipeline.hvals(_WINDOWS_KEY)
                revision, rules, windows = await pipeline.execute()
        return RuleBook(
            int(revision or 0),
            tuple(sorted(filter(None, map(_rule, rules)), key=lambda rule: rule.rule_id)),
            tuple(
                sorted(
                    filter(None, map(_window, windows)),
                    key=lambda window: (window.start, window.grid_id, window.window_id),
                )
            ),
        )

    async def seed(self, drafts: Sequence[AlarmRuleDraft]) -> int:
        """As `RuleStore.seed`."""
        keys = [_REVISION_KEY, _CURRENT_KEY, _NEWEST_KEY, *(_versions_key(draft.rule_id) for draft in drafts)]
        arguments = [part for draft in drafts for part in (draft.rule_id, draft.model_dump_json())]
        with redis_errors():
            answer = int(await self._seed(keys, [MAXIMUM_RULES, *arguments]))
        _raise_for(answer, f"{MAXIMUM_RULES} rules")
        return answer

    async def put(self, draft: AlarmRuleDraft, *, expected_version: int | None) -> AlarmRule:
        """As `RuleStore.put`."""
        keys = [_REVISION_KEY, _CURRENT_KEY, _NEWEST_KEY, _versions_key(draft.rule_id)]
        fields = draft.model_dump(mode="json", include=set(AlarmRuleDraft.model_fields))
        expected = "" if expected_version is None else str(expected_version)
        with redis_errors():
            answer = int(
                await self._put(
                    keys, [draft.rule_id, expected, json.dumps(fields), MAXIMUM_RULES, MAXIMUM_VERSIONS]
                )
            )
        _raise_for(answer, f"{MAXIMUM_RULES} rules")
        return AlarmRule.model_validate({**fields, "version": answer})

    async def disable(self, rule_id: str, *, version: int, because: str) -> bool:
        """As `RuleStore.disable`."""
        with redis_errors():
            before = cast("bytes | None", await self._client.hget(_CURRENT_KEY, rule_id))
            rule = None if before is None else _rule(before)
            if before is None or rule is None or rule.version != version:
                return False
            if rule.disabled_because is not None:
                return True
            after = _text(rule.model_copy(update={"disabled_because": because}))
            keys = [_REVISION_KEY, _CURRENT_KEY, _versions_key(rule_id)]
            changed = int(await self._disable(keys, [rule_id, before, after, version]))
        # Changed by somebody in between: put, removed, or disabled as well.
        return bool(changed) or await self.disable(rule_id, version=version, because=because)

    async def remove(self, rule_id: str, *, expected_version: int) -> bool:
        """As `RuleStore.remove`."""
        with redis_errors():
            answer = int(await self._remove([_REVISION_KEY, _CURRENT_KEY], [rule_id, str(expected_version)]))
        _raise_for(answer, "")
        return bool(answer)

    async def versions(self, rule_id: str) -> list[AlarmRule]:
        """As `RuleStore.versions`."""
        with redis_errors():
            texts = cast("list[bytes]", await self._client.hvals(_versions_key(rule_id)))
        return sorted(filter(None, map(_rule, texts)), key=lambda rule: rule.version, reverse=True)

    async def put_window(self, window: MaintenanceWindow) -> MaintenanceWindow | None:
        """As `RuleStore.put_window`."""
        name = _window_name(window.grid_id, window.window_id)
        with redis_errors():
            before = await self._put_window(
                [_REVISION_KEY, _WINDOWS_KEY], [name, window.model_dump_json(), MAXIMUM_WINDOWS]
            )
        if isinstance(before, int):
            _raise_for(before, f"{MAXIMUM_WINDOWS} maintenance windows")
        return before and _window(before)

    async def remove_window(self, grid_id: str, window_id: str) -> MaintenanceWindow | None:
        """As `RuleStore.remove_window`."""
        with redis_errors():
            before = await self._remove_window(
                [_REVISION_KEY, _WINDOWS_KEY], [_window_name(grid_id, window_id)]
            )
        return before and _window(before)

    async def ping(self) -> None:
        """As `RuleStore.ping`."""
        await ping(self._client)


def _raise_for(answer: int, what_is_full: str) -> None:
    if answer == _CONFLICT:
        raise VersionConflictError("the stored version of the rule is another one")
    if answer == _FULL:
        raise PermanentError(f"there can be no more than {what_is_full}")


def _versions_key(rule_id: str) -> str:
    return f"rule:versions:{rule_id}"


def _window_name(grid_id: str, window_id: str) -> str:
    return f"{grid_id}:{window_id}"


def _text(rule: AlarmRule) -> str:
    return f"{rule.version} {rule.model_dump_json(exclude={'version'})}"


def _rule(text: bytes) -> AlarmRule | None:
    """A rule as it is stored; None, which is logged, when it cannot be read: the others still can."""
    version, _, body = text.partition(b" ")
    try:
        # A newer service may have written fields that this one does not know.
        return AlarmRule.model_validate({**json.loads(body), "version": int(version)}, extra="ignore")
    except (TypeError, ValueError) as error:
        structlog.get_logger().error("alarm_rule_unreadable", problem=type(error).__name__)
        return None


def _window(text: bytes) -> MaintenanceWindow | None:
    """As `_rule`."""
    try:
        return MaintenanceWindow.model_validate_json(text, extra="ignore")
    except ValidationError as error:
        structlog.get_logger().error("maintenance_window_unreadable", problems=error.error_count())
        return None
