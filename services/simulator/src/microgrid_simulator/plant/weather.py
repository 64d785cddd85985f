"""The weather over the village: sun, clouds, temperature, humidity."""

import math
from dataclasses import dataclass
from datetime import UTC, datetime

from microgrid_simulator.plant.variation import variation

LATITUDE_DEGREES = -0.1
LONGITUDE_DEGREES = 34.75
"""On the shore of Lake Victoria; solar noon is near 09:40 UTC."""

_CLEAR_SKY_W_M2 = 1_050.0
"""Irradiance on the ground under a clear sky with the sun overhead."""


@dataclass(frozen=True, slots=True)
class Weather:
    """The weather at one time."""

    irradiance_w_m2: float
    ambient_temperature_c: float
    humidity_percent: float


def weather(seed: int, time: datetime) -> Weather:
    """The weather at an aware time."""
    seconds = time.timestamp()
    elevation = math.sin(math.radians(solar_elevation_degrees(time)))
    overcast = 0.5 + 0.5 * variation("overcast", seed, seconds, period_seconds=2 * 86_400)
    passing = 0.5 + 0.5 * variation("cloud", seed, seconds, period_seconds=1_800)
    transmitted = 1 - 0.75 * overcast * passing
    # The ground stores heat, so that the warmest hour comes about two hours after noon.
    warmth = math.cos(math.tau * (solar_hour(time) - 14) / 24)
    temperature = 24 + 5 * warmth + 2 * variation("warmth", seed, seconds, period_seconds=3 * 86_400)
    humidity = 68 - 18 * warmth + 10 * overcast
    return Weather(
        # The exponent stands for the longer way through the air of a low sun.
        irradiance_w_m2=_CLEAR_SKY_W_M2 * max(0.0, elevation) ** 1.15 * transmitted,
        ambient_temperature_c=temperature,
        humidity_percent=min(100.0, max(0.0, humidity)),
    )


def solar_hour(time: datetime) -> float:
    """The local hour by the sun, 0 to 24; 12 is noon."""
    utc = time.astimezone(UTC)
    return (utc.hour + utc.minute / 60 + utc.second / 3_600 + LONGITUDE_DEGREES / 15) % 24


def solar_elevation_degrees(time: datetime) -> float:
    """The sun's height over the horizon; negative by night. Good to about a degree (Cooper, 1969)."""
    day = time.astimezone(UTC).timetuple().tm_yday
    declination = math.radians(23.45) * math.sin(math.tau * (284 + day) / 365)
    latitude, hour_angle = math.radians(LATITUDE_DEGREES), math.radians(15 * (solar_hour(time) - 12))
    sine = math.sin(latitude) * math.sin(declination) + math.cos(latitude) * math.cos(declination) * math.cos(
        hour_angle
    )
    return math.degrees(math.asin(max(-1.0, min(1.0, sine))))
