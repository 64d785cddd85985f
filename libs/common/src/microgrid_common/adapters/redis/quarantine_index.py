"""What is kept about the messages of the stream `quarantine`, and how it is changed.

| key | holds |
| --- | --- |
| `quarantine` | the stream: the messages as they were refused |
| `quarantine:entries` | hash: id → `QuarantineEntry`, in JSON |
| `quarantine:identities` | hash: identity → id of the message that has it |
| `quarantine:open`, `quarantine:open:{grid}` | the ids of open messages, in order |
| `quarantine:closed`, `quarantine:closed:{grid}` | the ids of those replayed or discarded, in order |
| `quarantine:counts` | hash: `{grid}:{state}:{reason}` → number of messages |
| `quarantine:totals` | hash: `version`, `indexed`, `stored_bytes`, `doubles`, `dropped_open` |

The grid of messages that name none is `NO_GRID`.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Final, cast

from microgrid_common.adapters.epoch_milliseconds import first_millisecond_from
from microgrid_common.ports.durable_log import Record
from microgrid_common.ports.quarantine import QuarantineFilter
from microgrid_common.schemas.quarantine import Reason
from microgrid_common.schemas.quarantine_entry import QuarantineEntry, QuarantineState
from microgrid_common.schemas.streams import QUARANTINE_STREAM

ENTRIES_KEY: Final = "quarantine:entries"
IDENTITIES_KEY: Final = "quarantine:identities"
COUNTS_KEY: Final = "quarantine:counts"
TOTALS_KEY: Final = "quarantine:totals"
VERSION_FIELD: Final = "version"
INDEXED_FIELD: Final = "indexed"
STORED_BYTES_FIELD: Final = "stored_bytes"
DOUBLES_FIELD: Final = "doubles"
DROPPED_OPEN_FIELD: Final = "dropped_open"

APPLY: Final = """
if (redis.call('HGET', KEYS[1], 'version') or '') ~= ARGV[1] then return 0 end
local at = 2
while at <= #ARGV do
  local size = tonumber(ARGV[at])
  local answer = redis.call(unpack(ARGV, at + 1, at + size))
  if ARGV[at + 1] == 'HINCRBY' and answer == 0 then redis.call('HDEL', ARGV[at + 2], ARGV[at + 3]) end
  at = at + size + 1
end
redis.call('HINCRBY', KEYS[1], 'version', 1)
return 1
"""
"""Runs the commands of a `Changes`, all in one step, unless somebody else has changed something before.

