"""Which member of a consumer group reads which stream: one at a time, so that the order holds."""

import asyncio
import secrets
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import timedelta
from typing import Any

from redis.asyncio import Redis

# KEYS: the members' set, then the lease of each stream. ARGV: this member, the duration in ms, then for
# each stream "1" when it may be given up. Returns the indices, from 1, of the streams that are ours.
_REFRESH = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local me, duration = ARGV[1], tonumber(ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZADD', KEYS[1], now + duration, me)
redis.call('PEXPIRE', KEYS[1], duration)
local share = math.ceil((#KEYS - 1) / redis.call('ZCARD', KEYS[1]))
local owned, free = {}, {}
for i = 2, #KEYS do
    local owner = redis.call('GET', KEYS[i])
    if owner == me then owned[#owned + 1] = i elseif not owner then free[#free + 1] = i end
end
local kept = {}
for position, i in ipairs(owned) do
    if #owned - position + 1 + #kept > share and ARGV[i + 1] == '1' then
        redis.call('DEL', KEYS[i])
    else
        redis.call('PEXPIRE', KEYS[i], duration)
        kept[#kept + 1] = i - 1
    end
end
for _, i in ipairs(free) do
    if #kept < share then
        redis.call('SET', KEYS[i], me, 'PX', duration)
        kept[#kept + 1] = i - 1
    end
end
return kept
"""

_RELEASE = """
redis.call('ZREM', KEYS[1], ARGV[1])
for i = 2, #KEYS do
    if redis.call('GET', KEYS[i]) == ARGV[1] then redis.call('DEL', KEYS[i]) end
end
"""


class StreamLeases:
    """The streams that this member owns; refresh it more often than the leases last.

    The streams are shared out evenly: who has more than its share gives up what it is not working on,
    who has less takes what is free. A member that dies loses its streams when their leases run out.

    Args:
        client: the connection.
        group: the consumer group.
        streams: all streams of the group; the same for every member.
        duration: how long a lease lasts without being refreshed.
    """

    def __init__(self, client: Redis, *, group: str, streams: Sequence[str], duration: timedelta) -> None:
        self._streams = tuple(streams)
        self._duration = duration
        # A member that starts anew is another one: nobody may own a stream by a name that two share.
        self._holder = secrets.token_hex(8)
        # One hash slot, so that the script may touch all keys also on a cluster.
        self._keys = [f"{{{group}}}:members", *(f"{{{group}}}:lease:{stream}" for stream in streams)]
        self._refresh = client.register_script(_REFRESH)
        self._release = client.register_script(_RELEASE)
        self._owned: tuple[str, ...] = ()
        self._valid_until = 0.0

    @property
    def owned(self) -> tuple[str, ...]:
        """The streams that are ours now, in the order of all streams."""
        return self._owned if asyncio.get_running_loop().time() < self._valid_until else ()

    async def refresh(self, *, busy: AbstractSet[str]) -> None:
        """Renew what is ours, take what is our share, give up what is more.

        Args:
            busy: streams that are being worked on and must not be given up now.

        Raises:
            redis.exceptions.RedisError: the connection failed; what is ours runs out by itself.
        """
        # Counted from before the call: here a lease must end before it does on the server.
        valid_until = asyncio.get_running_loop().time() + self._duration.total_seconds()
        may_go = ["0" if stream in busy else "1" for stream in self._streams]
        milliseconds = int(self._duration.total_seconds() * 1000)
        answer: Any = await self._refresh(keys=self._keys, args=[self._holder, milliseconds, *may_go])
        mine = set(answer)
        self._owned = tuple(stream for number, stream in enumerate(self._streams, 1) if number in mine)
        self._valid_until = valid_until

    async def release(self) -> None:
        """Give up everything, so that others need not wait for the leases to run out.

        Raises:
            redis.exceptions.RedisError: the connection failed; the leases run out by themselves.
        """
        self._owned = ()
        await self._release(keys=self._keys, args=[self._holder])
