"""Units: known fixed points of each conversion, the spellings of firmware, and what is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid_common.units import SPELLINGS, UnknownUnitError, allowed_units, convert


@pytest.mark.parametrize(
    ("value", "unit", "canonical_unit", "expected"),
    [
        (1_500, "W", "kW", 1.5),
        (0.25, "MW", "kW", 250),
        (52_130, "mV", "V", 52.13),
        (11, "kV", "V", 11_000),
        (250, "mA", "A", 0.25),
        (0.4, "kA", "A", 400),
        (50_010, "mHz", "Hz", 50.01),
        (0.05, "kHz", "Hz", 50),
        (32, "°F", "°C", 0),
        (212, "°F", "°C", 100),
        (-40, "°F", "°C", -40),
        (273.15, "K", "°C", 0),
        (0.64, "kW/m²", "W/m²", 640),
        (64, "mW/cm²", "W/m²", 640),
        (0.755, "fraction", "%", 75.5),
    ],
)
def test_a_fixed_point(value: float, unit: str, canonical_unit: str, expected: float) -> None:
    assert convert(value, unit, canonical_unit) == pytest.approx(expected, rel=1e-12, abs=1e-12)


@given(st.floats(allow_nan=False), st.sampled_from(["kW", "V", "°C", "%", ""]))
def test_the_canonical_unit_leaves_a_value_as_it_is(value: float, unit: str) -> None:
    assert convert(value, unit, unit) == value


@pytest.mark.parametrize(("spelling", "unit"), SPELLINGS.items())
def test_a_spelling_means_the_unit_that_it_spells(spelling: str, unit: str) -> None:
    canonical = {"°F": "°C", "kW/m²": "W/m²", "mW/cm²": "W/m²"}.get(unit, unit)
    assert convert(7, spelling, canonical) == convert(7, unit, canonical)


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_a_conversion_keeps_the_order(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert convert(low, "°F", "°C") <= convert(high, "°F", "°C")


@pytest.mark.parametrize(
    ("unit", "canonical_unit"), [("kW", "V"), ("kw", "kW"), ("", "kW"), ("°C", "°F"), ("W", ""), ("nan", "%")]
)
def test_what_cannot_be_converted_is_refused_with_what_can(unit: str, canonical_unit: str) -> None:
    with pytest.raises(UnknownUnitError, match="allowed: ") as refusal:
        convert(1, unit, canonical_unit)
    assert repr(unit) in str(refusal.value)
    assert allowed_units(canonical_unit) in str(refusal.value)


@given(st.text(max_size=5_000).filter(lambda unit: unit not in {"kW", "W", "MW"}))
def test_a_refusal_shows_little_of_what_was_sent_and_nothing_raw(unit: str) -> None:
    with pytest.raises(UnknownUnitError) as refusal:
        convert(1, unit, "kW")
    assert len(str(refusal.value)) < 400
    assert str(refusal.value).isprintable()
