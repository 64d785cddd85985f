"""History: which points, how many, and what may be asked."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from services.api.tests.problems import detail_of, problems_of

from microgrid_api.history.prototype_history import POINTS_SHOWN, Thinner, parse_period
from microgrid_common.ports.telemetry_store import Point
from microgrid_common.schemas.catalogue import METRICS
from microgrid_common.testing.fakes.telemetry_store import FakeTelemetryStore
from microgrid_common.testing.samples import SAMPLE_TIME, sample_reading

HISTORICAL = "/api/dashboard/historical"
HOUR = timedelta(hours=1)


async def test_only_the_period_is_shown_in_order_of_time(
    operator: httpx.AsyncClient, telemetry: FakeTelemetryStore
) -> None:
    hours_ago = [30, 1, 24, 0, 2]
    await telemetry.write(
        [sample_reading(SAMPLE_TIME - hours * HOUR, consumption_kw=hours) for hours in hours_ago]
    )
    answer = await operator.get(HISTORICAL, params={"metric": "consumption_kW", "period": "24h"})
    assert [point["value"] for point in answer.json()] == [24, 2, 1, 0]


async def test_the_period_is_a_day_when_none_is_asked_for(
    operator: httpx.AsyncClient, telemetry: FakeTelemetryStore
) -> None:
    await telemetry.write([sample_reading(SAMPLE_TIME - hours * HOUR) for hours in (23, 25)])
    answer = await operator.get(HISTORICAL, params={"metric": "consumption_kW"})
    assert len(answer.json()) == 1


async def test_a_device_whose_clock_is_a_little_ahead_is_shown(
    operator: httpx.AsyncClient, telemetry: FakeTelemetryStore
) -> None:
    await telemetry.write([sample_reading(SAMPLE_TIME + timedelta(minutes=4))])
    answer = await operator.get(HISTORICAL, params={"metric": "consumption_kW", "period": "1h"})
    assert [point["time"] for point in answer.json()] == ["2026-11-23T10:04:00.000Z"]


async def test_without_data_the_history_is_empty(operator: httpx.AsyncClient) -> None:
    answer = await operator.get(HISTORICAL, params={"metric": "battery_soc", "period": "366d"})
    assert (answer.status_code, answer.json()) == (200, [])


async def test_every_metric_is_known_by_its_name_and_its_aliases(
    operator: httpx.AsyncClient, telemetry: FakeTelemetryStore
) -> None:
    for metric in METRICS:
        await telemetry.write([replace(sample_reading(), metrics={metric.name: 1})])
        for name in (metric.name, *metric.aliases):
            answer = await operator.get(HISTORICAL, params={"metric": name})
            assert answer.json() == [{"time": "2026-11-23T10:00:00.000Z", "value": 1}], name


@pytest.mark.parametrize(
    "name", ["", "power", "consumption_KW", "consumption_kw ", 'x") |> drop()', "ü" * 1_000]
)
async def test_an_unknown_metric_is_refused_with_the_known_ones(
    operator: httpx.AsyncClient, name: str
) -> None:
    answer = await operator.get(HISTORICAL, params={"metric": name})
    assert answer.status_code == 422
    (problem,) = problems_of(answer)
    assert problem["field"] == "query.metric"
    assert "battery_soc, " in problem["message"]
    assert "consumption_kW, " in problem["message"]


@pytest.mark.parametrize(
    "period",
    [
        "", "h", "24", "24 h", " 24h", "24h ", "24H", "-1h", "+1h", "1.5h", "0h", "1s", "1y", "24hh", "٣h",
        "1h\n", "367d", "53w", "8785h", "527041m", "999999w", "9" * 400 + "m", "inf", "24h; drop",
    ],
)  # fmt: skip
async def test_a_malformed_period_is_refused_with_what_is_allowed(
    operator: httpx.AsyncClient, period: str
) -> None:
    answer = await operator.get(HISTORICAL, params={"metric": "battery_soc", "period": period})
    assert answer.status_code == 422
    (problem,) = problems_of(answer)
    assert problem["field"] == "query.period"
    assert problem["message"] == (
        "Allowed: a whole number and m, h, d or w, such as 30m, 24h, 7d or 4w; at most 366d"
    )


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("1m", timedelta(minutes=1)),
        ("90m", timedelta(minutes=90)),
        ("24h", timedelta(days=1)),
        ("007d", timedelta(days=7)),
        ("52w", timedelta(days=364)),
        ("366d", timedelta(days=366)),
        ("527040m", timedelta(days=366)),
    ],
)
def test_periods_are_whole_numbers_of_a_unit(text: str, period: timedelta) -> None:
    assert parse_period(text) == period


async def test_many_points_are_thinned_to_what_fits_a_screen_and_keep_their_peaks(
    operator: httpx.AsyncClient, telemetry: FakeTelemetryStore
) -> None:
    times = [SAMPLE_TIME - timedelta(seconds=20 * number) for number in range(6_000)]
    values = dict.fromkeys(times, 10.0) | {times[77]: 99.0, times[4_321]: 0.5}
    await telemetry.write([sample_reading(time, consumption_kw=value) for time, value in values.items()])
    answer = await operator.get(HISTORICAL, params={"metric": "consumption_kW", "period": "2d"})
    points = answer.json()
    assert 500 < len(points) <= POINTS_SHOWN
    shown = [point["value"] for point in points]
    assert (max(shown), min(shown)) == (99.0, 0.5)
    assert points[-1]["time"] == "2026-11-23T10:00:00.000Z"


START = datetime(2026, 1, 1, tzinfo=UTC)


@given(
    st.lists(st.tuples(st.integers(0, 999), st.integers(-5, 5)), max_size=30),
    st.integers(1, 200),
    st.integers(1, 1_000),
)
def test_thinning_keeps_the_extremes_the_end_and_the_order(
    pattern: list[tuple[int, int]], repetitions: int, slices: int
) -> None:
    milliseconds_and_values = sorted(pattern * repetitions)
    points = [
        Point(f"device-{number}", START + timedelta(milliseconds=milliseconds), float(value))
        for number, (milliseconds, value) in enumerate(milliseconds_and_values)
    ]
    thinner = Thinner(start=START, end=START + timedelta(seconds=1))
    for first in range(0, len(points), slices):
        thinner.add(points[first : first + slices])
    kept = thinner.points()

    assert len(kept) <= POINTS_SHOWN
    assert set(kept) <= set(points)
    assert [point.time for point in kept] == sorted(point.time for point in kept)
    if len(points) <= POINTS_SHOWN:
        assert kept == points
    else:
        values = [point.value for point in points]
        assert {min(values), max(values)} <= {point.value for point in kept}
        assert kept[-1] == points[-1]


async def test_a_store_that_gives_few_points_at_once_is_asked_for_shorter_times(
    operator: httpx.AsyncClient, telemetry: FakeTelemetryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telemetry, "_maximum_points", 100)
    times = [SAMPLE_TIME - timedelta(seconds=10 * number) for number in range(1_500)]
    await telemetry.write([sample_reading(time) for time in times])
    answer = await operator.get(HISTORICAL, params={"metric": "consumption_kW", "period": "7d"})
    assert len(answer.json()) == 1_500


async def test_more_points_in_a_second_than_a_store_gives_at_once_is_no_server_error(
    operator: httpx.AsyncClient, telemetry: FakeTelemetryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telemetry, "_maximum_points", 2)
    await telemetry.write([sample_reading(device_id=f"meter-{number}") for number in range(3)])
    answer = await operator.get(HISTORICAL, params={"metric": "consumption_kW", "period": "1h"})
    assert answer.status_code == 503
    assert detail_of(answer) == "The telemetry store refuses to answer."
