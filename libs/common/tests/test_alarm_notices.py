"""What a device says by itself, and what silence of a metric or a link says."""

import pytest
from libs.common.tests.alarm_world import (
    HIGH,
    LOAD_MESSAGE,
    METER,
    NORMAL,
    QUIET,
    World,
    at,
    link,
    load,
    load_rule,
    notice,
    reading,
    tick,
    window,
)

from microgrid_common.schemas.alert import AlarmState, AlertSource, Severity
from microgrid_common.schemas.device_link import LinkChange
from microgrid_common.transforms.alarms.actions import Acknowledge
from microgrid_common.transforms.alarms.noticed import rule_id_of_message

DOOR_OPEN = "Door open"
QUIET_SECONDS = QUIET.total_seconds()


@pytest.fixture
def world() -> World:
    return World([load_rule()])


class TestNoticesAndReadings:
    def test_a_notice_of_a_known_rule_is_that_rules_alert(self, world: World) -> None:
        assert world.take(notice(0)) == ["raised 1"]
        alert = world.alert()
        assert (alert.rule_id, alert.rule_version, alert.source) == ("load", 1, AlertSource.DEVICE)
        assert world.take(load(1, HIGH)) == []
        assert world.take(load(2, NORMAL)) == ["cleared 1"]

    def test_a_notice_after_the_reading_that_it_is_about_adds_nothing(self, world: World) -> None:
        world.take(load(0, HIGH))
        assert world.take(notice(0)) == []

    def test_a_notice_that_the_newest_reading_contradicts_does_not_raise(self, world: World) -> None:
        world.take(load(0, HIGH), load(1, NORMAL))
        assert world.take(notice(1), notice(2)) == []

    def test_a_reading_of_long_ago_contradicts_nothing(self, world: World) -> None:
        world.take(load(0, NORMAL))
        assert world.take(notice(QUIET_SECONDS - 1)) == []
        assert world.take(notice(QUIET_SECONDS)) == ["raised 1"]

    def test_a_notice_that_no_rule_knows_has_an_identity_of_its_own(self, world: World) -> None:
        assert world.take(notice(0, DOOR_OPEN), notice(1, DOOR_OPEN)) == ["raised 1"]
        assert world.take(notice(2, "Door closed")) == ["raised 2"]
        alert = world.alert()
        assert (alert.rule_id, alert.message) == (rule_id_of_message(DOOR_OPEN), DOOR_OPEN)
        assert (alert.type, alert.severity, alert.raised_at) == ("notice", Severity.WARNING, at(0))

    def test_a_notice_raises_without_the_rules_delay(self) -> None:
        world = World([load_rule(on_delay_seconds=60)])
        world.take(load(-QUIET_SECONDS, HIGH))
        assert world.take(notice(0)) == ["raised 1"]

    def test_a_latching_alarm_that_had_returned_lasts_again(self) -> None:
        world = World([load_rule(latching=True)])
        world.take(load(0, HIGH), load(1, NORMAL))
        assert world.take(notice(1 + QUIET_SECONDS)) == []
        assert world.alert().returned_at is None


class TestQuiet:
    def test_an_alert_that_rests_on_notices_ends_after_the_quiet_period(self, world: World) -> None:
        world.take(notice(0, DOOR_OPEN))
        assert world.timers == {METER: at(QUIET_SECONDS)}
        assert world.take(tick(QUIET_SECONDS - 0.1)) == []
        assert world.take(tick(QUIET_SECONDS)) == ["cleared 1"]
        assert world.timers == {}

    def test_a_repetition_begins_the_quiet_period_anew(self, world: World) -> None:
        world.take(notice(0, DOOR_OPEN), notice(500, DOOR_OPEN))
        assert world.pass_time(until=1_099) == []
        assert world.pass_time(until=1_100) == ["cleared 1"]

    def test_a_known_rules_alert_ends_so_too_when_no_reading_ever_comes(self, world: World) -> None:
        world.take(notice(0), reading(1, battery_soc=50))
        assert world.pass_time(until=QUIET_SECONDS) == ["cleared 1"]

    def test_once_a_reading_confirms_it_only_a_reading_ends_it(self, world: World) -> None:
        world.take(notice(0), load(1, HIGH))
        assert world.take(tick(9_999)) == []
        assert world.take(load(10_000, NORMAL)) == ["cleared 1"]

    def test_silence_never_ends_what_a_reading_raised(self, world: World) -> None:
        world.take(load(0, HIGH), notice(1))
        assert world.take(tick(9_999)) == []

    def test_one_that_comes_twice_after_its_alarm_has_ended_is_no_new_one(self, world: World) -> None:
        world.take(notice(0, DOOR_OPEN))
        world.act(Acknowledge(), 1, rule_id_of_message(DOOR_OPEN))
        assert world.pass_time(until=QUIET_SECONDS) == ["cleared 1"]
        assert world.alert().state is AlarmState.NORMAL
        assert world.take(notice(0, DOOR_OPEN)) == []
        assert world.take(notice(QUIET_SECONDS + 1, DOOR_OPEN)) == ["raised 2"]

    def test_one_in_maintenance_is_born_suppressed(self) -> None:
        world = World(windows=[window(0, 60)])
        world.take(notice(0, DOOR_OPEN))
        assert world.alert().state is AlarmState.SUPPRESSED
        assert world.pass_time(until=60) == ["unsuppressed 1"]

    def test_made_up_messages_do_not_fill_the_memory(self, world: World) -> None:
        for second in range(200):
            world.take(notice(second, f"Message {second}"))
        assert len(world.pass_time(until=10_000)) == 200
        assert len(world.device().noticed) < 200


