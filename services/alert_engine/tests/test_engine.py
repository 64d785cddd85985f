"""The engine on fakes: crashes, conflicts, failures, poison; and that none of these changes the history."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from msgspec.structs import replace
from prometheus_client import REGISTRY
from services.alert_engine.tests.engine_world import (
    HIGH_KW,
    HIGH_LOAD,
    NORMAL_KW,
    STREAM,
    CrashError,
    World,
    at,
    load,
    notice,
)

from microgrid_common.ports.alarm_states import GridCommit
from microgrid_common.ports.durable_log import Record
from microgrid_common.ports.errors import RetryableError
from microgrid_common.schemas.alarm_rule import AlarmRuleDraft, ExpressionCondition
from microgrid_common.schemas.alert import Severity
from microgrid_common.schemas.identifiers import PLATFORM_GRID_ID
from microgrid_common.schemas.reading import Reading, decode_readings
from microgrid_common.schemas.streams import (
    LINK_KIND,
    NOTICE_KIND,
    PRESENCE_KIND,
    READINGS_KIND,
    REFUSALS_KIND,
    TICK_KIND,
)
from microgrid_common.testing.fakes.alarm_states import FakeAlarmStates
from microgrid_common.testing.samples import sample_reading
from microgrid_common.transforms.alarms.evaluation import GridEvaluation

pytestmark = pytest.mark.usefixtures("virtual_time")

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


def quarantined_so_far() -> float:
    return REGISTRY.get_sample_value("microgrid_quarantined_total", {"reason": "internal_error"}) or 0


def sunny(seconds: float, consumption_kw: float) -> Reading:
    return sample_reading(at(seconds), consumption_kw=consumption_kw, generation_kw=1.0, irradiance_w_m2=60.0)


def fail_on(monkeypatch: pytest.MonkeyPatch, *devices: str) -> None:
    """Let the evaluation fail on readings of some devices, after it has changed something."""
    on_reading = GridEvaluation.on_reading

    def faulty(self: GridEvaluation, reading: Reading) -> None:
        on_reading(self, reading)
        if reading.device_id in devices:
            raise ZeroDivisionError

    monkeypatch.setattr(GridEvaluation, "on_reading", faulty)


class TestFailures:
    async def test_while_the_store_is_away_it_waits_and_nothing_is_lost(self, world: World) -> None:
        world.states.fail_next(RetryableError("away"), times=3)
        await world.take(load(0, HIGH_KW), load(1, NORMAL_KW))
        assert world.transitions == ["raised", "cleared"]

    async def test_an_answer_that_was_lost_makes_no_second_alert(self, world: World) -> None:
        world.states.lose_next_answer()
        await world.take(load(0, HIGH_KW), load(1, HIGH_KW), load(2, NORMAL_KW))
        assert world.transitions == ["raised", "cleared"]

    @pytest.mark.parametrize(
        "poison",
        [
            Record(STREAM, READINGS_KIND, b"\xff\x00"),
            Record(STREAM, READINGS_KIND, b'[{"grid_id":1}]'),
            Record(STREAM, NOTICE_KIND, b'{"grid_id":"../x"}'),
            Record(STREAM, LINK_KIND, b"{}"),
            Record(STREAM, TICK_KIND, b'{"grid_id":"default"}'),
            Record(STREAM, "invention", b"{}"),
        ],
    )
    async def test_poison_is_quarantined_counted_and_passed(self, world: World, poison: Record) -> None:
        counted = quarantined_so_far()
        await world.log.append([poison])
        await world.take(load(0, HIGH_KW))
        assert world.transitions == ["raised"]
        assert [(kept.raw, kept.reason) for kept in world.quarantined] == [(poison.data, "internal_error")]
        assert quarantined_so_far() == counted + 1
        await world.start()
        await world.settle()
        assert len(world.quarantined) == 1

    @pytest.mark.parametrize("kind", [REFUSALS_KIND, PRESENCE_KIND])
    async def test_what_is_meant_for_others_passes(self, world: World, kind: str) -> None:
        await world.log.append([Record(STREAM, kind, b"[]")])
        await world.take(load(0, HIGH_KW))
        assert (world.transitions, world.quarantined) == (["raised"], [])

    async def test_a_fault_of_ours_on_one_reading_does_not_stop_the_others(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fail_on(monkeypatch, "faulty")
        before, faulty, after = load(0, HIGH_KW, "before"), load(0, HIGH_KW, "faulty"), load(0, HIGH_KW)
        await world.take(before, faulty, load(1, HIGH_KW, "faulty"), after)
        assert sorted(alert.device_id for alert in world.states.alerts.values()) == ["before", "meter"]
        assert [decode_readings(kept.raw)[0].timestamp for kept in world.quarantined] == [at(0), at(1)]

    async def test_nothing_of_what_failed_halfway_is_stored(
        self, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fail_on(monkeypatch, "faulty")
        await world.take(load(0, HIGH_KW, "faulty"))
        documents = await world.states.load({"default": ["faulty"]})
        assert documents["default"].devices["faulty"].points == {}
        monkeypatch.undo()
        await world.take(load(1, HIGH_KW, "faulty"))
        assert world.transitions == ["raised"]

    async def test_a_rule_that_fails_goes_out_of_force_and_the_others_go_on(self, world: World) -> None:
        await world.rules.put(FAILING, expected_version=None)
        await world.watch.refresh()
        await world.take(sunny(0, 0.0), sunny(1, HIGH_KW))
        failed = next(rule for rule in (await world.rules.book()).rules if rule.rule_id == "ratio")
        assert (failed.in_force, bool(failed.disabled_because)) == (False, True)
        told = {(alert.grid_id, alert.rule_id) for alert in world.states.alerts.values()}
        assert told == {
            ("default", "load-abnormality"),
            ("default", "solar-output-low"),
            (PLATFORM_GRID_ID, "rule-failed-ratio"),
        }

    async def test_the_platforms_alert_ends_when_the_rule_is_mended(self, world: World) -> None:
        failing = await world.rules.put(FAILING, expected_version=None)
        await world.watch.refresh()
        await world.take(sunny(0, 0.0))
        await world.watch.refresh()
        assert world.states.alerts["alert-platform-1"].status == "active"
        mended = FAILING.model_copy(
            update={"condition": ExpressionCondition(expression="generation_kw > 2 * consumption_kw")}
        )
        await world.rules.put(mended, expected_version=failing.version)
        await world.watch.refresh()
        assert world.states.alerts["alert-platform-1"].status == "resolved"


class TestSeveralAtATime:
    async def test_two_engines_on_the_same_entries_raise_one_alert(self, world: World) -> None:
        other = World(log=world.log, states=world.states, rules=world.rules)
        await other.start(member="other", group="other")
        await world.append(load(0, HIGH_KW))
        await world.settle()
        await other.settle()
        await world.append(load(1, NORMAL_KW), load(2, HIGH_KW))
        await other.settle()
        await world.settle()
        assert world.transitions == ["raised", "cleared", "superseded", "raised"]

    async def test_grids_are_told_apart_and_one_in_conflict_does_not_hold_up_others(self) -> None:
        world = World(states=ConflictingOnce("village-1"))
        await world.start()
        await world.take(*(load(0, HIGH_KW, grid_id=f"village-{number}") for number in range(3)))
        assert [alert.id for alert in world.states.alerts.values()] == [
            "alert-village-0-1",
            "alert-village-2-1",
            "alert-village-1-1",
        ]

    async def test_a_conflict_takes_nothing_from_what_a_rule_raised_before_it_failed(self) -> None:
        world = World(states=ConflictingOnce("default"))
        await world.rules.put(FAILING, expected_version=None)
        await world.start()
        generating = {"generation_kw": 20.0}
        await world.take(
            replace(load(0, 1.0), metrics={"consumption_kw": 1.0, **generating}),
            replace(load(1, 0.0), metrics={"consumption_kw": 0.0, **generating}),
        )
        assert [alert.rule_id for alert in world.states.alerts.values()] == ["ratio", "rule-failed-ratio"]

    async def test_what_a_crash_left_undone_is_done_once(self, world: World) -> None:
        world.states.fail_next(CrashError(), after=1)
        await world.append(load(0, HIGH_KW), load(1, NORMAL_KW))
        with pytest.raises(CrashError):
            await world.settle()
        await world.start()
        await world.settle()
        assert world.transitions == ["raised", "cleared"]


class ConflictingOnce(FakeAlarmStates):
    """Says once that a grid was changed by somebody else."""

    def __init__(self, grid_id: str) -> None:
        super().__init__()
        self._conflicting = {grid_id}

    async def commit(self, commits: Sequence[GridCommit]) -> list[bool]:
        refused = {commit.grid_id for commit in commits} & self._conflicting
        self._conflicting -= refused
        made = iter(await super().commit([each for each in commits if each.grid_id not in refused]))
        return [False if each.grid_id in refused else next(made) for each in commits]


class TestRestarts:
    async def test_late_data_is_still_late_after_a_restart(self, world: World) -> None:
        await world.take(load(1, HIGH_KW), load(5, HIGH_KW))
        await world.start()
        await world.take(load(3, NORMAL_KW))
        assert world.transitions == ["raised"]


class TestNotices:
    async def test_an_alert_that_rests_on_a_notice_ends_when_the_device_is_quiet(self, world: World) -> None:
        await world.take(notice(0, "Door open"))
        await world.pass_time(until=599)
        assert world.transitions == ["raised"]
        await world.pass_time(until=600)
        assert world.transitions == ["raised", "cleared"]
        assert world.history[-1][-1] == at(600)

    async def test_one_that_is_repeated_lasts(self, world: World) -> None:
        await world.take(notice(0, "Door open"))
        await world.take(notice(300, "Door open"))
        await world.pass_time(until=899)
        assert world.transitions == ["raised"]
        await world.pass_time(until=900)
        assert world.transitions == ["raised", "cleared"]

    async def test_a_notice_that_comes_again_after_its_episode_raises_nothing(self, world: World) -> None:
        await world.take(load(0, HIGH_KW), notice(0), load(5, NORMAL_KW), notice(0), notice(5))
        assert world.transitions == ["raised", "cleared"]

    async def test_nor_does_it_after_a_restart(self, world: World) -> None:
        await world.take(load(0, HIGH_KW), notice(0), load(5, NORMAL_KW))
        await world.start()
        await world.take(notice(6))
        assert world.transitions == ["raised", "cleared"]

    async def test_one_that_came_after_a_reading_was_measured_ends_in_silence(self, world: World) -> None:
        await world.take(notice(10))
        await world.pass_time(until=700)
        assert world.transitions == ["raised", "cleared"]

    async def test_a_notice_and_a_reading_of_the_same_rule_are_one_alert(self, world: World) -> None:
        await world.take(notice(0), load(1, HIGH_KW), notice(1))
        await world.pass_time(until=9_999)
        assert world.transitions == ["raised"]
        await world.take(load(10_000, NORMAL_KW))
        assert world.transitions == ["raised", "cleared"]
        assert world.states.events[0].alert.message == HIGH_LOAD

    async def test_the_same_text_of_two_devices_is_two_alerts(self, world: World) -> None:
        await world.take(notice(0, "Door open", "front"), notice(1, "Door open", "back"))
        assert world.transitions == ["raised", "raised"]

    async def test_a_notice_counts_when_the_readings_are_of_long_ago(self, world: World) -> None:
        await world.take(load(0, NORMAL_KW), notice(timedelta(minutes=10).total_seconds()))
        assert world.transitions == ["raised"]
