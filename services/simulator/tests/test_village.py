"""What the village's devices are told to limit is limited, in what they measure and in the plant."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid_common.schemas.command_catalogue import commands_for
from microgrid_simulator.pace import Pace
from microgrid_simulator.plant import PlantLimits, plant_state
from microgrid_simulator.village import Power, Village, actions_of, measured

NOON = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
"""About noon where the village is."""
NIGHT = NOON + timedelta(hours=9)
HOUR = timedelta(hours=1)
DEVICES = ("inverter-1", "battery-1", "meter-1", "weather-1", "inverter-2", "battery-2")


@pytest.fixture
def village() -> Village:
    return Village(1, DEVICES)


def generation(village: Village, device_id: str, time: datetime = NOON) -> float:
    return measured(village, device_id, time)["generation_kw"]


def battery_power(village: Village, device_id: str, time: datetime) -> float:
    return measured(village, device_id, time)["battery_power_kw"]


def test_inverters_share_what_the_sun_gives_until_one_is_limited(village: Village) -> None:
    before = generation(village, "inverter-1")
    assert before == generation(village, "inverter-2") > 3
    village.limit(Power.GENERATION, "inverter-1", 2.0, NOON)
    assert generation(village, "inverter-1") <= 2.0
    assert generation(village, "inverter-2") > before / 2
    village.limit(Power.GENERATION, "inverter-1", 10_000, NOON)
    assert generation(village, "inverter-1") == pytest.approx(before)


def test_an_inverter_that_may_feed_nothing_feeds_nothing(village: Village) -> None:
    for device_id in ("inverter-1", "inverter-2"):
        village.limit(Power.GENERATION, device_id, 0, NOON)
        assert generation(village, device_id) == 0
    assert village.state(NOON).battery_power_kw < 0


def test_a_battery_charges_no_faster_than_it_may(village: Village) -> None:
    sunny = next(time for time in (NOON - HOUR, NOON) if battery_power(village, "battery-1", time) > 1)
    village.limit(Power.CHARGE, "battery-1", 0.5, sunny)
    assert 0 <= battery_power(village, "battery-1", sunny) <= 0.5
    assert battery_power(village, "battery-2", sunny) >= 0.5


def test_a_battery_discharges_no_faster_than_it_may(village: Village) -> None:
    assert battery_power(village, "battery-1", NIGHT) < -0.5
    village.limit(Power.DISCHARGE, "battery-1", 0.25, NIGHT)
    assert -0.25 <= battery_power(village, "battery-1", NIGHT) <= 0


def test_what_was_limited_yesterday_shows_in_the_battery_today(village: Village) -> None:
    soc = village.state(NOON).battery_soc
    for device_id in ("battery-1", "battery-2"):
        village.limit(Power.CHARGE, device_id, 0, NOON - 5 * HOUR)
    assert village.state(NOON).battery_soc < soc
    assert village.state(NOON - 6 * HOUR) == plant_state(1, NOON - 6 * HOUR)


@settings(max_examples=20)
@given(
    st.floats(0, 50),
    st.floats(0, 40),
    st.floats(0, 40),
    st.integers(0, 48),
)
def test_energy_is_conserved_whatever_is_limited(
    generation_kw: float, charge_kw: float, discharge_kw: float, hours: int
) -> None:
    limits = PlantLimits(generation_kw, charge_kw, discharge_kw)
    state = plant_state(1, NOON + hours * HOUR, ((NOON, limits),))
    assert state.generation_kw == pytest.approx(state.consumption_kw + state.battery_power_kw, abs=1e-9)
    assert 0 <= state.generation_kw <= generation_kw
    assert -discharge_kw <= state.battery_power_kw <= charge_kw
    assert state.consumption_kw >= 0


@pytest.mark.parametrize(("device_id", "device_type"), [("inverter-1", "inverter"), ("battery-2", "battery")])
def test_a_device_can_do_everything_that_the_catalogue_says_of_its_type(
    village: Village, device_id: str, device_type: str
) -> None:
    expected = {kind.name for kind in commands_for(device_type)} - {"restart"}
    assert set(actions_of(village, device_id, Pace())) == expected


def test_what_a_device_is_told_it_does(village: Village) -> None:
    pace = Pace()
    actions = actions_of(village, "inverter-1", pace)
    assert actions["set_active_power_limit"]({"limit_kw": 1.5}, NOON) == "limited to 1.5 kW"
    assert generation(village, "inverter-1") <= 1.5
    assert actions["set_reporting_interval"]({"seconds": 2.0}, NOON) == "reports every 2 s"
    assert pace.seconds == 2.0
    assert actions["identify"]({"seconds": 5}, NOON) == "blinks for 5 s"