class TestSilentMetrics:
    RULE = load_rule(
        "silent",
        condition={"type": "no_data", "metric": "battery_soc", "after_seconds": 60},
        message="Silent.",
    )

    def test_a_metric_that_falls_silent_raises_by_tick_and_ends_when_it_is_heard(self) -> None:
        world = World([self.RULE])
        world.take(reading(0, battery_soc=50), load(30, NORMAL))
        assert world.timers == {METER: at(60)}
        assert world.pass_time(until=59) == []
        assert world.pass_time(until=60) == ["raised 1"]
        assert world.timers == {}
        assert world.take(load(70, NORMAL)) == []
        assert world.take(reading(80, battery_soc=50)) == ["cleared 1"]
        assert world.timers == {METER: at(140)}

    def test_a_tick_that_comes_late_tells_all_that_was_over_by_then(self) -> None:
        world = World([self.RULE.model_copy(update={"on_delay_seconds": 30})])
        world.take(reading(0, battery_soc=50))
        assert world.take(tick(700)) == ["raised 1"]
        assert world.alert().raised_at == at(90)
        assert world.timers == {}

    def test_one_that_was_never_heard_is_not_missed(self) -> None:
        world = World([self.RULE])
        world.take(load(0, NORMAL))
        assert world.timers == {}
        assert world.take(tick(9_999)) == []


class TestLinks:
    LOST = load_rule("lost", condition={"type": "disconnected"}, message="Lost.", on_delay_seconds=60)
    SILENT = load_rule("silent", condition={"type": "no_data"}, message="Silent.", on_delay_seconds=120)

    def test_a_short_loss_is_none(self) -> None:
        world = World([self.LOST])
        world.take(link(0, LinkChange.DISCONNECTED))
        world.take(link(59, LinkChange.CONNECTED))
        assert world.pass_time(until=1_000) == []
        assert world.events == []

    def test_a_long_one_is_told_by_tick_and_ends_with_the_connection(self) -> None:
        world = World([self.LOST])
        world.take(link(0, LinkChange.DISCONNECTED))
        assert world.pass_time(until=100) == ["raised 1"]
        assert world.alert().raised_at == at(60)
        assert world.take(link(200, LinkChange.CONNECTED)) == ["cleared 1"]

    def test_a_change_that_comes_late_or_twice_does_nothing(self) -> None:
        world = World([self.LOST])
        world.take(link(0, LinkChange.DISCONNECTED), link(100, LinkChange.CONNECTED))
        assert len(world.events) == 2
        assert world.take(link(0, LinkChange.DISCONNECTED), link(100, LinkChange.CONNECTED)) == []
        assert world.pass_time(until=1_000) == []

    def test_a_stale_device_that_is_disconnected_is_told_once(self) -> None:
        world = World([self.LOST, self.SILENT])
        world.take(link(0, LinkChange.DISCONNECTED), link(10, LinkChange.DISCONNECTED))
        stale = link(90, LinkChange.STALE).model_copy(update={"connected": False})
        world.take(stale)
        assert world.pass_time(until=1_000) == ["raised 1"]
        assert world.alert().rule_id == "lost"

    def test_a_stale_one_that_is_connected_is_silent(self) -> None:
        world = World([self.LOST, self.SILENT])
        world.take(link(0, LinkChange.STALE))
        assert world.pass_time(until=1_000) == ["raised 1"]
        assert (world.alert().rule_id, world.alert().raised_at) == ("silent", at(120))
        assert world.take(link(2_000, LinkChange.FRESH)) == ["cleared 1"]


def test_the_message_of_a_device_is_kept_as_it_came(world: World) -> None:
    world.take(notice(0, LOAD_MESSAGE))
    assert world.alert().message == LOAD_MESSAGE
