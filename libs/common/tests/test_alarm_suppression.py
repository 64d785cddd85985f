"""Alarms that say nothing new: a gateway that is down, maintenance; and the first one of a group."""

from libs.common.tests.alarm_world import (
    GATEWAY,
    HIGH,
    METER,
    NORMAL,
    World,
    at,
    link,
    load,
    load_rule,
    tick,
    window,
)

from microgrid_common.schemas.alarm_rule import AlarmRule
from microgrid_common.schemas.alert import AlarmState, SuppressionCause
from microgrid_common.schemas.device_link import LinkChange
from microgrid_common.transforms.alarms.actions import Acknowledge

CHILDREN = [f"meter-{number}" for number in range(50)]
PARENTS = dict.fromkeys(CHILDREN, GATEWAY)
DOWN, UP = LinkChange.DISCONNECTED, LinkChange.CONNECTED


def disconnected_rule(on_delay_seconds: float = 60) -> AlarmRule:
    condition = {"type": "disconnected"}
    return load_rule("lost", condition=condition, message="Lost.", on_delay_seconds=on_delay_seconds)


def states(world: World) -> dict[str, AlarmState]:
    return {alert.device_id: alert.state for alert in world.alerts.values()}


class TestParentDown:
    def test_only_the_gateway_is_told_and_its_children_are_released_a_minute_after_it(self) -> None:
        world = World([disconnected_rule()], parents=PARENTS)
        world.take(link(0, DOWN, GATEWAY), *(link(1, DOWN, child) for child in CHILDREN))
        assert len(world.pass_time(until=100)) == 51
        assert states(world) == {
            GATEWAY: AlarmState.UNACKNOWLEDGED,
            **dict.fromkeys(CHILDREN, AlarmState.SUPPRESSED),
        }
        assert world.take(link(600, UP, GATEWAY)) == ["cleared 1"]
        assert world.pass_time(until=659.9) == []
        assert set(states(world).values()) == {AlarmState.RETURNED_UNACKNOWLEDGED, AlarmState.SUPPRESSED}
        back = [link(630, UP, child) for child in CHILDREN[:49]]
        assert len(world.take(*back)) == 49
        [released] = world.pass_time(until=660)
        assert released.startswith("unsuppressed")
        assert states(world)[CHILDREN[49]] is AlarmState.UNACKNOWLEDGED
        assert world.timers == {}

    def test_children_that_were_told_before_are_put_aside(self) -> None:
        world = World([disconnected_rule()], parents={METER: GATEWAY})
        world.take(link(0, DOWN))
        assert world.pass_time(until=62) == ["raised 1"]
        world.act(Acknowledge(), 63, "lost")
        assert world.take(link(70, DOWN, GATEWAY)) == ["suppressed 1"]
        suppressed = world.alert().suppressed
        assert suppressed is not None
        assert suppressed.by == GATEWAY
        world.pass_time(until=200)
        world.take(link(300, UP, GATEWAY))
        assert world.pass_time(until=1_000) == ["unsuppressed 1"]
        assert world.alert().state is AlarmState.ACKNOWLEDGED

    def test_a_gateway_that_goes_again_within_the_minute_keeps_them_suppressed(self) -> None:
        world = World([disconnected_rule()], parents={METER: GATEWAY})
        world.take(link(0, DOWN, GATEWAY), link(1, DOWN))
        world.pass_time(until=100)
        world.take(link(600, UP, GATEWAY))
        world.take(link(630, DOWN, GATEWAY))
        assert world.pass_time(until=690) == []
        assert world.alert(2).state is AlarmState.SUPPRESSED
        world.take(link(700, UP, GATEWAY))
        assert "unsuppressed 2" in world.pass_time(until=760)

    def test_what_a_child_measured_says_something_new(self) -> None:
        world = World([load_rule()], parents={METER: GATEWAY})
        world.take(link(0, DOWN, GATEWAY), load(1, HIGH))
        assert world.alert().state is AlarmState.UNACKNOWLEDGED

    def test_maintenance_that_begins_meanwhile_goes_on_suppressing(self) -> None:
        world = World([disconnected_rule()], windows=[window(500, 5_000)], parents={METER: GATEWAY})
        world.take(link(0, DOWN, GATEWAY), link(1, DOWN))
        world.pass_time(until=600)
        world.take(link(600, UP, GATEWAY))
        world.pass_time(until=4_999)
        suppressed = world.alert(2).suppressed
        assert suppressed is not None
        assert (suppressed.cause, suppressed.by) == (SuppressionCause.MAINTENANCE, "works")
        assert world.pass_time(until=5_000) == ["unsuppressed 2"]


