"""Whatever order, duplicates and crashes there are, the history of alerts is what the rules say."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from services.alert_engine.tests.engine_world import (
    HIGH_KW,
    NORMAL_KW,
    CrashError,
    Input,
    World,
    at,
    load,
    notice,
)

from microgrid_common.schemas.alarm_rule import AlarmRuleDraft, ExpressionCondition
from microgrid_common.schemas.alert import Severity
from microgrid_common.schemas.identifiers import PLATFORM_GRID_ID
from microgrid_common.schemas.reading import Flag, Reading

# What two devices measure, second by second; None is a reading that lacks the metric.
Script = list[tuple[str, float | None]]

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
    """Without those that gave way, unacknowledged, to the next episode."""
    return [
        (transition, device_id, time)
        for transition, _, device_id, _, time in world.history
        if transition != "superseded"
    ]


def play(world: World, *inputs: Input) -> World:
    async def playing() -> None:
        await world.start()
        await world.take(*inputs)

    asyncio.run(playing())
    return world


@given(scripts)
def test_the_history_is_what_the_rule_says(script: Script) -> None:
    readings = readings_of(script)
    assert history_of(play(World(), *readings)) == expected_history(readings)


@given(scripts, st.data())
def test_duplicates_and_late_copies_change_nothing(script: Script, data: st.DataObject) -> None:
    readings = readings_of(script)
    arriving: list[Reading] = []
    for index, reading in enumerate(readings):
        arriving.append(reading)
        arriving += data.draw(st.lists(st.sampled_from(readings[: index + 1]), max_size=2))
    assert history_of(play(World(), *arriving)) == expected_history(readings)


@given(scripts, st.randoms(use_true_random=False))
def test_in_any_order_what_is_late_on_arrival_changes_nothing(script: Script, random: Random) -> None:
    shuffled = readings_of(script)
    random.shuffle(shuffled)
    assert history_of(play(World(), *shuffled)) == expected_history(in_time(shuffled))


@given(scripts)
def test_a_prototype_device_that_reports_its_own_alerts_changes_nothing(script: Script) -> None:
    readings = [replace(reading, flags=(Flag.PROTOTYPE,)) for reading in readings_of(script)]
    inputs: list[Input] = []
    for reading in readings:
        inputs.append(reading)
        if reading.metrics.get("consumption_kw", 0) > 14.0:
            inputs.append(notice((reading.timestamp - at(0)).total_seconds(), device_id=reading.device_id))
    assert history_of(play(World(), *inputs)) == expected_history(readings)


@given(
    scripts,
    st.lists(st.tuples(st.sampled_from(["states", "consumer"]), st.integers(0, 4)), max_size=6),
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
            dying = {"states": world.states, "consumer": world.consumer}
            if crash:
                dying[crash[0]].fail_next(CrashError(), after=crash[1])
            with suppress(CrashError):
                await world.settle(entries_per_read=entries_per_read)
            world.states.fail_no_more()

    asyncio.run(playing())
    assert history_of(world) == expected_history(in_time(arriving))
    assert len({alert_id for _, alert_id, *_ in world.history}) == len(world.states.alerts)


FAILING = AlarmRuleDraft(
    rule_id="ratio",
    name="Ratio",
    condition=ExpressionCondition(expression="generation_kw / consumption_kw > 2"),
    severity=Severity.WARNING,
    message="Much more is generated than used.",
)


@given(
    st.lists(
        st.tuples(st.sampled_from(["meter", "inverter"]), st.sampled_from([0.0, 1.0, HIGH_KW])),
        min_size=1,
        max_size=10,
    ),
    st.lists(st.tuples(st.sampled_from(["states", "consumer", "rules"]), st.integers(0, 3)), max_size=6),
    st.integers(1, 5),
)
def test_a_rule_fails_at_the_same_reading_of_a_grid_whatever_the_batches_and_crashes(
    script: Script, crashes: list[tuple[str, int]], entries_per_read: int
) -> None:
    readings = [
        replace(reading, metrics={**reading.metrics, "generation_kw": 20.0})
        for reading in readings_of(script)
    ]

    async def playing(world: World, crashes: Sequence[tuple[str, int] | None], entries_per_read: int) -> None:
        await world.rules.put(FAILING, expected_version=None)
        await world.append(*readings)
        for crash in crashes:
            await world.start()
            dying = {"states": world.states, "consumer": world.consumer, "rules": world.rules}
            if crash:
                dying[crash[0]].fail_next(CrashError(), after=crash[1])
            with suppress(CrashError):
                await world.settle(entries_per_read=entries_per_read)
            for each in dying.values():
                each.fail_no_more()

    def history(world: World) -> list[tuple[str, str, str, str, datetime]]:
        in_grid = [event for event in world.states.events if event.alert.grid_id != PLATFORM_GRID_ID]
        # What the rule has raised ends, by the clock, when it is taken out of force.
        return [
            (event.transition, event.alert.id, event.alert.device_id, event.alert.rule_id, event.at)
            for event in in_grid
            if (event.transition, event.alert.rule_id, event.at) != ("cleared", "ratio", at(0))
        ]

    at_once, piecemeal = World(), World()
    asyncio.run(playing(at_once, [None], 1_000))
    asyncio.run(playing(piecemeal, [*crashes, None], entries_per_read))
    assert history(piecemeal) == history(at_once)
    told = [event for event in piecemeal.states.events if event.alert.grid_id == PLATFORM_GRID_ID]
    assert bool(told) == any(value == 0.0 for _, value in script)
