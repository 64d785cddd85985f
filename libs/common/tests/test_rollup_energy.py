"""Energy of signals whose energy is known, and what is left out because it is not."""

from collections.abc import Callable
from itertools import pairwise
from math import cos, pi, sin
from zoneinfo import ZoneInfo

import pytest

from microgrid_common.transforms.rollups.buckets import BRIDGE_MS, BUCKET_MS
from microgrid_common.transforms.rollups.calendar import DAY_MS, HOUR_MS, Span, hours_between
from microgrid_common.transforms.rollups.energy import Sample
from microgrid_common.transforms.rollups.rollup import Rollup, add_up, five_minute_rollups
from microgrid_common.transforms.rollups.summary import summarise

T0 = 1_795_392_000_000  # 2026-11-23T00:00Z
DAY = Span(T0, T0 + DAY_MS)
UTC_ZONE = ZoneInfo("UTC")


def sampled(signal: Callable[[float], float], *, every_seconds: float) -> list[Sample]:
    """A day of a signal, a function of the hours since midnight, both midnights included."""
    step_ms = round(every_seconds * 1000)
    return [(T0 + ms, signal(ms / HOUR_MS)) for ms in range(0, DAY_MS + 1, step_ms)]


def buckets(metric: str, samples: list[Sample], span: Span = DAY) -> dict[int, Rollup]:
    """Minutes since midnight → figures of the bucket that begins then."""
    rollups = five_minute_rollups(metric, summarise(metric, samples), span)
    return {(rollup.start_ms - T0) // 60_000: rollup for rollup in rollups}


def day(metric: str, samples: list[Sample]) -> Rollup:
    """A day from its hours, and those from five minutes."""
    fives = five_minute_rollups(metric, summarise(metric, samples), DAY)
    hours = [
        add_up(inside, hour)
        for hour in hours_between(*DAY, UTC_ZONE)
        if (inside := [five for five in fives if hour.start_ms <= five.start_ms < hour.end_ms])
    ]
    return add_up(hours, DAY)


@pytest.mark.parametrize("every_seconds", [1, 5, 60, 300, 600, 900])
def test_a_constant_power(every_seconds: float) -> None:
    whole = day("consumption_kw", sampled(lambda _: 6.0, every_seconds=every_seconds))
    assert whole.energy_in_kwh == pytest.approx(144, rel=1e-12)
    assert whole.energy_out_kwh == 0
    assert whole.coverage == 1
    assert (whole.minimum, whole.mean, whole.maximum) == (6, 6, 6)


@pytest.mark.parametrize("every_seconds", [5, 7, 250, 800])
def test_a_ramp_is_exact_whatever_the_interval(every_seconds: float) -> None:
    samples = [*sampled(lambda hours: 2 * hours, every_seconds=every_seconds), (DAY.end_ms, 48.0)]
    assert day("generation_kw", samples).energy_in_kwh == pytest.approx(24 * 24, rel=1e-12)


def test_a_solar_day() -> None:
    whole = day(
        "generation_kw", sampled(lambda hours: max(0.0, 10 * sin((hours - 6) / 12 * pi)), every_seconds=30)
    )
    assert whole.energy_in_kwh == pytest.approx(10 * 12 * 2 / pi, rel=1e-6)
    assert whole.coverage == 1


def test_what_flows_in_and_what_flows_out_are_kept_apart() -> None:
    whole = day("battery_power_kw", sampled(lambda hours: 3 * cos(hours / 24 * 2 * pi), every_seconds=40))
    assert whole.energy_in_kwh == pytest.approx(3 * 24 / pi, rel=1e-6)
    assert whole.energy_out_kwh == pytest.approx(3 * 24 / pi, rel=1e-6)


def test_a_line_through_zero_is_split_where_it_crosses() -> None:
    # From 6 kW to -3 kW within 3 minutes: zero after 2 of them.
    (bucket,) = buckets("grid_power_kw", [(T0, 6.0), (T0 + 180_000, -3.0)]).values()
    assert bucket.energy_in_kwh == pytest.approx(6 / 2 * 2 / 60)
    assert bucket.energy_out_kwh == pytest.approx(3 / 2 * 1 / 60)


def test_a_line_over_the_edge_of_a_bucket_is_shared_by_its_time() -> None:
    # From 0 to 12 kW over 12 minutes, beginning 4 minutes before the edge: 4 kW there, 9 kW at the next.
    found = buckets("consumption_kw", [(T0 + 60_000, 0.0), (T0 + 13 * 60_000, 12.0)])
    assert [bucket.energy_in_kwh * 60 for bucket in found.values()] == pytest.approx(
        [4 * 4 / 2, 5 * (4 + 9) / 2, 3 * (9 + 12) / 2]
    )
    assert [bucket.covered_ms for bucket in found.values()] == [240_000, 300_000, 180_000]
    assert [(bucket.points, bucket.mean) for bucket in found.values()] == [(1, 0), (0, None), (1, 12)]


@pytest.mark.parametrize(("longer_ms", "covered_ms"), [(0, BRIDGE_MS), (1, 0)])
def test_a_gap_longer_than_the_bridge_is_not_guessed(longer_ms: int, covered_ms: int) -> None:
    found = buckets("consumption_kw", [(T0 + 7, 8.0), (T0 + 7 + BRIDGE_MS + longer_ms, 8.0)])
    assert sum(bucket.covered_ms for bucket in found.values()) == covered_ms
    assert sum(bucket.energy_in_kwh for bucket in found.values()) == pytest.approx(8 * covered_ms / HOUR_MS)


def test_an_outage_lowers_the_coverage_and_not_the_power() -> None:
    samples = [
        sample
        for sample in sampled(lambda _: 6.0, every_seconds=60)
        if not 8 * HOUR_MS < sample[0] - T0 < 14 * HOUR_MS
    ]
    whole = day("consumption_kw", samples)
    assert whole.coverage == 18 / 24
    assert whole.energy_in_kwh == pytest.approx(18 * 6)
    assert whole.mean == 6


def test_a_single_point_has_a_value_and_no_energy() -> None:
    whole = day("consumption_kw", [(T0 + 1, 5.0)])
    assert (whole.points, whole.mean, whole.covered_ms, whole.energy_in_kwh) == (1, 5, 0, 0)


def test_the_mean_is_that_of_the_points() -> None:
    bucket = buckets("battery_soc", [(T0, 10.0), (T0 + 1000, 20.0), (T0 + 299_999, 60.0)])[0]
    assert (bucket.points, bucket.minimum, bucket.mean, bucket.maximum) == (3, 10, 30, 60)
    assert (bucket.energy_in_kwh, bucket.energy_out_kwh) == (0, 0)
    assert bucket.coverage == 299_999 / BUCKET_MS


def test_the_mean_of_an_hour_weighs_every_point_alike() -> None:
    fives = list(buckets("battery_soc", [(T0, 10.0), (T0 + 1, 20.0), (T0 + BUCKET_MS, 90.0)]).values())
    hour = add_up(fives, Span(T0, T0 + HOUR_MS))
    assert (hour.points, hour.minimum, hour.mean, hour.maximum) == (3, 10, 40, 90)


def meter(*values: float, every_seconds: int = 60) -> list[Sample]:
    return [(T0 + number * every_seconds * 1000, value) for number, value in enumerate(values)]


@pytest.mark.parametrize(
    ("values", "kwh", "covered_minutes"),
    [
        pytest.param([100, 101, 101, 103], 3, 3, id="growing"),
        pytest.param([100, 101, 0.5, 0.75], 1.25, 2, id="reset"),
        pytest.param([100, 101, 7000, 7001], 2, 2, id="exchanged-for-a-larger-one"),
        pytest.param([7000, 7001, 100, 101], 2, 2, id="exchanged-for-a-smaller-one"),
        pytest.param([50, 0, 50, 51], 1, 1, id="zero-until-the-register-is-read"),
        pytest.param([0, 0, 0], 0, 2, id="new-and-idle"),
        pytest.param([100, 100 + 170, 100 + 170 + 171], 170, 1, id="the-most-that-is-believed"),
    ],
)
def test_a_meter_counts_what_it_grows_and_never_what_it_was_set_to(
    values: list[float], kwh: float, covered_minutes: int
) -> None:
    whole = day("energy_consumed_kwh", meter(*values))
    assert whole.energy_in_kwh == pytest.approx(kwh)
    assert whole.energy_out_kwh == 0
    assert whole.covered_ms == covered_minutes * 60_000


def test_a_meter_that_is_read_rarely_is_shared_by_time_between_the_buckets() -> None:
    found = buckets("energy_generated_kwh", meter(10, 13, every_seconds=600))
    assert [bucket.energy_in_kwh for bucket in found.values()] == pytest.approx([1.5, 1.5, 0])


def test_a_meter_reset_between_two_buckets_covers_nothing_there() -> None:
    found = buckets("energy_consumed_kwh", meter(100, 1, every_seconds=300))
    assert [bucket.covered_ms for bucket in found.values()] == [0, 0]
    assert [bucket.energy_in_kwh for bucket in found.values()] == [0, 0]


def test_figures_lie_side_by_side() -> None:
    found = buckets("consumption_kw", sampled(lambda _: 1.0, every_seconds=60))
    assert list(found) == list(range(0, 24 * 60, 5))
    assert all(before.end == after.start for before, after in pairwise(found.values()))
