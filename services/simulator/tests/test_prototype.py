"""The prototype's payload and alerts, to the letter of its requirements."""

import json
import re
from dataclasses import asdict
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid_common.schemas.reading import Flag
from microgrid_common.transforms.pipeline import process
from microgrid_simulator.prototype import PrototypeReading, alerts_of, random_reading, wire_timestamp

GOLDEN = Path(__file__).parents[3] / "contracts" / "golden" / "prototype-payload" / "valid-full.json"
NOW = datetime(2026, 11, 23, 10, 0, 0, 250_000, tzinfo=UTC)

seeds = st.integers().map(Random)


def reading(
    *, consumption: float = 10.0, generation: float = 10.0, temperature: float = 40.0, irradiance: int = 40
) -> PrototypeReading:
    return PrototypeReading(
        timestamp="2026-11-23T10:00:00.000Z",
        live_power_consumption=consumption,
        live_generation=generation,
        battery_soc=75,
        temp_equipment=temperature,
        solar_irradiance=irradiance,
    )


@given(seeds)
def test_every_value_is_within_its_range_and_of_its_type(random: Random) -> None:
    made = random_reading(random, NOW)
    for value, lowest, highest, kind in (
        (made.live_power_consumption, 5.0, 15.0, float),
        (made.live_generation, 6.0, 16.0, float),
        (made.battery_soc, 20, 100, int),
        (made.temp_equipment, 30.0, 70.0, float),
        (made.solar_irradiance, 0, 100, int),
    ):
        assert lowest <= value <= highest
        assert type(value) is kind
        assert value == round(value, 2)


def test_the_fields_are_those_of_the_contract_in_its_order() -> None:
    golden = json.loads(GOLDEN.read_text())["payload"]
    assert list(asdict(random_reading(Random(1), NOW))) == list(golden)


def test_the_same_seed_gives_the_same_values_and_another_gives_others() -> None:
    assert random_reading(Random(1), NOW) == random_reading(Random(1), NOW)
    assert random_reading(Random(1), NOW) != random_reading(Random(2), NOW)


@given(seeds)
def test_the_platform_takes_every_payload_whole(random: Random) -> None:
    payload = json.dumps(asdict(random_reading(random, NOW))).encode()
    outcome = process("microgrid/data", payload, NOW, {})
    assert outcome.defects == ()
    assert len(outcome.readings[0].metrics) == 5
    assert outcome.readings[0].timestamp == NOW
    assert outcome.readings[0].flags == (Flag.PROTOTYPE,)


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_timestamp_is_utc_to_the_millisecond(time: datetime) -> None:
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", wire_timestamp(time))


def test_a_timestamp_of_another_zone_is_brought_to_utc() -> None:
    assert wire_timestamp(NOW.astimezone(timezone(timedelta(hours=3)))) == "2026-11-23T10:00:00.250Z"


LOAD = "Load Abnormality: Unusual load increase detected."
HEAT = "Predictive alert: high temperature on equipment."
SUN = "Renewable Performance Issue: Solar output is low."


@pytest.mark.parametrize(
    ("made", "messages"),
    [
        (reading(), []),
        (reading(consumption=14.0), []),
        (reading(consumption=14.01), [LOAD]),
        (reading(temperature=60.0), []),
        (reading(temperature=60.01), [HEAT]),
        (reading(generation=6.99, irradiance=50), []),
        (reading(generation=7.0, irradiance=51), []),
        (reading(generation=6.99, irradiance=51), [SUN]),
        (reading(consumption=15.0, temperature=70.0, generation=6.0, irradiance=100), [LOAD, HEAT, SUN]),
    ],
)
def test_an_alert_goes_out_beyond_its_limit_and_not_on_it(
    made: PrototypeReading, messages: list[str]
) -> None:
    assert alerts_of(made) == messages
