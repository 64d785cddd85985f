"""What speaks against a rule."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from microgrid_common.schemas.alarm_rule import AlarmRuleDraft
from microgrid_common.schemas.catalogue import METRICS
from microgrid_common.transforms.alarms.check_rule import check_rule

_LOW = {"type": "threshold", "metric": "battery_soc", "comparison": "<", "threshold": 20}


def _draft(condition: dict[str, Any] | None = None, **fields: Any) -> AlarmRuleDraft:
    rest = {"rule_id": "rule", "name": "Rule", "severity": "warning", "message": "Look."}
    return AlarmRuleDraft.model_validate({**rest, "condition": condition or _LOW, **fields})


@pytest.mark.parametrize(
    "condition",
    [
        _LOW,
        {**_LOW, "hysteresis": 80},
        {"type": "band", "metric": "ac_voltage_v", "low": 207, "high": 253},
        {"type": "rate_of_change", "metric": "battery_soc", "per_minute": 2},
        {"type": "no_data"},
        {"type": "disconnected"},
        {"type": "status_change", "metric": "grid_tie_connected", "to": 0},
        {
            "type": "comparison",
            "metric": "consumption_kw",
            "comparison": ">",
            "other_metric": "generation_kw",
        },
        {"type": "expression", "expression": "generation_kw < 7 and irradiance_w_m2 > 50"},
    ],
)
def test_nothing_speaks_against_a_rule_that_makes_sense(condition: dict[str, Any]) -> None:
    assert check_rule(_draft(condition)) == []


@pytest.mark.parametrize(
    ("fields", "field", "reason"),
    [
        ({"message": "{soc} %"}, "message", "{soc} is no metric"),
        ({"message": "{battery_soc", "name": "Low"}, "message", "cannot be read"),
        ({"name": "Low\nbattery"}, "name", "control characters"),
        ({"condition": {**_LOW, "threshold": 101}}, "condition.threshold", "101 is outside .* 0 to 100 %"),
        ({"condition": {**_LOW, "hysteresis": 81}}, "condition.hysteresis", "never end: 101 is outside"),
        (
            {"condition": {**_LOW, "comparison": ">", "hysteresis": 21}},
            "condition.hysteresis",
            "never end: -1 is outside",
        ),
        (
            {"condition": {"type": "band", "metric": "humidity_percent", "low": -1, "high": 90}},
            "condition.low",
            "-1 is outside",
        ),
        (
            {"condition": {"type": "band", "metric": "humidity_percent", "low": 10, "high": 101}},
            "condition.high",
            "101 is outside",
        ),
        (
            {"condition": {"type": "status_change", "metric": "battery_soc", "to": 0}},
            "condition.metric",
            "no state",
        ),
        (
            {"condition": {"type": "expression", "expression": "soc > 1"}},
            "condition.expression",
            "no metric of the catalogue is called 'soc'",
        ),
        (
            {"condition": {"type": "disconnected"}, "message": "{battery_soc}"},
            "message",
            "no value where no reading",
        ),
    ],
)
def test_each_problem_names_its_field_and_the_reason(fields: dict[str, Any], field: str, reason: str) -> None:
    problems = check_rule(_draft(**fields))
    assert [problem.field for problem in problems] == [field]
    assert re.search(reason, problems[0].reason)


def test_all_problems_are_told_at_once() -> None:
    problems = check_rule(_draft({**_LOW, "threshold": 200}, name="\t", message="{x}"))
    assert [problem.field for problem in problems] == ["name", "message", "condition.threshold"]


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_METRIC = st.sampled_from([metric.name for metric in METRICS])
_NUMBER = st.floats(allow_nan=False, allow_infinity=False)
_CONDITION = st.one_of(
    st.fixed_dictionaries(
        {"type": st.just("threshold"), "metric": _METRIC, "comparison": st.just(">"), "threshold": _NUMBER},
        optional={"hysteresis": _NUMBER},
    ),
    st.fixed_dictionaries({"type": st.just("band"), "metric": _METRIC, "low": _NUMBER, "high": _NUMBER}),
    st.fixed_dictionaries({"type": st.just("status_change"), "metric": _METRIC, "to": st.just(1)}),
    st.fixed_dictionaries({"type": st.just("expression"), "expression": st.text(min_size=1)}),
)
_SENT = st.fixed_dictionaries(
    {
        "rule_id": st.just("rule"),
        "name": st.text(min_size=1, max_size=5),
        "severity": st.just("info"),
        "message": st.text(min_size=1, max_size=30),
        "condition": _CONDITION,
    }
)


@given(_SENT, st.dictionaries(st.sampled_from([*AlarmRuleDraft.model_fields, "other"]), _JSON, max_size=2))
def test_whatever_is_sent_as_a_rule_is_refused_with_reasons_or_checked(
    sent: dict[str, Any], instead: dict[str, Any]
) -> None:
    try:
        draft = AlarmRuleDraft.model_validate_json(json.dumps(sent | instead))
    except ValidationError:
        return
    assert all(problem.field and problem.reason for problem in check_rule(draft))
