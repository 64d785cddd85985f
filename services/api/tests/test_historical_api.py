"""The history of a grid: how fine, of what time, and with its gaps."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from services.api.tests.problems import fields_of

from microgrid_api.history import historical
from microgrid_api.routes import historical as routes
from microgrid_common.ports.errors import RetryableError
from microgrid_common.ports.rollup_store import Series
from microgrid_common.schemas.catalogue import METRICS
from microgrid_common.schemas.device import Device
from microgrid_common.schemas.grid import Grid
from microgrid_common.testing.fakes.device_registry import FakeDeviceRegistry
from microgrid_common.testing.fakes.grid_store import FakeGridStore
from microgrid_common.testing.fakes.rollup_store import FakeRollupStore
from microgrid_common.testing.fakes.telemetry_store import FakeTelemetryStore
from microgrid_common.testing.samples import SAMPLE_TIME, sample_reading
from microgrid_common.transforms.rollups.calendar import Span, hours_between
from microgrid_common.transforms.rollups.rollup import Rollup
from microgrid_common.transforms.rollups.summary import summarise

GRID = "village-1"
CONSUMPTION = f"/api/historical/{GRID}/consumption_kw"
SECOND, MINUTE, HOUR, DAY = (
    timedelta(seconds=1),
    timedelta(minutes=1),
    timedelta(hours=1),
    timedelta(days=1),
)


def milliseconds(time: datetime) -> int:
    return round(time.timestamp() * 1000)


async def measure(
    telemetry: FakeTelemetryStore, points: dict[datetime, float], *, device_id: str = "meter"
) -> None:
    await telemetry.write(
        [
            sample_reading(time, grid_id=GRID, device_id=device_id, consumption_kw=value)
            for time, value in points.items()
        ]
    )


async def sum_up_minutes(
    rollups: FakeRollupStore, times: Iterable[datetime], *, device_id: str = "meter"
) -> None:
    """A minute's points of 6 kW, five minutes summed up."""
    samples = [(milliseconds(time), 6.0) for time in times]
    series = Series(GRID, device_id, "consumption_kw")
    await rollups.write_summaries([(series, one) for one in summarise("consumption_kw", samples)])


async def sum_up_hours(
    rollups: FakeRollupStore, zone: str, start: datetime, end: datetime, *, leave_out: Iterable[int] = ()
) -> None:
    """Hours of the zone's clock, each with its number for a mean; some are left out."""
    series = Series(GRID, "meter", "consumption_kw")
    hours = hours_between(*Span(milliseconds(start), milliseconds(end)), ZoneInfo(zone))
    rows = [
        Rollup(*hour, 60, float(number), number - 0.5, number + 0.5, hour.end_ms - hour.start_ms, 1.0, 0.0)
        for number, hour in enumerate(hours)
        if number not in leave_out
    ]
    await rollups.write_hours([(series, row) for row in rows])


async def ask(client: httpx.AsyncClient, path: str = CONSUMPTION, **parameters: str | int) -> Any:
    answer = await client.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_what_is_measured_is_shown_with_all_that_a_chart_needs(
    operator: httpx.AsyncClient, telemetry: FakeTelemetryStore
) -> None:
    await measure(telemetry, {SAMPLE_TIME - 10 * SECOND: 10.5, SAMPLE_TIME - 5 * SECOND: 11.0})
    assert await ask(operator, period="1h", granularity="raw") == {
        "grid_id": GRID,
        "metric": "consumption_kw",
        "device_id": None,
        "unit": "kW",
        "granularity": "raw",
        "thinned": False,
        "coverage": 0.0028,
        "time_zone": "UTC",
        "from": "2026-11-23T09:01:00.000Z",
        "to": "2026-11-23T10:01:00.000Z",
        "points": [
            {"time": "2026-11-23T09:59:50.000Z", "value": 10.5, "min": 10.5, "max": 10.5},
            {"time": "2026-11-23T09:59:55.000Z", "value": 11.0, "min": 11.0, "max": 11.0},
        ],
    }


async def test_without_data_there_are_no_points(operator: httpx.AsyncClient) -> None:
    for granularity in ("raw", "5m", "1h", "1d", "auto"):
        series = await ask(operator, period="7d", granularity=granularity)
        assert (series["points"], series["coverage"], series["thinned"]) == ([], 0, False)


async def test_every_metric_is_known_by_its_name_and_its_aliases(operator: httpx.AsyncClient) -> None:
    for metric in METRICS:
        for name in (metric.name, *metric.aliases):
            series = await ask(operator, f"/api/historical/{GRID}/{name}")
            assert (series["metric"], series["unit"]) == (metric.name, metric.unit)


