"""Curves: what is left of many points, and where the gaps are."""

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid_api.history.curves import FEWEST_SHOWN, Curve, MeasuredCurve, RollupCurve
from microgrid_common.transforms.rollups.buckets import BUCKET_MS
from microgrid_common.transforms.rollups.rollup import Rollup
from microgrid_common.transforms.rollups.samples import Samples

T0 = 1_795_392_000_000  # 2026-11-23T00:00Z
SECOND_MS = 1_000
METRIC = "battery_soc"


def measured(*seconds_and_values: tuple[float, float], interval: float | None = None) -> MeasuredCurve:
    samples = Samples()
    for second, value in seconds_and_values:
        samples.append(T0 + int(second * SECOND_MS), value)
    return MeasuredCurve(METRIC, samples, interval=timedelta(seconds=interval) if interval else None)


def rollup(number: int, *, points: int = 1, mean: float = 5.0) -> Rollup:
    start_ms = T0 + number * BUCKET_MS
    lowest, highest = mean - 1, mean + 1
    if not points:
        return Rollup(start_ms, start_ms + BUCKET_MS, 0, None, None, None, BUCKET_MS, 0.0, 0.0)
    return Rollup(start_ms, start_ms + BUCKET_MS, points, mean, lowest, highest, BUCKET_MS, 0.0, 0.0)


def rollup_curve(*rollups: Rollup) -> RollupCurve:
    curve = RollupCurve()
    curve.add(rollups)
    return curve


def seconds_shown(curve: Curve, limit: int = 1_000) -> list[tuple[float, float | None]]:
    return [((point.time_ms - T0) / SECOND_MS, point.value) for point in curve.shown(limit)]


def test_a_device_that_is_silent_for_more_than_three_of_its_intervals_has_a_gap() -> None:
    curve = measured((0, 1), (5, 2), (10, 3), (25, 4), (41, 5), (46, 6))
    assert seconds_shown(curve) == [(0, 1), (5, 2), (10, 3), (25, 4), (30, None), (41, 5), (46, 6)]


def test_a_registered_interval_counts_more_than_the_one_observed() -> None:
    assert None not in [value for _, value in seconds_shown(measured((0, 1), (1, 2), (40, 3), interval=20))]
    assert seconds_shown(measured((0, 1), (61, 2), interval=20))[1] == (20, None)


def test_of_two_points_alone_the_time_between_is_no_pace() -> None:
    assert seconds_shown(measured((0, 1), (901, 2))) == [(0, 1), (300, None), (901, 2)]
    assert seconds_shown(measured((0, 1), (900, 2))) == [(0, 1), (900, 2)]


def test_an_implausible_step_is_marked_where_it_leads_to() -> None:
    points = measured((0, 50), (5, 90), (10, 91), (15, 50)).shown(100)
    assert [point.is_implausible_step for point in points] == [False, True, False, True]


def test_coverage_ends_where_silence_begins() -> None:
    curve = measured((10, 1), (15, 1), (20, 1), (60, 1))
    # From 10 to 20, and the ten seconds before and the five after are within three intervals of a point.
    assert curve.covered_ms(T0, T0 + 65 * SECOND_MS) == 25 * SECOND_MS
    assert curve.covered_ms(T0 - 60 * SECOND_MS, T0 + 165 * SECOND_MS) == 10 * SECOND_MS
    assert measured().covered_ms(T0, T0 + 1) == 0


def test_a_missing_rollup_is_a_gap_and_one_that_a_line_crosses_is_none() -> None:
    curve = rollup_curve(rollup(0), rollup(1, points=0), rollup(2), rollup(5), rollup(6, points=0), rollup(9))
    five = BUCKET_MS / SECOND_MS
    assert seconds_shown(curve) == [
        (0, 5.0),
        (2 * five, 5.0),
        (3 * five, None),
        (5 * five, 5.0),
        (7 * five, None),
        (9 * five, 5.0),
    ]


