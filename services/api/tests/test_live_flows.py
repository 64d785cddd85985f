"""Powers of a grid as the sum over its devices, whatever order readings arrive in."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from microgrid_api.live.flows import FRESH_FOR, Flow, LiveFlows
from microgrid_common.testing.samples import SAMPLE_TIME, sample_reading

MINUTE = timedelta(minutes=1)


def test_the_devices_of_a_grid_are_added_up() -> None:
    flows = LiveFlows()
    flows.apply(sample_reading(device_id="a", generation_kw=1.5, battery_soc=50))
    flows.apply(sample_reading(SAMPLE_TIME + MINUTE, device_id="b", generation_kw=2))
    flows.apply(sample_reading(device_id="c", grid_id="other", generation_kw=100))
    assert flows.of_grid("default", now=SAMPLE_TIME + MINUTE) == {"generation_kw": Flow(3.5, SAMPLE_TIME, 2)}
    assert flows.of_grid("nobody", now=SAMPLE_TIME) == {}


def test_a_device_that_fell_silent_is_not_added_any_more() -> None:
    flows = LiveFlows()
    flows.apply(sample_reading(device_id="a", consumption_kw=1))
    flows.apply(sample_reading(SAMPLE_TIME + MINUTE, device_id="b", consumption_kw=2))
    late = SAMPLE_TIME + FRESH_FOR
    assert flows.of_grid("default", now=late)["consumption_kw"].devices == 2
    assert flows.of_grid("default", now=late + MINUTE) == {"consumption_kw": Flow(2, SAMPLE_TIME + MINUTE, 1)}
    assert flows.of_grid("default", now=late + 2 * MINUTE) == {}


def test_beyond_what_is_kept_the_quietest_is_forgotten() -> None:
    flows = LiveFlows(devices_kept=2)
    for device in ("a", "b", "a", "c"):
        flows.apply(sample_reading(device_id=device, grid_id=device, consumption_kw=1))
    kept = [grid for grid in "abc" if flows.of_grid(grid, now=SAMPLE_TIME)]
    assert kept == ["a", "c"]


@given(st.permutations(range(8)))
def test_any_order_and_any_repetition_gives_the_same(order: list[int]) -> None:
    readings = [
        sample_reading(SAMPLE_TIME + number * MINUTE / 4, device_id="ab"[number % 2], consumption_kw=number)
        for number in range(8)
    ]
    flows = LiveFlows()
    for number in order + order[:3]:
        flows.apply(readings[number])
    assert flows.of_grid("default", now=SAMPLE_TIME + 2 * MINUTE) == {
        "consumption_kw": Flow(6 + 7, readings[6].timestamp, 2)
    }
