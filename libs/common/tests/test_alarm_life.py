"""The rows of the table in `docs/alarms.md`: what happens to an alarm, and how it is told."""

from typing import Any

import pytest
from libs.common.tests.alarm_world import (
    HIGH,
    LOAD_MESSAGE,
    METER,
    NORMAL,
    World,
    at,
    load,
    load_rule,
    notice,
    reading,
    tick,
)
from msgspec.structs import replace

from microgrid_common.schemas.alert import AlarmState
from microgrid_common.schemas.reading import Flag
from microgrid_common.transforms.alarms.actions import (
    Acknowledge,
    Action,
    ActionRefusedError,
    AddNote,
    Assign,
    Clear,
    ReturnToService,
    Shelve,
    TakeOutOfService,
    Unshelve,
)

SHELVE = Shelve(until=at(3_600), reason="Known.")
OUT = TakeOutOfService("The sensor is broken.")


def raised(**fields: Any) -> World:
    """A world whose load alarm was raised at 0 s."""
    world = World([load_rule(**fields)])
    assert world.take(load(0, HIGH)) == ["raised 1"]
    return world


def state(world: World, number: int = 1) -> AlarmState:
    return world.alert(number).state


class TestAcknowledging:
    def test_an_acknowledged_alarm_ends_with_its_condition(self) -> None:
        world = raised()
        assert world.act(Acknowledge(), 1) == ["acknowledged 1"]
        assert state(world) is AlarmState.ACKNOWLEDGED
        assert (world.alert().acknowledged_by, world.alert().acknowledged_at) == ("amina", at(1))
        assert world.take(load(2, NORMAL)) == ["cleared 1"]
        assert state(world) is AlarmState.NORMAL
        assert world.take(load(3, HIGH)) == ["raised 2"]

    def test_one_that_is_over_waits_for_it(self) -> None:
        world = raised()
        world.take(load(1, NORMAL))
        assert state(world) is AlarmState.RETURNED_UNACKNOWLEDGED
        assert world.act(Acknowledge("Seen."), 2) == ["noted 1", "acknowledged 1"]
        assert state(world) is AlarmState.NORMAL
        assert [note.text for note in world.alert().notes] == ["Seen."]

    def test_or_gives_way_to_the_next_episode(self) -> None:
        world = raised()
        assert world.take(load(1, NORMAL), load(2, HIGH)) == ["cleared 1", "superseded 1", "raised 2"]
        assert state(world) is AlarmState.NORMAL
        assert world.alert().superseded_by == world.alert(2).id
        assert state(world, 2) is AlarmState.UNACKNOWLEDGED

    def test_the_second_one_changes_nothing(self) -> None:
        world = raised()
        world.act(Acknowledge(), 1)
        assert world.act(Acknowledge(), 2) == []


class TestLatching:
    def test_it_lasts_until_it_is_acknowledged(self) -> None:
        world = raised(latching=True, off_delay_seconds=10)
        assert world.take(load(1, NORMAL), load(12, NORMAL)) == ["returned 1"]
        assert state(world) is AlarmState.UNACKNOWLEDGED
        assert world.alert().returned_at == at(11)
        assert world.take(load(13, NORMAL)) == []
        assert world.act(Acknowledge(), 20) == ["acknowledged 1", "cleared 1"]
        assert state(world) is AlarmState.NORMAL

    def test_when_its_condition_comes_back_it_is_the_same_record(self) -> None:
        world = raised(latching=True)
        world.take(load(1, NORMAL))
        assert world.take(load(2, HIGH)) == []
        assert world.alert().returned_at is None
        assert world.take(load(3, NORMAL)) == ["returned 1"]
        assert world.alert().returned_at == at(3)

    def test_an_acknowledged_one_ends_with_its_condition(self) -> None:
        world = raised(latching=True)
        world.act(Acknowledge(), 1)
        assert world.take(load(2, NORMAL)) == ["cleared 1"]
        assert state(world) is AlarmState.NORMAL


class TestShelving:
    def test_it_is_put_aside_and_taken_back_as_it_was(self) -> None:
        world = raised()
        world.act(Acknowledge(), 1)
        assert world.act(SHELVE, 2) == ["shelved 1"]
        assert state(world) is AlarmState.SHELVED
        assert world.timers == {METER: at(3_600)}
        assert world.act(Unshelve(), 3) == ["unshelved 1"]
        assert state(world) is AlarmState.ACKNOWLEDGED
        assert world.timers == {}

    def test_when_its_time_is_over_it_is_told_anew(self) -> None:
        world = raised()
        world.act(Acknowledge(), 1)
        world.act(SHELVE, 2)
        assert world.pass_time(until=3_599) == []
        assert world.pass_time(until=3_600) == ["unshelved 1"]
        assert state(world) is AlarmState.UNACKNOWLEDGED
        assert world.events[-1].by is None

    def test_one_that_ends_meanwhile_needs_nobody_and_the_next_one_is_born_shelved(self) -> None:
        world = raised()
        world.act(SHELVE, 1)
        assert world.take(load(2, NORMAL)) == ["cleared 1"]
        assert state(world) is AlarmState.NORMAL
        assert world.take(load(3, HIGH)) == ["raised 2"]
        assert state(world, 2) is AlarmState.SHELVED
        assert world.pass_time(until=3_600) == ["unshelved 2"]
        assert state(world, 2) is AlarmState.UNACKNOWLEDGED

    def test_what_is_shelved_and_over_is_forgotten_with_its_time(self) -> None:
        world = raised()
        world.act(SHELVE, 1)
        world.take(load(2, NORMAL))
        assert world.pass_time(until=3_600) == []
        assert world.take(load(3_601, HIGH)) == ["raised 2"]
        assert state(world, 2) is AlarmState.UNACKNOWLEDGED

    def test_it_can_be_changed_but_not_into_the_past(self) -> None:
        world = raised()
        world.act(SHELVE, 1)
        assert world.act(Shelve(until=at(60), reason="Shorter."), 2) == ["shelved 1"]
        assert world.timers == {METER: at(60)}
        with pytest.raises(ActionRefusedError):
            world.act(Shelve(until=at(3), reason="Late."), 3)


