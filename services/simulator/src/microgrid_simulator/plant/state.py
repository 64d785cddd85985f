"""The state of the whole plant: what the sun gives, what the village takes, what the battery holds."""

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from microgrid_simulator.plant.limits import LimitHistory, PlantLimits, limits_at, limits_until
from microgrid_simulator.plant.variation import variation
from microgrid_simulator.plant.weather import Weather, solar_hour, weather

PV_PEAK_KW = 40.0
BATTERY_CAPACITY_KWH = 120.0
BATTERY_LIMIT_KW = 30.0
"""What the battery's inverter can charge or discharge."""
ROUND_TRIP_EFFICIENCY = 0.92
LOWEST_SOC_PERCENT = 20.0
"""Below this the battery's management lets nothing out: the village goes dark."""

_STEP = timedelta(minutes=10)
_DAYS_REMEMBERED = 7
"""How far back the energy balance starts: after so many days the guess it starts from is forgotten."""
_GUESSED_SOC_PERCENT = 60.0
_CELL_COEFFICIENT_PER_C = -0.004
"""Crystalline silicon loses so much of its power for each degree above 25 °C."""


@dataclass(frozen=True, slots=True)
class PlantState:
    """The plant at one time."""

    weather: Weather
    generation_kw: float
    """What the photovoltaic array gives; less than it could once the battery is full."""
    consumption_kw: float
    battery_power_kw: float
    """Positive while charging."""
    battery_soc: float
    """Percent."""
    dc_bus_voltage_v: float
    ac_voltage_v: float
    ac_frequency_hz: float
    battery_temperature_c: float
    inverter_temperature_c: float


@dataclass(frozen=True, slots=True)
class _Flows:
    generation_kw: float
    consumption_kw: float
    battery_kw: float


@lru_cache(maxsize=8)
def plant_state(seed: int, time: datetime, limits: LimitHistory = ()) -> PlantState:
    """The state at an aware time: always the same for the same seed, time and limits until then."""
    midnight = datetime.combine(time.astimezone(UTC).date(), datetime.min.time(), UTC)
    at_midnight = _soc_at_midnight(seed, midnight.date(), limits_until(limits, midnight))
    soc = _after(seed, at_midnight, midnight, time, limits)
    flows = _flows(seed, time, soc, limits_at(limits, time))
    air = weather(seed, time)
    loading = flows.consumption_kw / 20
    return PlantState(
        weather=air,
        generation_kw=flows.generation_kw,
        consumption_kw=flows.consumption_kw,
        battery_power_kw=flows.battery_kw,
        battery_soc=soc,
        # A 16-cell lithium iron phosphate bank of 48 V: flat, steeper while it charges or discharges hard.
        dc_bus_voltage_v=50.4 + 0.03 * soc + 0.05 * flows.battery_kw,
        ac_voltage_v=231 - 4 * loading + variation("voltage", seed, time.timestamp(), period_seconds=240),
        ac_frequency_hz=50.05 - 0.08 * loading,
        battery_temperature_c=air.ambient_temperature_c + 2 + 0.25 * abs(flows.battery_kw),
        inverter_temperature_c=air.ambient_temperature_c
        + 6
        + 0.6 * max(flows.generation_kw, flows.consumption_kw),
    )


@lru_cache(maxsize=64)
def _soc_at_midnight(seed: int, day: date, limits: LimitHistory) -> float:
    midnight = datetime.combine(day, datetime.min.time(), UTC)
    start = midnight - timedelta(days=_DAYS_REMEMBERED)
    return _after(seed, _GUESSED_SOC_PERCENT, start, midnight, limits)


def _after(seed: int, soc: float, start: datetime, end: datetime, limits: LimitHistory) -> float:
    """The state of charge at `end`, by the energy that flows in and out from `start` on."""
    time = start
    while time < end:
        step = min(_STEP, end - time)
        hours = step.total_seconds() / 3_600
        energy_kwh = _flows(seed, time, soc, limits_at(limits, time)).battery_kw * hours
        # All losses are charged to the way in.
        stored_kwh = energy_kwh * ROUND_TRIP_EFFICIENCY if energy_kwh > 0 else energy_kwh
        soc = min(100.0, max(LOWEST_SOC_PERCENT, soc + 100 * stored_kwh / BATTERY_CAPACITY_KWH))
        time += step
    return soc


def _flows(seed: int, time: datetime, soc: float, limits: PlantLimits) -> _Flows:
    """Who gives and takes what: generation = consumption + battery power, always."""
    possible_kw = min(_possible_generation_kw(seed, time), limits.generation_kw)
    wanted_kw = _wanted_consumption_kw(seed, time)
    lowest_kw = -min(BATTERY_LIMIT_KW, limits.discharge_kw) if soc > LOWEST_SOC_PERCENT else 0.0
    # Charging tapers off over the last five percent.
    highest_kw = min(BATTERY_LIMIT_KW * min(1.0, (100 - soc) / 5), limits.charge_kw)
    battery_kw = min(highest_kw, max(lowest_kw, possible_kw - wanted_kw))
    consumption_kw = min(wanted_kw, possible_kw - battery_kw)
    return _Flows(min(possible_kw, consumption_kw + battery_kw), consumption_kw, battery_kw)


def _possible_generation_kw(seed: int, time: datetime) -> float:
    air = weather(seed, time)
    cell_temperature_c = air.ambient_temperature_c + 0.03 * air.irradiance_w_m2
    heat = 1 + _CELL_COEFFICIENT_PER_C * (cell_temperature_c - 25)
    return PV_PEAK_KW * air.irradiance_w_m2 / 1_000 * heat


def _wanted_consumption_kw(seed: int, time: datetime) -> float:
    hour = solar_hour(time)
    # Lights and a clinic's refrigerator all night; cooking at dawn; mills by day; the evening peak.
    daily_kw = 3.0 + _bump(hour, 6.5, 1.2, 3.0) + _bump(hour, 13, 3.5, 4.0) + _bump(hour, 19.5, 1.8, 8.0)
    return daily_kw * (1 + 0.15 * variation("load", seed, time.timestamp(), period_seconds=1_200))


def _bump(hour: float, centre: float, width: float, height: float) -> float:
    distance = min(abs(hour - centre), 24 - abs(hour - centre))
    return height * math.exp(-((distance / width) ** 2))