async def test_gaps_and_implausible_steps_are_marked(
    operator: httpx.AsyncClient, telemetry: FakeTelemetryStore
) -> None:
    at = SAMPLE_TIME - HOUR / 2
    await measure(telemetry, {at: 10, at + 5 * SECOND: 11, at + 10 * SECOND: 6_000, at + MINUTE: 12})
    points = (await ask(operator, period="1h", granularity="raw"))["points"]
    assert [(point["value"], point.get("implausible_step")) for point in points] == [
        (10, None),
        (11, None),
        (6_000, True),
        (None, None),
        (12, True),
    ]
    assert points[3] == {"time": "2026-11-23T09:30:15.000Z", "value": None, "min": None, "max": None}


async def test_the_registered_interval_says_what_a_gap_is(
    operator: httpx.AsyncClient, telemetry: FakeTelemetryStore, devices: FakeDeviceRegistry
) -> None:
    await measure(telemetry, {SAMPLE_TIME - number * 20 * MINUTE: 1.0 for number in range(3)})
    assert len((await ask(operator, period="1h", granularity="raw"))["points"]) == 5
    await devices.put([Device(grid_id=GRID, device_id="meter", expected_interval_seconds=1_200)])
    series = await ask(operator, period="1h", granularity="raw")
    assert (len(series["points"]), series["coverage"]) == (3, 1)


async def test_points_of_several_devices_name_their_device(
    operator: httpx.AsyncClient, telemetry: FakeTelemetryStore
) -> None:
    await measure(telemetry, {SAMPLE_TIME - 10 * SECOND: 1}, device_id="b")
    await measure(telemetry, {SAMPLE_TIME - 10 * SECOND: 2, SAMPLE_TIME - 20 * SECOND: 3}, device_id="a")
    points = (await ask(operator, granularity="raw"))["points"]
    assert [(point["device_id"], point["value"]) for point in points] == [("a", 3), ("a", 2), ("b", 1)]
    one = await ask(operator, granularity="raw", device_id="a")
    assert (one["device_id"], [point["value"] for point in one["points"]]) == ("a", [3, 2])


async def test_five_minutes_have_mean_and_extremes_and_end_with_the_running_one(
    operator: httpx.AsyncClient, rollups: FakeRollupStore
) -> None:
    series = Series(GRID, "meter", "consumption_kw")
    samples = [(milliseconds(SAMPLE_TIME + minute * MINUTE), minute) for minute in (-10, -8, -6, 0)]
    await rollups.write_summaries([(series, one) for one in summarise("consumption_kw", samples)])
    answer = await ask(operator, period="10m", granularity="5m")
    assert (answer["from"], answer["granularity"]) == ("2026-11-23T09:50:00.000Z", "5m")
    assert answer["points"] == [
        {"time": "2026-11-23T09:50:00.000Z", "value": -8, "min": -10, "max": -6},
        {"time": "2026-11-23T10:00:00.000Z", "value": 0, "min": 0, "max": 0},
    ]


async def test_powers_of_the_devices_are_added_up_and_one_can_be_asked_for(
    operator: httpx.AsyncClient, rollups: FakeRollupStore
) -> None:
    for device_id in ("a", "b"):
        await sum_up_minutes(rollups, [SAMPLE_TIME - 5 * MINUTE], device_id=device_id)
    for device, value in (("", 12), ("a", 6)):
        parameters = {"device_id": device} if device else {}
        answer = await ask(operator, period="1h", granularity="5m", **parameters)
        assert [point["value"] for point in answer["points"]] == [value]


async def test_coverage_is_the_mean_of_the_devices(
    operator: httpx.AsyncClient, rollups: FakeRollupStore
) -> None:
    every = [SAMPLE_TIME - number * 5 * MINUTE for number in range(25)]
    await sum_up_minutes(rollups, every, device_id="a")
    await sum_up_minutes(rollups, every[:13], device_id="b")
    interval = "2026-11-23T08:00:00Z/2026-11-23T10:00:00Z"
    assert (await ask(operator, period=interval, granularity="5m"))["coverage"] == 0.75


