"""The rules that ship, and files of rules that are refused."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid_alert_engine.default_rules import RulesFileError, load_rules
from microgrid_common.schemas.alarm_rule import (
    MAXIMUM_RULES,
    AlarmRule,
    AlarmRuleDraft,
    BandCondition,
    Comparison,
    ExpressionCondition,
    RuleScope,
    ThresholdCondition,
)
from microgrid_common.schemas.alert import Severity
from microgrid_common.schemas.catalogue import BY_NAME
from microgrid_common.schemas.device import UNREGISTERED
from microgrid_common.schemas.identifiers import DEFAULT_DEVICE_ID, DEFAULT_GRID_ID
from microgrid_common.transforms.alarms.check_rule import check_rule
from microgrid_common.transforms.alarms.documents import Sample
from microgrid_common.transforms.alarms.rule_plan import RulePlan

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
SHIPPED = load_rules(None)
BY_ID = {rule.rule_id: rule for rule in SHIPPED}
PLAN = RulePlan(AlarmRule(**draft.model_dump(), version=1) for draft in SHIPPED)

PROTOTYPE = ["load-abnormality", "equipment-temperature-high", "solar-output-low"]

METRICS_OF_THE_REQUIREMENTS = {
    "consumption_kw",
    "generation_kw",
    "battery_soc",
    "dc_bus_voltage_v",
    "dc_bus_current_a",
    "ac_voltage_v",
    "ac_frequency_hz",
    "grid_tie_connected",
    "equipment_temperature_c",
    "battery_temperature_c",
    "inverter_temperature_c",
    "transformer_temperature_c",
    "cabinet_temperature_c",
    "link_connected",
    "irradiance_w_m2",
    "ambient_temperature_c",
    "humidity_percent",
}
# What a cable and a fuse carry differs so much from plant to plant that no limit is right for two of them.
ONLY_WHEN_ENABLED = {"dc_bus_current_a"}


def metrics_of(drafts: list[AlarmRuleDraft]) -> set[str]:
    """The metrics that rules on readings look at."""
    plan = RulePlan(AlarmRule(**{**draft.model_dump(), "enabled": True}, version=1) for draft in drafts)
    everything = dict.fromkeys(BY_NAME, 0.0)
    kinds = [(draft.scope.device_type or UNREGISTERED, draft.scope.component) for draft in drafts]
    return {
        metric
        for kind in kinds
        for rule in plan.for_device("village-1", "device-1", *kind).judging(everything)
        for metric in rule.metrics
    }


def entering(
    metrics: Mapping[str, float], device_type: str = "meter", component: str | None = None
) -> set[str]:
    """The shipped rules that one reading makes hold."""
    rules = PLAN.for_device("village-1", "device-1", device_type, component)
    return {rule.rule.rule_id for rule in rules.entering(metrics)}


def test_the_file_is_part_of_the_package() -> None:
    text = files("microgrid_alert_engine").joinpath("default_rules.json").read_text(encoding="utf-8")
    assert [entry["rule_id"] for entry in json.loads(text)] == [rule.rule_id for rule in SHIPPED]


@pytest.mark.parametrize("rule", SHIPPED, ids=lambda rule: rule.rule_id)
def test_a_shipped_rule_passes_every_check_and_says_what_to_do(rule: AlarmRuleDraft) -> None:
    assert check_rule(rule) == []
    assert len(rule.recommended_action) > 20


def test_all_shipped_rules_can_be_judged() -> None:
    everywhere = RulePlan(
        AlarmRule(**{**draft.model_dump(), "enabled": True, "scope": {}}, version=1) for draft in SHIPPED
    )
    assert everywhere.failed == ()
    assert set(everywhere.for_device("village-1", "device-1", "meter", None).by_id) == set(BY_ID)


def test_the_prototype_rules_are_those_of_the_prototype() -> None:
    assert [BY_ID[rule_id] for rule_id in PROTOTYPE] == [
        AlarmRuleDraft(
            rule_id="load-abnormality",
            name="Unusual load",
            condition=ThresholdCondition(
                metric="consumption_kw", comparison=Comparison.ABOVE, threshold=14.0, hysteresis=0
            ),
            severity=Severity.WARNING,
            message="Load Abnormality: Unusual load increase detected.",
            recommended_action=BY_ID["load-abnormality"].recommended_action,
            chattering_delay=False,
        ),
        AlarmRuleDraft(
            rule_id="equipment-temperature-high",
            name="Equipment hot",
            condition=ThresholdCondition(
                metric="equipment_temperature_c", comparison=Comparison.ABOVE, threshold=60.0, hysteresis=0
            ),
            severity=Severity.CRITICAL,
            message="Predictive alert: high temperature on equipment.",
            recommended_action=BY_ID["equipment-temperature-high"].recommended_action,
            chattering_delay=False,
        ),
        AlarmRuleDraft(
            rule_id="solar-output-low",
            name="Solar output low",
            condition=ExpressionCondition(expression="generation_kw < 7 and irradiance_w_m2 > 50"),
            severity=Severity.WARNING,
            message="Renewable Performance Issue: Solar output is low.",
            recommended_action=BY_ID["solar-output-low"].recommended_action,
            chattering_delay=False,
        ),
    ]


@given(
    metrics=st.fixed_dictionaries(
        {
            "consumption_kw": st.floats(5, 15),
            "generation_kw": st.floats(6, 16),
            "battery_soc": st.integers(20, 100).map(float),
            "equipment_temperature_c": st.floats(30, 70),
            "irradiance_w_m2": st.integers(0, 100).map(float),
        }
    )
)
def test_a_prototype_reading_raises_the_prototypes_three_alarms_and_no_other(
    metrics: dict[str, float],
) -> None:
    rules = PLAN.for_device(DEFAULT_GRID_ID, DEFAULT_DEVICE_ID, UNREGISTERED, None)
    expected = {
        "load-abnormality": metrics["consumption_kw"] > 14.0,
        "equipment-temperature-high": metrics["equipment_temperature_c"] > 60.0,
        "solar-output-low": metrics["generation_kw"] < 7.0 and metrics["irradiance_w_m2"] > 50,
    }
    entered = {rule.rule.rule_id for rule in rules.entering(metrics)}
    assert entered == {rule_id for rule_id, holds in expected.items() if holds}
    # Nothing looks at how the prototype's random values jump from one reading to the next.
    assert not [rule for rule in rules.judging(metrics) if rule.change_of is not None]


@pytest.mark.parametrize("metric", sorted(METRICS_OF_THE_REQUIREMENTS))
def test_every_metric_of_the_requirements_has_a_rule(metric: str) -> None:
    assert metric in metrics_of(SHIPPED)
    in_force = metrics_of([rule for rule in SHIPPED if rule.enabled])
    assert (metric in in_force) is (metric not in ONLY_WHEN_ENABLED)


def test_a_device_that_is_gone_or_silent_waits_until_the_loss_of_its_gateway_is_known() -> None:
    watching = PLAN.for_device("village-1", "device-1", "meter", None).on_silence
    assert {rule.rule.rule_id: rule.rule.on_delay_seconds for rule in watching} == {
        "device-disconnected": 60,
        "device-stale": 120,
    }


def test_a_value_that_only_makes_sense_for_one_kind_of_device_concerns_no_other() -> None:
    high_voltage = {"dc_bus_voltage_v": 400.0}
    assert entering(high_voltage, "battery") == {"dc-bus-voltage-unusual", "dc-bus-voltage-critical"}
    assert entering(high_voltage, "inverter") == set()
    assert entering({"humidity_percent": 97.0}, "weather") == set()
    assert entering({"humidity_percent": 97.0}, "weather", "cabinet") == {"cabinet-humidity-high"}


@pytest.mark.parametrize(
    ("metrics", "rule_ids"),
    [
        ({"battery_soc": 19.9}, {"battery-soc-low"}),
        ({"battery_soc": 9.0}, {"battery-soc-low", "battery-soc-critical"}),
        ({"ac_voltage_v": 230.0, "ac_frequency_hz": 50.0}, set()),
        ({"ac_voltage_v": 206.0}, {"ac-voltage-unusual"}),
        ({"ac_voltage_v": 0.0}, {"ac-voltage-unusual", "ac-voltage-critical"}),
        ({"ac_frequency_hz": 51.2}, {"ac-frequency-unusual"}),
        ({"ac_frequency_hz": 47.0}, {"ac-frequency-unusual", "ac-frequency-critical"}),
        ({"battery_temperature_c": -3.0, "battery_power_kw": -2.0}, set()),
        ({"battery_temperature_c": -3.0, "battery_power_kw": 2.0}, {"battery-charged-while-freezing"}),
        ({"link_connected": 1.0, "link_rssi_dbm": -70.0}, set()),
        ({"link_connected": 0.0, "link_rssi_dbm": -90.0}, {"link-lost", "link-weak"}),
    ],
)
def test_a_reading_beyond_a_limit_raises_what_it_should(
    metrics: dict[str, float], rule_ids: set[str]
) -> None:
    assert entering(metrics) == rule_ids


@pytest.mark.parametrize(
    ("rule_id", "before", "now", "holds"),
    [
        ("grid-tie-lost", 1.0, 0.0, True),
        ("grid-tie-lost", None, 0.0, False),
        ("battery-soc-falling-fast", 80.0, 77.0, True),
        ("battery-soc-falling-fast", 80.0, 79.0, False),
        ("battery-soc-falling-fast", 77.0, 80.0, False),
    ],
)
def test_a_change_within_a_minute_raises_what_it_should(
    rule_id: str, before: float | None, now: float, holds: object
) -> None:
    rule = PLAN.for_device("village-1", "battery-1", "battery", None).by_id[rule_id]
    previous = None if before is None else Sample(NOON, before)
    held_before = False
    assert rule.judge_change(previous, Sample(NOON + timedelta(minutes=1), now), held_before) is holds


@pytest.mark.parametrize(
    ("warning_id", "critical_id"),
    [
        ("dc-bus-voltage-unusual", "dc-bus-voltage-critical"),
        ("ac-voltage-unusual", "ac-voltage-critical"),
        ("ac-frequency-unusual", "ac-frequency-critical"),
    ],
)
def test_a_value_leaves_the_usual_band_before_the_critical_one(warning_id: str, critical_id: str) -> None:
    warning, critical = BY_ID[warning_id].condition, BY_ID[critical_id].condition
    assert isinstance(warning, BandCondition)
    assert isinstance(critical, BandCondition)
    assert critical.low < warning.low < warning.high < critical.high


RULE: dict[str, Any] = {
    "rule_id": "voltage-low",
    "name": "Voltage low",
    "condition": {"type": "threshold", "metric": "ac_voltage_v", "comparison": "<", "threshold": 200},
    "severity": "warning",
    "message": "{ac_voltage_v:.0f} V",
}


def refused(path: Path, content: str) -> RulesFileError:
    """How a file with that content is refused."""
    path.write_text(content, encoding="utf-8")
    with pytest.raises(RulesFileError) as caught:
        load_rules(path)
    assert str(caught.value).startswith(f"{path}: ")
    return caught.value


def test_an_operators_own_file_takes_the_place_of_the_shipped_one(tmp_path: Path) -> None:
    path = tmp_path / "rules.json"
    path.write_text(json.dumps([{**RULE, "scope": {"grid_id": "village-1"}}]), encoding="utf-8")
    (rule,) = load_rules(path)
    assert (rule.rule_id, rule.scope) == ("voltage-low", RuleScope(grid_id="village-1"))


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"severity": "loud"}, "severity", "'info', 'warning' or 'critical'"),
        ({"urgency": "high"}, "urgency", "not permitted"),
        ({"message": "{ac_voltage_v} {voltage}"}, "message", "voltage"),
        ({"condition": {**RULE["condition"], "threshold": "low"}}, "condition.threshold", "valid number"),
        ({"condition": {**RULE["condition"], "threshold": 5_000}}, "condition.threshold", "outside"),
        ({"condition": {**RULE["condition"], "type": "limit"}}, "condition", "'limit'"),
        ({"condition": {"type": "threshold"}}, "condition.metric", "required"),
        (
            {"condition": {"type": "expression", "expression": "volts < 5"}},
            "condition.expression",
            "'volts'",
        ),
        ({"on_delay_seconds": -1}, "on_delay_seconds", "greater than or equal to 0"),
    ],
)
def test_a_broken_rule_is_refused_with_file_rule_and_field(
    tmp_path: Path, changes: dict[str, Any], field: str, reason: str
) -> None:
    error = refused(tmp_path / "rules.json", json.dumps([RULE, {**RULE, "rule_id": "bad", **changes}]))
    assert [problem.rule for problem in error.problems[:1]] == ["rule 'bad'"]
    assert field in [problem.field for problem in error.problems]
    assert f"rule 'bad': {field}: " in str(error)
    assert reason in str(error)


@pytest.mark.parametrize(
    ("entries", "rule", "field"),
    [
        ([RULE, RULE], "rule 'voltage-low'", "rule_id"),
        ([RULE, "a rule"], "rule number 2", None),
        ([{**RULE, "rule_id": 7}], "rule number 1", "rule_id"),
        ([{**RULE, "rule_id": "x\n" * 1_000}], "rule " + repr(("x\n" * 1_000)[:64]), "rule_id"),
        ([RULE] * (MAXIMUM_RULES + 1), None, None),
        ({"rules": [RULE]}, None, None),
    ],
)
def test_a_file_of_another_shape_is_refused(
    tmp_path: Path, entries: object, rule: str | None, field: str | None
) -> None:
    (problem,) = refused(tmp_path / "rules.json", json.dumps(entries)).problems
    assert (problem.rule, problem.field) == (rule, field)


@pytest.mark.parametrize("content", ["", "[{]", "[" * 200_000, '[{"a": 1}] 2'])
def test_a_file_that_is_no_json_is_refused(tmp_path: Path, content: str) -> None:
    assert "it is no JSON" in str(refused(tmp_path / "rules.json", content))


def test_a_file_that_is_far_too_large_is_refused(tmp_path: Path) -> None:
    assert "it is larger than" in str(refused(tmp_path / "rules.json", " " * 4_000_001))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RulesFileError, match=r"nowhere\.json: it cannot be read: No such file"):
        load_rules(tmp_path / "nowhere.json")


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rules.json"
    path.write_bytes(b"\xff\xfe[]")
    with pytest.raises(RulesFileError, match="it is no JSON"):
        load_rules(path)


def test_of_many_problems_the_first_ones_are_told_and_the_others_counted(tmp_path: Path) -> None:
    bad = [{**RULE, "rule_id": f"rule-{number}", "severity": "loud"} for number in range(13)]
    error = refused(tmp_path / "rules.json", json.dumps(bad))
    assert len(error.problems) == 13
    assert str(error).endswith("; and 3 more")
