"""Which rules and windows concern a reading."""

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid_common.schemas.alarm_rule import AlarmRule
from microgrid_common.schemas.alert import Alert, AlertStatus
from microgrid_common.schemas.maintenance import MaintenanceWindow
from microgrid_common.testing.samples import sample_record
from microgrid_common.transforms.alarms.conditions import CompiledRule, RuleFailedError
from microgrid_common.transforms.alarms.documents import AlarmPoint, Moment, Pending
from microgrid_common.transforms.alarms.rule_plan import DeviceRules, RulePlan

_NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
_LOW_BATTERY = {"type": "threshold", "metric": "battery_soc", "comparison": "<", "threshold": 20}
_HOT = {"type": "threshold", "metric": "battery_temperature_c", "comparison": ">", "threshold": 50}
_FALLS = {"type": "rate_of_change", "metric": "battery_soc", "per_minute": 1}
_SILENT = {"type": "no_data", "metric": "battery_soc", "after_seconds": 60}
_MOMENT = Moment(_NOON, _NOON, _NOON, {})
_DIVIDES = {"type": "expression", "expression": "consumption_kw / generation_kw > 2"}


def _rule(rule_id: str, condition: dict[str, Any], **fields: Any) -> AlarmRule:
    rest = {"name": "Rule", "severity": "warning", "message": "Look.", "version": 1}
    return AlarmRule.model_validate({**rest, "rule_id": rule_id, "condition": condition, **fields})


def _of_device(*rules: AlarmRule) -> DeviceRules:
    return RulePlan(rules).for_device("village-1", "battery-1", "battery", "bank")


def _alarm(status: AlertStatus) -> Alert:
    return sample_record(cleared_at=_NOON if status is AlertStatus.RESOLVED else None)


def _ids(rules: Sequence[CompiledRule]) -> list[str]:
    return [rule.rule.rule_id for rule in rules]


def _window(window_id: str, start: int, end: int, **fields: Any) -> MaintenanceWindow:
    times = {"start": _NOON + timedelta(hours=start), "end": _NOON + timedelta(hours=end)}
    rest = {"window_id": window_id, "grid_id": "village-1", "reason": "New cells.", "by": "amina"}
    return MaintenanceWindow.model_validate({**rest, **times, **fields})


def test_only_rules_whose_scope_covers_a_device_concern_it() -> None:
    plan = RulePlan(
        [
            _rule("everywhere", _HOT),
            _rule("grid", _HOT, scope={"grid_id": "village-1"}),
            _rule("device", _HOT, scope={"grid_id": "village-1", "device_id": "battery-1"}),
            _rule("type", _HOT, scope={"device_type": "battery"}),
            _rule("component", _HOT, scope={"component": "bank"}),
        ]
    )
    here = plan.for_device("village-1", "battery-1", "battery", "bank")
    assert list(here.by_id) == ["component", "device", "everywhere", "grid", "type"]
    assert list(plan.for_device("village-1", "meter-1", "meter", None).by_id) == ["everywhere", "grid"]
    assert list(plan.for_device("village-2", "battery-1", "meter", None).by_id) == ["everywhere"]


def test_rules_that_are_not_in_force_concern_nobody() -> None:
    rules = _of_device(
        _rule("off", _HOT, enabled=False), _rule("failed", _HOT, disabled_because="It divided by zero.")
    )
    assert not rules.by_id


def test_devices_with_the_same_rules_share_what_is_compiled() -> None:
    plan = RulePlan([_rule("hot", _HOT, scope={"device_type": "battery"})])
    first = plan.for_device("village-1", "battery-1", "battery", None)
    assert plan.for_device("village-2", "battery-9", "battery", "bank") is first
    assert plan.for_device("village-2", "meter-9", "meter", None) is not first


def test_a_reading_is_judged_by_the_rules_whose_metrics_are_all_there() -> None:
    rules = _of_device(
        _rule("b-hot", _HOT),
        _rule("c-silent", _SILENT),
        _rule("a-falls", _FALLS),
        _rule("d-divides", _DIVIDES),
    )
    assert _ids(rules.judging({"battery_temperature_c": 20, "battery_soc": 50})) == ["a-falls", "b-hot"]
    assert _ids(rules.judging({"consumption_kw": 1, "generation_kw": 1})) == ["d-divides"]
    assert rules.judging({"generation_kw": 1}) == ()
    assert _ids(rules.on_silence) == ["c-silent"]
    assert rules.watched_metrics == {"battery_soc"}


def test_of_a_device_in_no_alarm_only_rules_on_changes_are_worth_judging_by_a_normal_reading() -> None:
    rules = _of_device(_rule("a-falls", _FALLS), _rule("b-low", _LOW_BATTERY), _rule("c-hot", _HOT))
    calm = {"battery_soc": 50, "battery_temperature_c": 20}
    over = _alarm(AlertStatus.RESOLVED)
    for _ in range(100):
        assert _ids(rules.worth_judging(calm, {})) == ["a-falls"]
        assert _ids(rules.worth_judging(calm, {"b-low": AlarmPoint(alert=over)})) == ["a-falls"]
        assert _ids(rules.worth_judging({**calm, "battery_soc": 10}, {})) == ["a-falls", "b-low"]