class TestOutOfService:
    def test_it_lasts_over_episodes_until_somebody_puts_it_back(self) -> None:
        world = raised()
        assert world.act(OUT, 1) == ["taken_out_of_service 1"]
        assert state(world) is AlarmState.OUT_OF_SERVICE
        assert world.act(OUT, 2) == []
        assert world.take(load(3, NORMAL), load(4, HIGH)) == ["cleared 1", "raised 2"]
        assert state(world, 2) is AlarmState.OUT_OF_SERVICE
        assert world.act(ReturnToService(), 5) == ["returned_to_service 2"]
        assert state(world, 2) is AlarmState.UNACKNOWLEDGED

    def test_it_goes_before_being_shelved(self) -> None:
        world = raised()
        world.act(SHELVE, 1)
        world.act(OUT, 2)
        assert state(world) is AlarmState.OUT_OF_SERVICE
        world.act(ReturnToService(), 3)
        assert state(world) is AlarmState.SHELVED


class TestClearingByHand:
    def test_not_while_a_rule_says_that_it_lasts(self) -> None:
        with pytest.raises(ActionRefusedError, match="still holds"):
            raised().act(Clear(), 1)

    def test_a_devices_own_message_can_be_cleared_and_come_again(self) -> None:
        world = World()
        world.take(notice(0, "Door open"))
        rule_id = world.alert().rule_id
        assert world.act(Clear(), 1, rule_id) == ["cleared 1"]
        assert state(world) is AlarmState.NORMAL
        assert world.timers == {}
        assert world.take(notice(2, "Door open")) == ["raised 2"]


@pytest.mark.parametrize("action", [SHELVE, Unshelve(), Clear(), OUT, ReturnToService()])
def test_what_is_over_cannot_be_put_aside(action: Action) -> None:
    world = raised()
    world.take(load(1, NORMAL))
    with pytest.raises(ActionRefusedError):
        world.act(action, 2)


def test_notes_and_who_looks_after_it_change_no_state() -> None:
    world = raised()
    assert world.act(AddNote("On my way."), 1) == ["noted 1"]
    assert world.act(Assign("joseph"), 2) == ["assigned 1"]
    assert world.act(Assign("joseph"), 3) == []
    assert world.act(Assign(None), 4) == ["assigned 1"]
    assert state(world) is AlarmState.UNACKNOWLEDGED
    for second in range(99):
        world.act(AddNote("And again."), 5 + second)
    with pytest.raises(ActionRefusedError, match="100 notes"):
        world.act(AddNote("Too many."), 200)


class TestRules:
    def test_the_alarm_of_a_rule_that_is_withdrawn_ends_with_the_next_tick(self) -> None:
        world = raised(on_delay_seconds=0)
        world.set_rules()
        assert world.take(tick(5)) == ["cleared 1"]
        assert state(world) is AlarmState.RETURNED_UNACKNOWLEDGED
        assert world.timers == {}

    def test_nor_does_its_delay_raise_any_more(self) -> None:
        world = World([load_rule(on_delay_seconds=60)])
        world.take(load(0, HIGH))
        world.set_rules()
        assert world.pass_time(until=3_600) == []
        assert world.timers == {}

    def test_withdrawn_while_a_devices_notice_was_about_to_end_it(self) -> None:
        world = World([load_rule(off_delay_seconds=60)])
        assert world.take(notice(0)) == ["raised 1"]
        world.take(load(10, NORMAL))
        world.set_rules()
        assert world.pass_time(until=3_600) == ["cleared 1"]
        assert world.timers == {}

    def test_a_rule_that_no_longer_concerns_the_device_is_as_good_as_withdrawn(self) -> None:
        world = World([load_rule(scope={"device_type": "unregistered"})])
        world.take(load(0, HIGH))
        happened = world.take(replace(load(1, HIGH), device_type="meter"))
        assert [*happened, *world.pass_time(until=60)] == ["cleared 1"]

    def test_one_that_divides_by_zero_leaves_the_others_running(self) -> None:
        condition = {"type": "expression", "expression": "consumption_kw / generation_kw > 2"}
        world = World([load_rule("a-divides", condition=condition), load_rule()])
        assert world.take(reading(0, consumption_kw=HIGH, generation_kw=0)) == ["raised 1"]
        assert world.alert().rule_id == "load"
        assert list(world.failures) == ["a-divides"]
        assert world.take(load(1, NORMAL)) == ["cleared 1"]


def test_readings_of_uncertain_quality_count_only_for_rules_that_take_them() -> None:
    world = World([load_rule("any"), load_rule("good", minimum_quality="good")])
    uncertain = reading(0, flags=(Flag.CLOCK_REPLACED,), consumption_kw=HIGH)
    assert world.take(uncertain) == ["raised 1"]
    assert world.alert().rule_id == "any"
    assert world.take(reading(1, flags=(Flag.NUMBER_FROM_TEXT,), consumption_kw=HIGH)) == ["raised 2"]
    assert world.alert(2).rule_id == "good"
    assert world.alert(2).message == LOAD_MESSAGE
