"""What holds for the energy report of any hours whatsoever, and from the store to the report."""

import itertools
import random
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from microgrid_common.ports.errors import TooManyPointsError
from microgrid_common.ports.rollup_store import Series
from microgrid_common.runtime.energy_reports import read_energy_report
from microgrid_common.schemas.grid import Grid, Tariff
from microgrid_common.testing.fakes.rollup_store import FakeRollupStore
from microgrid_common.transforms.reports.days import METRICS, Flow, Peak, figures_of_days
from microgrid_common.transforms.reports.energy_report import energy_report
from microgrid_common.transforms.reports.figures import Availability, Energy, EnergyReport, Missing
from microgrid_common.transforms.reports.periods import Period, days_from_to, stretches_of
from microgrid_common.transforms.rollups.calendar import HOUR_MS, hours_between
from microgrid_common.transforms.rollups.rollup import Rollup, add_up, five_minute_rollups
from microgrid_common.transforms.rollups.summary import summarise

# Two weeks in which the clock is changed, over the end of a month.
ZONE = ZoneInfo("Europe/Berlin")
FIRST, LAST = date(2026, 10, 20), date(2026, 11, 2)
DAYS = days_from_to(FIRST, LAST, ZONE)
START_MS, END_MS = DAYS[0].span.start_ms, DAYS[-1].span.end_ms
HOURS = hours_between(START_MS, END_MS, ZONE)
GRID = Grid(
    grid_id="village",
    name="Village",
    time_zone=ZONE.key,
    tariff=Tariff(currency="EUR", import_price_per_kwh=0.3, export_price_per_kwh=0.1),
    co2_kg_per_kwh=0.4,
    battery_capacity_kwh=12,
)

Rows = dict[str, dict[str, list[Rollup]]]

ENERGIES = st.one_of(st.just(0.0), st.floats(0.001, 1_000))
SHARES = st.one_of(st.just(1.0), st.just(0.0), st.floats(0, 1))


@st.composite
def rows(draw: st.DrawFn) -> Rollup:
    """An hour of any energy, coverage and voltage."""
    start_ms, end_ms = draw(st.sampled_from(HOURS))
    covered_ms = round(draw(SHARES) * (end_ms - start_ms))
    into, out = (draw(ENERGIES), draw(ENERGIES)) if covered_ms else (0.0, 0.0)
    volts = sorted(draw(st.lists(st.floats(0, 250), max_size=3)))
    mean = sum(volts) / len(volts) if volts else None
    lowest, highest = (volts[0], volts[-1]) if volts else (None, None)
    return Rollup(start_ms, end_ms, len(volts), mean, lowest, highest, covered_ms, into, out)


