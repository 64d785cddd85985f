"""What entries of the log say of each device's numbers."""

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import NamedTuple

import msgspec

from microgrid_common.schemas.device import UNREGISTERED
from microgrid_common.schemas.ledger import DeviceKey
from microgrid_common.schemas.presence import DevicePresence
from microgrid_common.schemas.reading import MalformedBatchError
from microgrid_common.schemas.refusal import decode_refusals
from microgrid_common.schemas.status import DeviceStatus, PresenceStatus
from microgrid_common.schemas.streams import PRESENCE_KIND, READINGS_KIND, REFUSALS_KIND


class Fate(Enum):
    """What became of numbers."""

    ACCEPTED = auto()
    REFUSED = auto()
    """Put in quarantine, never accepted."""
    TAKEN_BACK = auto()
    """Put in quarantine after they had been accepted: the telemetry store refused them."""


@dataclass(slots=True)
class Run:
    """Consecutive numbers of one boot that met the same fate one after the other."""

    fate: Fate
    boot_id: str
    first: int
    last: int


class Announcement(NamedTuple):
    """How far a device says its boots came; the oldest first, the present one last."""

    ends: tuple[tuple[str, int], ...]
    """Boot and last number given in it; -1 for none."""


@dataclass(slots=True)
class News:
    """What entries say of one device, in their order."""

    events: list[Run | Announcement] = field(default_factory=list)
    device_type: str | None = None
    """As of the newest reading; None when there is none."""
    unnumbered: int = 0
    unnumbered_refused: int = 0
    heard: bool = False
    """Whether anything came from the device itself."""

    def note(self, fate: Fate, boot_id: str, first: int, last: int) -> None:
        """Add numbers at the end."""
        if self.events:
            run = self.events[-1]
            if type(run) is Run and run.last == first - 1 and run.boot_id == boot_id and run.fate is fate:
                run.last = last
                return
        self.events.append(Run(fate, boot_id, first, last))


class _NumberedReading(msgspec.Struct, gc=False):
    """The part of a `Reading` that matters here; the rest is passed over unread."""

    grid_id: str
    device_id: str
    boot_id: str | None = None
    seq: int | None = None
    device_type: str = UNREGISTERED


_READINGS = msgspec.json.Decoder(list[_NumberedReading])

NewsOfDevices = dict[DeviceKey, News]


def gather(kind: str, data: bytes, news: NewsOfDevices) -> None:
    """Add to `news` what an entry says; of a kind that does not matter here, nothing.

    Args:
        kind: of the entry.
        data: of the entry.
        news: what the entries before it said.

    Raises:
        ValueError: the entry is not what its kind says; `news` is as before.
    """
    if kind == READINGS_KIND:
        _gather_readings(data, news)
    elif kind == REFUSALS_KIND:
        _gather_refusals(data, news)
    elif kind == PRESENCE_KIND:
        _gather_presence(DevicePresence.model_validate_json(data), news)


def _gather_readings(data: bytes, news: NewsOfDevices) -> None:
    try:
        readings = _READINGS.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedBatchError(str(error)) from None
    for reading in readings:
        device = _of((reading.grid_id, reading.device_id), news)
        device.heard = True
        device.device_type = reading.device_type
        if reading.boot_id is None or reading.seq is None:
            device.unnumbered += 1
        else:
            device.note(Fate.ACCEPTED, reading.boot_id, reading.seq, reading.seq)


def _gather_refusals(data: bytes, news: NewsOfDevices) -> None:
    for refusal in decode_refusals(data):
        device = _of((refusal.grid_id, refusal.device_id), news)
        if not refusal.by_store:
            device.heard = True
            device.unnumbered_refused += not refusal.numbers
        fate = Fate.TAKEN_BACK if refusal.by_store else Fate.REFUSED
        for numbers in refusal.numbers:
            device.note(fate, numbers.boot_id, numbers.first, numbers.last)


def _gather_presence(presence: DevicePresence, news: NewsOfDevices) -> None:
    device = _of((presence.grid_id, presence.device_id), news)
    if presence.status.status is PresenceStatus.ONLINE:
        device.heard = True
    if ends := _ends(presence.status):
        device.events.append(Announcement(ends))


def _ends(status: DeviceStatus) -> tuple[tuple[str, int], ...]:
    ends = [(boot.boot_id, boot.last_seq) for boot in status.earlier_boots or ()]
    if status.boot_id is not None and (ends or status.last_seq is not None):
        ends.append((status.boot_id, -1 if status.last_seq is None else status.last_seq))
    return tuple(ends)


def _of(key: DeviceKey, news: NewsOfDevices) -> News:
    device = news.get(key)
    if device is None:
        device = news[key] = News()
    return device