def test_what_lies_before_the_first_point_is_no_gap() -> None:
    assert seconds_shown(rollup_curve(rollup(0, points=0), rollup(3))) == [(900, 5.0)]
    assert seconds_shown(rollup_curve()) == []


def test_rollups_may_come_in_parts() -> None:
    whole = rollup_curve(rollup(0), rollup(1), rollup(4))
    parts = RollupCurve()
    for number in (0, 1, 4):
        parts.add([rollup(number)])
        parts.add([])
    assert parts.shown(100) == whole.shown(100)


_VALUES = st.floats(-100, 100, allow_nan=False).map(lambda value: round(value, 3))
_DURATIONS = st.sampled_from([1, 4, 5, 5, 5, 5, 6, 100, 10_000])


@st.composite
def _long_curves(draw: st.DrawFn) -> MeasuredCurve:
    pattern = draw(st.lists(st.tuples(_DURATIONS, _VALUES), min_size=1, max_size=40))
    at = 0
    points: list[tuple[float, float]] = []
    for duration, value in pattern * draw(st.integers(1, 40)):
        at += duration
        points.append((at, value))
    return measured(*points)


@settings(max_examples=60)
@given(_long_curves(), st.integers(FEWEST_SHOWN, 400))
def test_what_is_shown_fits_keeps_the_ends_the_extremes_and_the_order(
    curve: MeasuredCurve, limit: int
) -> None:
    shown = curve.shown(limit)
    values = [point for point in shown if point.value is not None]
    measured_points = set(zip(curve.times_ms, curve.values, strict=True))

    assert len(shown) <= limit
    assert {(point.time_ms, point.value) for point in values} <= measured_points
    assert all(before.time_ms < after.time_ms for before, after in pairwise(shown))
    assert (values[0].time_ms, values[-1].time_ms) == (curve.times_ms[0], curve.times_ms[-1])
    assert {min(curve.values), max(curve.values)} <= {point.value for point in values}
    if not curve.is_too_long_for(limit):
        assert len(values) == len(curve.values)


@settings(max_examples=60)
@given(_long_curves(), st.integers(FEWEST_SHOWN, 400))
def test_no_line_leads_over_a_gap_and_no_gap_is_made_up(curve: MeasuredCurve, limit: int) -> None:
    shown = curve.shown(limit)
    gaps = [
        (curve.times_ms[place], begins, curve.times_ms[place + 1])
        for place, begins in sorted(curve.gaps.items())
    ]
    marked = [point.time_ms for point in shown if point.value is None]
    assert all(any(before < time < after for before, _, after in gaps) for time in marked)
    for before, after in pairwise(shown):
        assert before.value is not None or after.value is not None
        if before.value is not None and after.value is not None:
            assert not any(before.time_ms <= begins < after.time_ms for _, begins, _ in gaps)
    if not curve.is_too_long_for(limit):
        assert marked == [begins for _, begins, _ in gaps]


@settings(max_examples=30)
@given(st.lists(_VALUES, min_size=1, max_size=50), st.integers(1, 30), st.integers(FEWEST_SHOWN, 200))
def test_each_point_tells_the_extremes_of_what_is_left_out_before_it(
    pattern: list[float], repetitions: int, limit: int
) -> None:
    values = pattern * repetitions
    shown = rollup_curve(*(rollup(number, mean=value) for number, value in enumerate(values))).shown(limit)
    after = -1
    for point in shown:
        place = (point.time_ms - T0) // BUCKET_MS
        covered = values[after + 1 : place + 1]
        assert (point.minimum, point.maximum) == (min(covered) - 1, max(covered) + 1)
        after = place
    assert after == len(values) - 1


@pytest.mark.parametrize("count", [FEWEST_SHOWN, FEWEST_SHOWN + 1, 5_000])
def test_a_curve_of_gaps_alone_still_fits(count: int) -> None:
    curve = rollup_curve(*(rollup(2 * number) for number in range(count)))
    shown = curve.shown(FEWEST_SHOWN)
    assert len(shown) <= FEWEST_SHOWN
    assert [point.value is None for point in shown] == [False, True] * (len(shown) // 2) + [False]
