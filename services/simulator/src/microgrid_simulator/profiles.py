"""What can be simulated: a table of profiles, each a number of devices and what they publish."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import count
from random import Random
from typing import Literal

from microgrid_common.ports.message_publisher import Presence
from microgrid_common.schemas.status import DeviceStatus, PresenceStatus
from microgrid_common.schemas.topics import (
    PROTOTYPE_ALERTS_TOPIC,
    PROTOTYPE_DATA_TOPIC,
    TopicKind,
    device_topic,
)
from microgrid_simulator.plant import PlantState, plant_state
from microgrid_simulator.prototype import alerts_of, random_reading, wire_timestamp

ProfileName = Literal["prototype", "village"]

VILLAGE_GRID_ID = "village-1"


@dataclass(frozen=True, slots=True)
class Message:
    """A message to publish."""

    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class SimulatedDevice:
    """A device with a connection of its own."""

    name: str
    """Unique within the profile."""
    presence: Presence | None
    """What its status topic says; None when it has none."""
    messages: Callable[[datetime], Sequence[Message]]
    """What it publishes at a time: called once for each round, with rising times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileOptions:
    """What a profile may vary."""

    devices: int
    """How many devices; the prototype has always one."""
    seed: int
    """The same seed gives the same weather and the same random values."""
    boot_id: str
    """Names this start of the devices: their `seq` begins anew with it."""


def simulated_devices(profile: ProfileName, options: ProfileOptions) -> list[SimulatedDevice]:
    """The devices of a profile."""
    return _PROFILES[profile](options)


def _prototype(options: ProfileOptions) -> list[SimulatedDevice]:
    random = Random(options.seed)  # noqa: S311 - simulated values, not secrets

    def messages(time: datetime) -> list[Message]:
        reading = random_reading(random, time)
        return [
            Message(PROTOTYPE_DATA_TOPIC, _json(asdict(reading))),
            *(Message(PROTOTYPE_ALERTS_TOPIC, text.encode()) for text in alerts_of(reading)),
        ]

    return [SimulatedDevice("prototype", None, messages)]


def _village(options: ProfileOptions) -> list[SimulatedDevice]:
    kinds = [_KINDS[number % len(_KINDS)] for number in range(options.devices)]
    return [
        _village_device(
            kind, ordinal=kinds[: number + 1].count(kind), of_its_kind=kinds.count(kind), options=options
        )
        for number, kind in enumerate(kinds)
    ]


def _village_device(kind: str, *, ordinal: int, of_its_kind: int, options: ProfileOptions) -> SimulatedDevice:
    device_id = f"{kind}-{ordinal}"
    topic = device_topic(VILLAGE_GRID_ID, device_id, TopicKind.TELEMETRY)
    sequence = count()

    def messages(time: datetime) -> list[Message]:
        metrics = _MEASUREMENTS[kind](plant_state(options.seed, time), 1 / of_its_kind)
        telemetry = {
            "schema": 1,
            "timestamp": wire_timestamp(time),
            "boot_id": options.boot_id,
            "seq": next(sequence),
            "metrics": {name: round(value, 3) for name, value in metrics.items()},
        }
        return [Message(topic, _json(telemetry))]

    presence = Presence(
        topic=device_topic(VILLAGE_GRID_ID, device_id, TopicKind.STATUS),
        online=DeviceStatus(status=PresenceStatus.ONLINE, boot_id=options.boot_id).encode(),
        offline=DeviceStatus(status=PresenceStatus.OFFLINE, boot_id=options.boot_id).encode(),
    )
    return SimulatedDevice(device_id, presence, messages)


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


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


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
