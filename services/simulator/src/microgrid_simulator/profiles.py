"""What can be simulated: a table of profiles, each a number of devices and what they publish."""

import json
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
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
from microgrid_simulator.device import Outbox, OutgoingMessage, SampleBuffer, StatusMessages
from microgrid_simulator.plant import PlantState, plant_state
from microgrid_simulator.prototype import alerts_of, random_reading, wire_timestamp
from microgrid_simulator.sender import Outgoing

ProfileName = Literal["prototype", "village"]

VILLAGE_GRID_ID = "village-1"


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


def _ignore(_: bytes) -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedDevice:
    """A device with a connection of its own."""

    name: str
    """Unique within the profile."""
    outbox: Outgoing
    """What it has to send."""
    measure: Callable[[datetime], None]
    """Puts what it measures at a time into the outbox: called once for each round, with rising times."""
    presence: Callable[[], Presence] | None = None
    """What its status topic says about the next connection; None when it has no such topic."""
    requests_topic: str | None = None
    """Where it is asked for samples; None when it cannot be asked."""
    hear: Callable[[bytes], None] = _ignore
    """Takes in what comes on that topic."""


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
    kinds = [_KINDS[number % len(_KINDS)] for number in range(options.devices)]
    return [
        _village_device(
            kind, ordinal=kinds[: number + 1].count(kind), of_its_kind=kinds.count(kind), options=options
        )
        for number, kind in enumerate(kinds)
    ]


def _village_device(kind: str, *, ordinal: int, of_its_kind: int, options: ProfileOptions) -> SimulatedDevice:
    grid_id, device_id = VILLAGE_GRID_ID, f"{kind}-{ordinal}"
    buffer = SampleBuffer(boot_id=options.boot_id, capacity=options.samples_kept)
    outbox = Outbox(grid_id, device_id, buffer)

    def measure(time: datetime) -> None:
        metrics = _MEASUREMENTS[kind](plant_state(options.seed, time), 1 / of_its_kind)
        outbox.add(wire_timestamp(time), {name: round(value, 3) for name, value in metrics.items()})

    return SimulatedDevice(
        name=device_id,
        outbox=outbox,
        measure=measure,
        presence=StatusMessages(grid_id, device_id, buffer),
        requests_topic=device_topic(grid_id, device_id, TopicKind.BACKFILL_REQUEST),
        hear=outbox.ask,
    )


def _inverter(state: PlantState, share: float) -> dict[str, float]:
    return {
        "generation_kw": state.generation_kw * share,
        "ac_voltage_v": state.ac_voltage_v,
        "ac_frequency_hz": state.ac_frequency_hz,
        "inverter_temperature_c": state.inverter_temperature_c,
        "grid_tie_connected": 0.0,
    }


def _battery(state: PlantState, share: float) -> dict[str, float]:
    return {
        "battery_soc": state.battery_soc,
        "battery_power_kw": state.battery_power_kw * share,
        "dc_bus_voltage_v": state.dc_bus_voltage_v,
        "dc_bus_current_a": state.battery_power_kw * share * 1_000 / state.dc_bus_voltage_v,
        "battery_temperature_c": state.battery_temperature_c,
    }


def _meter(state: PlantState, share: float) -> dict[str, float]:
    return {
        "consumption_kw": state.consumption_kw * share,
        "ac_voltage_v": state.ac_voltage_v,
        "ac_frequency_hz": state.ac_frequency_hz,
    }


def _weather_station(state: PlantState, _: float) -> dict[str, float]:
    return {
        "irradiance_w_m2": state.weather.irradiance_w_m2,
        "ambient_temperature_c": state.weather.ambient_temperature_c,
        "humidity_percent": state.weather.humidity_percent,
    }


_MEASUREMENTS: dict[str, Callable[[PlantState, float], dict[str, float]]] = {
    "inverter": _inverter,
    "battery": _battery,
    "meter": _meter,
    "weather": _weather_station,
}
_KINDS = tuple(_MEASUREMENTS)

_PROFILES: dict[ProfileName, Callable[[ProfileOptions], list[SimulatedDevice]]] = {
    "prototype": _prototype,
    "village": _village,
}
