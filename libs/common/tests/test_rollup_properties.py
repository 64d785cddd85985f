"""What holds for the roll-ups of any points whatsoever."""

from itertools import pairwise
from math import isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid_common.transforms.rollups.buckets import BRIDGE_MS, BUCKET_MS, bucket_of
from microgrid_common.transforms.rollups.calendar import HOUR_MS, Span
from microgrid_common.transforms.rollups.energy import Sample, energy_below
from microgrid_common.transforms.rollups.rollup import Rollup, add_up, five_minute_rollups
from microgrid_common.transforms.rollups.summary import Summary, summarise

SPAN = Span(0, 4 * HOUR_MS)

# Gaps of every kind: within a bucket, over its edge, as long as the bridge, longer.
TIMES = st.one_of(
    st.integers(0, SPAN.end_ms - 1),
    st.integers(0, SPAN.end_ms // BUCKET_MS - 1).map(lambda bucket: bucket * BUCKET_MS),
    st.integers(0, 30 * 60 * 1000),
)
POWERS = st.one_of(st.floats(-10_000, 10_000), st.sampled_from([0.0, -0.0, 1e-300, 5.0, -5.0]))


@st.composite
def signals(draw: st.DrawFn) -> tuple[str, dict[int, float]]:
    """A metric, and points of it: time → value."""
    metric = draw(st.sampled_from(["battery_power_kw", "energy_consumed_kwh", "battery_soc"]))
    values = {"battery_power_kw": POWERS, "energy_consumed_kwh": st.floats(0, 1_000)}
    return metric, draw(
        st.dictionaries(TIMES, values.get(metric, st.floats(0, 100)), min_size=1, max_size=60)
    )


def rolled(metric: str, points: dict[int, float]) -> list[Rollup]:
    return five_minute_rollups(metric, summarise(metric, points.items()), SPAN)


@given(signals(), st.randoms(use_true_random=False))
def test_the_order_of_the_points_changes_no_bit(signal: tuple[str, dict[int, float]], random: object) -> None:
    metric, points = signal
    shuffled = list(points.items())
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a random.Random
    assert summarise(metric, shuffled) == summarise(metric, points.items())


@given(signals())
def test_figures_are_finite_energy_is_never_negative_and_coverage_is_a_share(
    signal: tuple[str, dict[int, float]],
) -> None:
    metric, points = signal
    fives = rolled(metric, points)
    for rollup in (*fives, add_up(fives, SPAN)):
        assert 0 <= rollup.coverage <= 1
        assert rollup.energy_in_kwh >= 0
        assert rollup.energy_out_kwh >= 0
        assert all(isfinite(figure) for figure in rollup if figure is not None)
        if rollup.points:
            assert rollup.minimum is not None
            assert rollup.mean is not None
            assert rollup.maximum is not None
            assert rollup.minimum <= rollup.mean <= rollup.maximum
        else:
            assert (rollup.minimum, rollup.mean, rollup.maximum) == (None, None, None)
            assert rollup.covered_ms > 0
    assert sum(rollup.points for rollup in fives) == len(points)


@given(st.dictionaries(TIMES, POWERS, min_size=1, max_size=60))
def test_cutting_into_buckets_loses_and_adds_no_energy(points: dict[int, float]) -> None:
    whole = add_up(rolled("battery_power_kw", points), SPAN)
    expected_in, expected_out, covered_ms = 0.0, 0.0, 0
    ordered = sorted(points.items())
    for before, after in pairwise(ordered):
        if after[0] - before[0] <= BRIDGE_MS:
            covered_ms += after[0] - before[0]
            into, out = energy_below(before[1], after[1], after[0] - before[0])
            expected_in += into
            expected_out += out
    assert whole.covered_ms == covered_ms
    assert whole.energy_in_kwh == pytest.approx(expected_in, rel=1e-9, abs=1e-9)
    assert whole.energy_out_kwh == pytest.approx(expected_out, rel=1e-9, abs=1e-9)


@given(st.dictionaries(TIMES, st.floats(0, 1_000), min_size=1, max_size=60))
def test_a_meter_never_counts_more_than_all_that_it_grew(points: dict[int, float]) -> None:
    ordered = [value for _, value in sorted(points.items())]
    grown = sum(max(0.0, after - before) for before, after in pairwise(ordered))
    whole = add_up(rolled("energy_consumed_kwh", points), SPAN)
    assert whole.energy_in_kwh <= grown * (1 + 1e-9)


def by_start(figures: list[Summary] | list[Rollup]) -> dict[int, Summary | Rollup]:
    return {figure.start_ms: figure for figure in figures}


@given(signals(), TIMES, st.floats(0, 100))
def test_a_new_or_changed_point_changes_one_summary_and_figures_within_the_bridge(
    signal: tuple[str, dict[int, float]], time_ms: int, value: float
) -> None:
    metric, points = signal
    changed: dict[int, float] = {**points, time_ms: value}
    before, after = (by_start(summarise(metric, some.items())) for some in (points, changed))
    assert {start for start in before | after if before.get(start) != after.get(start)} <= {
        bucket_of(time_ms)
    }
    figures_before, figures_after = by_start(rolled(metric, points)), by_start(rolled(metric, changed))
    touched = {
        start
        for start in figures_before | figures_after
        if figures_before.get(start) != figures_after.get(start)
    }
    assert touched <= set(range(bucket_of(time_ms - BRIDGE_MS), time_ms + BRIDGE_MS, BUCKET_MS))


@given(signals())
def test_figures_need_no_summary_from_further_than_the_bridge(signal: tuple[str, dict[int, float]]) -> None:
    metric, points = signal
    hour = Span(HOUR_MS, 2 * HOUR_MS)
    near: list[Sample] = [
        point
        for point in points.items()
        if bucket_of(hour.start_ms - BRIDGE_MS) <= point[0] < hour.end_ms + BRIDGE_MS
    ]
    inside = [rollup for rollup in rolled(metric, points) if hour.start_ms <= rollup.start_ms < hour.end_ms]
    assert five_minute_rollups(metric, summarise(metric, near), hour) == inside
