"""What is asked of the roll-ups, by five minutes, hours and days."""

from zoneinfo import ZoneInfo

import pytest

from microgrid_common.ports.rollup_store import Series
from microgrid_common.runtime.rollup_history import Resolution, read_rollups
from microgrid_common.testing.fakes.rollup_store import FakeRollupStore
from microgrid_common.transforms.rollups.buckets import BUCKET_MS
from microgrid_common.transforms.rollups.calendar import DAY_MS, HOUR_MS, Span, hours_between
from microgrid_common.transforms.rollups.energy import Sample
from microgrid_common.transforms.rollups.rollup import Rollup
from microgrid_common.transforms.rollups.summary import summarise

T0 = 1_795_392_000_000  # 2026-11-23T00:00Z
METRIC = "consumption_kw"
UTC_ZONE = ZoneInfo("UTC")


async def ask(
    store: FakeRollupStore, resolution: Resolution, span: Span, zone: ZoneInfo = UTC_ZONE
) -> dict[str, list[Rollup]]:
    return await read_rollups(store, "village", METRIC, resolution=resolution, span=span, zone=zone)


async def write_samples(store: FakeRollupStore, *samples: Sample) -> None:
    series = Series("village", "meter", METRIC)
    await store.write_summaries([(series, summary) for summary in summarise(METRIC, samples)])


async def write_hours(
    store: FakeRollupStore, zone: ZoneInfo, span: Span, *, device_id: str = "meter"
) -> None:
    """An hour of 1 kWh each, completely covered."""
    series = Series("village", device_id, METRIC)
    hours = [
        Rollup(*hour, 60, 1.0, 0.5, 2.0, hour.end_ms - hour.start_ms, 1.0, 0.0)
        for hour in hours_between(*span, zone)
    ]
    await store.write_hours([(series, hour) for hour in hours])


async def test_five_minutes_know_what_lies_just_outside_of_the_span() -> None:
    store = FakeRollupStore()
    # One point before the span, one in it and one after it: lines lead in and out.
    minutes = 60_000
    await write_samples(store, *((T0 + minute * minutes, 6.0) for minute in (-2, 2, 12)))
    (five,) = (await ask(store, Resolution.FIVE_MINUTES, Span(T0, T0 + BUCKET_MS)))["meter"]
    assert (five.points, five.coverage) == (1, 1)
    assert five.energy_in_kwh == pytest.approx(0.5)


async def test_five_minutes_between_others_need_no_point_of_their_own() -> None:
    store = FakeRollupStore()
    await write_samples(store, (T0, 6.0), (T0 + 12 * 60_000, 6.0))
    middle = Span(T0 + BUCKET_MS, T0 + 2 * BUCKET_MS)
    (five,) = (await ask(store, Resolution.FIVE_MINUTES, middle))["meter"]
    assert (five.points, five.mean, five.coverage) == (0, None, 1)


@pytest.mark.parametrize("resolution", Resolution)
async def test_nothing_known_is_nothing_said(resolution: Resolution) -> None:
    store = FakeRollupStore()
    await write_samples(store, (T0, 6.0))
    await write_hours(store, UTC_ZONE, Span(T0, T0 + HOUR_MS))
    assert await ask(store, resolution, Span(T0 + DAY_MS, T0 + 3 * DAY_MS)) == {}
    assert await ask(store, resolution, Span(T0, T0)) == {}


async def test_days_are_those_of_the_zone() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    store = FakeRollupStore()
    autumn = Span(1_792_879_200_000 - DAY_MS, 1_792_879_200_000 + 3 * DAY_MS)  # from 2026-10-23T22:00Z
    await write_hours(store, berlin, autumn)
    days = (await ask(store, Resolution.DAY, Span(autumn.start_ms, autumn.start_ms + 2 * DAY_MS), berlin))[
        "meter"
    ]
    assert [day.energy_in_kwh for day in days] == [24, 25]
    assert [day.coverage for day in days] == [1, 1]
    assert [day.end_ms - day.start_ms for day in days] == [24 * HOUR_MS, 25 * HOUR_MS]


async def test_a_day_that_is_known_in_part_says_so() -> None:
    store = FakeRollupStore()
    await write_hours(store, UTC_ZONE, Span(T0 + 6 * HOUR_MS, T0 + 12 * HOUR_MS))
    (day,) = (await ask(store, Resolution.DAY, Span(T0, T0 + DAY_MS)))["meter"]
    assert (day.energy_in_kwh, day.coverage, day.points) == (6, 0.25, 360)


async def test_hours_of_another_clock_are_left_out() -> None:
    """They were made before the grid was given its zone, and overlap those of now."""
    kathmandu, kolkata = ZoneInfo("Asia/Kathmandu"), ZoneInfo("Asia/Kolkata")
    store = FakeRollupStore()
    span = Span(T0, T0 + 6 * HOUR_MS)
    for zone in (kolkata, kathmandu):
        await write_hours(store, zone, span)
    await write_hours(store, kolkata, span, device_id="removed")
    found = await ask(store, Resolution.HOUR, span, kathmandu)
    assert {device: [hour[:2] for hour in hours] for device, hours in found.items()} == {
        "meter": hours_between(*span, kathmandu)
    }