FEWER = settings(max_examples=max(1, settings().max_examples // 2))
"""Each makes three reports of two weeks."""

OF_DEVICE = st.lists(rows(), max_size=12, unique_by=lambda row: row.start_ms)
ANY_HOURS = st.dictionaries(
    st.sampled_from(METRICS), st.dictionaries(st.sampled_from("abc"), OF_DEVICE, max_size=2), max_size=5
)


def report(
    hours: Mapping[str, Mapping[str, Iterable[Rollup]]], period: Period = Period.DAY, now_ms: int = END_MS
) -> EnergyReport:
    of_days = figures_of_days(DAYS, hours)
    return energy_report(of_days, stretches_of(period, FIRST, LAST), GRID, now_ms=now_ms)


def known(energies: Iterable[Energy | Missing]) -> list[Energy]:
    return [energy for energy in energies if isinstance(energy, Energy)]


@FEWER
@given(ANY_HOURS, st.sampled_from(Period))
def test_parts_add_up_to_the_whole(hours: Rows, period: Period) -> None:
    found = report(hours, period)
    for flow in Flow:
        parts = known(figures.energies[flow] for figures in found.periods)
        whole = known([found.total.energies[flow]])
        assert sum(part.kwh for part in parts) == pytest.approx(sum(one.kwh for one in whole))
        assert bool(parts) == bool(whole)
    peaks = [figures.peak for figures in found.periods if isinstance(figures.peak, Peak)]
    assert max((peak.kw for peak in peaks), default=None) == (
        found.total.peak.kw if isinstance(found.total.peak, Peak) else None
    )


@given(st.sampled_from(Period), st.lists(ENERGIES, min_size=1, max_size=30))
def test_where_everything_is_known_the_days_of_a_month_are_the_month(
    period: Period, energies: Sequence[float]
) -> None:
    whole_hours = [
        Rollup(*span, 1, 1.0, 1.0, 1.0, span.end_ms - span.start_ms, kwh, 0.0)
        for span, kwh in zip(HOURS, itertools.cycle(energies), strict=False)
    ]
    found = report({"generation_kw": {"roof": whole_hours}}, period)
    expected = sum(hour.energy_in_kwh for hour in whole_hours)
    parts = known(figures.energies[Flow.GENERATION] for figures in found.periods)
    assert [part.coverage for part in parts] == [1] * len(found.periods)
    (whole,) = known([found.total.energies[Flow.GENERATION]])
    assert whole.coverage == 1
    assert (whole.kwh, sum(part.kwh for part in parts)) == pytest.approx((expected, expected))


@FEWER
@given(ANY_HOURS, st.sampled_from(Period), st.integers())
def test_order_and_repetition_change_no_bit(hours: Rows, period: Period, seed: int) -> None:
    chance = random.Random(seed)

    def mixed(by_device: Mapping[str, Sequence[Rollup]]) -> dict[str, list[Rollup]]:
        return {
            device_id: chance.sample([*found, *found], 2 * len(found))
            for device_id, found in sorted(by_device.items(), key=lambda _: chance.random())
        }

    again = {metric: mixed(by_device) for metric, by_device in reversed(hours.items())}
    assert report(again, period) == report(hours, period)


@FEWER
@given(ANY_HOURS, st.integers(START_MS, END_MS))
def test_nothing_is_invented(hours: Rows, now_ms: int) -> None:
    """Every energy comes from a row, no share leaves its range, and what is not known has no number."""
    found = report(hours, now_ms=now_ms)
    rows_of = {metric: [row for of in by.values() for row in of] for metric, by in hours.items()}
    measured = sum(row.energy_in_kwh + row.energy_out_kwh for of in rows_of.values() for row in of)
    assert sum(energy.kwh for energy in known(found.total.energies.values())) <= measured * (1 + 1e-9)
    for figures in (*found.periods, found.total):
        shares = [figures.self_sufficiency, figures.self_consumption, figures.load_factor]
        shares += [energy.coverage for energy in known(figures.energies.values())]
        if isinstance(figures.availability, Availability):
            supply = figures.availability
            shares += [supply.share, supply.coverage, supply.estimated_share]
        assert all(isinstance(share, Missing) or 0 <= share <= 1 for share in shares)
    for figures in found.periods:
        heard = any(
            row.covered_ms and figures.start_ms <= row.start_ms < figures.end_ms
            for of in rows_of.values()
            for row in of
        )
        assert heard or not known(figures.energies.values())


async def stored(store: FakeRollupStore, metric: str, kilowatts: float, *, first: date, days: int) -> None:
    """A device's constant power every ten minutes, as the ingestor stores its hours."""
    (begin,), end = days_from_to(first, first, ZONE), days_from_to(first, first + timedelta(days), ZONE)[-1]
    points = [(time_ms, kilowatts) for time_ms in range(begin.span.start_ms, end.span.start_ms + 1, 600_000)]
    summaries = summarise(metric, points)
    for span in hours_between(begin.span.start_ms, end.span.start_ms, ZONE):
        fives = five_minute_rollups(metric, summaries, span)
        await store.write_hours([(Series("village", "meter", metric), add_up(fives, span))])


async def test_the_hours_that_are_stored_become_a_report() -> None:
    store = FakeRollupStore()
    await stored(store, "consumption_kw", 2.0, first=date(2026, 10, 24), days=3)
    now = datetime(2026, 10, 27, 12, tzinfo=UTC)
    found = await read_energy_report(
        store, GRID, period=Period.DAY, first=date(2026, 10, 24), last=date(2026, 10, 27), now=now
    )
    days = known(figures.energies[Flow.CONSUMPTION] for figures in found.periods)
    # On the 25th the clock is put back.
    assert [day.coverage for day in days] == [1, 1, 1]
    assert [day.kwh for day in days] == pytest.approx([48, 50, 48])
    assert found.periods[0].load_factor == pytest.approx(1)
    assert found.periods[3].energies[Flow.CONSUMPTION] is Missing.NO_DATA


async def test_what_is_too_much_at_once_is_read_in_parts() -> None:
    whole, bounded = FakeRollupStore(), FakeRollupStore(maximum_rollups=30)
    for store in (whole, bounded):
        await stored(store, "generation_kw", 1.0, first=date(2026, 10, 24), days=2)

    async def read(store: FakeRollupStore) -> EnergyReport:
        now = datetime(2026, 12, 1, tzinfo=UTC)
        return await read_energy_report(
            store, GRID, period=Period.WEEK, first=date(2026, 10, 12), last=date(2026, 11, 8), now=now
        )

    assert await read(bounded) == await read(whole)
    hopeless = FakeRollupStore(maximum_rollups=3)
    hopeless.hour_rows = bounded.hour_rows
    with pytest.raises(TooManyPointsError):
        await read(hopeless)


def test_hours_have_the_length_that_the_clock_gives_them() -> None:
    assert {(span.end_ms - span.start_ms) / HOUR_MS for span in HOURS} == {1}
    assert len(HOURS) == 14 * 24 + 1
