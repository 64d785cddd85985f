"""The figures of a grid from those of its devices."""

import pytest

from microgrid_common.transforms.rollups.calendar import HOUR_MS
from microgrid_common.transforms.rollups.devices import across_devices
from microgrid_common.transforms.rollups.rollup import Rollup


def hour(
    number: int, mean: float, *, spread: float = 1, points: int = 10, covered: float = 1, kwh: float = 0
) -> Rollup:
    start_ms = number * HOUR_MS
    covered_ms = int(covered * HOUR_MS)
    return Rollup(
        start_ms, start_ms + HOUR_MS, points, mean, mean - spread, mean + spread, covered_ms, kwh, kwh / 2
    )


def test_one_device_is_the_grid() -> None:
    hours = [hour(0, 5), hour(1, 6)]
    assert across_devices("consumption_kw", {"meter": hours}) == hours


def test_no_device_is_nothing() -> None:
    assert across_devices("consumption_kw", {}) == []


def test_powers_are_added() -> None:
    found = across_devices(
        "consumption_kw", {"a": [hour(0, 5, kwh=5)], "b": [hour(0, 2, points=5, covered=0.5, kwh=1)]}
    )
    assert found == [Rollup(0, HOUR_MS, 15, 7, 5, 9, int(0.75 * HOUR_MS), 6, 3)]


def test_levels_are_averaged_each_device_counting_the_same() -> None:
    (found,) = across_devices("battery_soc", {"a": [hour(0, 80, points=1000)], "b": [hour(0, 20, points=1)]})
    assert (found.minimum, found.mean, found.maximum) == (19, 50, 81)


def test_a_silent_device_lowers_the_coverage_of_the_grid() -> None:
    found = across_devices("consumption_kw", {"a": [hour(0, 5), hour(1, 5)], "b": [hour(1, 2)]})
    assert [rollup.mean for rollup in found] == [5, 7]
    assert [rollup.coverage for rollup in found] == [0.5, 1]


@pytest.mark.parametrize("metric", ["consumption_kw", "battery_soc"])
def test_a_span_that_is_only_crossed_has_energy_and_no_mean(metric: str) -> None:
    crossed = Rollup(0, HOUR_MS, 0, None, None, None, HOUR_MS, 3.0, 0.0)
    (found,) = across_devices(metric, {"a": [crossed], "b": [crossed]})
    assert found == Rollup(0, HOUR_MS, 0, None, None, None, HOUR_MS, 6.0, 0.0)
