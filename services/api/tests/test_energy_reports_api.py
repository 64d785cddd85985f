"""Energy reports over HTTP: which dates, which format, and what an answer may do where it is opened."""

import csv
import io
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest

from microgrid_api.ports import ApiPorts
from microgrid_common.ports.errors import RetryableError
from microgrid_common.ports.rollup_store import Series
from microgrid_common.schemas.grid import Grid, Tariff
from microgrid_common.testing.fakes.grid_store import FakeGridStore
from microgrid_common.testing.fakes.rollup_store import FakeRollupStore
from microgrid_common.testing.samples import SAMPLE_TIME
from microgrid_common.transforms.reports.periods import days_from_to
from microgrid_common.transforms.rollups.calendar import hours_between
from microgrid_common.transforms.rollups.rollup import Rollup

PATH = "/api/reports/village-1/energy"
VILLAGE = Grid(
    grid_id="village-1",
    name='<script>alert("1")</script>=1+1',
    time_zone="Asia/Kathmandu",
    tariff=Tariff(currency="NPR", import_price_per_kwh=10, export_price_per_kwh=4),
    co2_kg_per_kwh=0.5,
)
TODAY = SAMPLE_TIME.astimezone(VILLAGE.zone).date()
KW = {"generation_kw": 3.0, "consumption_kw": 2.0, "grid_power_kw": 0.5}


@pytest.fixture
def rollups(ports: ApiPorts) -> FakeRollupStore:
    assert isinstance(ports.rollups, FakeRollupStore)
    return ports.rollups


@pytest.fixture
async def village(grids: FakeGridStore, rollups: FakeRollupStore) -> None:
    """A grid of whose last ten days everything is known but one hour."""
    await grids.put(VILLAGE)
    days = days_from_to(TODAY - timedelta(days=10), TODAY - timedelta(days=1), VILLAGE.zone)
    hours = hours_between(days[0].span.start_ms, days[-1].span.end_ms, VILLAGE.zone)
    await rollups.write_hours(
        [
            (
                Series("village-1", "meter", metric),
                Rollup(*span, 60, kw, kw, kw, span.end_ms - span.start_ms, kw, 0.0),
            )
            for span in hours[:-1]
            for metric, kw in KW.items()
        ]
    )


async def report(client: httpx.AsyncClient, **parameters: str) -> dict[str, Any]:
    answer = await client.get(PATH, params=parameters)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


@pytest.mark.usefixtures("village")
async def test_the_last_seven_days_that_are_over(operator: httpx.AsyncClient) -> None:
    found = await report(operator)
    assert (found["grid_id"], found["name"], found["period"]) == ("village-1", VILLAGE.name, "day")
    days = [TODAY - timedelta(days=number) for number in range(7, 0, -1)]
    assert [period["label"] for period in found["periods"]] == [day.isoformat() for day in days]
    first, last, total = found["periods"][0], found["periods"][-1], found["total"]
    assert first["generation"] == {"kwh": 72, "metered_kwh": 0, "integrated_kwh": 72, "coverage": 1}
    assert (first["from"], first["to"], first["is_over"]) == (days[0].isoformat(), days[0].isoformat(), True)
    # Midnight in Kathmandu.
    assert first["start"].endswith("T18:15:00.000Z")
    assert last["generation"]["coverage"] == pytest.approx(23 / 24, abs=1e-3)
    assert total["generation"]["kwh"] == 3 * (7 * 24 - 1)
    assert (total["from"], total["to"]) == (days[0].isoformat(), days[-1].isoformat())
    assert (total["self_sufficiency"], total["self_consumption"]) == (0.75, 1)
    assert total["cost"] == {"currency": "NPR", "import_cost": 835, "export_income": 0, "net_cost": 835}
    assert total["co2_avoided_kg"] == 250.5
    assert total["peak"]["kw"] == 2


@pytest.mark.usefixtures("village")
async def test_what_is_null_says_why(operator: httpx.AsyncClient) -> None:
    total = (await report(operator))["total"]
    assert total["unknown"] == {
        "battery_charged": "not_measured",
        "battery_discharged": "not_measured",
        "battery_throughput_kwh": "not_measured",
        "battery_cycles": "not_measured",
        "availability": "not_measured",
    }
    assert all(total[name] is None for name in total["unknown"])


async def test_of_a_grid_that_nobody_heard_of_nothing_is_known(operator: httpx.AsyncClient) -> None:
    total = (await report(operator))["total"]
    known = [name for name, figure in total.items() if figure is not None]
    assert set(known) == {"label", "from", "to", "start", "end", "is_over", "unknown"}
    assert set(total["unknown"].values()) == {"not_measured"}


