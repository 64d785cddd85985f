"""Metric values, one by one: what is taken, what is left out, what is a defect, and that the rest stands."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid_common.schemas.catalogue import BY_NAME, BY_NAME_OR_ALIAS, METRICS, Metric
from microgrid_common.schemas.quarantine import Reason
from microgrid_common.schemas.reading import Flag
from microgrid_common.transforms.clean import Cleaned, clean

PATH = ("metrics",)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
names = st.sampled_from(sorted(BY_NAME_OR_ALIAS)) | st.text(max_size=10)
units = st.sampled_from(["W", "kW", "mV", "°F", "F", "K", "fraction", "%", ""]) | st.text(max_size=5)


def clean_one(value: object, *, name: str = "ac_voltage_v", unit: str | None = None) -> Cleaned:
    return clean({name: value}, {name: unit} if unit is not None else None, PATH)


@given(st.dictionaries(names, json_values, max_size=8), st.dictionaries(names, units, max_size=4))
def test_every_value_is_taken_within_its_range_or_left_out_or_named(
    values: dict[str, Any], given_units: dict[str, str]
) -> None:
    cleaned = clean(values, given_units, PATH)
    for name, value in cleaned.metrics.items():
        assert type(value) is float
        assert BY_NAME[name].minimum <= value <= BY_NAME[name].maximum
        assert math.copysign(1, value) == 1 or value < 0
    nulls = sum(value is None and name in BY_NAME_OR_ALIAS for name, value in values.items())
    strangers = sum(name not in values for name in given_units)
    assert len(cleaned.metrics) + len(cleaned.defects) == len(values) - nulls + strangers
    assert (Flag.NULL_DROPPED in cleaned.flags) is (nulls > 0)
    assert (Flag.DEFECT_DROPPED in cleaned.flags) is bool(cleaned.defects)
    for defect in cleaned.defects:
        assert defect.field is not None
        assert defect.field.isprintable()
        assert 0 < len(defect.detail) < 500


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_both_ends_of_the_range_belong_to_it(metric: Metric) -> None:
    assert clean_one(metric.minimum, name=metric.name).metrics == {metric.name: metric.minimum}
    assert clean_one(metric.maximum, name=metric.name).metrics == {metric.name: metric.maximum}


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
@pytest.mark.parametrize("towards", [math.inf, -math.inf])
def test_the_next_number_outside_the_range_is_refused_with_the_range(metric: Metric, towards: float) -> None:
    end = metric.maximum if towards > 0 else metric.minimum
    value = math.nextafter(float(end), towards)
    (defect,) = clean_one(value, name=metric.name).defects
    assert defect.reason is Reason.OUT_OF_RANGE
    assert repr(value) in defect.detail
    assert f"{metric.minimum:g} to {metric.maximum:g}" in defect.detail


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (math.nan, Reason.NOT_FINITE),
        (math.inf, Reason.NOT_FINITE),
        (-math.inf, Reason.NOT_FINITE),
        ("nan", Reason.NOT_FINITE),
        ("-Infinity", Reason.NOT_FINITE),
        ("1e400", Reason.NOT_FINITE),
        (10**400, Reason.OUT_OF_RANGE),
        (-(10**400), Reason.OUT_OF_RANGE),
        (True, Reason.WRONG_TYPE),
        (False, Reason.WRONG_TYPE),
        ("on", Reason.WRONG_TYPE),
        ("", Reason.WRONG_TYPE),
        ("1_000", Reason.WRONG_TYPE),
        ("\u0662\u0663\u0660", Reason.WRONG_TYPE),
        ("0x10", Reason.WRONG_TYPE),
        ("230,4", Reason.WRONG_TYPE),
        ("230\x00", Reason.WRONG_TYPE),
        ("x" * 100_000, Reason.WRONG_TYPE),
        ([230.4], Reason.WRONG_TYPE),
        ({"value": 230.4}, Reason.WRONG_TYPE),
    ],
)
def test_what_is_no_number_is_refused(value: object, reason: Reason) -> None:
    cleaned = clean_one(value)
    assert [(defect.reason, defect.field) for defect in cleaned.defects] == [(reason, "metrics.ac_voltage_v")]
    assert cleaned.metrics == {}
    assert len(cleaned.defects[0].detail) < 200


@pytest.mark.parametrize("text", ["230.4", " 230.4\n", "+230.4", "2.304e2"])
def test_text_that_spells_a_number_is_taken_and_flagged(text: str) -> None:
    assert clean_one(text) == ({"ac_voltage_v": 230.4}, (Flag.NUMBER_FROM_TEXT,), ())


@pytest.mark.parametrize("zero", [-0.0, 0, 0.0, "-0"])
def test_zero_has_no_sign(zero: object) -> None:
    (value,) = clean_one(zero).metrics.values()
    assert math.copysign(1, value) == 1


def test_an_integer_becomes_a_float() -> None:
    (value,) = clean_one(230).metrics.values()
    assert (value, type(value)) == (230.0, float)


@given(st.sampled_from(METRICS), st.data())
def test_a_good_value_stands_whatever_stands_beside_it(metric: Metric, data: st.DataObject) -> None:
    value = data.draw(st.floats(metric.minimum, metric.maximum))
    own_names = {metric.name, *metric.aliases}
    others = data.draw(st.dictionaries(names.filter(lambda name: name not in own_names), json_values))
    assert clean({metric.name: value, **others}, None, PATH).metrics[metric.name] == value
    assert clean({**others, metric.name: value}, None, PATH).metrics[metric.name] == value


def test_of_two_names_for_one_metric_the_first_counts_and_the_second_is_named() -> None:
    cleaned = clean({"consumption_kw": 1.5, "live_power_consumption": 2.5}, None, PATH)
    assert cleaned.metrics == {"consumption_kw": 1.5}
    assert [defect.field for defect in cleaned.defects] == ["metrics.live_power_consumption"]


@pytest.mark.parametrize("order", [1, -1])
def test_a_null_under_another_name_of_a_metric_does_no_harm(order: int) -> None:
    both = [("consumption_kw", None), ("consumption_kW", 2.5)][::order]
    assert clean(dict(both), None, PATH) == ({"consumption_kw": 2.5}, (Flag.NULL_DROPPED,), ())


def test_the_range_is_that_of_the_canonical_unit() -> None:
    assert clean_one(230_400, unit="mV").metrics == {"ac_voltage_v": 230.4}
    assert [defect.reason for defect in clean_one(230.4, unit="kV").defects] == [Reason.OUT_OF_RANGE]


def test_a_unit_of_text_and_of_an_alias_counts_too() -> None:
    cleaned = clean({"live_generation": "9810"}, {"live_generation": "W"}, PATH)
    assert cleaned.metrics == {"generation_kw": 9.81}


def test_an_unknown_unit_takes_only_its_own_value() -> None:
    cleaned = clean({"ac_voltage_v": 230.4, "battery_soc": 75.0}, {"ac_voltage_v": "furlong"}, PATH)
    assert cleaned.metrics == {"battery_soc": 75.0}
    assert [(defect.reason, defect.field) for defect in cleaned.defects] == [
        (Reason.UNKNOWN_UNIT, "metrics.ac_voltage_v")
    ]


def test_a_unit_without_a_value_is_named_beside_the_values() -> None:
    cleaned = clean({"battery_soc": 75.0}, {"ac_voltage_v": "V"}, ("samples", 3, "metrics"))
    assert [defect.field for defect in cleaned.defects] == ["samples.3.units.ac_voltage_v"]


@given(st.text(min_size=1, max_size=2_000).filter(lambda name: name not in BY_NAME_OR_ALIAS))
def test_the_name_of_an_unknown_metric_is_shown_short_and_without_control_characters(name: str) -> None:
    (defect,) = clean({name: 1.0}, None, PATH).defects
    assert defect.reason is Reason.UNKNOWN_METRIC
    assert defect.field is not None
    assert defect.field.startswith("metrics.")
    assert defect.field.isprintable()
    assert len(defect.field) <= 200
