"""Rules and maintenance windows that change, also while no engine runs: what becomes of the alarms."""

from typing import Any

import pytest
from services.alert_engine.tests.engine_world import HIGH_KW, NORMAL_KW, STREAM, World, at, load

from microgrid_common.ports.alert_records import LARGEST_PAGE
from microgrid_common.ports.errors import RetryableError
from microgrid_common.runtime.alarm_desk import AlarmDesk
from microgrid_common.schemas.alarm_rule import AlarmRule, AlarmRuleDraft, ExpressionCondition
from microgrid_common.schemas.alert import AlarmState, Alert, Severity
from microgrid_common.schemas.identifiers import PLATFORM_GRID_ID
from microgrid_common.schemas.maintenance import MaintenanceWindow
from microgrid_common.schemas.tick import Tick
from microgrid_common.testing.samples import put_alerts, sample_record
from microgrid_common.transforms.alarms.actions import Action, Shelve, TakeOutOfService

LOAD = "load-abnormality"
PLATFORM_ALERT = "alert-platform-1"
SHELVE = Shelve(until=at(9_000), reason="known")
OUT = TakeOutOfService(reason="broken")
ASIDE: list[Action | None] = [None, SHELVE, OUT]

FAILING = AlarmRuleDraft(
    rule_id="ratio",
    name="Ratio",
    condition=ExpressionCondition(expression="generation_kw / consumption_kw > 2"),
    severity=Severity.WARNING,
    message="Much more is generated than used.",
)


@pytest.fixture
async def world() -> World:
    world = World()
    await world.start()
    return world


def window(start: float, end: float, window_id: str = "works", **fields: Any) -> MaintenanceWindow:
    rest = {"window_id": window_id, "grid_id": "default", "reason": "New cells.", "by": "amina"}
    return MaintenanceWindow.model_validate({**rest, "start": at(start), "end": at(end), **fields})


async def rule_of(world: World, rule_id: str = LOAD) -> AlarmRule:
    return next(rule for rule in (await world.rules.book()).rules if rule.rule_id == rule_id)


async def change(world: World, rule_id: str = LOAD, **changed: Any) -> None:
    """An operator stores another version of a rule."""
    rule = await rule_of(world, rule_id)
    fields = rule.model_dump(include=set(AlarmRuleDraft.model_fields))
    await world.rules.put(AlarmRuleDraft.model_validate(fields | changed), expected_version=rule.version)


async def act(world: World, action: Action | None, alert_id: str = "alert-1") -> None:
    if action is not None:
        await AlarmDesk(world.states, world.records, lambda: world.now).act(alert_id, action, by="amina")


async def follow(world: World) -> None:
    """What an engine does within a second."""
    await world.watch.refresh()
    await world.settle()


def state(world: World, alert_id: str = "alert-1") -> AlarmState:
    return world.states.alerts[alert_id].state


def ticks(world: World) -> list[Tick]:
    return [
        Tick.model_validate_json(entry.data) for entry in world.log.streams[STREAM] if entry.kind == "tick"
    ]


