"""History and alerts as files."""

import csv
from datetime import datetime, timedelta
from io import BytesIO, StringIO
from typing import Any
from xml.etree import ElementTree as ET
from zipfile import ZipFile

import httpx
import pytest
from fastapi import FastAPI

from microgrid_api.history import table_files
from microgrid_common.ports.errors import RetryableError
from microgrid_common.ports.rollup_store import Series
from microgrid_common.schemas.alert import Note, Severity
from microgrid_common.schemas.grid import Grid
from microgrid_common.testing.fakes.alarm_states import FakeAlarmStates
from microgrid_common.testing.fakes.alert_records import FakeAlertRecords
from microgrid_common.testing.fakes.grid_store import FakeGridStore
from microgrid_common.testing.fakes.rollup_store import FakeRollupStore
from microgrid_common.testing.fakes.telemetry_store import FakeTelemetryStore
from microgrid_common.testing.samples import SAMPLE_TIME, put_alerts, sample_reading, sample_record
from microgrid_common.transforms.rollups.summary import summarise

GRID = "village-1"
HISTORY = f"/api/export/{GRID}"
ALERTS = f"{HISTORY}/alerts"
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


@pytest.fixture
async def kathmandu(grids: FakeGridStore) -> None:
    await grids.put(Grid(grid_id=GRID, name="Village", time_zone="Asia/Kathmandu"))


async def measure(
    telemetry: FakeTelemetryStore, *times: datetime, device_id: str = "meter", **metrics: Any
) -> None:
    await telemetry.write(
        [sample_reading(time, grid_id=GRID, device_id=device_id, **metrics) for time in times]
    )


async def rows_of(client: httpx.AsyncClient, path: str = HISTORY, **parameters: str) -> list[list[str]]:
    answer = await client.get(path, params=parameters)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.reader(StringIO(answer.text)))


def cells_of(workbook: bytes) -> list[list[Any]]:
    """Texts as they are, numbers as floats; whatever else, a formula for one, as what it is."""
    with ZipFile(BytesIO(workbook)) as files:
        sheet = ET.fromstring(files.read("xl/worksheets/sheet1.xml"))
    return [[_cell(cell) for cell in row] for row in sheet.iter(f"{SHEET}row")]


def _cell(cell: ET.Element) -> Any:
    if cell.get("t") == "inlineStr":
        return "".join(cell.itertext())
    if [child.tag for child in cell] == [f"{SHEET}v"]:
        return float("".join(cell.itertext()))
    return ET.tostring(cell)


@pytest.mark.usefixtures("kathmandu")
async def test_points_stand_in_a_row_for_each_time_and_device_with_units_in_the_head(
    operator: httpx.AsyncClient, telemetry: FakeTelemetryStore
) -> None:
    await measure(telemetry, SAMPLE_TIME, device_id="b", consumption_kw=2.5, battery_soc=70)
    await measure(telemetry, SAMPLE_TIME, SAMPLE_TIME - SECOND, device_id="a", consumption_kw=1)
    assert await rows_of(operator, metrics="consumption_kW,battery_soc", granularity="raw") == [
        ["time [Asia/Kathmandu]", "time_utc", "device_id", "consumption_kw [kW]", "battery_soc [%]"],
        ["2026-11-23T15:44:59.000+05:45", "2026-11-23T09:59:59.000Z", "a", "1", ""],
        ["2026-11-23T15:45:00.000+05:45", "2026-11-23T10:00:00.000Z", "a", "1", ""],
        ["2026-11-23T15:45:00.000+05:45", "2026-11-23T10:00:00.000Z", "b", "2.5", "70"],
    ]


