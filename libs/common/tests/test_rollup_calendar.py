"""Hours and days of real clocks, wherever and however they are changed."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgrid_common.transforms.rollups.buckets import BRIDGE_MS, BUCKET_MS, bucket_of
from microgrid_common.transforms.rollups.calendar import (
    DAY_MS,
    HOUR_MS,
    Span,
    day_of,
    days_between,
    hour_of,
    hours_between,
    hours_touched,
)

MINUTE_MS = 60 * 1000

ZONES = sorted(available_timezones())
TIMES = st.integers(
    int(datetime(2020, 1, 1, tzinfo=UTC).timestamp()) * 1000,
    int(datetime(2037, 1, 1, tzinfo=UTC).timestamp()) * 1000,
)


def milliseconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize(
    ("zone", "day", "begins", "hours"),
    [
        ("UTC", "2026-11-23", "2026-11-23T00:00Z", 24),
        ("Asia/Kathmandu", "2026-11-23", "2026-11-22T18:15Z", 24),
        ("Africa/Nairobi", "2026-11-23", "2026-11-22T21:00Z", 24),
        ("America/St_Johns", "2026-11-23", "2026-11-23T03:30Z", 24),
        ("Europe/Berlin", "2026-03-29", "2026-03-28T23:00Z", 23),
        ("Europe/Berlin", "2026-10-25", "2026-10-24T22:00Z", 25),
        ("Australia/Lord_Howe", "2026-10-04", "2026-10-03T13:30Z", 23.5),
        ("Australia/Lord_Howe", "2026-04-05", "2026-04-04T13:00Z", 24.5),
        # Midnight is skipped: the day begins at one o'clock.
        ("America/Santiago", "2026-09-06", "2026-09-06T04:00Z", 23),
        # The hour before midnight comes twice.
        ("America/Santiago", "2026-04-04", "2026-04-04T03:00Z", 25),
        # Midnight comes twice: the day begins with the first.
        ("America/Havana", "2026-11-01", "2026-11-01T04:00Z", 25),
    ],
)
def test_a_day_is_as_long_as_it_really_is(zone: str, day: str, begins: str, hours: float) -> None:
    noon = datetime.combine(date.fromisoformat(day), datetime.min.time(), ZoneInfo(zone)) + timedelta(
        hours=12
    )
    span = day_of(int(noon.timestamp()) * 1000, ZoneInfo(zone))
    start_ms = milliseconds(begins)
    assert span == Span(start_ms, start_ms + int(hours * HOUR_MS))


@pytest.mark.parametrize(
    ("zone", "time", "begins", "minutes"),
    [
        ("Asia/Kathmandu", "2026-11-23T10:20Z", "2026-11-23T10:15Z", 60),
        ("Asia/Kathmandu", "2026-11-23T10:14:59.999Z", "2026-11-23T09:15Z", 60),
        # 02:00 to 03:00 comes twice, as two hours.
        ("Europe/Berlin", "2026-10-25T00:30Z", "2026-10-25T00:00Z", 60),
        ("Europe/Berlin", "2026-10-25T01:30Z", "2026-10-25T01:00Z", 60),
        # At 02:00 the clock goes to 02:30: that hour has the other half alone.
        ("Australia/Lord_Howe", "2026-10-03T15:29Z", "2026-10-03T14:30Z", 60),
        ("Australia/Lord_Howe", "2026-10-03T15:31Z", "2026-10-03T15:30Z", 30),
        ("Australia/Lord_Howe", "2026-10-03T16:00Z", "2026-10-03T16:00Z", 60),
        # At 02:00 the clock goes back to 01:30: the half hour that is repeated stands alone.
        ("Australia/Lord_Howe", "2026-04-04T14:59Z", "2026-04-04T14:00Z", 60),
        ("Australia/Lord_Howe", "2026-04-04T15:00Z", "2026-04-04T15:00Z", 30),
        ("Australia/Lord_Howe", "2026-04-04T15:30Z", "2026-04-04T15:30Z", 60),
    ],
)
def test_an_hour_is_that_of_the_clock_on_the_wall(zone: str, time: str, begins: str, minutes: int) -> None:
    start_ms = milliseconds(begins)
    assert hour_of(milliseconds(time), ZoneInfo(zone)) == Span(start_ms, start_ms + minutes * MINUTE_MS)


@given(st.sampled_from(ZONES), TIMES)
def test_hours_and_days_follow_one_another_and_hours_lie_whole_in_days(name: str, time_ms: int) -> None:
    zone = ZoneInfo(name)
    hour, day = hour_of(time_ms, zone), day_of(time_ms, zone)
    for span, span_of in ((hour, hour_of), (day, day_of)):
        assert span.start_ms <= time_ms < span.end_ms
        assert span == span_of(span.start_ms, zone) == span_of(span.end_ms - 1, zone)
        assert span_of(span.end_ms, zone).start_ms == span.end_ms
        assert span_of(span.start_ms - 1, zone).end_ms == span.start_ms
        assert span.start_ms % BUCKET_MS == span.end_ms % BUCKET_MS == 0
    assert day.start_ms <= hour.start_ms < hour.end_ms <= day.end_ms


# Changed at night, at midnight, by half an hour, off the hour, off any bucket, around Ramadan, never.
@pytest.mark.parametrize(
    "name",
    [
        "Europe/Berlin",
        "America/Santiago",
        "America/Havana",
        "Asia/Beirut",
        "Australia/Lord_Howe",
        "Pacific/Chatham",
        "Antarctica/Casey",
        "Africa/Casablanca",
        "America/Nuuk",
        "Asia/Kathmandu",
    ],
)
def test_it_holds_whenever_a_clock_is_changed(name: str) -> None:
    zone = ZoneInfo(name)

    def offset(time: datetime) -> timedelta | None:
        return time.astimezone(zone).utcoffset()

    week = timedelta(days=7)
    weeks = [datetime(2020, 1, 1, tzinfo=UTC) + week * number for number in range(18 * 52)]
    changes = [start for start in weeks if offset(start) != offset(start + week)]
    for start in changes:
        start_ms = int(start.timestamp()) * 1000
        end_ms = start_ms + 7 * DAY_MS
        hours, days = hours_between(start_ms, end_ms, zone), days_between(start_ms, end_ms, zone)
        for spans, span_of in ((hours, hour_of), (days, day_of)):
            assert all(before.end_ms == after.start_ms for before, after in pairwise(spans))
            assert all(span == span_of(span.start_ms, zone) for span in spans)
            assert all(span.end_ms - span.start_ms > 0 for span in spans)
        assert {day.start_ms for day in days} <= {hour.start_ms for hour in hours}


@given(st.sampled_from(["UTC", "Asia/Kathmandu", "Australia/Lord_Howe", "Europe/Berlin"]), TIMES)
def test_between_are_those_that_begin_there(name: str, time_ms: int) -> None:
    zone = ZoneInfo(name)
    hour, day = hour_of(time_ms, zone), day_of(time_ms, zone)
    assert hours_between(hour.start_ms, hour.end_ms, zone) == [hour]
    assert hours_between(hour.start_ms + 1, hour.end_ms, zone) == []
    assert hours_between(hour.start_ms, hour.end_ms + 1, zone) == [hour, hour_of(hour.end_ms, zone)]
    assert days_between(day.start_ms, day.end_ms, zone) == [day]
    assert days_between(day.start_ms + 1, day.end_ms + 1, zone) == [day_of(day.end_ms, zone)]
    assert sum(span.end_ms - span.start_ms for span in hours_between(*day, zone)) == day.end_ms - day.start_ms


@given(st.sampled_from(ZONES), TIMES)
def test_a_bucket_touches_the_hours_that_a_line_from_its_points_can_reach(name: str, time_ms: int) -> None:
    zone = ZoneInfo(name)
    bucket_ms = bucket_of(time_ms)
    reached = {
        hour_of(moment, zone)
        for moment in range(bucket_ms - BRIDGE_MS, bucket_ms + BUCKET_MS + BRIDGE_MS, BUCKET_MS)
    }
    assert hours_touched(bucket_ms, zone) == sorted(reached)
