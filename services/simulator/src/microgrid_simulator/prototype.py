"""The prototype's payload and its alert rules. Pure: the randomness and the time come in."""

from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

HIGHEST_NORMAL_CONSUMPTION_KW = 14.0
HIGHEST_NORMAL_TEMPERATURE_C = 60.0
LOWEST_SUNNY_GENERATION_KW = 7.0
SUNNY_IRRADIANCE_W_M2 = 50

LOAD_ABNORMALITY = "Load Abnormality: Unusual load increase detected."
HIGH_TEMPERATURE = "Predictive alert: high temperature on equipment."
LOW_SOLAR_OUTPUT = "Renewable Performance Issue: Solar output is low."


@dataclass(frozen=True, slots=True, kw_only=True)
class PrototypeReading:
    """One reading of the prototype's device; the names are those on the wire."""

    timestamp: str
    """ISO 8601, UTC, to the millisecond."""
    live_power_consumption: float
    """kW, 5.0 to 15.0."""
    live_generation: float
    """kW, 6.0 to 16.0."""
    battery_soc: int
    """Percent, 20 to 100."""
    temp_equipment: float
    """°C, 30.0 to 70.0."""
    solar_irradiance: int
    """W/m², 0 to 100."""


def random_reading(random: Random, time: datetime) -> PrototypeReading:
    """A reading with random values, each within its range."""
    return PrototypeReading(
        timestamp=wire_timestamp(time),
        live_power_consumption=round(random.uniform(5.0, 15.0), 2),
        live_generation=round(random.uniform(6.0, 16.0), 2),
        battery_soc=random.randint(20, 100),
        temp_equipment=round(random.uniform(30.0, 70.0), 2),
        solar_irradiance=random.randint(0, 100),
    )


def alerts_of(reading: PrototypeReading) -> list[str]:
    """The messages of the rules that a reading breaks."""
    sunny = reading.solar_irradiance > SUNNY_IRRADIANCE_W_M2
    rules = (
        (reading.live_power_consumption > HIGHEST_NORMAL_CONSUMPTION_KW, LOAD_ABNORMALITY),
        (reading.temp_equipment > HIGHEST_NORMAL_TEMPERATURE_C, HIGH_TEMPERATURE),
        (sunny and reading.live_generation < LOWEST_SUNNY_GENERATION_KW, LOW_SOLAR_OUTPUT),
    )
    return [message for broken, message in rules if broken]


def wire_timestamp(time: datetime) -> str:
    """An aware time as it goes on the wire, such as `2026-11-23T10:00:00.000Z`."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