MULTI with WATCH would do the same, but when memory is full it refuses the whole, also what frees memory.
"""

APPLY_ALSO_WHEN_FULL: Final = "#!lua flags=allow-oom\n" + APPLY
"""For what frees memory sooner or later."""


def ids_key(*, is_open: bool, grid: str | None) -> str:
    """The key of the ids of open or closed messages, of one grid or of all."""
    key = "quarantine:open" if is_open else "quarantine:closed"
    return key if grid is None else f"{key}:{grid}"


def sortable(entry_id: str) -> str:
    """An id whose order as text is that of the stream."""
    milliseconds, _, sequence = entry_id.partition("-")
    return f"{sortable_milliseconds(int(milliseconds))}-{int(sequence):010}"


def sortable_milliseconds(milliseconds: int) -> str:
    """What the ids of a millisecond begin with."""
    return f"{max(0, milliseconds):015}"


def id_range(wanted: QuarantineFilter, *, after: str | None, oldest_first: bool) -> tuple[str, str]:
    """The bounds of the ids that a filter leaves, those between them being after `after` in the order."""
    low, high = "-", "+"
    if wanted.since is not None:
        low = f"[{sortable_milliseconds(first_millisecond_from(wanted.since))}"
    if wanted.until is not None:
        high = f"({sortable_milliseconds(first_millisecond_from(wanted.until))}"
    if after is not None and oldest_first:
        low = max(low, f"({sortable(after)}", key=_bound)
    elif after is not None:
        high = min(high, f"({sortable(after)}", key=_bound)
    return low, high


def entry_ids_of(members: Sequence[object]) -> list[str]:
    """The ids that were made sortable."""
    ids = []
    for member in cast("Sequence[bytes]", members):
        milliseconds, _, sequence = member.decode().partition("-")
        ids.append(f"{int(milliseconds)}-{int(sequence)}")
    return ids


def count_of(field: bytes) -> tuple[str, QuarantineState, Reason]:
    """Grid, state and reason that a field of `quarantine:counts` counts."""
    grid, state, reason = field.decode().split(":")
    return grid, QuarantineState(state), Reason(reason)


class Changes:
    """Changes that are made together."""

    def __init__(self) -> None:
        self._records: list[Record] = []
        self._puts: dict[str, QuarantineEntry] = {}
        self._identities: dict[str, str] = {}
        self._drops: list[QuarantineEntry] = []
        self._doubles: list[str] = []
        self._listed: dict[str, set[str]] = defaultdict(set)
        self._unlisted: dict[str, set[str]] = defaultdict(set)
        self._counts: Counter[str] = Counter()
        self._totals: Counter[str] = Counter()
        self._indexed: str | None = None

    def append(self, records: Sequence[Record]) -> None:
        """Append to streams."""
        self._records.extend(records)

    def index_up_to(self, entry_id: str) -> None:
        """Remember that everything up to there is known."""
        self._indexed = entry_id

    def add(self, entry: QuarantineEntry) -> None:
        """Take in a message that is new."""
        self._puts[entry.id] = entry
        self._identities[entry.identity] = entry.id
        self._totals[STORED_BYTES_FIELD] += entry.stored_bytes
        self._list(entry)

    def replace(self, before: QuarantineEntry, after: QuarantineEntry) -> None:
        """Keep something else about a message."""
        self._unlist(before)
        self._list(after)
        self._puts[after.id] = after

    def remove_double(self, entry_id: str) -> None:
        """Take an entry from the stream whose message is there already."""
        self._doubles.append(entry_id)
        self._totals[DOUBLES_FIELD] += 1

    def drop(self, entry: QuarantineEntry) -> None:
        """Let a message go."""
        self._drops.append(entry)
        self._unlist(entry)
        self._totals[STORED_BYTES_FIELD] -= entry.stored_bytes
        if entry.is_open:
            self._totals[DROPPED_OPEN_FIELD] += 1

    def arguments(self) -> list[str | bytes | int]:
        """The arguments of `APPLY`, after the version."""
        commands = [*self._stream_commands(), *self._hash_commands(), *self._list_commands()]
        return [argument for command in commands for argument in (len(command), *command)]

    def _stream_commands(self) -> list[list[str | bytes | int]]:
        commands: list[list[str | bytes | int]] = [
            ["XADD", record.stream, "*", record.kind, record.data] for record in self._records
        ]
        if gone := [*self._doubles, *(entry.id for entry in self._drops)]:
            commands.append(["XDEL", QUARANTINE_STREAM, *gone])
        return commands

    def _hash_commands(self) -> list[list[str | bytes | int]]:
        commands: list[list[str | bytes | int]] = []
        if self._drops:
            commands.append(["HDEL", ENTRIES_KEY, *(entry.id for entry in self._drops)])
            commands.append(["HDEL", IDENTITIES_KEY, *(entry.identity for entry in self._drops)])
        if self._puts:
            put = [text for entry in self._puts.values() for text in (entry.id, entry.model_dump_json())]
            commands.append(["HSET", ENTRIES_KEY, *put])
        if self._identities:
            named = [text for pair in self._identities.items() for text in pair]
            commands.append(["HSET", IDENTITIES_KEY, *named])
        if self._indexed:
            commands.append(["HSET", TOTALS_KEY, INDEXED_FIELD, self._indexed])
        for key, counted in ((COUNTS_KEY, self._counts), (TOTALS_KEY, self._totals)):
            commands += [["HINCRBY", key, field, change] for field, change in counted.items() if change]
        return commands

    def _list_commands(self) -> list[list[str | bytes | int]]:
        commands: list[list[str | bytes | int]] = [
            ["ZREM", key, *members] for key, members in self._unlisted.items() if members
        ]
        for key, members in self._listed.items():
            if members:
                commands.append(["ZADD", key, *(text for member in members for text in (0, member))])
        return commands

    def _list(self, entry: QuarantineEntry) -> None:
        self._counts[_count_field(entry)] += 1
        for key in _ids_keys(entry):
            self._listed[key].add(sortable(entry.id))
            self._unlisted[key].discard(sortable(entry.id))

    def _unlist(self, entry: QuarantineEntry) -> None:
        self._counts[_count_field(entry)] -= 1
        for key in _ids_keys(entry):
            self._unlisted[key].add(sortable(entry.id))
            self._listed[key].discard(sortable(entry.id))


def _bound(bound: str) -> str:
    """The order of bounds: `-`, then ids, then `+`."""
    return {"-": "", "+": "~"}.get(bound, bound[1:])


def _ids_keys(entry: QuarantineEntry) -> tuple[str, str]:
    return ids_key(is_open=entry.is_open, grid=None), ids_key(is_open=entry.is_open, grid=entry.grid)


def _count_field(entry: QuarantineEntry) -> str:
    return f"{entry.grid}:{entry.state}:{entry.reason}"
