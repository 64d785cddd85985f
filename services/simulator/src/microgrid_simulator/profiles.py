"""What can be simulated: a table of profiles, each a number of devices and what they publish."""

import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from random import Random
from typing import Literal

from microgrid_common.ports.message_publisher import Presence
from microgrid_common.schemas.topics import (
    PROTOTYPE_ALERTS_TOPIC,
    PROTOTYPE_DATA_TOPIC,
    TopicKind,
    device_topic,
)
from microgrid_simulator.device import CommandDesk, Outbox, OutgoingMessage, SampleBuffer, StatusMessages
from microgrid_simulator.pace import Pace
from microgrid_simulator.prototype import alerts_of, random_reading, wire_timestamp
from microgrid_simulator.sender import Outgoing
from microgrid_simulator.village import KINDS, VILLAGE_GRID_ID, Village, actions_of, measured

ProfileName = Literal["prototype", "village"]

Hear = Callable[[bytes, datetime], None]
"""Takes in a payload, at a time."""


class PrototypeOutbox:
    """What the prototype's device has to send. It has no buffer: what it measures meanwhile is left out."""

    def __init__(self) -> None:
        self._messages: deque[OutgoingMessage] = deque()

    def add(self, *messages: OutgoingMessage) -> None:
        """Send some messages, unless earlier ones are still waiting."""
        if not self._messages:
            self._messages.extend(messages)

    def next_message(self) -> OutgoingMessage | None:
        """The first one that waits; None for none."""
        return self._messages[0] if self._messages else None

    def sent(self, message: OutgoingMessage) -> None:
        """The broker has it."""
        self._messages.remove(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedDevice:
    """A device with a connection of its own."""

    name: str
    """Unique within the profile."""
    outbox: Outgoing
    """What it has to send."""
    measure: Callable[[datetime], None]
    """Puts what it measures at a time into the outbox: called with rising times."""
    presence: Callable[[], Presence] | None = None
    """What its status topic says about the next connection; None when it has no such topic."""
    listens: Mapping[str, Hear] = field(default_factory=dict)
    """Topic → what takes in what comes on it."""
    pace: Pace = field(default_factory=Pace)
    """How often it measures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileOptions:
    """What a profile may vary."""

    devices: int
    """How many devices; the prototype has always one."""
    seed: int
    """The same seed gives the same weather and the same random values."""
    boot_id: str
    """Names this start of the devices: their `seq` begins anew with it."""
    samples_kept: int = 1_000
    """How many samples a village device keeps, to send them again or once the broker is back."""


def simulated_devices(profile: ProfileName, options: ProfileOptions) -> list[SimulatedDevice]:
    """The devices of a profile."""
    return _PROFILES[profile](options)


def _prototype(options: ProfileOptions) -> list[SimulatedDevice]:
    random = Random(options.seed)  # noqa: S311 - simulated values, not secrets
    outbox = PrototypeOutbox()

    def measure(time: datetime) -> None:
        reading = random_reading(random, time)
        data = json.dumps(asdict(reading), separators=(",", ":")).encode()
        outbox.add(
            OutgoingMessage(PROTOTYPE_DATA_TOPIC, data),
            *(OutgoingMessage(PROTOTYPE_ALERTS_TOPIC, text.encode()) for text in alerts_of(reading)),
        )

    return [SimulatedDevice(name="prototype", outbox=outbox, measure=measure)]


def _village(options: ProfileOptions) -> list[SimulatedDevice]:
    kinds = [KINDS[number % len(KINDS)] for number in range(options.devices)]
    device_ids = [f"{kind}-{kinds[: number + 1].count(kind)}" for number, kind in enumerate(kinds)]
    village = Village(options.seed, device_ids)
    return [_village_device(village, device_id, options) for device_id in device_ids]


def _village_device(village: Village, device_id: str, options: ProfileOptions) -> SimulatedDevice:
    grid_id = VILLAGE_GRID_ID
    buffer = SampleBuffer(boot_id=options.boot_id, capacity=options.samples_kept)
    outbox = Outbox(grid_id, device_id, buffer)
    pace = Pace()
    commands = CommandDesk(outbox, actions_of(village, device_id, pace))

    def measure(time: datetime) -> None:
        metrics = measured(village, device_id, time)
        outbox.add(wire_timestamp(time), {name: round(value, 3) for name, value in metrics.items()})

    def hear_request(payload: bytes, _: datetime) -> None:
        outbox.ask(payload)

    return SimulatedDevice(
        name=device_id,
        outbox=outbox,
        measure=measure,
        pace=pace,
        presence=StatusMessages(grid_id, device_id, buffer),
        listens={
            device_topic(grid_id, device_id, TopicKind.BACKFILL_REQUEST): hear_request,
            device_topic(grid_id, device_id, TopicKind.COMMAND): commands.hear,
        },
    )


_PROFILES: dict[ProfileName, Callable[[ProfileOptions], list[SimulatedDevice]]] = {
    "prototype": _prototype,
    "village": _village,
}