@pytest.mark.parametrize(
    ("start", "offsets", "hours_of_days"),
    [
        # The clock is put back on 2026-10-25, a day of 25 hours.
        (datetime(2026, 10, 23, 22, tzinfo=UTC), ["+02:00", "+02:00", "+01:00"], [24, 25, 24]),
        # And forward on 2026-03-29, a day of 23.
        (datetime(2026, 3, 27, 23, tzinfo=UTC), ["+01:00", "+01:00", "+02:00"], [24, 23, 24]),
    ],
)
async def test_days_begin_at_midnight_of_the_grid_also_when_the_clock_is_changed(
    operator: httpx.AsyncClient,
    rollups: FakeRollupStore,
    grids: FakeGridStore,
    *,
    start: datetime,
    offsets: list[str],
    hours_of_days: list[int],
) -> None:
    await grids.put(Grid(grid_id=GRID, name="Village", time_zone="Europe/Berlin"))
    end = start + sum(hours_of_days) * HOUR
    await sum_up_hours(rollups, "Europe/Berlin", start, end)
    # Asked for from the middle of the first day.
    period = f"{start + 12 * HOUR:%Y-%m-%dT%H:%MZ}/{end:%Y-%m-%dT%H:%MZ}"
    answer = await ask(operator, period=period, granularity="1d")
    first = 0
    for point, offset, hours in zip(answer["points"], offsets, hours_of_days, strict=True):
        assert point["time"].endswith(f"T00:00:00.000{offset}")
        assert (point["min"], point["max"]) == (first - 0.5, first + hours - 0.5)
        first += hours
    assert answer["from"] == answer["points"][0]["time"]
    assert (answer["time_zone"], answer["coverage"]) == ("Europe/Berlin", 1)


async def test_hours_are_those_of_the_grid_and_a_missing_one_is_a_gap(
    operator: httpx.AsyncClient, rollups: FakeRollupStore, grids: FakeGridStore
) -> None:
    await grids.put(Grid(grid_id=GRID, name="Village", time_zone="Asia/Kathmandu"))
    start = datetime(2026, 11, 22, 18, 15, tzinfo=UTC)
    await sum_up_hours(rollups, "Asia/Kathmandu", start, start + 5 * HOUR, leave_out=[2, 3])
    answer = await ask(operator, period="2026-11-22T18:15:00Z/PT5H", granularity="1h")
    assert [(point["time"][11:], point["value"]) for point in answer["points"]] == [
        ("00:00:00.000+05:45", 0),
        ("01:00:00.000+05:45", 1),
        ("02:00:00.000+05:45", None),
        ("04:00:00.000+05:45", 4),
    ]
    assert answer["coverage"] == 0.6


async def test_never_more_than_fits_a_screen_is_shown_and_the_extremes_stay(
    operator: httpx.AsyncClient, rollups: FakeRollupStore, telemetry: FakeTelemetryStore
) -> None:
    await sum_up_hours(rollups, "UTC", SAMPLE_TIME - 100 * DAY, SAMPLE_TIME)
    await measure(telemetry, {SAMPLE_TIME - number * SECOND: number % 97 for number in range(3_000)})
    for period, points, extremes in (
        ("100d", 50, (-0.5, 2_399.5)),
        ("100d", 500, (-0.5, 2_399.5)),
        ("1h", 70, (0, 96)),
    ):
        answer = await ask(
            operator, period=period, points=points, granularity="1h" if period == "100d" else "raw"
        )
        shown = answer["points"]
        assert points / 2 < len(shown) <= points
        assert answer["thinned"]
        assert (min(point["min"] for point in shown), max(point["max"] for point in shown)) == extremes


@pytest.mark.parametrize(
    ("period", "points", "granularity"),
    [
        ("1h", 500, "raw"),
        ("6h", 500, "raw"),
        ("7h", 500, "5m"),
        ("24h", 500, "5m"),
        ("7d", 500, "5m"),
        ("30d", 500, "1h"),
        ("30d", 2_000, "5m"),
        ("366d", 500, "1d"),
        ("366d", 2_000, "1h"),
        ("7d", 50, "1h"),
        # Readings are not kept for so long.
        ("2026-09-01T00:00:00Z/PT1H", 500, "5m"),
    ],
)
async def test_the_granularity_suits_the_period(
    operator: httpx.AsyncClient, period: str, points: int, granularity: str
) -> None:
    assert (await ask(operator, period=period, points=points))["granularity"] == granularity


async def test_points_of_several_devices_make_no_curve(
    operator: httpx.AsyncClient, telemetry: FakeTelemetryStore
) -> None:
    for device_id in ("a", "b"):
        await measure(telemetry, {SAMPLE_TIME: 1}, device_id=device_id)
    assert (await ask(operator, period="1h"))["granularity"] == "5m"
    assert (await ask(operator, period="1h", device_id="a"))["granularity"] == "raw"


