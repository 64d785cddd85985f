"""Days, weeks and months of a calendar."""

from datetime import date, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid_common.transforms.reports.periods import (
    Period,
    days_from_to,
    last_whole,
    parts,
    stretches_of,
)
from microgrid_common.transforms.rollups.calendar import HOUR_MS

TODAY = date(2026, 11, 24)
"""A Tuesday."""

DATES = st.dates(date(2000, 1, 1), date(2100, 1, 1))


@pytest.mark.parametrize(
    ("period", "first", "last"),
    [
        (Period.DAY, date(2026, 11, 17), date(2026, 11, 23)),
        (Period.WEEK, date(2026, 10, 26), date(2026, 11, 22)),
        (Period.MONTH, date(2025, 11, 1), date(2026, 10, 31)),
    ],
)
def test_the_last_whole_days_weeks_and_months(period: Period, first: date, last: date) -> None:
    assert last_whole(period, TODAY) == (first, last)


@pytest.mark.parametrize(
    ("period", "labels"),
    [
        (Period.DAY, ["2026-12-28", "2026-12-29", "2026-12-30", "2026-12-31", "2027-01-01"]),
        (Period.WEEK, ["2026-W53"]),
        (Period.MONTH, ["2026-12", "2027-01"]),
    ],
)
def test_each_is_called_as_iso_8601_does(period: Period, labels: list[str]) -> None:
    stretches = stretches_of(period, date(2026, 12, 28), date(2027, 1, 1))
    assert [stretch.label for stretch in stretches] == labels


@given(DATES, st.integers(0, 800), st.sampled_from(Period))
def test_stretches_leave_out_no_day_and_have_none_twice(first: date, days: int, period: Period) -> None:
    last = first + timedelta(days=days)
    stretches = stretches_of(period, first, last)
    assert (stretches[0].first, stretches[-1].last) == (first, last)
    assert all(after.first == before.last + timedelta(days=1) for before, after in pairwise(stretches))
    assert len({stretch.label for stretch in stretches}) == len(stretches)


@given(DATES, st.sampled_from(Period))
def test_whole_ones_are_over_and_not_cut(today: date, period: Period) -> None:
    first, last = last_whole(period, today)
    stretches = stretches_of(period, first, last)
    assert len(stretches) == {Period.DAY: 7, Period.WEEK: 4, Period.MONTH: 12}[period]
    longest = {Period.DAY: 1, Period.WEEK: 7, Period.MONTH: 31}[period]
    assert timedelta() < today - last <= timedelta(days=longest)
    around = stretches_of(period, first - timedelta(days=1), last + timedelta(days=1))
    assert around[1:-1] == stretches


def test_days_are_those_of_the_clock_on_the_wall() -> None:
    days = days_from_to(date(2026, 3, 28), date(2026, 3, 30), ZoneInfo("Europe/Berlin"))
    assert [day.date.day for day in days] == [28, 29, 30]
    assert [(day.span.end_ms - day.span.start_ms) // HOUR_MS for day in days] == [24, 23, 24]
    assert days[0].span.end_ms == days[1].span.start_ms


def test_a_day_whose_midnight_is_skipped_begins_with_what_follows() -> None:
    (day,) = days_from_to(date(2026, 4, 24), date(2026, 4, 24), ZoneInfo("Africa/Cairo"))
    assert (day.span.end_ms - day.span.start_ms) // HOUR_MS == 23


def test_days_some_at_a_time() -> None:
    days = days_from_to(date(2026, 1, 1), date(2026, 1, 5), ZoneInfo("UTC"))
    assert [len(some) for some in parts(days, 2)] == [2, 2, 1]
