"""When conditions hold."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid_common.schemas.alarm_rule import AlarmRule
from microgrid_common.transforms.alarms.conditions import (
    CompiledRule,
    RuleFailedError,
    SilenceWatch,
    compile_rule,
)
from microgrid_common.transforms.alarms.documents import Sample

_NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def _compiled(**condition: Any) -> CompiledRule:
    fields = {"rule_id": "rule", "name": "Rule", "severity": "warning", "message": "Look.", "version": 3}
    return compile_rule(AlarmRule.model_validate({**fields, "condition": condition}))


def _history(rule: CompiledRule, metric: str, *values: float) -> list[bool]:
    """Whether the condition holds after each of some readings."""
    holds, history = False, []
    for value in values:
        holds = (rule.stays if holds else rule.enters)({metric: value})
        history.append(holds)
    return history


def _sample(value: float, *, seconds: float = 0) -> Sample:
    return Sample(_NOON + timedelta(seconds=seconds), value)


@pytest.mark.parametrize(
    ("comparison", "at_threshold"), [(">", False), (">=", True), ("<", False), ("<=", True)]
)
def test_a_threshold_itself_counts_only_where_the_comparison_says_so(
    comparison: str, *, at_threshold: bool
) -> None:
    rule = _compiled(type="threshold", metric="battery_soc", comparison=comparison, threshold=20)
    above = comparison.startswith(">")
    assert rule.metrics == {"battery_soc"}
    assert rule.enters({"battery_soc": 20.0}) is at_threshold
    assert rule.enters({"battery_soc": 20.5}) is above
    assert rule.enters({"battery_soc": 19.5}) is not above


def test_above_a_threshold_with_a_deadband_holds_until_the_value_has_come_back_by_it() -> None:
    rule = _compiled(
        type="threshold", metric="inverter_temperature_c", comparison=">", threshold=70, hysteresis=5
    )
    history = _history(rule, "inverter_temperature_c", 68, 71, 68, 65.1, 65, 68, 70, 70.1)
    assert history == [False, True, True, True, False, False, False, True]


def test_below_a_threshold_with_a_deadband_holds_until_the_value_has_come_back_by_it() -> None:
    rule = _compiled(type="threshold", metric="battery_soc", comparison="<", threshold=20, hysteresis=5)
    assert _history(rule, "battery_soc", 22, 19, 22, 24.9, 25, 22) == [False, True, True, True, False, False]


def test_a_band_has_its_deadband_on_both_sides() -> None:
    rule = _compiled(type="band", metric="ac_voltage_v", low=207, high=253, hysteresis=3)
    history = _history(rule, "ac_voltage_v", 207, 206.9, 209.9, 210, 253, 253.1, 250.1, 250)
    assert history == [False, True, True, False, False, True, True, False]


@given(
    threshold=st.floats(0, 100),
    deadband=st.floats(0.5, 10),
    values=st.lists(st.floats(0, 1, exclude_min=True, exclude_max=True)),
    held=st.booleans(),
)
def test_values_within_the_deadband_never_change_anything(
    threshold: float, deadband: float, values: list[float], *, held: bool
) -> None:
    rule = _compiled(
        type="threshold", metric="battery_soc", comparison=">", threshold=threshold, hysteresis=deadband
    )
    judge = rule.stays if held else rule.enters
    for share in values:
        value = threshold - deadband * share
        if threshold - deadband < value <= threshold:
            assert judge({"battery_soc": value}) is held


@given(
    low=st.floats(-100, 0),
    high=st.floats(1, 100),
    share=st.floats(0, 0.99),
    value=st.floats(-200, 200),
)
def test_what_enters_a_condition_also_stays_in_it(
    low: float, high: float, share: float, value: float
) -> None:
    rule = _compiled(
        type="band", metric="ambient_temperature_c", low=low, high=high, hysteresis=share * (high - low) / 2
    )
    metrics = {"ambient_temperature_c": value}
    assert rule.stays(metrics) or not rule.enters(metrics)


def test_two_metrics_are_compared_with_factor_offset_and_deadband() -> None:
    rule = _compiled(
        type="comparison",
        metric="consumption_kw",
        comparison=">",
        other_metric="generation_kw",
        factor=2,
        offset=-1,
        hysteresis=3,
    )
    assert rule.metrics == {"consumption_kw", "generation_kw"}
    assert not rule.enters({"consumption_kw": 9, "generation_kw": 5})
    assert rule.enters({"consumption_kw": 9.1, "generation_kw": 5})
    assert rule.stays({"consumption_kw": 6.1, "generation_kw": 5})
    assert not rule.stays({"consumption_kw": 6, "generation_kw": 5})


def test_an_expression_needs_every_metric_that_it_names() -> None:
    rule = _compiled(type="expression", expression="generation_kw < 7 and irradiance_w_m2 > 50")
    assert rule.metrics == {"generation_kw", "irradiance_w_m2"}
    assert rule.enters({"generation_kw": 6.9, "irradiance_w_m2": 51})
    assert not rule.enters({"generation_kw": 7, "irradiance_w_m2": 51})
    assert not rule.stays({"generation_kw": 6.9, "irradiance_w_m2": 50})


def test_a_division_by_zero_is_told_with_the_rule_and_its_version() -> None:
    rule = _compiled(type="expression", expression="consumption_kw / generation_kw > 2")
    assert rule.enters({"consumption_kw": 5, "generation_kw": 2})
    for judge in (rule.enters, rule.stays):
        with pytest.raises(RuleFailedError, match=r"rule rule, version 3: .*division by zero") as failure:
            judge({"consumption_kw": 5, "generation_kw": 0})
        assert (failure.value.rule_id, failure.value.version) == ("rule", 3)


def test_an_expression_that_no_check_would_let_pass_fails_when_it_is_made_ready() -> None:
    with pytest.raises(RuleFailedError, match="no metric of the catalogue is called 'secret'"):
        _compiled(type="expression", expression="secret > 1")


@pytest.mark.parametrize(
    ("direction", "rising", "falling"),
    [("rising", True, False), ("falling", False, True), ("either", True, True)],
)
def test_a_rate_is_judged_by_its_direction(direction: str, *, rising: bool, falling: bool) -> None:
    rule = _compiled(type="rate_of_change", metric="battery_soc", per_minute=2, direction=direction)
    assert rule.change_of == "battery_soc"
    assert rule.metrics == {"battery_soc"}
    now = _sample(50, seconds=30)
    held = True
    assert rule.judge_change(_sample(48.9), now, held) is rising
    assert rule.judge_change(_sample(51.1), now, held) is falling
    assert rule.judge_change(_sample(49), now, held) is False
    assert rule.judge_change(_sample(51), now, held) is False


@pytest.mark.parametrize("held", [True, False])
def test_nothing_is_said_of_a_rate_over_a_gap_or_without_a_sample_before(*, held: bool) -> None:
    rule = _compiled(type="rate_of_change", metric="battery_soc", per_minute=1, longest_gap_seconds=60)
    assert rule.judge_change(None, _sample(50), held) is None
    assert rule.judge_change(_sample(10), _sample(50, seconds=60.001), held) is None
    assert rule.judge_change(_sample(10), _sample(50), held) is None
    assert rule.judge_change(_sample(10), _sample(50, seconds=60), held) is True


def test_a_status_change_holds_from_the_change_until_another_value_comes() -> None:
    rule = _compiled(type="status_change", metric="grid_tie_connected", to=0)
    assert rule.change_of == "grid_tie_connected"
    previous: Sample | None = None
    holds: bool | None = False
    history = []
    for value in (0, 0, 1, 0, 0, 1):
        now = _sample(value)
        holds = rule.judge_change(previous, now, bool(holds))
        history.append(holds)
        previous = now
    assert history == [False, False, False, True, True, False]


@pytest.mark.parametrize(
    ("condition", "watch"),
    [
        ({"type": "disconnected"}, SilenceWatch(disconnected=True)),
        ({"type": "no_data"}, SilenceWatch(disconnected=False)),
        (
            {"type": "no_data", "metric": "battery_soc", "after_seconds": 60},
            SilenceWatch(disconnected=False, metric="battery_soc", after_seconds=60),
        ),
    ],
)
def test_rules_on_silence_say_what_to_watch(condition: dict[str, Any], watch: SilenceWatch) -> None:
    rule = _compiled(**condition)
    assert rule.silence_of == watch
    assert rule.metrics == frozenset()
    assert rule.change_of is None
