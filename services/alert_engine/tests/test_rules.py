"""The prototype's rules, and how a reading is judged."""

import pytest

from microgrid_alert_engine.rules import PROTOTYPE_RULES, Comparison, Condition, Rule, RuleSet
from microgrid_common.schemas.alert import Severity
from microgrid_common.schemas.catalogue import BY_NAME

LOAD, TEMPERATURE, SOLAR = PROTOTYPE_RULES


def test_the_prototype_rules_have_the_prototypes_messages() -> None:
    assert [rule.message for rule in PROTOTYPE_RULES] == [
        "Load Abnormality: Unusual load increase detected.",
        "Predictive alert: high temperature on equipment.",
        "Renewable Performance Issue: Solar output is low.",
    ]


def test_the_prototype_rules_name_metrics_of_the_catalogue() -> None:
    metrics = {condition.metric for rule in PROTOTYPE_RULES for condition in rule.conditions}
    assert metrics <= BY_NAME.keys()


def test_no_two_prototype_rules_share_an_id() -> None:
    assert len({rule.rule_id for rule in PROTOTYPE_RULES}) == 3


@pytest.mark.parametrize(
    ("rule", "metrics", "holds"),
    [
        (LOAD, {"consumption_kw": 14.0}, False),
        (LOAD, {"consumption_kw": 14.000_1}, True),
        (TEMPERATURE, {"equipment_temperature_c": 60.0}, False),
        (TEMPERATURE, {"equipment_temperature_c": 60.1}, True),
        (SOLAR, {"generation_kw": 6.9, "irradiance_w_m2": 51.0}, True),
        (SOLAR, {"generation_kw": 7.0, "irradiance_w_m2": 51.0}, False),
        (SOLAR, {"generation_kw": 6.9, "irradiance_w_m2": 50.0}, False),
        (SOLAR, {"generation_kw": 7.0, "irradiance_w_m2": 50.0}, False),
    ],
)
def test_a_prototype_rule_holds_beyond_its_threshold(
    rule: Rule, metrics: dict[str, float], holds: object
) -> None:
    assert rule.judge(metrics) is holds


@pytest.mark.parametrize(
    "metrics", [{"generation_kw": 6.0}, {"irradiance_w_m2": 900.0}, {"battery_soc": 5.0}]
)
def test_a_reading_without_all_of_a_rules_metrics_says_nothing(metrics: dict[str, float]) -> None:
    assert SOLAR.judge(metrics) is None
    assert RuleSet(PROTOTYPE_RULES).judge(metrics) == []


def test_a_reading_is_judged_by_every_rule_that_it_has_the_metrics_of() -> None:
    metrics = {"irradiance_w_m2": 80.0, "generation_kw": 6.5, "consumption_kw": 10.0, "battery_soc": 50.0}
    judged = RuleSet(PROTOTYPE_RULES).judge(metrics)
    assert {rule.rule_id: holds for rule, holds in judged} == {LOAD.rule_id: False, SOLAR.rule_id: True}


def test_several_rules_may_watch_the_same_metric() -> None:
    rules = [
        Rule(name, Severity.INFO, name, (Condition("battery_soc", Comparison.BELOW, threshold),))
        for name, threshold in (("low", 30.0), ("very low", 10.0))
    ]
    judged = RuleSet(rules).judge({"battery_soc": 20.0})
    assert {rule.rule_id: holds for rule, holds in judged} == {"low": True, "very low": False}