async def test_rollups_stand_in_a_row_for_each_time_with_their_extremes(
    operator: httpx.AsyncClient, rollups: FakeRollupStore
) -> None:
    start_ms = round(SAMPLE_TIME.timestamp() * 1000)
    for metric, minutes in (("consumption_kw", (0, 2, 5)), ("battery_soc", (5, 25))):
        samples = [(start_ms + minute * 60_000, float(minute)) for minute in minutes]
        series = Series(GRID, "meter", metric)
        await rollups.write_summaries([(series, one) for one in summarise(metric, samples)])
    interval = "2026-11-23T10:00:00Z/PT1H"
    rows = await rows_of(operator, metrics="consumption_kw,battery_soc", period=interval, granularity="5m")
    assert rows == [
        [
            "time [UTC]",
            "time_utc",
            *(f"consumption_kw{figure} [kW]" for figure in ("", "_min", "_max")),
            *(f"battery_soc{figure} [%]" for figure in ("", "_min", "_max")),
        ],
        [*["2026-11-23T10:00:00.000Z"] * 2, "1.0", "0.0", "2.0", "", "", ""],
        [*["2026-11-23T10:05:00.000Z"] * 2, *["5.0"] * 6],
        [*["2026-11-23T10:25:00.000Z"] * 2, "", "", "", *["25.0"] * 3],
    ]


async def test_nothing_is_thinned_and_much_is_read_in_parts(
    operator: httpx.AsyncClient, telemetry: FakeTelemetryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telemetry, "_maximum_points", 1_000)
    times = [SAMPLE_TIME - number * SECOND for number in range(5_000)]
    await measure(telemetry, *times, consumption_kw=1)
    rows = await rows_of(operator, metrics="consumption_kw", period="2h", granularity="raw")
    assert [row[0] for row in rows[1:]] == [
        time.isoformat(timespec="milliseconds").replace("+00:00", "Z") for time in reversed(times)
    ]


@pytest.mark.parametrize(("period", "granularity"), [("1h", "5m"), ("30d", "5m"), ("366d", "1h")])
async def test_the_granularity_and_the_days_are_in_the_name_of_the_file(
    operator: httpx.AsyncClient, period: str, granularity: str
) -> None:
    answer = await operator.get(HISTORY, params={"metrics": "battery_soc", "period": period})
    first = f"{SAMPLE_TIME - timedelta(hours=1 if period == '1h' else 24 * int(period[:-1])):%Y-%m-%d}"
    assert answer.headers["Content-Disposition"] == (
        f'attachment; filename="{GRID}_{first}_2026-11-23_{granularity}.csv"'
    )
    assert answer.headers["Cache-Control"] == "private, no-store"


@pytest.mark.usefixtures("kathmandu")
async def test_json_has_the_same_cells(operator: httpx.AsyncClient, telemetry: FakeTelemetryStore) -> None:
    await measure(telemetry, SAMPLE_TIME, SAMPLE_TIME - 2 * HOUR, consumption_kw=1.5)
    parameters = {"metrics": "consumption_kw,battery_soc", "granularity": "raw", "period": "3h"}
    answer = await operator.get(HISTORY, params={**parameters, "format": "json"})
    assert answer.headers["Content-Type"] == "application/json"
    document = answer.json()
    assert document | {"columns": [], "rows": []} == {
        "grid_id": GRID,
        "device_id": None,
        "granularity": "raw",
        "time_zone": "Asia/Kathmandu",
        "from": "2026-11-23T12:46:00.000+05:45",
        "to": "2026-11-23T15:46:00.000+05:45",
        "columns": [],
        "rows": [],
    }
    head, *rows = await rows_of(operator, **parameters)
    headings = [
        f"{column['name']} [{column['unit']}]" if column["unit"] else column["name"]
        for column in document["columns"]
    ]
    assert headings == head
    assert [["" if cell is None else str(cell) for cell in row] for row in document["rows"]] == rows


async def test_an_empty_table_is_whole(operator: httpx.AsyncClient) -> None:
    parameters = {"metrics": "battery_soc"}
    assert len(await rows_of(operator, **parameters)) == 1
    document = (await operator.get(HISTORY, params={**parameters, "format": "json"})).json()
    assert document["rows"] == []
    workbook = (await operator.get(HISTORY, params={**parameters, "format": "xlsx"})).content
    assert len(cells_of(workbook)) == 1


