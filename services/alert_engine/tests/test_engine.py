"""The engine on fakes: crashes, failures, poison; and that none of these changes the history of alerts."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from prometheus_client import REGISTRY

from microgrid_alert_engine.engine import AlertEngine
from microgrid_alert_engine.rules import PROTOTYPE_RULES, Rule, RuleSet
from microgrid_common.ports.alert_store import AlertToRaise
from microgrid_common.ports.durable_log import Record
from microgrid_common.ports.errors import PermanentError, RetryableError
from microgrid_common.schemas.alert import Alert
from microgrid_common.schemas.notice import DeviceNotice
from microgrid_common.schemas.quarantine import QuarantinedMessage
from microgrid_common.schemas.reading import Flag, Reading, decode_readings, encode_readings
from microgrid_common.schemas.streams import (
    NOTICE_KIND,
    PRESENCE_KIND,
    QUARANTINE_STREAM,
    READINGS_KIND,
    REFUSALS_KIND,
)
from microgrid_common.testing.fakes.alert_store import FakeAlertStore
from microgrid_common.testing.fakes.durable_log import FakeDurableLog
from microgrid_common.testing.fakes.evaluation_progress import FakeEvaluationProgress
from microgrid_common.testing.samples import SAMPLE_TIME, sample_reading

STREAM = "readings:0"
QUIET = timedelta(minutes=10)
HIGH_LOAD = PROTOTYPE_RULES[0].message
NORMAL_KW, HIGH_KW = 10.0, 15.0

Input = Reading | DeviceNotice


def at(seconds: float) -> datetime:
    return SAMPLE_TIME + timedelta(seconds=seconds)


def load(seconds: float, consumption_kw: float, device_id: str = "meter") -> Reading:
    return sample_reading(at(seconds), device_id=device_id, consumption_kw=consumption_kw)


def notice(seconds: float, message: str = HIGH_LOAD, device_id: str = "meter") -> DeviceNotice:
    return DeviceNotice(grid_id="default", device_id=device_id, received_at=at(seconds), message=message)


class CrashError(BaseException):
    """The process ends here."""


@dataclass
class World:
    """An engine with all that outlives it."""

    now: datetime = SAMPLE_TIME
    log: FakeDurableLog = field(default_factory=FakeDurableLog)
    progress: FakeEvaluationProgress = field(default_factory=FakeEvaluationProgress)

    def __post_init__(self) -> None:
        self.alerts = FakeAlertStore(self.log)

    async def start(self) -> None:
        self.engine = AlertEngine(
            alerts=self.alerts,
            progress=self.progress,
            durable_log=self.log,
            rules=PROTOTYPE_RULES,
            notice_quiet=QUIET,
            clock=lambda: self.now,
        )
        self.consumer = self.log.consumer(group="engine", member="one", streams=[STREAM])
        await self.engine.restore()

    async def append(self, *inputs: Input) -> None:
        await self.log.append(
            [
                Record(STREAM, READINGS_KIND, encode_readings([each]))
                if isinstance(each, Reading)
                else Record(STREAM, NOTICE_KIND, each.model_dump_json().encode())
                for each in inputs
            ]
        )

    async def settle(self, *, entries_per_read: int = 20) -> None:
        while entries := await self.consumer.read(count=entries_per_read, wait=timedelta()):
            await self.engine.process(entries)
            await self.consumer.acknowledge(entries)
        await self.engine.end_silent_alerts()

    async def take(self, *inputs: Input) -> None:
        await self.append(*inputs)
        await self.settle()

    @property
    def history(self) -> list[tuple[str, str, str, str, datetime]]:
        return [
            (event.transition, event.alert.id, event.alert.device_id, event.alert.rule_id, event.at)
            for event in self.alerts.events
        ]

    @property
    def transitions(self) -> list[str]:
        return [event.transition for event in self.alerts.events]

    @property
    def quarantined(self) -> list[QuarantinedMessage]:
        entries = self.log.streams[QUARANTINE_STREAM]
        return [QuarantinedMessage.model_validate_json(entry.data) for entry in entries]


@pytest.fixture
async def world() -> World:
    world = World()
    await world.start()
    return world


def quarantined_so_far() -> float:
    return REGISTRY.get_sample_value("microgrid_quarantined_total", {"reason": "internal_error"}) or 0


class LosesAnswers(FakeAlertStore):
    """Does what it is asked to, and the first answer is lost on the way."""

    async def raise_alert(self, wanted: AlertToRaise) -> Alert | None:
        alert = await super().raise_alert(wanted)
        if len(self.events) == 1 and alert:
            raise RetryableError("the connection broke")
        return alert


class TestFailures:
    async def test_while_the_store_is_away_it_waits_and_nothing_is_lost(self, world: World) -> None:
        world.alerts.fail_next(RetryableError("away"), times=2)
        world.progress.fail_next(RetryableError("away"), times=2)
        await world.take(load(0, HIGH_KW), load(1, NORMAL_KW))
        assert world.transitions == ["raised", "cleared"]

    async def test_an_answer_that_was_lost_makes_no_second_alert(self) -> None:
        world = World()
        world.alerts = LosesAnswers(world.log)
        await world.start()
        await world.take(load(0, HIGH_KW), load(1, HIGH_KW), load(2, NORMAL_KW))
        assert world.transitions == ["raised", "cleared"]

    async def test_what_the_store_refuses_for_good_does_not_stop_other_devices(self, world: World) -> None:
        world.alerts.fail_next(PermanentError("no"))
        await world.take(load(0, HIGH_KW, "broken"), load(0, HIGH_KW, "sound"))
        assert [alert.device_id for alert in await world.alerts.active_alerts()] == ["sound"]

    async def test_what_was_refused_is_asked_for_again_with_the_next_reading(self, world: World) -> None:
        world.alerts.fail_next(PermanentError("no"))
        await world.take(load(0, HIGH_KW), load(1, HIGH_KW))
        assert world.transitions == ["raised"]

    @pytest.mark.parametrize(
        "poison",
        [
            Record(STREAM, READINGS_KIND, b"\xff\x00"),
            Record(STREAM, READINGS_KIND, b'[{"grid_id":1}]'),
            Record(STREAM, NOTICE_KIND, b'{"grid_id":"../x"}'),
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
        judge = RuleSet.judge

        def faulty(self: RuleSet, metrics: Mapping[str, float]) -> list[tuple[Rule, bool]]:
            return (
                []
                if metrics["consumption_kw"] / (metrics["consumption_kw"] - 13) < 0
                else judge(self, metrics)
            )

        monkeypatch.setattr(RuleSet, "judge", faulty)
        await world.take(load(0, 13, "faulty"), load(0, HIGH_KW, "sound"))
        assert [alert.device_id for alert in await world.alerts.active_alerts()] == ["sound"]
        assert [decode_readings(kept.raw) for kept in world.quarantined] == [[load(0, 13, "faulty")]]


class TestRestarts:
    async def test_late_data_is_still_late_after_a_restart(self, world: World) -> None:
        await world.take(load(1, HIGH_KW), load(5, HIGH_KW))
        await world.start()
        await world.take(load(3, NORMAL_KW))
        assert world.transitions == ["raised"]


class TestNotices:
    async def test_an_alert_that_rests_on_a_notice_ends_when_the_device_is_quiet(self, world: World) -> None:
        await world.take(notice(0, "Door open"))
        world.now = at(599)
        await world.settle()
        assert world.transitions == ["raised"]
        world.now = at(600)
        await world.settle()
        assert world.transitions == ["raised", "cleared"]
        assert world.history[-1][-1] == at(600)

    async def test_a_notice_that_comes_again_after_its_episode_raises_nothing(self, world: World) -> None:
        await world.take(load(0, HIGH_KW), notice(0), load(5, NORMAL_KW), notice(0), notice(5))
        assert world.transitions == ["raised", "cleared"]

    async def test_nor_does_it_after_a_restart(self, world: World) -> None:
        await world.take(load(0, HIGH_KW), notice(0), load(5, NORMAL_KW))
        await world.start()
        await world.take(notice(6))
        assert world.transitions == ["raised", "cleared"]

    async def test_one_that_came_after_a_reading_was_measured_outlives_that_reading(
        self, world: World
    ) -> None:
        await world.take(notice(10), load(5, NORMAL_KW))
        assert world.transitions == ["raised"]
        world.now = at(700)
        await world.settle()
        assert world.transitions == ["raised", "cleared"]


# What two devices measure, second by second; None is a reading that lacks the metric.
Script = list[tuple[str, float | None]]

# A machine that does something else meanwhile makes no test fail.
slow_machine = settings(deadline=None, max_examples=200)

scripts = st.lists(
    st.tuples(st.sampled_from(["meter", "inverter"]), st.sampled_from([NORMAL_KW, HIGH_KW, None])),
    min_size=1,
    max_size=12,
)


def readings_of(script: Script) -> list[Reading]:
    return [
        replace(
            load(second, 0, device_id),
            metrics={"battery_soc": 50.0} if value is None else {"consumption_kw": value},
        )
        for second, (device_id, value) in enumerate(script)
    ]


def expected_history(readings: Sequence[Reading]) -> list[tuple[str, str, datetime]]:
    """The plain meaning of a rule, on readings in the order of their time."""
    is_open: set[str] = set()
    history = []
    for reading in readings:
        if "consumption_kw" not in reading.metrics:
            continue
        high = reading.metrics["consumption_kw"] > 14.0
        if high != (reading.device_id in is_open):
            history.append(("raised" if high else "cleared", reading.device_id, reading.timestamp))
            is_open ^= {reading.device_id}
    return history


def in_time(arriving: Sequence[Reading]) -> list[Reading]:
    """Without those that a newer one of the same device has overtaken."""
    newest: dict[str, datetime] = {}
    kept = []
    for reading in arriving:
        if "consumption_kw" in reading.metrics and reading.timestamp > newest.get(reading.device_id, at(-1)):
            newest[reading.device_id] = reading.timestamp
            kept.append(reading)
    return kept


def history_of(world: World) -> list[tuple[str, str, datetime]]:
    return [(transition, device_id, time) for transition, _, device_id, _, time in world.history]


def play(world: World, *inputs: Input) -> World:
    async def playing() -> None:
        await world.start()
        await world.take(*inputs)

    asyncio.run(playing())
    return world


@slow_machine
@given(scripts)
def test_the_history_is_what_the_rule_says(script: Script) -> None:
    readings = readings_of(script)
    assert history_of(play(World(), *readings)) == expected_history(readings)


@slow_machine
@given(scripts, st.data())
def test_duplicates_and_late_copies_change_nothing(script: Script, data: st.DataObject) -> None:
    readings = readings_of(script)
    arriving: list[Reading] = []
    for index, reading in enumerate(readings):
        arriving.append(reading)
        arriving += data.draw(st.lists(st.sampled_from(readings[: index + 1]), max_size=2))
    assert history_of(play(World(), *arriving)) == expected_history(readings)


@slow_machine
@given(scripts, st.randoms(use_true_random=False))
def test_in_any_order_what_is_late_on_arrival_changes_nothing(script: Script, random: Random) -> None:
    shuffled = readings_of(script)
    random.shuffle(shuffled)
    assert history_of(play(World(), *shuffled)) == expected_history(in_time(shuffled))


@slow_machine
@given(scripts)
def test_a_prototype_device_that_reports_its_own_alerts_changes_nothing(script: Script) -> None:
    readings = [replace(reading, flags=(Flag.PROTOTYPE,)) for reading in readings_of(script)]
    inputs: list[Input] = []
    for reading in readings:
        inputs.append(reading)
        if reading.metrics.get("consumption_kw", 0) > 14.0:
            inputs.append(notice((reading.timestamp - at(0)).total_seconds(), device_id=reading.device_id))
    assert history_of(play(World(), *inputs)) == expected_history(readings)


@slow_machine
@given(
    scripts,
    st.lists(st.tuples(st.sampled_from(["alerts", "progress", "consumer"]), st.integers(0, 4)), max_size=6),
    st.integers(1, 4),
    st.data(),
)
def test_crashes_anywhere_change_nothing(
    script: Script, crashes: list[tuple[str, int]], entries_per_read: int, data: st.DataObject
) -> None:
    world, readings = World(), readings_of(script)
    arriving = data.draw(st.permutations(readings)) + data.draw(st.lists(st.sampled_from(readings)))

    async def playing() -> None:
        await world.append(*arriving)
        for crash in [*crashes, None]:
            await world.start()
            dying = {"alerts": world.alerts, "progress": world.progress, "consumer": world.consumer}
            if crash:
                dying[crash[0]].fail_next(CrashError(), after=crash[1])
            with suppress(CrashError):
                await world.settle(entries_per_read=entries_per_read)
            world.alerts.fail_no_more()
            world.progress.fail_no_more()

    asyncio.run(playing())
    assert history_of(world) == expected_history(in_time(arriving))
    assert len({alert_id for _, alert_id, *_ in world.history}) == len(world.alerts.alerts)