class TestAnotherGateway:
    """The registry says that a device reports through another gateway; the engine tells both, then it."""

    OTHER = "gateway-2"

    def lost_behind_its_gateway(self) -> World:
        world = World([disconnected_rule()], parents={METER: GATEWAY})
        world.take(link(0, DOWN, GATEWAY), link(1, DOWN))
        world.pass_time(until=100)
        assert world.alert(2).state is AlarmState.SUPPRESSED
        return world

    def test_what_is_lost_behind_one_that_is_up_is_told_at_once(self) -> None:
        world = self.lost_behind_its_gateway()
        world.parents = {METER: self.OTHER}
        assert world.take(tick(200, self.OTHER, GATEWAY), tick(200)) == ["unsuppressed 2"]
        assert world.timers == {}

    def test_so_it_is_without_any_gateway(self) -> None:
        world = self.lost_behind_its_gateway()
        world.parents = {}
        assert world.take(tick(200, GATEWAY), tick(200)) == ["unsuppressed 2"]

    def test_behind_another_one_that_is_down_it_goes_on_for_that_cause(self) -> None:
        world = self.lost_behind_its_gateway()
        world.take(link(150, DOWN, self.OTHER))
        world.parents = {METER: self.OTHER}
        assert world.take(tick(200, self.OTHER, GATEWAY), tick(200)) == ["suppressed 2"]
        world.take(link(300, UP, GATEWAY))
        assert "unsuppressed 2" not in world.pass_time(until=400)
        world.take(link(500, UP, self.OTHER))
        assert world.pass_time(until=560) == ["unsuppressed 2"]

    def test_what_was_told_is_put_aside_behind_one_that_is_down(self) -> None:
        world = World([disconnected_rule()])
        world.take(link(0, DOWN, GATEWAY), link(1, DOWN))
        world.pass_time(until=100)
        world.parents = {METER: GATEWAY}
        assert world.take(tick(200, GATEWAY), tick(200)) == ["suppressed 2"]
        world.take(link(300, UP, GATEWAY))
        assert world.pass_time(until=360) == ["unsuppressed 2"]

    def test_one_that_came_back_without_children_suppresses_nothing_when_it_has_one_again(self) -> None:
        world = self.lost_behind_its_gateway()
        world.parents = {}
        world.take(link(300, UP, GATEWAY), link(300, UP))
        world.parents = {METER: GATEWAY}
        world.take(tick(400, GATEWAY), tick(400), link(500, DOWN))
        assert world.pass_time(until=600) == ["raised 3"]
        assert world.alert(3).state is AlarmState.UNACKNOWLEDGED

    def test_one_that_is_down_without_children_is_not_remembered_as_such(self) -> None:
        world = self.lost_behind_its_gateway()
        world.parents = {}
        world.take(tick(200, GATEWAY))
        assert world.grid.down == {}


class TestMaintenance:
    def test_an_alarm_is_put_aside_while_a_window_lasts(self) -> None:
        world = World([load_rule()], windows=[window(100, 200)])
        world.take(load(0, HIGH))
        assert world.timers == {METER: at(100)}
        assert world.pass_time(until=199) == ["suppressed 1"]
        assert world.alert().state is AlarmState.SUPPRESSED
        assert world.pass_time(until=200) == ["unsuppressed 1"]
        assert world.alert().state is AlarmState.UNACKNOWLEDGED
        assert world.timers == {}

    def test_one_that_begins_in_it_is_born_suppressed_and_one_that_ends_in_it_needs_nobody(self) -> None:
        world = World([load_rule()], windows=[window(100, 200)])
        assert world.take(load(100, HIGH)) == ["raised 1"]
        assert world.alert().state is AlarmState.SUPPRESSED
        assert world.take(load(150, NORMAL)) == ["cleared 1"]
        assert world.alert().state is AlarmState.NORMAL
        assert world.alert().hidden_at_end

    def test_the_end_is_no_part_of_it(self) -> None:
        world = World([load_rule()], windows=[window(100, 200)])
        world.take(load(200, HIGH))
        assert world.alert().state is AlarmState.UNACKNOWLEDGED

    def test_windows_that_overlap_are_one(self) -> None:
        world = World([load_rule()], windows=[window(100, 200), window(150, 300, "more")])
        world.take(load(0, HIGH))
        world.pass_time(until=299)
        assert world.alert().state is AlarmState.SUPPRESSED
        assert world.pass_time(until=300) == ["unsuppressed 1"]

    def test_a_backlog_from_before_it_ended_does_not_put_aside_again(self) -> None:
        world = World([load_rule()], windows=[window(100, 200)])
        world.take(load(0, HIGH))
        world.pass_time(until=200)
        assert world.take(load(150, HIGH)) == []
        assert world.alert().state is AlarmState.UNACKNOWLEDGED


