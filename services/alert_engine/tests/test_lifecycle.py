"""What the lifecycle decides on readings, notices and silence."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec.structs import replace

from microgrid_alert_engine.lifecycle import AlertToClear, Decision, Lifecycle, rule_id_of_message
from microgrid_alert_engine.rules import PROTOTYPE_RULES
from microgrid_common.ports.alert_store import AlertToRaise
from microgrid_common.schemas.alert import AlertSource, Severity
from microgrid_common.schemas.notice import DeviceNotice
from microgrid_common.schemas.reading import Flag
from microgrid_common.testing.samples import SAMPLE_TIME, sample_reading

QUIET = timedelta(minutes=10)
LOAD, TEMPERATURE, SOLAR = PROTOTYPE_RULES
NORMAL_KW, HIGH_KW = 10.0, 15.0
DOOR_OPEN = "Door open"


def at(seconds: float) -> datetime:
    return SAMPLE_TIME + timedelta(seconds=seconds)


class Life:
    """A lifecycle whose decisions are all carried out; each step says what was decided."""

    def __init__(self) -> None:
        self.lifecycle = Lifecycle(PROTOTYPE_RULES, notice_quiet=QUIET)

    def reading(self, seconds: float, **metrics: float) -> list[str]:
        reading = replace(sample_reading(at(seconds)), metrics=metrics)
        return self._settle(self.lifecycle.on_reading(reading), at(seconds))

    def load(self, seconds: float, consumption_kw: float) -> list[str]:
        return self.reading(seconds, consumption_kw=consumption_kw)

    def notice(self, seconds: float, message: str = LOAD.message, *, now: float | None = None) -> list[str]:
        notice = DeviceNotice(
            grid_id="default", device_id="prototype", received_at=at(seconds), message=message
        )
        clock = at(seconds if now is None else now)
        decision = self.lifecycle.on_notice(notice, now=clock)
        return self._settle([decision] if decision else [], clock)

    def silence(self, now: float) -> list[str]:
        return self._settle(self.lifecycle.on_silence(now=at(now)), at(now))

    def _settle(self, decisions: Iterable[Decision], now: datetime) -> list[str]:
        decided = []
        for decision in decisions:
            self.lifecycle.carried_out(decision, now=now)
            verb = "clear" if isinstance(decision, AlertToClear) else "raise"
            decided.append(f"{verb} {decision.rule_id}")
        return decided


RAISE, CLEAR = [f"raise {LOAD.rule_id}"], [f"clear {LOAD.rule_id}"]


class TestReadings:
    def test_an_alert_lasts_from_the_first_breach_to_the_first_normal_reading(self) -> None:
        life = Life()
        assert life.load(0, NORMAL_KW) == []
        assert life.load(1, HIGH_KW) == RAISE
        assert life.load(2, HIGH_KW) == []
        assert life.load(3, NORMAL_KW) == CLEAR
        assert life.load(4, NORMAL_KW) == []
        assert life.load(5, HIGH_KW) == RAISE

    def test_a_decision_that_was_not_carried_out_is_made_again(self) -> None:
        lifecycle = Lifecycle(PROTOTYPE_RULES, notice_quiet=QUIET)
        for second in (1, 2):
            [decision] = lifecycle.on_reading(sample_reading(at(second), consumption_kw=HIGH_KW))
            assert isinstance(decision, AlertToRaise)

    def test_late_data_neither_raises_nor_clears(self) -> None:
        life = Life()
        life.load(10, HIGH_KW)
        assert life.load(9, NORMAL_KW) == []
        assert life.load(20, NORMAL_KW) == CLEAR
        assert life.load(19, HIGH_KW) == []
        assert life.load(20, HIGH_KW) == []

    def test_a_prototype_reading_counts_by_its_arrival(self) -> None:
        life = Life()
        hand_written = sample_reading(
            at(-9_999), received_at=at(1), flags=(Flag.PROTOTYPE,), consumption_kw=HIGH_KW
        )
        life.load(0, NORMAL_KW)
        [decision] = life.lifecycle.on_reading(hand_written)
        assert isinstance(decision, AlertToRaise)
        assert (decision.raised_at, decision.effective_at) == (at(-9_999), at(1))

    def test_a_reading_without_the_metrics_neither_raises_nor_clears(self) -> None:
        life = Life()
        life.load(0, HIGH_KW)
        assert life.reading(1, battery_soc=50.0) == []
        assert life.load(2, NORMAL_KW) == CLEAR

    def test_metrics_that_come_apart_are_all_judged(self) -> None:
        life = Life()
        assert life.load(0, HIGH_KW) == RAISE
        assert life.reading(0, equipment_temperature_c=70.0) == [f"raise {TEMPERATURE.rule_id}"]

    def test_one_reading_may_raise_and_clear(self) -> None:
        life = Life()
        life.reading(0, consumption_kw=HIGH_KW, equipment_temperature_c=20.0)
        decided = life.reading(1, consumption_kw=NORMAL_KW, equipment_temperature_c=70.0)
        assert sorted(decided) == [*CLEAR, f"raise {TEMPERATURE.rule_id}"]


class TestNotices:
    def test_a_notice_of_a_known_rule_is_that_rules_alert(self) -> None:
        life = Life()
        assert life.notice(0) == RAISE
        assert life.load(1, HIGH_KW) == []
        assert life.load(2, NORMAL_KW) == CLEAR

    def test_a_notice_after_the_reading_that_it_is_about_adds_nothing(self) -> None:
        life = Life()
        life.load(0, HIGH_KW)
        assert life.notice(0) == []

    def test_a_notice_that_the_newest_reading_contradicts_does_not_raise(self) -> None:
        life = Life()
        life.load(0, HIGH_KW)
        life.load(1, NORMAL_KW)
        assert life.notice(1) == []
        assert life.notice(2) == []

    def test_a_reading_of_long_ago_contradicts_nothing(self) -> None:
        life = Life()
        life.load(0, NORMAL_KW)
        assert life.notice(QUIET.total_seconds()) == RAISE

    def test_a_notice_that_no_rule_knows_has_an_identity_of_its_own(self) -> None:
        life = Life()
        assert life.notice(0, DOOR_OPEN) == [f"raise {rule_id_of_message(DOOR_OPEN)}"]
        assert life.notice(1, DOOR_OPEN) == []
        assert life.notice(2, "Door closed") == [f"raise {rule_id_of_message('Door closed')}"]

    def test_what_a_notice_raises(self) -> None:
        lifecycle = Lifecycle(PROTOTYPE_RULES, notice_quiet=QUIET)
        notice = DeviceNotice(grid_id="g", device_id="d", received_at=at(3), message=TEMPERATURE.message)
        decision = lifecycle.on_notice(notice, now=at(4))
        assert decision == AlertToRaise(
            grid_id="g",
            device_id="d",
            rule_id=TEMPERATURE.rule_id,
            severity=Severity.CRITICAL,
            message=TEMPERATURE.message,
            source=AlertSource.DEVICE,
            raised_at=at(3),
            effective_at=at(3),
        )


class TestSilence:
    def test_an_alert_that_rests_on_notices_ends_after_the_quiet_period(self) -> None:
        life = Life()
        raised = life.notice(0, DOOR_OPEN)
        assert life.silence(now=599.9) == []
        assert life.silence(now=600) == [raised[0].replace("raise", "clear")]
        assert life.silence(now=9_999) == []

    def test_a_repetition_begins_the_quiet_period_anew(self) -> None:
        life = Life()
        life.notice(0, DOOR_OPEN)
        life.notice(500, DOOR_OPEN)
        assert life.silence(now=1_099) == []
        assert life.silence(now=1_100) != []

    def test_a_known_rules_alert_ends_so_too_when_no_reading_ever_comes(self) -> None:
        life = Life()
        life.notice(0)
        life.reading(1, battery_soc=50.0)
        assert life.silence(now=600) == CLEAR

    def test_once_a_reading_confirms_it_only_a_reading_ends_it(self) -> None:
        life = Life()
        life.notice(0)
        life.load(1, HIGH_KW)
        assert life.silence(now=9_999) == []
        assert life.load(10_000, NORMAL_KW) == CLEAR

    def test_silence_never_ends_what_a_reading_raised(self) -> None:
        life = Life()
        life.load(0, HIGH_KW)
        life.notice(1)
        assert life.silence(now=9_999) == []

    def test_a_clock_of_ours_that_is_behind_does_not_end_it_before_it_began(self) -> None:
        life = Life()
        life.notice(0, DOOR_OPEN, now=-3_600)
        assert life.silence(now=0) == []
        assert life.silence(now=600) != []


class TestRestore:
    def restored(self, before: Life, source: AlertSource) -> Life:
        """The lifecycle after a restart at 100 s, with the alert of the load rule active since 0 s."""
        wanted = AlertToRaise(
            grid_id="default",
            device_id="prototype",
            rule_id=LOAD.rule_id,
            severity=LOAD.severity,
            message=LOAD.message,
            source=source,
            raised_at=at(0),
            effective_at=at(0),
        )
        after = Life()
        after.lifecycle.restore([wanted.as_alert("alert-1")], before.lifecycle.take_progress(), now=at(100))
        return after

    def test_an_open_alert_is_not_raised_again_and_can_be_cleared(self) -> None:
        life = self.restored(Life(), AlertSource.RULE)
        assert life.load(101, HIGH_KW) == []
        assert life.load(102, NORMAL_KW) == CLEAR

    def test_late_data_is_still_late(self) -> None:
        before = Life()
        before.load(0, HIGH_KW)
        before.load(50, HIGH_KW)
        life = self.restored(before, AlertSource.RULE)
        assert life.load(49, NORMAL_KW) == []
        assert life.load(51, NORMAL_KW) == CLEAR

    def test_an_alert_that_rests_on_notices_has_its_whole_quiet_period_again(self) -> None:
        life = self.restored(Life(), AlertSource.DEVICE)
        assert life.silence(now=699) == []
        assert life.silence(now=700) == CLEAR

    def test_one_that_a_reading_has_confirmed_is_the_readings(self) -> None:
        before = Life()
        before.notice(0)
        before.load(1, HIGH_KW)
        life = self.restored(before, AlertSource.DEVICE)
        assert life.silence(now=9_999) == []

    def test_only_what_changed_is_to_be_kept(self) -> None:
        life = Life()
        life.load(0, NORMAL_KW)
        assert [key.rule_id for key in life.lifecycle.take_progress()] == [LOAD.rule_id]
        life.load(0, NORMAL_KW)
        assert life.lifecycle.take_progress() == {}
