"""The village: devices of four kinds on one plant, and what each measures and can be told to do."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from enum import Enum, auto
from typing import Final

from microgrid_common.schemas.command import Parameters
from microgrid_simulator.device.commands import Action
from microgrid_simulator.pace import Pace
from microgrid_simulator.plant import LimitHistory, PlantLimits, PlantState, plant_state
from microgrid_simulator.plant.state import BATTERY_LIMIT_KW, PV_PEAK_KW

VILLAGE_GRID_ID: Final = "village-1"

_LIMITS_KEPT: Final = 100
"""More changes than an operator makes in the time that the plant's battery remembers."""


class Power(Enum):
    """A power that devices of one kind share, and may be told to limit."""

    GENERATION = auto()
    CHARGE = auto()
    DISCHARGE = auto()


_WHOLE_KW: Final = {
    # In the cold a module gives more than its rating.
    Power.GENERATION: 1.1 * PV_PEAK_KW,
    Power.CHARGE: BATTERY_LIMIT_KW,
    Power.DISCHARGE: BATTERY_LIMIT_KW,
}
_KIND_OF: Final = {Power.GENERATION: "inverter", Power.CHARGE: "battery", Power.DISCHARGE: "battery"}


class Village:
    """The plant, and who of its devices may give and take how much of it.

    Args:
        seed: of the plant.
        device_ids: such as `inverter-1`; what stands before the hyphen is the kind.
    """

    def __init__(self, seed: int, device_ids: Sequence[str]) -> None:
        self._seed = seed
        self._number_of = Counter(kind_of(device_id) for device_id in device_ids)
        self._most_kw = {
            power: {
                device_id: whole_kw / self._number_of[kind]
                for device_id in device_ids
                if kind_of(device_id) == (kind := _KIND_OF[power])
            }
            for power, whole_kw in _WHOLE_KW.items()
        }
        self._unlimited_kw = {power: dict(most_kw) for power, most_kw in self._most_kw.items()}
        self._history: LimitHistory = ()

    def state(self, time: datetime) -> PlantState:
        """The state of the whole plant."""
        return plant_state(self._seed, time, self._history)

    def equal_share(self, device_id: str) -> float:
        """What a device has of something that nobody limits."""
        return 1 / self._number_of[kind_of(device_id)]

    def share(self, power: Power, device_id: str) -> float:
        """What a device has of a power: as much as it may in proportion to the others."""
        most_kw = self._most_kw[power]
        whole_kw = sum(most_kw.values())
        return most_kw[device_id] / whole_kw if whole_kw else self.equal_share(device_id)

    def limit(self, power: Power, device_id: str, limit_kw: float, since: datetime) -> None:
        """Let a device give or take no more than so much."""
        self._most_kw[power][device_id] = min(limit_kw, self._unlimited_kw[power][device_id])
        # Without a device of its kind in the village a power is nobody's, and nobody's to limit.
        sums = {
            power: sum(most.values()) if most else _WHOLE_KW[power] for power, most in self._most_kw.items()
        }
        limits = PlantLimits(
            generation_kw=sums[Power.GENERATION],
            charge_kw=sums[Power.CHARGE],
            discharge_kw=sums[Power.DISCHARGE],
        )
        self._history = (*self._history, (since, limits))[-_LIMITS_KEPT:]


def kind_of(device_id: str) -> str:
    """What kind of device it is."""
    return device_id.partition("-")[0]


def measured(village: Village, device_id: str, time: datetime) -> dict[str, float]:
    """What a device measures: metric → value."""
    return _MEASUREMENTS[kind_of(device_id)](village, device_id, village.state(time))


def actions_of(village: Village, device_id: str, pace: Pace) -> dict[str, Action]:
    """What a device can be told to do, beside restarting."""

    def set_reporting_interval(parameters: Parameters, _: datetime) -> str:
        seconds = float(parameters["seconds"])
        pace.set(seconds)
        return f"reports every {seconds:g} s"

    def limit(power: Power) -> Action:
        def set_limit(parameters: Parameters, now: datetime) -> str:
            limit_kw = float(parameters["limit_kw"])
            village.limit(power, device_id, limit_kw, now)
            return f"limited to {limit_kw:g} kW"

        return set_limit

    actions: dict[str, Action] = {
        "identify": _identify,
        "set_reporting_interval": set_reporting_interval,
    }
    if kind_of(device_id) == "inverter":
        actions["set_active_power_limit"] = limit(Power.GENERATION)
    if kind_of(device_id) == "battery":
        actions["set_charge_limit"] = limit(Power.CHARGE)
        actions["set_discharge_limit"] = limit(Power.DISCHARGE)
    return actions


def _identify(parameters: Parameters, _: datetime) -> str:
    return f"blinks for {parameters['seconds']} s"


def _inverter(village: Village, device_id: str, state: PlantState) -> dict[str, float]:
    return {
        "generation_kw": state.generation_kw * village.share(Power.GENERATION, device_id),
        "ac_voltage_v": state.ac_voltage_v,
        "ac_frequency_hz": state.ac_frequency_hz,
        "inverter_temperature_c": state.inverter_temperature_c,
        "grid_tie_connected": 0.0,
    }


def _battery(village: Village, device_id: str, state: PlantState) -> dict[str, float]:
    power = Power.CHARGE if state.battery_power_kw > 0 else Power.DISCHARGE
    battery_power_kw = state.battery_power_kw * village.share(power, device_id)
    return {
        "battery_soc": state.battery_soc,
        "battery_power_kw": battery_power_kw,
        "dc_bus_voltage_v": state.dc_bus_voltage_v,
        "dc_bus_current_a": battery_power_kw * 1_000 / state.dc_bus_voltage_v,
        "battery_temperature_c": state.battery_temperature_c,
    }


def _meter(village: Village, device_id: str, state: PlantState) -> dict[str, float]:
    return {
        "consumption_kw": state.consumption_kw * village.equal_share(device_id),
        "ac_voltage_v": state.ac_voltage_v,
        "ac_frequency_hz": state.ac_frequency_hz,
    }


def _weather_station(_: Village, __: str, state: PlantState) -> dict[str, float]:
    return {
        "irradiance_w_m2": state.weather.irradiance_w_m2,
        "ambient_temperature_c": state.weather.ambient_temperature_c,
        "humidity_percent": state.weather.humidity_percent,
    }


_MEASUREMENTS: Final[dict[str, Callable[[Village, str, PlantState], dict[str, float]]]] = {
    "inverter": _inverter,
    "battery": _battery,
    "meter": _meter,
    "weather": _weather_station,
}

KINDS: Final = tuple(_MEASUREMENTS)
"""In the order in which devices are made of them, again and again."""