@pytest.mark.usefixtures("kathmandu")
async def test_a_workbook_has_times_and_numbers_as_such(
    operator: httpx.AsyncClient, telemetry: FakeTelemetryStore
) -> None:
    await measure(telemetry, SAMPLE_TIME, consumption_kw=1.5)
    answer = await operator.get(
        HISTORY, params={"metrics": "consumption_kw", "granularity": "raw", "format": "xlsx"}
    )
    assert answer.headers["Content-Type"].endswith(".spreadsheetml.sheet")
    head, row = cells_of(answer.content)
    assert head == ["time [Asia/Kathmandu]", "time_utc", "device_id", "consumption_kw [kW]"]
    # Days since the end of 1899, as Excel counts.
    noon_utc = (SAMPLE_TIME.replace(tzinfo=None) - datetime(1899, 12, 30)) / DAY  # noqa: DTZ001
    assert row == [pytest.approx(noon_utc + 5.75 / 24), pytest.approx(noon_utc), "meter", 1.5]


async def test_a_workbook_has_an_end(
    operator: httpx.AsyncClient, telemetry: FakeTelemetryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_files, "MOST_ROWS_IN_A_WORKBOOK", 3)
    await measure(telemetry, *(SAMPLE_TIME - number * HOUR for number in range(4)), consumption_kw=1)
    parameters = {"metrics": "consumption_kw", "granularity": "raw", "period": "4h"}
    answer = await operator.get(HISTORY, params={**parameters, "format": "xlsx"})
    assert answer.status_code == 422
    assert "rows: csv, or a shorter period" in answer.text
    assert len(await rows_of(operator, **parameters)) == 5


async def test_only_a_few_workbooks_are_written_at_once(operator: httpx.AsyncClient, app: FastAPI) -> None:
    workbooks = app.state.context.workbooks
    parameters = {"metrics": "battery_soc", "format": "xlsx"}
    async with workbooks, workbooks:
        answer = await operator.get(HISTORY, params=parameters)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
        assert (await operator.get(HISTORY, params=parameters | {"format": "csv"})).status_code == 200
    assert (await operator.get(HISTORY, params=parameters)).status_code == 200


async def test_alerts_stand_in_a_row_each_the_newest_first(
    operator: httpx.AsyncClient, states: FakeAlarmStates
) -> None:
    alerts = [
        sample_record(SAMPLE_TIME + number * SECOND, number=number, grid_id=GRID) for number in range(1, 4)
    ]
    await put_alerts(states, *alerts, sample_record(number=9, grid_id="village-2"))
    head, *rows = await rows_of(operator, ALERTS)
    assert [row[head.index("alert_id")] for row in rows] == [alert.id for alert in reversed(alerts)]
    assert rows[0][:3] == ["2026-11-23T10:00:03.000Z", "2026-11-23T10:00:03.000Z", ""]
    assert rows[0][head.index("severity")] == "warning"


async def test_all_pages_of_alerts_are_in_the_file(
    operator: httpx.AsyncClient, states: FakeAlarmStates
) -> None:
    await put_alerts(
        states, *(sample_record(number=number, grid_id=GRID) for number in range(1, 1_202)), tell=False
    )
    head, *rows = await rows_of(operator, ALERTS)
    assert len({row[head.index("alert_id")] for row in rows}) == len(rows) == 1_201


