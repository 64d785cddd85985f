"""The metric catalogue: one meaning for each name, ranges that make sense, every metric that is required."""

import math
import re

import pytest

from microgrid_common.schemas.catalogue import BY_NAME, METRICS, Metric, find_metric
from microgrid_common.schemas.telemetry import PROTOTYPE_METRICS
from microgrid_common.units import allowed_units

UNIT_SUFFIXES = {
    "kW": "kw",
    "V": "v",
    "A": "a",
    "Hz": "hz",
    "°C": "c",
    "dBm": "dbm",
    "W/m²": "w_m2",
}


def test_each_name_and_alias_means_one_metric() -> None:
    names = [name for metric in METRICS for name in (metric.name, *metric.aliases)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_metric_is_sane(metric: Metric) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]{2,40}", metric.name)
    assert math.isfinite(metric.minimum)
    assert math.isfinite(metric.maximum)
    assert metric.minimum < metric.maximum
    assert 0 < metric.plausible_step <= metric.maximum - metric.minimum
    assert metric.description


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_the_unit_is_part_of_the_name_where_it_is_not_plain(metric: Metric) -> None:
    suffix = UNIT_SUFFIXES.get(metric.unit)
    assert suffix is None or metric.name.endswith(f"_{suffix}")


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_metric_is_found_by_its_name_and_by_each_alias(metric: Metric) -> None:
    assert {find_metric(name) for name in (metric.name, *metric.aliases)} == {metric}


def test_what_is_in_no_catalogue_is_not_found() -> None:
    assert find_metric("flux") is None
    assert find_metric("CONSUMPTION_KW") is None


@pytest.mark.parametrize("name", [*PROTOTYPE_METRICS, "consumption_kW", "generation_kW", "battery_soc"])
def test_the_names_of_the_prototype_are_known(name: str) -> None:
    assert find_metric(name) is not None


@pytest.mark.parametrize(
    "name",
    [
        "consumption_kw",
        "generation_kw",
        "battery_soc",
        "dc_bus_voltage_v",
        "dc_bus_current_a",
        "ac_voltage_v",
        "ac_frequency_hz",
        "grid_tie_connected",
        "battery_temperature_c",
        "inverter_temperature_c",
        "transformer_temperature_c",
        "cabinet_temperature_c",
        "link_connected",
        "irradiance_w_m2",
        "ambient_temperature_c",
        "humidity_percent",
    ],
)
def test_every_required_metric_is_there(name: str) -> None:
    assert name in BY_NAME


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_the_units_that_a_metric_takes_can_be_told(metric: Metric) -> None:
    assert allowed_units(metric.unit).startswith(metric.unit or "none")
