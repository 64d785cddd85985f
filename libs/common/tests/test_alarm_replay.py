"""The same entries give the same history, however they are cut into batches and however often they come."""

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from libs.common.tests.alarm_world import (
    GATEWAY,
    HIGH,
    LOAD_MESSAGE,
    NORMAL,
    Input,
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
from msgspec.structs import replace

from microgrid_common.schemas.device_link import LinkChange
from microgrid_common.schemas.reading import Flag
from microgrid_common.transforms.alarms import rule_plan
from microgrid_common.transforms.alarms.rule_plan import DeviceRules

DEVICES = [GATEWAY, "meter-1", "meter-2"]
_SOC_LOW = {"type": "threshold", "metric": "battery_soc", "comparison": "<", "threshold": 20, "hysteresis": 5}
_SOC_SILENT = {"type": "no_data", "metric": "battery_soc", "after_seconds": 120}
_SOC_FALLS = {"type": "rate_of_change", "metric": "battery_soc", "per_minute": 10}
_DIVIDES = {"type": "expression", "expression": "10 / (consumption_kw - 13) > 20"}
_BOTH = {"type": "expression", "expression": "consumption_kw > 12 and battery_soc < 40"}
RULES = [
    load_rule("load", first_out_group="supply"),
    load_rule("load-later", on_delay_seconds=60, off_delay_seconds=30, message="Later."),
    load_rule("load-latching", latching=True, minimum_quality="good", message="Latching."),
    load_rule("soc-low", condition=_SOC_LOW, off_delay_seconds=90, first_out_group="supply", message="Low."),
    load_rule("soc-silent", condition=_SOC_SILENT, on_delay_seconds=30, message="Silent."),
    load_rule("soc-falls", condition=_SOC_FALLS, message="Falls."),
    load_rule("both", condition=_BOTH, message="Both."),
    load_rule("lost", condition={"type": "disconnected"}, on_delay_seconds=60, message="Lost."),
    load_rule("stale", condition={"type": "no_data"}, message="Stale."),
]
WINDOWS = [window(200, 500), window(400, 900, "more", device_id="meter-1")]
PARENTS = dict.fromkeys(DEVICES[1:], GATEWAY)

_METRICS = st.fixed_dictionaries(
    {},
    optional={
        "consumption_kw": st.sampled_from([NORMAL, 13.0, HIGH]),
        "battery_soc": st.sampled_from([10.0, 22.0, 50.0]),
    },
).filter(bool)


@dataclass
class Links:
    """How the links stand, so that events follow from one another."""

    connected: dict[str, bool]
    stale: dict[str, bool]

    def change(self, device_id: str, what: LinkChange) -> None:
        if what in {LinkChange.CONNECTED, LinkChange.DISCONNECTED}:
            self.connected[device_id] = what is LinkChange.CONNECTED
        else:
            self.stale[device_id] = what is LinkChange.STALE


@st.composite
def entries(draw: st.DrawFn) -> list[Input]:
    """A log: what arrived, in order; readings may be of earlier than that."""
    links = Links(dict.fromkeys(DEVICES, True), dict.fromkeys(DEVICES, False))
    steps = draw(st.lists(st.sampled_from([0, 1, 20, 60, 130, 700]), min_size=1, max_size=30))
    now, taken = 0.0, []
    for step in steps:
        now += step
        device_id = draw(st.sampled_from(DEVICES))
        taken.append(draw(_entry(now, device_id, links)))
    return taken


def _entry(now: float, device_id: str, links: Links) -> st.SearchStrategy[Input]:
    def measured(metrics: dict[str, float], late: float, flags: tuple[Flag, ...]) -> Input:
        came = reading(now, device_id=device_id, flags=flags, **metrics)
        return replace(came, timestamp=at(now - late))

    def changed(what: LinkChange) -> Input:
        links.change(device_id, what)
        event = link(now, what, device_id)
        stands = {"connected": links.connected[device_id], "stale": links.stale[device_id]}
        return event.model_copy(update=stands)

    readings = st.builds(
        measured,
        _METRICS,
        st.sampled_from([0.0, 0.0, 0.0, 1.0, 90.0]),
        st.sampled_from([(), (), (Flag.PROTOTYPE,), (Flag.NULL_DROPPED,)]),
    )
    return st.one_of(
        readings,
        readings,
        st.just(tick(now, device_id)),
        st.just(tick(now, *DEVICES)),
        st.builds(
            lambda message: notice(now, message, device_id), st.sampled_from([LOAD_MESSAGE, "Door open"])
        ),
        st.builds(changed, st.sampled_from(LinkChange)),
    )


def new_world() -> World:
    return World(RULES, windows=WINDOWS, parents=PARENTS)


def history(world: World) -> list[str]:
    """All that outlives the work, byte for byte."""
    records = [world.alerts[identifier] for identifier in sorted(world.alerts)]
    return [each.model_dump_json() for each in (*world.events, *records)]


@settings(phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(entries(), st.data())
def test_batches_and_redelivery_change_nothing(log: list[Input], data: st.DataObject) -> None:
    whole, parts = new_world(), new_world()
    whole.take(*log)
    start = 0
    while start < len(log):
        end = data.draw(st.integers(start + 1, len(log)), label="end of the batch")
        parts.take(*log[start:end])
        if data.draw(st.booleans(), label="crash before it is acknowledged"):
            parts.take(*log[start:end])
        start = end
    assert history(parts) == history(whole)
    assert parts.grid == whole.grid
    assert [parts.device(device_id) for device_id in DEVICES] == [whole.device(name) for name in DEVICES]


@settings(phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(entries())
def test_rules_that_are_passed_over_would_have_changed_nothing(log: list[Input]) -> None:
    rules = [*RULES, load_rule("divides", condition=_DIVIDES, message="Divides.")]
    quick, thorough = (World(rules, windows=WINDOWS, parents=PARENTS) for _ in range(2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rule_plan, "_USES_BEFORE_COMPILING", 0)
        for each in log:
            quick.take(each)
        patch.setattr(DeviceRules, "worth_judging", lambda self, metrics, _points: self.judging(metrics))
        for each in log:
            thorough.take(each)
    assert history(quick) == history(thorough)
    assert quick.grid == thorough.grid
    assert [quick.device(device_id) for device_id in DEVICES] == [thorough.device(name) for name in DEVICES]
    assert quick.failures.keys() == thorough.failures.keys()


@given(entries())
def test_the_time_is_never_told_without_end(log: list[Input]) -> None:
    world = new_world()
    for each in log:
        world.take(each)
    # It fails by itself when a tick leaves a timer that is not later than the tick.
    world.pass_time(until=100_000)
    assert not world.timers


@given(entries())
def test_each_number_is_given_once_and_at_most_one_alert_lasts_for_a_rule_on_a_device(
    log: list[Input],
) -> None:
    world = new_world()
    lasting: dict[tuple[str, str], str] = {}
    for each in log:
        seen = len(world.events)
        world.take(each)
        for event in world.events[seen:]:
            key = event.alert.device_id, event.alert.rule_id
            if event.transition == "raised":
                assert key not in lasting
                lasting[key] = event.alert.id
            elif event.transition == "cleared":
                assert lasting.pop(key) == event.alert.id
    raised = [event.alert.number for event in world.events if event.transition == "raised"]
    assert raised == list(range(1, len(raised) + 1))
    assert world.grid.last_number == len(raised)


_LOADS = st.lists(st.tuples(st.integers(0, 40), st.sampled_from([NORMAL, HIGH])), max_size=40)


@given(_LOADS)
def test_there_is_exactly_one_alert_for_each_episode(loads: list[tuple[int, float]]) -> None:
    world = World([load_rule(chattering_delay=False)])
    world.take(*(load(second, kilowatts) for second, kilowatts in loads))
    newest, held, episodes = -1, False, 0
    for second, kilowatts in loads:
        if second <= newest:
            continue
        episodes += kilowatts == HIGH and not held
        newest, held = second, kilowatts == HIGH
    assert len(world.alerts) == episodes


@given(_LOADS, st.data())
def test_late_and_repeated_readings_add_nothing(loads: list[tuple[int, float]], data: st.DataObject) -> None:
    rules: list[Any] = [load_rule(on_delay_seconds=3, off_delay_seconds=2)]
    in_order = [load(second, kilowatts) for second, kilowatts in sorted(dict(loads).items())]
    world, disturbed = World(rules), World(rules)
    world.take(*in_order)
    for index, each in enumerate(in_order):
        disturbed.take(each)
        again = data.draw(st.sampled_from(in_order[: index + 1]))
        other = data.draw(st.sampled_from([NORMAL, HIGH]))
        disturbed.take(replace(again, metrics={"consumption_kw": other}, received_at=each.received_at))
    assert history(disturbed) == history(world)
