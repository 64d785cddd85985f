"""How long a condition must last, and be over, before an alarm begins and ends."""

from datetime import timedelta

from libs.common.tests.alarm_world import HIGH, METER, NORMAL, World, at, load, load_rule, reading, tick

from microgrid_common.schemas.reading import Flag, Reading


def test_without_delays_an_alert_lasts_from_the_first_breach_to_the_first_normal_reading() -> None:
    world = World([load_rule()])
    assert world.take(load(0, NORMAL)) == []
    assert world.take(load(1, HIGH)) == ["raised 1"]
    assert world.take(load(2, HIGH)) == []
    assert world.take(load(3, NORMAL)) == ["cleared 1"]
    assert (world.alert().raised_at, world.alert().cleared_at) == (at(1), at(3))
    assert world.take(load(5, HIGH)) == ["superseded 1", "raised 2"]


class TestOnDelay:
    def test_it_is_over_at_its_own_time_whatever_reading_shows_that(self) -> None:
        world = World([load_rule(on_delay_seconds=60)])
        assert world.take(load(0, HIGH), load(59, HIGH)) == []
        assert world.take(load(300, HIGH + 1)) == ["raised 1"]
        assert world.alert().raised_at == at(60)
        assert [each.timestamp for each in world.alert().readings] == [at(0), at(300)]
        assert world.alert().metrics == {"consumption_kw": HIGH + 1}

    def test_a_breach_that_is_over_before_is_none(self) -> None:
        world = World([load_rule(on_delay_seconds=60)])
        assert world.take(load(0, HIGH), load(59, NORMAL), load(60, HIGH), load(119, HIGH)) == []
        assert world.take(load(120, HIGH)) == ["raised 1"]

    def test_until_the_next_reading_the_earlier_one_stands(self) -> None:
        world = World([load_rule(on_delay_seconds=60)])
        assert world.take(load(0, HIGH), load(90, NORMAL)) == ["raised 1", "cleared 1"]
        assert (world.alert().raised_at, world.alert().cleared_at) == (at(60), at(90))
        assert [each.timestamp for each in world.alert().readings] == [at(0)]

    def test_a_tick_does_it_without_a_next_reading_once_nothing_can_be_under_way(self) -> None:
        world = World([load_rule(on_delay_seconds=60)])
        world.take(load(0, HIGH))
        assert world.timers == {METER: at(62)}
        assert world.take(tick(61.9)) == []
        assert world.take(tick(62)) == ["raised 1"]
        assert world.alert().raised_at == at(60)
        assert world.timers == {}

    def test_the_timer_runs_from_the_arrival(self) -> None:
        world = World([load_rule(on_delay_seconds=60)])
        world.take(Reading("village-1", METER, at(0), at(500), {"consumption_kw": HIGH}))
        assert world.timers == {METER: at(562)}
        assert world.pass_time(until=600) == ["raised 1"]
        assert world.alert().raised_at == at(60)


class TestOffDelay:
    def test_it_ends_when_the_condition_was_over_for_so_long(self) -> None:
        world = World([load_rule(off_delay_seconds=30)])
        assert world.take(load(0, HIGH), load(10, NORMAL), load(39, NORMAL)) == ["raised 1"]
        assert world.take(load(45, NORMAL)) == ["cleared 1"]
        assert world.alert().cleared_at == at(40)

    def test_a_condition_that_comes_back_before_goes_on_as_the_same_alert(self) -> None:
        world = World([load_rule(off_delay_seconds=30)])
        world.take(load(0, HIGH), load(10, NORMAL), load(20, HIGH))
        assert world.take(load(49, NORMAL), load(78, NORMAL)) == []
        assert world.pass_time(until=1_000) == ["cleared 1"]
        assert world.alert().cleared_at == at(79)

    def test_a_tick_does_it_too(self) -> None:
        world = World([load_rule(off_delay_seconds=30)])
        world.take(load(0, HIGH), load(10, NORMAL))
        assert world.pass_time(until=41.9) == []
        assert world.pass_time(until=42) == ["cleared 1"]

    def test_one_late_enough_breach_is_a_new_episode(self) -> None:
        world = World([load_rule(off_delay_seconds=30)])
        world.take(load(0, HIGH), load(10, NORMAL))
        assert world.take(load(41, HIGH)) == ["cleared 1", "superseded 1", "raised 2"]
        assert (world.alert().cleared_at, world.alert(2).raised_at) == (at(40), at(41))


def test_with_a_deadband_the_value_must_come_back_further() -> None:
    condition = {
        "type": "threshold",
        "metric": "consumption_kw",
        "comparison": ">",
        "threshold": 14,
        "hysteresis": 2,
    }
    world = World([load_rule(condition=condition)])
    assert world.take(load(0, 13), load(1, 14.5)) == ["raised 1"]
    assert world.take(load(2, 13), load(3, 12.1)) == []
    assert world.take(load(4, 12)) == ["cleared 1"]
    assert world.take(load(5, 13)) == []


class TestLateReadings:
    def test_they_change_nothing(self) -> None:
        world = World([load_rule()])
        world.take(load(10, HIGH))
        assert world.take(load(9, NORMAL)) == []
        assert world.take(load(10, NORMAL)) == []
        assert world.take(load(20, NORMAL)) == ["cleared 1"]
        assert world.take(load(19, HIGH), load(20, HIGH)) == []

    def test_what_comes_by_the_way_of_other_metrics_is_news_for_those(self) -> None:
        hot = load_rule(
            "hot",
            condition={"type": "threshold", "metric": "battery_soc", "comparison": "<", "threshold": 20},
        )
        world = World([load_rule(), hot])
        world.take(load(10, NORMAL))
        assert world.take(reading(5, consumption_kw=HIGH, battery_soc=10)) == ["raised 1"]
        assert world.alert().rule_id == "hot"
        assert world.take(reading(4, battery_soc=50)) == []
        assert world.take(reading(6, battery_soc=50)) == ["cleared 1"]

    def test_a_prototype_reading_counts_by_its_arrival(self) -> None:
        world = World([load_rule()])
        world.take(load(0, NORMAL))
        by_hand = Reading(
            "village-1", METER, at(-9_999), at(1), {"consumption_kw": HIGH}, flags=(Flag.PROTOTYPE,)
        )
        assert world.take(by_hand) == ["raised 1"]
        assert world.alert().raised_at == at(-9_999)
        assert world.device().newest == at(0) + timedelta(seconds=1)


def test_a_reading_without_the_metrics_of_a_rule_says_nothing_about_it() -> None:
    world = World([load_rule(off_delay_seconds=5)])
    world.take(load(0, HIGH))
    assert world.take(reading(1, battery_soc=50), reading(100, battery_soc=50)) == []
    assert world.take(load(101, NORMAL), reading(200, battery_soc=50)) == []
    assert world.take(load(201, NORMAL)) == ["cleared 1"]