class TestRules:
    @pytest.mark.parametrize("action", ASIDE, ids=["annunciated", "shelved", "out of service"])
    @pytest.mark.parametrize("runs", [True, False], ids=["running", "started later"])
    async def test_the_alert_of_a_deleted_rule_ends_at_once(
        self, world: World, action: Action | None, *, runs: bool
    ) -> None:
        await world.take(load(0, HIGH_KW))
        await act(world, action)
        await world.rules.remove(LOAD, expected_version=1)
        if not runs:
            await world.start()
        await follow(world)
        assert world.states.alerts["alert-1"].cleared_at == world.now

    @pytest.mark.parametrize("action", ASIDE, ids=["annunciated", "shelved", "out of service"])
    @pytest.mark.parametrize(
        "changed",
        [{"enabled": False}, {"scope": {"device_type": "battery"}}],
        ids=["disabled", "not for it any more"],
    )
    async def test_so_does_that_of_a_rule_that_is_not_for_its_device_any_more(
        self, world: World, action: Action | None, changed: dict[str, Any]
    ) -> None:
        await world.take(load(0, HIGH_KW))
        await act(world, action)
        await change(world, **changed)
        await follow(world)
        assert world.states.alerts["alert-1"].cleared_at == world.now

    async def test_so_does_one_that_maintenance_suppresses(self, world: World) -> None:
        await world.rules.put_window(window(0, 9_000))
        await follow(world)
        await world.take(load(0, HIGH_KW))
        assert state(world) is AlarmState.SUPPRESSED
        await world.rules.remove(LOAD, expected_version=1)
        await follow(world)
        assert world.states.alerts["alert-1"].hidden_at_end

    async def test_one_whose_rule_still_holds_lasts_through_a_change(self, world: World) -> None:
        await world.take(load(0, HIGH_KW))
        await change(world, severity="critical")
        await follow(world)
        assert world.transitions == ["raised"]
        await change(world, condition={"type": "expression", "expression": "consumption_kw > 99"})
        await follow(world)
        await world.take(load(1, HIGH_KW))
        assert world.transitions == ["raised", "cleared"]

    async def test_alerts_of_other_rules_are_left_alone(self, world: World) -> None:
        await world.take(load(0, HIGH_KW))
        await world.rules.remove("solar-output-low", expected_version=1)
        await follow(world)
        assert (ticks(world), world.transitions) == ([], ["raised"])

    async def test_what_could_not_be_told_is_told_the_next_time(self, world: World) -> None:
        await world.take(load(0, HIGH_KW))
        await world.rules.remove(LOAD, expected_version=1)
        world.records.fail_next(ValueError("a record that cannot be read"))
        with pytest.raises(ValueError, match="cannot be read"):
            await world.watch.refresh()
        await follow(world)
        assert world.transitions == ["raised", "cleared"]

    async def test_what_cannot_be_told_holds_up_neither_rules_nor_windows(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def unreadable() -> list[Alert]:
            raise ValueError("a record that cannot be read")

        monkeypatch.setattr(world.records, "put_aside_alerts", unreadable)
        await world.rules.put_window(window(0, 100))
        await change(world, condition={"type": "expression", "expression": "consumption_kw > 99"})
        await world.take(load(0, HIGH_KW))
        with pytest.raises(ValueError, match="cannot be read"):
            await world.watch.refresh()
        await world.take(load(1, HIGH_KW))
        assert world.transitions == ["raised", "suppressed", "cleared"]

    async def test_while_the_store_is_away_the_rules_stay_in_force(self, world: World) -> None:
        world.rules.fail_next(RetryableError("away"), times=2)
        await follow(world)
        await world.take(load(0, HIGH_KW))
        assert world.transitions == ["raised"]


class TestFailures:
    async def test_a_failure_that_nobody_was_told_of_before_a_crash_is_told_at_the_next_start(
        self, world: World
    ) -> None:
        await world.rules.put(FAILING, expected_version=None)
        await world.rules.disable("ratio", version=1, because="division by zero")
        await world.start()
        alert = world.states.alerts[PLATFORM_ALERT]
        assert (alert.grid_id, alert.rule_id) == (PLATFORM_GRID_ID, "rule-failed-ratio")
        assert "division by zero" in alert.recommended_action
        await world.start()
        assert world.transitions == ["raised"]

    @pytest.mark.parametrize("action", ASIDE, ids=["annunciated", "shelved", "out of service"])
    async def test_what_was_told_of_it_ends_when_the_rule_is_mended(
        self, world: World, action: Action | None
    ) -> None:
        await world.rules.put(FAILING, expected_version=None)
        await world.rules.disable("ratio", version=1, because="division by zero")
        await follow(world)
        await act(world, action, PLATFORM_ALERT)
        await change(world, "ratio", condition={"type": "expression", "expression": "generation_kw > 2"})
        await follow(world)
        assert world.states.alerts[PLATFORM_ALERT].cleared_at == world.now

    async def test_so_it_does_when_somebody_disables_the_rule(self, world: World) -> None:
        await world.rules.put(FAILING, expected_version=None)
        await world.rules.disable("ratio", version=1, because="division by zero")
        await follow(world)
        await change(world, "ratio", enabled=False)
        await follow(world)
        assert world.states.alerts[PLATFORM_ALERT].cleared_at == world.now

    async def test_and_when_it_is_deleted(self, world: World) -> None:
        await world.rules.put(FAILING, expected_version=None)
        await world.rules.disable("ratio", version=1, because="division by zero")
        await follow(world)
        await world.rules.remove("ratio", expected_version=1)
        await follow(world)
        assert world.states.alerts[PLATFORM_ALERT].cleared_at == world.now


class TestMaintenance:
    async def test_a_window_suppresses_from_its_beginning_to_its_end(self, world: World) -> None:
        await world.take(load(0, HIGH_KW))
        await world.rules.put_window(window(100, 200))
        await world.pass_time(until=99)
        assert state(world) is AlarmState.UNACKNOWLEDGED
        await world.pass_time(until=100)
        assert state(world) is AlarmState.SUPPRESSED
        await world.pass_time(until=199)
        assert state(world) is AlarmState.SUPPRESSED
        await world.pass_time(until=200)
        assert state(world) is AlarmState.UNACKNOWLEDGED
        assert world.history[-1][-1] == at(200)

    async def test_it_concerns_no_other_device_and_no_other_grid(self, world: World) -> None:
        alerts = load(0, HIGH_KW), load(0, HIGH_KW, "other"), load(0, HIGH_KW, grid_id="town")
        await world.take(*alerts)
        await world.rules.put_window(window(0, 200, device_id="meter"))
        await follow(world)
        assert [(event.transition, event.alert.id) for event in world.states.events[3:]] == [
            ("suppressed", "alert-1")
        ]

    @pytest.mark.parametrize("runs", [True, False], ids=["running", "started later"])
    async def test_what_a_deleted_window_suppressed_comes_back_at_once(
        self, world: World, *, runs: bool
    ) -> None:
        await world.take(load(0, HIGH_KW))
        await world.rules.put_window(window(0, 9_000))
        await follow(world)
        assert state(world) is AlarmState.SUPPRESSED
        await world.rules.remove_window("default", "works")
        if not runs:
            await world.start()
        await follow(world)
        assert state(world) is AlarmState.UNACKNOWLEDGED

    @pytest.mark.parametrize("runs", [True, False], ids=["running", "started later"])
    async def test_one_that_is_cut_short_ends_then(self, world: World, *, runs: bool) -> None:
        await world.take(load(0, HIGH_KW))
        await world.rules.put_window(window(0, 9_000))
        await follow(world)
        await world.rules.put_window(window(0, 300))
        if not runs:
            await world.start()
        await follow(world)
        assert state(world) is AlarmState.SUPPRESSED
        await world.pass_time(until=300)
        assert state(world) is AlarmState.UNACKNOWLEDGED

    async def test_one_that_began_while_no_engine_ran_suppresses(self, world: World) -> None:
        await world.take(load(0, HIGH_KW))
        await world.rules.put_window(window(100, 9_000))
        world.now = at(150)
        await world.start()
        await world.settle()
        assert state(world) is AlarmState.SUPPRESSED

    async def test_of_two_windows_the_other_one_goes_on_when_one_is_deleted(self, world: World) -> None:
        await world.take(load(0, HIGH_KW))
        await world.rules.put_window(window(0, 9_000, "first"))
        await world.rules.put_window(window(0, 500, "second"))
        await follow(world)
        await world.rules.remove_window("default", "first")
        await world.start()
        await world.settle()
        suppressed = world.states.alerts["alert-1"].suppressed
        assert suppressed is not None
        assert suppressed.by == "second"
        assert world.transitions == ["raised", "suppressed", "suppressed"]

    async def test_an_alert_that_ends_within_is_no_more_than_that(self, world: World) -> None:
        await world.take(load(0, HIGH_KW))
        await world.rules.put_window(window(0, 100))
        await follow(world)
        await world.take(load(1, NORMAL_KW))
        await world.pass_time(until=100)
        assert world.transitions == ["raised", "suppressed", "cleared"]

    async def test_all_its_devices_are_told_however_many(self, world: World) -> None:
        devices = [f"meter-{number}" for number in range(LARGEST_PAGE + 1)]
        alerts = [
            sample_record(at(0), number=number, device_id=name) for number, name in enumerate(devices, 1)
        ]
        await put_alerts(world.states, *alerts, tell=False)
        await world.rules.put_window(window(0, 100))
        await world.watch.refresh()
        told = [device_id for tick in ticks(world) for device_id in tick.device_ids]
        assert sorted(told) == sorted(devices)

    async def test_nobody_is_told_while_nothing_changes(self, world: World) -> None:
        await world.take(load(0, HIGH_KW))
        await world.rules.put_window(window(0, 100))
        await follow(world)
        told = ticks(world)
        await follow(world)
        await world.pass_time(until=50)
        assert ticks(world) == told