async def test_alerts_are_chosen_by_what_is_given(
    operator: httpx.AsyncClient, states: FakeAlarmStates
) -> None:
    await put_alerts(
        states,
        sample_record(number=1, grid_id=GRID, severity=Severity.CRITICAL),
        sample_record(number=2, grid_id=GRID, cleared_at=SAMPLE_TIME + HOUR),
        sample_record(SAMPLE_TIME + DAY, number=3, grid_id=GRID),
    )
    for parameters, numbers in (
        ({"severity": "critical"}, "1"),
        ({"status": "resolved"}, "2"),
        ({"from": "2026-11-24T00:00:00Z"}, "3"),
        ({"to": "2026-11-24T00:00:00Z"}, "21"),
    ):
        head, *rows = await rows_of(operator, ALERTS, **parameters)
        assert "".join(row[head.index("alert_id")][-1] for row in rows) == numbers


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", '=HYPERLINK("http://evil.example")']
)
async def test_no_text_becomes_a_formula_in_csv(
    operator: httpx.AsyncClient, states: FakeAlarmStates, text: str
) -> None:
    await put_alerts(states, sample_record(grid_id=GRID, message=text, device_id="-1"))
    head, row = await rows_of(operator, ALERTS)
    assert (row[head.index("message")], row[head.index("device_id")]) == (f"'{text}", "'-1")
    document = (await operator.get(ALERTS, params={"format": "json"})).json()
    assert text in document["rows"][0]


@pytest.mark.parametrize("text", ["=1+1", "{=1+1}", "-1", "http://evil.example", "007", ""])
async def test_a_text_is_a_text_in_a_workbook(
    operator: httpx.AsyncClient, states: FakeAlarmStates, text: str
) -> None:
    note = Note(at=SAMPLE_TIME, by="user", text="Pump house checked.")
    await put_alerts(states, sample_record(grid_id=GRID, message=text, notes=(note,)))
    workbook = (await operator.get(ALERTS, params={"format": "xlsx"})).content
    _, row = cells_of(workbook)
    assert [cell for cell in row if isinstance(cell, bytes)] == []
    assert text in row
    assert row[-1] == "user: Pump house checked."


async def test_commas_quotes_and_lines_stay_in_their_cell(
    operator: httpx.AsyncClient, states: FakeAlarmStates
) -> None:
    text = 'a "b", c\nd; é ☀'
    await put_alerts(states, sample_record(grid_id=GRID, message=text))
    head, row = await rows_of(operator, ALERTS)
    assert row[head.index("message")] == text


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"metrics": "power"},
        {"metrics": "battery_soc", "format": "pdf"},
        {"metrics": "battery_soc", "period": "yesterday"},
        {"metrics": "battery_soc", "granularity": "2h"},
    ],
)
async def test_what_cannot_be_is_refused(operator: httpx.AsyncClient, parameters: dict[str, str]) -> None:
    assert (await operator.get(HISTORY, params=parameters)).status_code == 422


@pytest.mark.parametrize("kind", ["csv", "json", "xlsx"])
async def test_a_store_that_is_away_is_said_to_be_before_the_file_begins(
    operator: httpx.AsyncClient, rollups: FakeRollupStore, records: FakeAlertRecords, kind: str
) -> None:
    for store, path in ((rollups, HISTORY), (records, ALERTS)):
        store.fail_next(RetryableError("redis://secret"))
        answer = await operator.get(path, params={"metrics": "battery_soc", "format": kind})
        assert answer.status_code == 503
        assert "secret" not in answer.text


@pytest.mark.parametrize("kind", ["csv", "json"])
async def test_a_store_that_goes_away_breaks_the_file_off(
    operator: httpx.AsyncClient, telemetry: FakeTelemetryStore, kind: str
) -> None:
    await measure(telemetry, SAMPLE_TIME - 5 * HOUR, SAMPLE_TIME, consumption_kw=1)
    telemetry.fail_next(RetryableError("away"), after=2)
    parameters = {"metrics": "consumption_kw", "period": "6h", "granularity": "raw", "format": kind}
    begun = (await operator.get(HISTORY, params=parameters)).content
    whole = (await operator.get(HISTORY, params=parameters)).content
    assert whole.startswith(begun)
    assert len(begun) < len(whole)