@pytest.mark.parametrize(
    ("parameters", "first", "last", "labels"),
    [
        ({"period": "week"}, date(2026, 10, 26), date(2026, 11, 22), 4),
        ({"period": "month"}, date(2025, 11, 1), date(2026, 10, 31), 12),
        ({"from": "2026-11-20"}, date(2026, 11, 20), TODAY, 4),
        ({"to": "2026-11-10"}, date(2026, 11, 4), date(2026, 11, 10), 7),
        ({"from": "2026-11-10", "to": "2026-11-10"}, date(2026, 11, 10), date(2026, 11, 10), 1),
        (
            {"period": "month", "from": "2026-10-05", "to": "2026-11-02"},
            date(2026, 10, 5),
            date(2026, 11, 2),
            2,
        ),
    ],
)
async def test_which_days_are_meant(
    operator: httpx.AsyncClient, parameters: dict[str, str], first: date, last: date, labels: int
) -> None:
    assert datetime(2026, 11, 23, tzinfo=UTC) <= SAMPLE_TIME < datetime(2026, 11, 24, tzinfo=UTC)
    found = await report(operator, **parameters)
    assert (found["total"]["from"], found["total"]["to"]) == (first.isoformat(), last.isoformat())
    assert len(found["periods"]) == labels


@pytest.mark.parametrize(
    ("parameters", "where"),
    [
        ({"from": "2026-11-20", "to": "2026-11-19"}, "from"),
        ({"to": "2026-11-25"}, "to"),
        ({"from": "2025-10-01", "to": "2026-11-20"}, "from"),
        ({"from": "1999-12-01", "to": "1999-12-31"}, "from"),
        ({"from": "1700000000"}, "from"),
        ({"from": "2026-02-30"}, "from"),
        ({"to": "9999-12-31"}, "to"),
        ({"from": "0001-01-01"}, "from"),
        ({"to": "0001-01-01"}, "to"),
        ({"from": ""}, "from"),
        ({"period": "year"}, "period"),
        ({"format": "pdf"}, "format"),
    ],
)
async def test_what_cannot_be_reported_is_refused_with_the_parameter(
    operator: httpx.AsyncClient, parameters: dict[str, str], where: str
) -> None:
    answer = await operator.get(PATH, params=parameters)
    assert answer.status_code == 422
    assert f'{where}"' in answer.text


@pytest.mark.usefixtures("village")
async def test_a_spreadsheet_gets_a_row_for_each_day_and_the_total(operator: httpx.AsyncClient) -> None:
    answer = await operator.get(PATH, params={"format": "csv"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    disposition = answer.headers["content-disposition"]
    first, last = TODAY - timedelta(days=7), TODAY - timedelta(days=1)
    assert disposition == f'attachment; filename="energy-village-1-day-{first}-{last}.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["period"] for row in rows[-2:]] == [last.isoformat(), "total"]
    assert len(rows) == 8
    assert (rows[0]["generation_kwh"], rows[0]["generation_estimated_kwh"]) == ("72.0", "72.0")
    assert rows[0]["battery_cycles"] == ""
    assert "battery_cycles: not_measured" in rows[0]["unknown"]
    # The name of the grid, which a spreadsheet would take for a formula.
    assert "=1+1" not in answer.text


@pytest.mark.usefixtures("village")
async def test_a_page_needs_nothing_and_runs_nothing(operator: httpx.AsyncClient) -> None:
    answer = await operator.get(PATH, params={"format": "html"})
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert re.fullmatch(r'inline; filename="[A-Za-z0-9_.-]+\.html"', answer.headers["content-disposition"])
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "private, no-store"
    page = answer.text
    assert "<script" not in page
    assert "&lt;script&gt;alert(" in page
    assert not re.search(r"\s(?:style|on[a-z]+|src|href)=", page)
    assert page.count("<style>") == 1
    assert page.count("<svg") >= 2


@pytest.mark.parametrize("report_format", ["json", "csv", "html"])
async def test_a_store_that_is_away_is_said(
    operator: httpx.AsyncClient, rollups: FakeRollupStore, report_format: str
) -> None:
    rollups.fail_next(RetryableError("influx://secret"))
    answer = await operator.get(PATH, params={"format": report_format})
    assert answer.status_code == 503
    assert "secret" not in answer.text


async def test_without_a_token_nothing_is_told(stranger: httpx.AsyncClient) -> None:
    assert (await stranger.get(PATH)).status_code == 401
