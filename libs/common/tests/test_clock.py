"""The device's clock: brought to UTC milliseconds, believed within limits."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid_common.schemas.reading import Flag
from microgrid_common.transforms.clock import EARLIEST, MAXIMUM_AHEAD, to_utc_milliseconds, trusted_time

NOW = datetime(2026, 11, 23, 10, 0, 2, 500_000, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)

offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


def times_between(earliest: datetime, latest: datetime) -> st.SearchStrategy[datetime]:
    naive = st.datetimes(earliest, latest)
    return naive | st.builds(lambda time, zone: time.replace(tzinfo=zone), naive, offsets)


any_times = times_between(datetime.min, datetime.max)  # noqa: DTZ901
usual_times = times_between(datetime(1900, 1, 1), datetime(2200, 1, 1))  # noqa: DTZ001


@given(any_times)
def test_any_time_becomes_utc_and_whole_milliseconds(time: datetime) -> None:
    result = to_utc_milliseconds(time)
    assert result.tzinfo is UTC
    assert result.microsecond % 1_000 == 0


@given(usual_times)
def test_a_time_loses_less_than_a_millisecond(time: datetime) -> None:
    aware = time if time.tzinfo else time.replace(tzinfo=UTC)
    assert timedelta() <= aware - to_utc_milliseconds(time) < MILLISECOND


@given(any_times)
def test_a_trusted_time_is_never_impossible(time: datetime) -> None:
    trusted, flags = trusted_time(time, NOW)
    assert EARLIEST <= trusted <= NOW + MAXIMUM_AHEAD
    assert trusted.tzinfo is UTC
    assert trusted.microsecond % 1_000 == 0
    assert flags in {(), (Flag.CLOCK_REPLACED,)}


@pytest.mark.parametrize(
    "time",
    [
        EARLIEST,
        NOW,
        NOW - timedelta(days=400),
        NOW + MAXIMUM_AHEAD,
        NOW.astimezone(timezone(timedelta(hours=5, minutes=45))),
    ],
)
def test_late_and_slightly_fast_clocks_are_believed(time: datetime) -> None:
    assert trusted_time(time, NOW) == (time, ())


@pytest.mark.parametrize(
    "time",
    [
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(2000, 1, 1, 12, tzinfo=UTC),
        EARLIEST - MILLISECOND,
        NOW + MAXIMUM_AHEAD + MILLISECOND,
        datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=timezone(timedelta(hours=-14))),
        datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))),
    ],
)
def test_an_impossible_clock_gives_way_to_the_time_of_arrival(time: datetime) -> None:
    assert trusted_time(time, NOW) == (NOW, (Flag.CLOCK_REPLACED,))