@pytest.mark.parametrize(
    "point",
    [
        AlarmPoint(holds=True),
        AlarmPoint(pending=Pending(began=_MOMENT, due=_NOON, timer=_NOON)),
        AlarmPoint(alert=_alarm(AlertStatus.ACTIVE)),
    ],
    ids=["the condition held", "a delay runs", "an alert lasts"],
)
def test_what_is_under_way_is_worth_judging_by_a_normal_reading(point: AlarmPoint) -> None:
    rules = _of_device(_rule("a-hot", _HOT), _rule("b-low", _LOW_BATTERY))
    for _ in range(100):
        calm = {"battery_soc": 50, "battery_temperature_c": 20}
        assert _ids(rules.worth_judging(calm, {"b-low": point})) == ["b-low"]


def test_where_one_rule_fails_all_are_worth_judging() -> None:
    rules = _of_device(_rule("a-divides", _DIVIDES), _rule("b-low", _LOW_BATTERY))
    for _ in range(100):
        metrics = {"consumption_kw": 1, "generation_kw": 0, "battery_soc": 50}
        assert _ids(rules.worth_judging(metrics, {})) == ["a-divides", "b-low"]


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(-40, 150)), min_size=1, max_size=100))
def test_the_fast_path_says_what_each_rule_says(values: list[tuple[float, float]]) -> None:
    rules = _of_device(
        _rule("a-low", _LOW_BATTERY),
        _rule("b-low", _LOW_BATTERY),
        _rule("c-hot", _HOT),
        _rule("d-falls", _FALLS),
    )
    # More often than it takes until the rules are compiled together.
    for soc, temperature in itertools.islice(itertools.cycle(values), 100):
        reading = {"battery_soc": soc, "battery_temperature_c": temperature}
        expected = [rule for rule in rules.judging(reading) if not rule.change_of and rule.enters(reading)]
        assert rules.entering(reading) == tuple(expected)


def test_a_rule_that_fails_is_named_among_others_that_do_not() -> None:
    rules = _of_device(
        _rule("always", {"type": "expression", "expression": "generation_kw > -1"}),
        _rule("divides", _DIVIDES),
    )
    for _ in range(100):
        assert _ids(rules.entering({"consumption_kw": 1, "generation_kw": 1})) == ["always"]
        with pytest.raises(RuleFailedError, match="rule divides, version 1"):
            rules.entering({"consumption_kw": 1, "generation_kw": 0})


def test_made_up_sets_of_metrics_do_not_fill_the_memory() -> None:
    rules = _of_device(_rule("hot", _HOT))
    for number in range(2_000):
        assert _ids(rules.entering({f"made-up-{number}": 1, "battery_temperature_c": 60})) == ["hot"]
    assert len(rules._by_metrics) <= 256


def test_a_rule_that_cannot_be_made_ready_is_named_and_leaves_the_others() -> None:
    bad = _rule("bad", {"type": "expression", "expression": "secret > 1"}, version=7)
    plan = RulePlan([bad, _rule("hot", _HOT)])
    assert [(failure.rule_id, failure.version) for failure in plan.failed] == [("bad", 7)]
    assert list(plan.for_device("village-1", "battery-1", "battery", None).by_id) == ["hot"]


def test_a_devices_own_message_means_the_rule_with_that_text() -> None:
    plan = RulePlan(
        [
            _rule("b-elsewhere", _HOT, message="Hot: 100 %", scope={"grid_id": "village-2"}),
            _rule("c-here", _HOT, message="Hot: 100 %"),
            _rule("d-braces", _HOT, message="{{hot}}"),
            _rule("e-template", _HOT, message="{battery_soc}"),
            _rule("f-off", _HOT, message="Off", enabled=False),
        ]
    )

    def meant(grid_id: str, message: str) -> str | None:
        rule = plan.with_message(grid_id, "battery-1", "battery", None, message)
        return rule.rule_id if rule else None

    assert meant("village-1", "Hot: 100 %") == "c-here"
    assert meant("village-2", "Hot: 100 %") == "b-elsewhere"
    assert meant("village-1", "{hot}") == "d-braces"
    assert meant("village-1", "{battery_soc}") is None
    assert meant("village-1", "Off") is None


def test_a_window_covers_its_start_but_not_its_end() -> None:
    plan = RulePlan([], [_window("w", 0, 2)])

    def over(at: datetime) -> MaintenanceWindow | None:
        return plan.window_over("village-1", "battery-1", None, at)

    assert over(_NOON - timedelta(microseconds=1)) is None
    assert over(_NOON) is not None
    assert over(_NOON + timedelta(hours=2)) is None


def test_windows_concern_a_grid_a_device_or_a_component() -> None:
    plan = RulePlan(
        [], [_window("late", -1, 2, device_id="battery-1"), _window("early", -2, 1, component="bank")]
    )

    def over(grid_id: str, device_id: str, component: str | None) -> str | None:
        window = plan.window_over(grid_id, device_id, component, _NOON)
        return window.window_id if window else None

    assert over("village-1", "battery-1", "bank") == "early"
    assert over("village-1", "battery-1", None) == "late"
    assert over("village-1", "battery-2", "bank") == "early"
    assert over("village-1", "battery-2", None) is None
    assert over("village-2", "battery-1", "bank") is None


def test_the_next_edge_is_that_of_a_devices_own_windows() -> None:
    plan = RulePlan([], [_window("a", 1, 4, device_id="battery-1"), _window("b", 2, 3, device_id="meter-1")])

    def edge(after_hours: int) -> datetime | None:
        return plan.next_window_edge("village-1", "battery-1", None, _NOON + timedelta(hours=after_hours))

    assert edge(0) == _NOON + timedelta(hours=1)
    assert edge(1) == _NOON + timedelta(hours=4)
    assert edge(4) is None
    assert plan.next_window_edge("village-2", "battery-1", None, _NOON) is None
