"""MQTT topics: who publishes what where.

| topic | direction |
| --- | --- |
| `microgrid/{grid_id}/device/{device_id}/telemetry` | from the device |
| `microgrid/{grid_id}/device/{device_id}/status` | from the device: birth and last will, retained |
| `microgrid/{grid_id}/device/{device_id}/backfill` | to the device |
| `microgrid/{grid_id}/device/{device_id}/command` | to the device |
| `microgrid/{grid_id}/device/{device_id}/command/ack` | from the device |
| `microgrid/{grid_id}/alerts` | to whoever listens |
| `microgrid/data`, `microgrid/alerts` | from a prototype device |
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from microgrid_common.schemas.identifiers import DEFAULT_DEVICE_ID, DEFAULT_GRID_ID, is_identifier

PROTOTYPE_DATA_TOPIC = "microgrid/data"
PROTOTYPE_ALERTS_TOPIC = "microgrid/alerts"
EVERYTHING_TOPIC_FILTER = "microgrid/#"
"""What the ingestor subscribes to, so that a message on a mistyped topic is quarantined, not unseen."""
EVERY_STATUS_TOPIC_FILTER = "microgrid/+/device/+/status"
"""Where the broker keeps the last birth or will of each device."""


class TopicKind(StrEnum):
    """What a message on a topic is."""

    TELEMETRY = "telemetry"
    STATUS = "status"
    BACKFILL_REQUEST = "backfill"
    COMMAND = "command"
    COMMAND_ACKNOWLEDGEMENT = "command/ack"
    GRID_ALERTS = "alerts"
    PROTOTYPE_DATA = "prototype-data"
    PROTOTYPE_ALERT = "prototype-alert"


FROM_THE_PLATFORM = frozenset({TopicKind.BACKFILL_REQUEST, TopicKind.COMMAND, TopicKind.GRID_ALERTS})
"""Kinds that the platform itself publishes: the ingestor sees them come back and lets them pass."""

_DEVICE_KINDS = {
    kind.value: kind
    for kind in (
        TopicKind.TELEMETRY,
        TopicKind.STATUS,
        TopicKind.BACKFILL_REQUEST,
        TopicKind.COMMAND,
        TopicKind.COMMAND_ACKNOWLEDGEMENT,
    )
}


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic, taken apart."""

    kind: TopicKind
    grid_id: str
    device_id: str | None
    """None on the alerts topic of a grid."""


_PROTOTYPE_TOPICS = {
    PROTOTYPE_DATA_TOPIC: Topic(TopicKind.PROTOTYPE_DATA, DEFAULT_GRID_ID, DEFAULT_DEVICE_ID),
    PROTOTYPE_ALERTS_TOPIC: Topic(TopicKind.PROTOTYPE_ALERT, DEFAULT_GRID_ID, DEFAULT_DEVICE_ID),
}


_LONGEST_TOPIC = len("microgrid//device//command/ack") + 2 * 64


def parse_topic(topic: str) -> Topic | None:
    """Take a topic apart; None when it is not one of ours."""
    return _parse(topic) if len(topic) <= _LONGEST_TOPIC else None


# Cached: a fleet uses few topics over and over. Bounded in number and, by the length above, in bytes, since
# a sender may make up new ones.
@lru_cache(maxsize=10_000)
def _parse(topic: str) -> Topic | None:
    if (prototype := _PROTOTYPE_TOPICS.get(topic)) is not None:
        return prototype
    match topic.split("/", 4):
        case ["microgrid", grid_id, "alerts"] if is_identifier(grid_id):
            return Topic(TopicKind.GRID_ALERTS, grid_id, None)
        case ["microgrid", grid_id, "device", device_id, rest] if (
            is_identifier(grid_id) and is_identifier(device_id) and rest in _DEVICE_KINDS
        ):
            return Topic(_DEVICE_KINDS[rest], grid_id, device_id)
        case _:
            return None


def device_topic(grid_id: str, device_id: str, kind: TopicKind) -> str:
    """The topic of a device, such as `microgrid/village-1/device/inverter-1/telemetry`."""
    return f"microgrid/{grid_id}/device/{device_id}/{kind.value}"


def grid_alerts_topic(grid_id: str) -> str:
    """The topic on which a grid's alerts are published."""
    return f"microgrid/{grid_id}/alerts"
