"""The village's plant: the same for the same seed and time, and true to the laws of energy."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid_simulator.plant import plant_state
from microgrid_simulator.plant.state import (
    BATTERY_CAPACITY_KWH,
    BATTERY_LIMIT_KW,
    LOWEST_SOC_PERCENT,
    PV_PEAK_KW,
)
from microgrid_simulator.plant.weather import LATITUDE_DEGREES, LONGITUDE_DEGREES, solar_elevation_degrees

DAY = datetime(2026, 11, 23, tzinfo=UTC)
SOLAR_NOON = timedelta(hours=12 - LONGITUDE_DEGREES / 15)
MINUTE = timedelta(minutes=1)

times = st.datetimes(datetime(2020, 1, 2), datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
seeds = st.integers(0, 2**32)


@settings(max_examples=30, deadline=None)
@given(seeds, times)
def test_power_in_equals_power_out(seed: int, time: datetime) -> None:
    state = plant_state(seed, time)
    assert state.generation_kw == pytest.approx(state.consumption_kw + state.battery_power_kw, abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(seeds, times)
def test_every_value_is_one_that_such_a_plant_can_have(seed: int, time: datetime) -> None:
    state = plant_state(seed, time)
    assert LOWEST_SOC_PERCENT <= state.battery_soc <= 100
    assert abs(state.battery_power_kw) <= BATTERY_LIMIT_KW
    assert 0 <= state.generation_kw <= 1.1 * PV_PEAK_KW
    assert 0 <= state.consumption_kw < 30
    assert 0 <= state.weather.irradiance_w_m2 <= 1_100
    assert 10 < state.weather.ambient_temperature_c < 40
    assert 0 <= state.weather.humidity_percent <= 100
    assert 210 < state.ac_voltage_v < 250
    assert 49.5 < state.ac_frequency_hz < 50.5
    assert 45 < state.dc_bus_voltage_v < 60
    assert state.inverter_temperature_c > state.weather.ambient_temperature_c


@settings(max_examples=20, deadline=None)
@given(seeds, times)
def test_the_battery_holds_what_flowed_into_it(seed: int, time: datetime) -> None:
    before, after = plant_state(seed, time), plant_state(seed, time + MINUTE)
    change_kwh = (after.battery_soc - before.battery_soc) / 100 * BATTERY_CAPACITY_KWH
    # Losses and the taper at the top keep it from being exact; the direction and the size hold.
    assert abs(change_kwh) <= BATTERY_LIMIT_KW / 60 + 0.2


@settings(max_examples=20, deadline=None)
@given(seeds, st.dates(DAY.date(), DAY.date() + timedelta(days=365)))
def test_midnight_is_no_step(seed: int, day: datetime) -> None:
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    before = plant_state(seed, midnight - timedelta(seconds=1))
    assert plant_state(seed, midnight).battery_soc == pytest.approx(before.battery_soc, abs=1)


def test_the_same_seed_and_time_give_the_same_state_whatever_was_asked_before() -> None:
    time = DAY + timedelta(hours=15, minutes=7)
    first = plant_state(7, time)
    plant_state(7, time + timedelta(days=3))
    plant_state.cache_clear()
    assert plant_state(7, time) == first
    assert plant_state(8, time) != first


def test_the_sun_shines_by_day_alone() -> None:
    states = [plant_state(1, DAY + SOLAR_NOON + timedelta(hours=hour)) for hour in (-9, -3, 0, 3, 9)]
    shine = [state.generation_kw > 0 for state in states]
    assert shine == [False, True, True, True, False]


def test_the_village_uses_most_in_the_evening() -> None:
    by_hour = {
        hour: plant_state(1, DAY + SOLAR_NOON + timedelta(hours=hour - 12)).consumption_kw
        for hour in range(24)
    }
    assert max(by_hour, key=by_hour.__getitem__) in {18, 19, 20}


def test_a_day_charges_the_battery_and_a_night_discharges_it() -> None:
    dawn, dusk = DAY + SOLAR_NOON - timedelta(hours=5), DAY + SOLAR_NOON + timedelta(hours=5)
    soc = [plant_state(1, time).battery_soc for time in (dawn, dusk, dawn + timedelta(days=1))]
    assert soc[0] < soc[1] > soc[2]


@pytest.mark.parametrize(
    ("month", "day", "declination"), [(3, 21, 0.0), (6, 21, 23.45), (9, 23, 0.0), (12, 21, -23.45)]
)
def test_the_noon_sun_stands_where_the_season_puts_it(month: int, day: int, declination: float) -> None:
    noon = datetime(2026, month, day, tzinfo=UTC) + SOLAR_NOON
    assert solar_elevation_degrees(noon) == pytest.approx(90 - abs(LATITUDE_DEGREES - declination), abs=1)
    assert solar_elevation_degrees(noon + timedelta(hours=12)) < -60
