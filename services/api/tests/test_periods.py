"""Which time a request means."""

from datetime import UTC, datetime, timedelta

import pytest

from microgrid_api.history.periods import find_period

NOW = datetime(2026, 11, 23, 10, 0, 30, 250_000, tzinfo=UTC)
MINUTE_END = datetime(2026, 11, 23, 10, 1, tzinfo=UTC)
NOVEMBER = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize("text", ["24h", "1d", "1440m"])
def test_a_length_counts_back_from_the_end_of_this_minute(text: str) -> None:
    period = find_period(text, NOW)
    assert (period.start, period.end) == (MINUTE_END - timedelta(days=1), MINUTE_END)
    assert period.ends_now


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2026-11-01T00:00:00Z/2026-11-08T00:00:00Z", NOVEMBER, NOVEMBER + timedelta(days=7)),
        ("2026-11-01T00:00Z/P7D", NOVEMBER, NOVEMBER + timedelta(days=7)),
        ("20261101T000000Z/P1W", NOVEMBER, NOVEMBER + timedelta(days=7)),
        ("2026-11-01T03:00:00+03:00/PT36H", NOVEMBER, NOVEMBER + timedelta(hours=36)),
        ("2026-11-01T00:00:00Z/P1DT2H3M4S", NOVEMBER, NOVEMBER + timedelta(days=1, seconds=7_384)),
        ("2026-10-31T20:00:00-04:00/2026-11-01T05:46+05:45", NOVEMBER, NOVEMBER + timedelta(minutes=1)),
        ("2026-11-01T00:00:00Z/P366D", NOVEMBER, NOVEMBER + timedelta(days=366)),
    ],
)
def test_an_interval_goes_from_one_time_to_another(text: str, start: datetime, end: datetime) -> None:
    period = find_period(text, NOW)
    assert (period.start, period.end) == (start, end)
    assert not period.ends_now


def test_a_time_is_cut_to_milliseconds() -> None:
    assert find_period("2026-11-01T00:00:00.0019Z/PT1S", NOW).start == NOVEMBER + timedelta(milliseconds=1)


@pytest.mark.parametrize(
    "text",
    [
        "", "/", "P7D", "now/P7D", "P1D/2026-11-01T00:00:00Z", "2026-11-01/2026-11-02",
        "2026-11-01T00:00:00/P1D",
        "2026-11-01T00:00:00Z/2026-11-02T00:00:00", "2026-11-01T00:00:00Z/2026-10-01T00:00:00Z",
        "2026-11-01T00:00:00 02:00/P1D", "2026-10-31T20:00:00-04:00/2026-11-01T05:45+05:45",
        "2026-11-01T00:00:00Z/P", "2026-11-01T00:00:00Z/PT",
        "2026-11-01T00:00:00Z/P1DT", "2026-11-01T00:00:00Z/P0D", "2026-11-01T00:00:00Z/P1M",
        "2026-11-01T00:00:00Z/P1Y", "2026-11-01T00:00:00Z/P-1D", "2026-11-01T00:00:00Z/P367D",
        "2026-11-01T00:00:00Z/PT8785H", "2026-11-01T00:00:00Z/P1.5D", "2026-11-01T00:00:00Z/P٣D",
        "0001-01-01T00:00:00+23:59/P1D", "9999-12-31T23:59:59-23:59/P366D", "9999-12-31T00:00:00Z/P999W",
        "1970-01-01T00:00:00Z/P1D", "2026-11-01T00:00:00Z/P1D/P1D", "2026-02-30T00:00:00Z/P1D",
    ],
)  # fmt: skip
def test_anything_else_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(ValueError, match="Allowed: "):
        find_period(text, NOW)
