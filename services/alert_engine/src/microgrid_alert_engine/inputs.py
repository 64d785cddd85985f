"""What the entries of the readings streams bring, grid by grid and in order."""

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from microgrid_common.ports.durable_log import Entry
from microgrid_common.schemas import streams
from microgrid_common.schemas.device_link import LinkEvent
from microgrid_common.schemas.notice import DeviceNotice
from microgrid_common.schemas.reading import Reading, decode_readings, encode_readings
from microgrid_common.schemas.tick import Tick

Input = Reading | DeviceNotice | LinkEvent | Tick


class Item(NamedTuple):
    """One input, with the entry that it came in."""

    entry: Entry
    input: Input

    @property
    def data(self) -> bytes:
        """What goes to quarantine when it cannot be worked on."""
        return encode_readings([self.input]) if isinstance(self.input, Reading) else self.entry.data


class Family(NamedTuple):
    """Which devices of a grid report through which others."""

    parents: dict[str, str]
    """Device → its gateway."""
    children: dict[str, tuple[str, ...]]
    """Gateway → the devices that report through it."""


NO_FAMILY = Family({}, {})


def inputs_of(entry: Entry) -> Sequence[Input]:
    """What an entry brings: nothing when it is meant for others.

    Raises:
        ValueError: it is nothing that is known, or malformed.
    """
    match entry.kind:
        case streams.READINGS_KIND:
            return decode_readings(entry.data)
        case streams.NOTICE_KIND:
            return (DeviceNotice.model_validate_json(entry.data),)
        case streams.LINK_KIND:
            return (LinkEvent.model_validate_json(entry.data),)
        case streams.TICK_KIND:
            tick = Tick.model_validate_json(entry.data)
            # One by one: should one device's documents be broken, the others hear the time nevertheless.
            return [tick.model_copy(update={"device_ids": (device_id,)}) for device_id in tick.device_ids]
        case streams.REFUSALS_KIND | streams.PRESENCE_KIND:
            return ()
        case _:
            # Written by a newer ingestor: it is kept, so that it can be replayed to a newer engine.
            raise ValueError(f"no entry of the kind {entry.kind!r} is known")


def devices_of(items: Iterable[Item], family: Family) -> Collection[str]:
    """The devices whose documents are needed to work on items of one grid."""
    devices: dict[str, None] = {}
    for _, each in items:
        match each:
            # First: nearly all are, and whether something is a model takes longer to find out.
            case Reading():
                devices[each.device_id] = None
            case Tick():
                devices.update(dict.fromkeys(each.device_ids))
            case LinkEvent():
                devices[each.device_id] = None
                devices.update(dict.fromkeys(family.children.get(each.device_id, ())))
            case DeviceNotice():
                devices[each.device_id] = None
    return devices.keys()
