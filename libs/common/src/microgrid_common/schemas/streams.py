"""The streams of the durable log: their names, and which shard a grid's readings go to."""

from binascii import crc32
from functools import lru_cache

ALERTS_STREAM = "alerts"
COMMANDS_STREAM = "commands"
QUARANTINE_STREAM = "quarantine"

READINGS_KIND = "readings"
"""An entry whose data is what `encode_readings` writes."""
NOTICE_KIND = "notice"
"""An entry whose data is one `DeviceNotice`, in JSON."""
REFUSALS_KIND = "refusals"
"""An entry, among the readings, whose data is what `encode_refusals` writes."""
PRESENCE_KIND = "presence"
"""An entry, among the readings, whose data is one `DevicePresence`, in JSON."""
LINK_KIND = "link"
"""An entry, among the readings, whose data is one `LinkEvent`, in JSON."""
TICK_KIND = "tick"
"""An entry, among the readings, whose data is one `Tick`, in JSON."""
ALERT_EVENT_KIND = "event"
"""An entry whose data is one `AlertEvent`, in JSON."""
COMMAND_EVENT_KIND = "command_event"
"""An entry of the commands whose data is one `CommandEvent`, in JSON."""
QUARANTINED_KIND = "quarantined"
"""An entry whose data is one `QuarantinedMessage`, in JSON."""


def readings_stream(shard: int) -> str:
    """The stream of one shard of the readings."""
    return f"readings:{shard}"


def readings_streams(shards: int) -> list[str]:
    """The streams of all shards."""
    return [readings_stream(shard) for shard in range(shards)]


# Cached: it is asked for every reading, and there are few grids.
@lru_cache(maxsize=10_000)
def readings_stream_of(grid_id: str, shards: int) -> str:
    """The stream that a grid's readings go to: always the same one, so that their order holds."""
    return readings_stream(crc32(grid_id.encode()) % shards)