async def test_very_many_points_are_not_read_to_be_left_out(
    operator: httpx.AsyncClient, telemetry: FakeTelemetryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(historical, "_FEW_MEASURED", 100)
    monkeypatch.setattr(routes, "MOST_MEASURED", 200)
    await measure(telemetry, {SAMPLE_TIME - number * SECOND: 1 for number in range(150)})
    assert (await ask(operator, period="1h"))["granularity"] == "5m"
    assert (await ask(operator, period="1h", granularity="raw"))["granularity"] == "raw"
    await measure(telemetry, {SAMPLE_TIME - number * SECOND: 1 for number in range(150, 210)})
    answer = await operator.get(CONSUMPTION, params={"period": "1h", "granularity": "raw"})
    assert answer.status_code == 422
    assert "granularity" in answer.text
    assert "More than 200 points" in answer.text
    # Several metrics share what may be read.
    parameters = {"period": "4m", "granularity": "raw"}
    assert (await operator.get(CONSUMPTION, params=parameters)).status_code == 200
    parameters["metrics"] = "battery_soc,consumption_kw"
    answer = await operator.get(f"/api/historical/{GRID}", params=parameters)
    assert answer.status_code == 422
    assert "More than 100 points" in answer.text


async def test_more_devices_than_curves_fit_are_refused_as_they_were_measured(
    operator: httpx.AsyncClient, telemetry: FakeTelemetryStore
) -> None:
    for number in range(3):
        await measure(telemetry, {SAMPLE_TIME: 1}, device_id=f"meter-{number}")
    answer = await operator.get(CONSUMPTION, params={"granularity": "raw", "points": 50})
    assert answer.status_code == 422
    assert "3 devices measure it" in answer.text


async def test_several_metrics_come_in_one_answer_as_each_would_alone(
    operator: httpx.AsyncClient, telemetry: FakeTelemetryStore
) -> None:
    await telemetry.write([sample_reading(grid_id=GRID, consumption_kw=5, battery_soc=70)])
    path = f"/api/historical/{GRID}"
    answer = await ask(operator, path, metrics="battery_soc,consumption_kW,consumption_kw", period="1h")
    assert answer == {
        "grid_id": GRID,
        "series": [
            await ask(operator, f"{path}/{metric}", period="1h")
            for metric in ("battery_soc", "consumption_kw")
        ],
    }


@pytest.mark.parametrize(
    ("path", "parameters", "place"),
    [
        (f"{GRID}/power", {}, ["path", "metric"]),
        (GRID, {}, ["query", "metrics"]),
        (GRID, {"metrics": ""}, ["query", "metrics"]),
        (GRID, {"metrics": "battery_soc,power"}, ["query", "metrics"]),
        (GRID, {"metrics": ",".join(metric.name for metric in METRICS[:11])}, ["query", "metrics"]),
        (GRID, {"metrics": "x" * 5_000}, ["query", "metrics"]),
        (f"{GRID}/battery_soc", {"period": "24 h"}, ["query", "period"]),
        (f"{GRID}/battery_soc", {"period": "2026-11-01/P1D"}, ["query", "period"]),
        (f"{GRID}/battery_soc", {"period": "9" * 200}, ["query", "period"]),
        (f"{GRID}/battery_soc", {"granularity": "2h"}, ["query", "granularity"]),
        (f"{GRID}/battery_soc", {"points": "2001"}, ["query", "points"]),
        (f"{GRID}/battery_soc", {"points": "0"}, ["query", "points"]),
        (f"{GRID}/battery_soc", {"device_id": "a b"}, ["query", "device_id"]),
    ],
)
async def test_what_cannot_be_is_refused_and_named(
    operator: httpx.AsyncClient, path: str, parameters: dict[str, str], place: list[str]
) -> None:
    answer = await operator.get(f"/api/historical/{path}", params=parameters)
    assert answer.status_code == 422
    assert ".".join(place) in fields_of(answer)


async def test_a_store_that_is_away_is_said_to_be(
    operator: httpx.AsyncClient,
    telemetry: FakeTelemetryStore,
    rollups: FakeRollupStore,
    grids: FakeGridStore,
) -> None:
    for store, granularity in ((telemetry, "raw"), (rollups, "1h"), (grids, "1h")):
        store.fail_next(RetryableError("redis://secret"))
        answer = await operator.get(CONSUMPTION, params={"granularity": granularity})
        assert answer.status_code == 503
        assert "Retry-After" in answer.headers
        assert "secret" not in answer.text