class TestFirstOut:
    def test_the_first_is_marked_and_the_others_name_it_until_all_have_ended(self) -> None:
        rules = [load_rule("a", first_out_group="supply"), load_rule("b", first_out_group="supply")]
        world = World(rules)
        world.take(load(0, HIGH, "meter-1"))
        world.take(load(1, HIGH, "meter-2"))
        first = world.alert(1)
        assert first.first_out
        assert [world.alert(number).first_out_id for number in (2, 3, 4)] == [first.id] * 3
        assert not any(world.alert(number).first_out for number in (2, 3, 4))
        world.take(load(2, NORMAL, "meter-1"))
        world.take(load(3, HIGH, "meter-3"))
        assert world.alert(5).first_out_id == first.id
        world.take(load(4, NORMAL, "meter-2"), load(4, NORMAL, "meter-3"))
        assert world.grid.groups == {}
        world.take(load(5, HIGH, "meter-1"))
        assert world.alert(7).first_out

    def test_what_is_put_aside_is_no_cause(self) -> None:
        world = World([load_rule(first_out_group="supply")], windows=[window(0, 10, device_id="meter-1")])
        world.take(load(0, HIGH, "meter-1"))
        world.take(load(1, HIGH, "meter-2"))
        assert not world.alert(1).first_out
        assert world.alert(2).first_out


class TestChattering:
    def test_from_the_third_episode_in_ten_minutes_an_alarm_lasts_longer(self) -> None:
        world = World([load_rule()])
        for second in (0, 20, 40):
            world.take(load(second, HIGH), load(second + 10, NORMAL))
        assert [world.alert(number).added_delay_seconds for number in (1, 2, 3)] == [0, 0, 60]
        assert world.alert(3).chattering
        assert world.alert(3).cleared_at is None
        assert world.take(load(60, HIGH), load(70, NORMAL), load(129, NORMAL)) == []
        assert world.pass_time(until=200) == ["cleared 3"]
        assert world.alert(3).cleared_at == at(130)

    def test_slower_ones_do_not(self) -> None:
        world = World([load_rule()])
        for second in range(0, 3_000, 300):
            world.take(load(second, HIGH), load(second + 10, NORMAL))
        assert not any(alert.chattering for alert in world.alerts.values())

    def test_it_doubles_up_to_half_an_hour_and_ends_an_hour_after_the_last(self) -> None:
        world = World([load_rule()])
        second, added = 0.0, []
        for _ in range(30):
            world.take(load(second, HIGH), load(second + 1, NORMAL))
            [*_, newest] = world.alerts.values()
            added.append(newest.added_delay_seconds)
            second += 2 + newest.added_delay_seconds
            world.pass_time(until=second)
        assert added[:10] == [0, 0, 60, 60, 60, 120, 120, 120, 240, 240]
        assert max(added) <= 1_800
        world.take(load(second + 3_600, HIGH), load(second + 3_601, NORMAL))
        [*_, last] = world.alerts.values()
        assert not last.chattering
        assert last.cleared_at == at(second + 3_601)

    def test_a_rule_can_do_without(self) -> None:
        world = World([load_rule(chattering_delay=False)])
        for second in range(0, 60, 2):
            assert "cleared" in world.take(load(second, HIGH), load(second + 1, NORMAL))[-1]
        assert not any(alert.chattering for alert in world.alerts.values())


def test_a_tick_that_comes_twice_does_nothing() -> None:
    world = World([load_rule(on_delay_seconds=60)], windows=[window(100, 200)])
    world.take(load(0, HIGH))
    world.pass_time(until=200)
    before = list(world.events)
    world.take(tick(62), tick(100), tick(200), tick(62))
    assert world.events == before
