"""The rules that ship, and rules files."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid_alert_engine.default_rules import RulesFileError, load_rules
from microgrid_alert_engine.rules import PROTOTYPE_RULES
from microgrid_common.schemas.alarm_rule import AlarmRule, AlarmRuleDraft
from microgrid_common.schemas.identifiers import DEFAULT_DEVICE_ID, DEFAULT_GRID_ID
from microgrid_common.transforms.alarms.check_rule import check_rule
from microgrid_common.transforms.alarms.documents import Sample
from microgrid_common.transforms.alarms.rule_plan import DeviceRules, RulePlan

_NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
_RULES = load_rules()
_BY_ID = {rule.rule_id: rule for rule in _RULES}
_PROTOTYPE_IDS = {rule.rule_id for rule in PROTOTYPE_RULES}
_RULE = {
    "rule_id": "offline",
    "name": "Offline",
    "condition": {"type": "disconnected"},
    "severity": "warning",
    "message": "Offline.",
}

# As the requirements' simulator makes them.
_PROTOTYPE_READINGS = st.fixed_dictionaries(
    {
        "consumption_kw": st.floats(5, 15),
        "generation_kw": st.floats(6, 16),
        "battery_soc": st.integers(20, 100).map(float),
        "equipment_temperature_c": st.floats(30, 70),
        "irradiance_w_m2": st.integers(0, 100).map(float),
    }
)


def _of_device(device_type: str = "unregistered") -> DeviceRules:
    plan = RulePlan(AlarmRule(**rule.model_dump(), version=1) for rule in _RULES)
    assert plan.failed == ()
    return plan.for_device(DEFAULT_GRID_ID, DEFAULT_DEVICE_ID, device_type, None)


_PROTOTYPE_DEVICE = _of_device()


@pytest.mark.parametrize("rule", _RULES, ids=lambda rule: rule.rule_id)
def test_every_rule_that_ships_can_be_used_and_says_what_to_do(rule: AlarmRuleDraft) -> None:
    assert check_rule(rule) == []
    assert rule.enabled
    assert rule.recommended_action


@pytest.mark.parametrize("old", PROTOTYPE_RULES, ids=lambda rule: rule.rule_id)
def test_the_prototypes_rules_are_among_them_with_their_texts_and_without_delay(old: Any) -> None:
    rule = _BY_ID[old.rule_id]
    assert (rule.message, rule.severity) == (old.message, old.severity)
    assert (rule.on_delay_seconds, rule.off_delay_seconds, rule.latching) == (0, 0, False)


@given(_PROTOTYPE_READINGS)
def test_the_prototypes_data_raise_what_they_always_did_and_nothing_else(metrics: dict[str, float]) -> None:
    expected = {rule.rule_id for rule in PROTOTYPE_RULES if rule.judge(metrics)}
    assert {rule.rule.rule_id for rule in _PROTOTYPE_DEVICE.entering(metrics)} == expected
    judging = {rule.rule.rule_id for rule in _PROTOTYPE_DEVICE.judging(metrics) if rule.change_of}
    assert judging == set()


@given(_PROTOTYPE_READINGS)
def test_what_the_prototypes_data_have_raised_ends_as_it_always_did(metrics: dict[str, float]) -> None:
    for old in PROTOTYPE_RULES:
        assert _PROTOTYPE_DEVICE.by_id[old.rule_id].stays(metrics) is old.judge(metrics)


@pytest.mark.parametrize(
    ("metrics", "rule_ids"),
    [
        ({"battery_soc": 19}, {"battery-soc-low"}),
        ({"battery_soc": 9}, {"battery-soc-low", "battery-soc-critical"}),
        ({"dc_bus_voltage_v": 44}, {"dc-bus-voltage"}),
        ({"dc_bus_voltage_v": 52}, set()),
        ({"ac_voltage_v": 230, "ac_frequency_hz": 50}, set()),
        ({"ac_voltage_v": 200, "ac_frequency_hz": 48}, {"ac-voltage", "ac-frequency"}),
        (
            {"ac_voltage_v": 0, "ac_frequency_hz": 0},
            {"ac-voltage", "ac-voltage-critical", "ac-frequency", "ac-frequency-critical"},
        ),
        ({"battery_temperature_c": -1}, {"battery-temperature-low"}),
        ({"battery_temperature_c": 50}, {"battery-temperature-high"}),
        ({"battery_temperature_c": 56}, {"battery-temperature-high", "battery-temperature-critical"}),
        ({"inverter_temperature_c": 80}, {"inverter-temperature-high"}),
        ({"transformer_temperature_c": 100}, {"transformer-temperature-high"}),
        ({"cabinet_temperature_c": 55}, {"cabinet-temperature-high"}),
        ({"link_rssi_dbm": -90}, {"link-weak"}),
        ({"ambient_temperature_c": 46}, {"ambient-temperature-extreme"}),
    ],
)
def test_the_rules_that_ship_find_what_is_wrong_with_a_battery_site(
    metrics: dict[str, float], rule_ids: set[str]
) -> None:
    assert {rule.rule.rule_id for rule in _of_device("battery").entering(metrics)} == rule_ids


def test_a_grid_tie_that_is_lost_and_a_battery_that_falls_fast_are_found() -> None:
    rules = _of_device("battery")
    later = _NOON + timedelta(minutes=1)
    lost = rules.by_id["grid-tie-lost"].judge_change
    assert lost(Sample(_NOON, 1), Sample(later, 0), False) is True  # noqa: FBT003
    assert lost(None, Sample(later, 0), False) is False  # noqa: FBT003
    falls = rules.by_id["battery-soc-falls-fast"].judge_change
    assert falls(Sample(_NOON, 80), Sample(later, 77), False) is True  # noqa: FBT003
    assert falls(Sample(_NOON, 80), Sample(later, 79), False) is False  # noqa: FBT003


def test_a_childs_silence_waits_until_its_gateways_loss_is_known() -> None:
    for rule_id in ("device-disconnected", "device-silent"):
        assert _BY_ID[rule_id].on_delay_seconds >= 60


def test_a_file_of_ones_own_takes_the_place_of_the_one_that_ships(tmp_path: Path) -> None:
    path = tmp_path / "rules.json"
    path.write_text(json.dumps([_RULE]))
    assert load_rules(path) == [AlarmRuleDraft.model_validate(_RULE)]


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ({**_RULE, "severity": "loud"}, r"rule 2 \('offline'\): severity: Input should be"),
        (
            {**_RULE, "condition": {"type": "no_data", "metric": "soc"}},
            r"condition\.no_data: .*belong together",
        ),
        (
            {**_RULE, "message": "{battery_soc}"},
            r"rule 2 \('offline'\): message: \{battery_soc\} has no value",
        ),
        ({**_RULE, "rule_id": "first"}, r"rule 2 \('first'\): rule_id: an earlier rule has it"),
        ({**_RULE, "rule_id": 5}, r"rule 2: rule_id: "),
        ("offline", r"rule 2: the rule: "),
    ],
)
def test_a_problem_names_the_file_the_rule_and_the_field(tmp_path: Path, rule: Any, problem: str) -> None:
    path = tmp_path / "rules.json"
    path.write_text(json.dumps([{**_RULE, "rule_id": "first"}, rule]))
    with pytest.raises(RulesFileError, match=rf"rules\.json: .*{problem}"):
        load_rules(path)


def test_all_problems_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "rules.json"
    path.write_text(json.dumps([{**_RULE, "severity": "loud", "name": ""}, {**_RULE, "message": "{x}"}]))
    with pytest.raises(RulesFileError) as refused:
        load_rules(path)
    assert len(str(refused.value).splitlines()) == 3


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"{", "no JSON"),
        (b"\xff", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"{}", "no list of rules"),
        (b"[" + b"0," * 500 + b"0]", "more than 500 rules"),
        (b" " * 4_000_001, "larger than"),
    ],
)
def test_a_file_that_is_no_list_of_rules_is_refused(tmp_path: Path, data: bytes, problem: str) -> None:
    path = tmp_path / "rules.json"
    path.write_bytes(data)
    with pytest.raises(RulesFileError, match=problem):
        load_rules(path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RulesFileError, match=r"missing\.json: No such file"):
        load_rules(tmp_path / "missing.json")
