"""What is remembered of a device's alarms, and of those of its grid, between two entries of the log.

One document a device, one a grid. They are changed in place while a batch is worked on, and stored, or
thrown away, as a whole: what is stored always is the outcome of whole entries.
"""

from datetime import datetime
from typing import Any

import msgspec

from microgrid_common.schemas.alert import Alert, OutOfService, Shelving


class Sample(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A value at a time."""

    at: datetime
    value: float


class Moment(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A reading that counts for a delay."""

    timestamp: datetime
    """What an operator sees of it."""
    effective_at: datetime
    """The time that decides about earlier and later: `Reading.effective_at`."""
    received_at: datetime
    """The wall clock's side of it: what a timer runs from."""
    metrics: dict[str, float]


class Pending(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A condition that changed, and a delay that runs: to raise without an open alert, else to clear."""

    began: Moment
    due: datetime
    """When the delay is over in the readings' own time; as `effective_at`."""
    timer: datetime
    """When a timer may say so, by the clock: nothing that was measured before `due` is still under way."""


class AlarmPoint(msgspec.Struct, omit_defaults=True):
    """One rule on one device. A point that has nothing to remember is not kept."""

    alert: Alert | None = None
    """The episode that lasts, or the last one, over and still to be acknowledged."""
    holds: bool = False
    """Whether the condition held at the newest reading that was judged."""
    previous: Sample | None = None
    """The newest value before, for conditions that look at a change."""
    pending: Pending | None = None
    raised: list[datetime] = msgspec.field(default_factory=list)
    """When the last episodes began, as far as chattering is concerned."""
    added_delay_seconds: float = 0
    """The delay that chattering has added, to both delays of the rule."""
    added_delay_until: datetime | None = None
    """When it ends unless the chattering goes on; in the readings' own time."""
    noticed_at: datetime | None = None
    """The last time of a device's notice, while the alert rests on notices alone."""
    shelved: Shelving | None = None
    """Also an alarm that is normal can be shelved: it is then born shelved."""
    out_of_service: OutOfService | None = None


class DeviceAlarms(msgspec.Struct, omit_defaults=True):
    """What is remembered of one device."""

    revision: int = 0
    """Counts the stored changes; 0 of one that was never stored."""
    newest: datetime | None = None
    """`effective_at` of the newest reading that was judged."""
    newest_metrics: tuple[str, ...] = ()
    """What that reading measured."""
    older: dict[str, datetime] = msgspec.field(default_factory=dict)
    """Metric → `effective_at` of the newest reading with it, for those that the newest one lacks."""
    heard: dict[str, datetime] = msgspec.field(default_factory=dict)
    """Metric → when a reading with it arrived last, for the metrics whose silence a rule watches."""
    device_type: str = "unregistered"
    component: str | None = None
    disconnected_since: datetime | None = None
    """By the link's own events; None while connected."""
    stale_since: datetime | None = None
    linked_at: datetime | None = None
    """When the newest change of the link was that is known here."""
    linked: list[str] = msgspec.field(default_factory=list)
    """Which changes there were at that time."""
    told_at: datetime | None = None
    """The newest time by the clock at which it was decided about silence, and what is suppressed."""
    noticed: dict[str, datetime] = msgspec.field(default_factory=dict)
    """Rule id → when its newest notice arrived, for the notices that came last."""
    points: dict[str, AlarmPoint] = msgspec.field(default_factory=dict)
    """By rule id; a rule without anything to remember has none."""


class FirstOut(msgspec.Struct, omit_defaults=True):
    """A group of alarms of which some last."""

    first_id: str
    """The alert that came first."""
    open_ids: list[str]
    """Those that last."""


class FailedRule(msgspec.Struct, frozen=True, array_like=True):
    """A rule that failed, until it is taken out of force everywhere."""

    version: int
    reason: str


class GridAlarms(msgspec.Struct, omit_defaults=True):
    """What is remembered of a grid as a whole."""

    revision: int = 0
    last_number: int = 0
    """The number of its newest alert."""
    down: dict[str, datetime] = msgspec.field(default_factory=dict)
    """Device → since when it is disconnected or stale: its children's silence says nothing new."""
    up_again: dict[str, datetime] = msgspec.field(default_factory=dict)
    """Device → when it came back, for as long as its children are given time to come back too."""
    groups: dict[str, FirstOut] = msgspec.field(default_factory=dict)
    """First-out groups with an alarm that lasts."""
    failed: dict[str, FailedRule] = msgspec.field(default_factory=dict)
    """Rule id → the version that failed on a reading of this grid, which nothing is judged by here."""


def _to_json(value: Any) -> Any:
    return value.model_dump(mode="json", exclude_defaults=True)


def _from_json(kind: type, value: Any) -> Any:
    return kind.model_validate(value)  # type: ignore[attr-defined]


_ENCODER = msgspec.json.Encoder(enc_hook=_to_json)
_DEVICE_DECODER = msgspec.json.Decoder(DeviceAlarms, dec_hook=_from_json)
_GRID_DECODER = msgspec.json.Decoder(GridAlarms, dec_hook=_from_json)


def encode_document(document: DeviceAlarms | GridAlarms) -> bytes:
    """A document as it is stored."""
    return _ENCODER.encode(document)


def decode_device_alarms(data: bytes) -> DeviceAlarms:
    """A device's document as it was stored.

    Raises:
        msgspec.DecodeError: `data` is no such document.
    """
    return _DEVICE_DECODER.decode(data)


def decode_grid_alarms(data: bytes) -> GridAlarms:
    """A grid's document as it was stored.

    Raises:
        msgspec.DecodeError: `data` is no such document.
    """
    return _GRID_DECODER.decode(data)
