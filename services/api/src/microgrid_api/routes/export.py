"""History and alerts of a grid as files."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query
from fastapi.exceptions import RequestValidationError
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime, JsonValue

from microgrid_api.context import ApiContext, Context
from microgrid_api.history.alert_table import alert_table
from microgrid_api.history.historical import Granularity
from microgrid_api.history.history_table import TableQuestion, history_table
from microgrid_api.history.metric_names import MetricList, metrics_of
from microgrid_api.history.periods import PeriodText, find_period
from microgrid_api.history.table_files import (
    MEDIA_TYPES,
    MOST_ROWS_IN_A_WORKBOOK,
    TableFormat,
    TableTooLongError,
    write_csv,
    write_json,
    write_workbook,
)
from microgrid_api.history.tables import Table, asked, begun
from microgrid_api.identity.access import InGrid
from microgrid_api.identity.permissions import Permission
from microgrid_api.web.errors import InvalidRequest, Problem, UnavailableError, asking
from microgrid_common.ports.alert_records import AlertQuery
from microgrid_common.schemas.alert import AlertStatus, Severity
from microgrid_common.schemas.grid import Grid
from microgrid_common.schemas.identifiers import IDENTIFIER_PATTERN

router = APIRouter(
    prefix="/api/export/{grid_id}",
    tags=["history"],
    dependencies=[Depends(InGrid(Permission.VIEW))],
    responses={
        401: {"model": Problem, "description": "The token is missing or not valid."},
        404: {"model": Problem, "description": "There is no such grid."},
        422: {"model": InvalidRequest, "description": "It says what is allowed."},
        503: {
            "model": Problem,
            "description": "A store is away, or other workbooks are written; `Retry-After`.",
        },
    },
)

_A_WORKBOOK_TAKES: Final = timedelta(seconds=10)
"""When it is a long one."""

_HISTORY_EXAMPLE: Final[dict[str, JsonValue]] = {
    "grid_id": "village-1",
    "device_id": None,
    "granularity": "1h",
    "time_zone": "Africa/Nairobi",
    "from": "2026-11-23T00:00:00.000+03:00",
    "to": "2026-11-23T01:00:00.000+03:00",
    "columns": [
        {"name": "time", "unit": "Africa/Nairobi"},
        {"name": "time_utc", "unit": ""},
        {"name": "consumption_kw", "unit": "kW"},
        {"name": "consumption_kw_min", "unit": "kW"},
        {"name": "consumption_kw_max", "unit": "kW"},
    ],
    "rows": [["2026-11-23T00:00:00.000+03:00", "2026-11-22T21:00:00.000Z", 10.5, 9.8, 11.2]],
}
_ALERTS_EXAMPLE: Final[dict[str, JsonValue]] = {
    "grid_id": "village-1",
    "time_zone": "Africa/Nairobi",
    "columns": [{"name": "raised_at", "unit": "Africa/Nairobi"}, {"name": "message", "unit": ""}],
    "rows": [["2026-11-23T00:00:00.000+03:00", "Battery at 18.5 % on battery-1."]],
}

_GridId = Annotated[str, Path(pattern=IDENTIFIER_PATTERN, examples=["village-1"])]
_DeviceId = Annotated[
    str | None,
    Query(pattern=IDENTIFIER_PATTERN, description="Only this device; without it, all of the grid."),
]
_Format = Annotated[
    TableFormat,
    Query(
        alias="format",
        description=f"A workbook (`xlsx`) has up to {MOST_ROWS_IN_A_WORKBOOK:,} rows, the others any number.",
    ),
]
_Granularity = Annotated[
    Granularity,
    Query(
        description="As for `/api/historical`; `auto`: five minutes for up to a month, hours for more.",
    ),
]


def _file(example: dict[str, JsonValue]) -> dict[int | str, dict[str, Any]]:
    text = {"schema": {"type": "string"}}
    return {
        200: {
            "description": "A file, of the kind that was asked for.",
            "content": {
                "text/csv": {**text, "example": "time [Africa/Nairobi],time_utc\r\n"},
                MEDIA_TYPES[TableFormat.XLSX]: {
                    "schema": {"type": "string", "format": "binary"},
                    "example": "",
                },
                "application/json": {"schema": {"type": "object"}, "example": example},
            },
        }
    }


@router.get(
    "",
    summary="History as a file",
    response_class=StreamingResponse,
    responses=_file(_HISTORY_EXAMPLE),
)
async def history(
    context: Context,
    grid_id: _GridId,
    *,
    metrics: MetricList,
    period: PeriodText = "24h",
    granularity: _Granularity = Granularity.AUTO,
    device_id: _DeviceId = None,
    kind: _Format = TableFormat.CSV,
) -> StreamingResponse:
    """The history of some metrics as a table: a row for each time, on the grid's clock and in UTC.

    Nothing is thinned. Of roll-ups there are the mean, the lowest and the highest value; where nothing is
    known, a cell is empty, or the row is missing. A connection that ends early left something out.
    """
    grid = await _grid(context, grid_id)
    now = context.now()
    question = TableQuestion(
        grid=grid,
        metrics=metrics_of(metrics),
        device_id=device_id,
        period=find_period(period, now),
        granularity=granularity,
        now=now,
    )
    table = history_table(context.ports, question)
    days = "_".join(
        f"{time.astimezone(grid.zone):%Y-%m-%d}" for time in (question.period.start, question.period.end)
    )
    return await _as_file(
        context, table, kind, f"{grid_id}_{days}_{table.about['granularity']}", "telemetry store"
    )


@router.get(
    "/alerts",
    summary="Alerts as a file",
    response_class=StreamingResponse,
    responses=_file(_ALERTS_EXAMPLE),
)
async def alerts(
    context: Context,
    grid_id: _GridId,
    *,
    status: AlertStatus | None = None,
    severity: Severity | None = None,
    start: Annotated[AwareDatetime | None, Query(alias="from", description="Raised then or later.")] = None,
    end: Annotated[AwareDatetime | None, Query(alias="to", description="Raised before.")] = None,
    kind: _Format = TableFormat.CSV,
) -> StreamingResponse:
    """The alerts of a grid for which everything given holds, the newest first."""
    grid = await _grid(context, grid_id)
    query = AlertQuery(grid_id=grid_id, status=status, severity=severity, start=start, end=end)
    table = alert_table(context.ports.records, query, grid)
    return await _as_file(context, table, kind, f"{grid_id}_alerts", "alert store")


async def _grid(context: ApiContext, grid_id: str) -> Grid:
    async with asking("store of the grids"):
        return await context.ports.grids.get(grid_id)


async def _as_file(
    context: ApiContext, table: Table, kind: TableFormat, name: str, store: str
) -> StreamingResponse:
    # Read to the first rows before the answer begins: after that there is no way to say what is wrong.
    table = table.reading(await begun(asked(store, table.batches)))
    if kind is TableFormat.CSV:
        body = write_csv(table)
    elif kind is TableFormat.JSON:
        body = write_json(table)
    else:
        body = await _workbook(context, table)
    return StreamingResponse(
        body,
        media_type=MEDIA_TYPES[kind],
        headers={
            # Grids are named by letters, digits, _ and - alone.
            "Content-Disposition": f'attachment; filename="{name}.{kind}"',
            "Cache-Control": "private, no-store",
        },
    )


async def _workbook(context: ApiContext, table: Table) -> AsyncIterator[bytes]:
    if context.workbooks.locked():
        raise UnavailableError("Other workbooks are being written.", retry_after=_A_WORKBOOK_TAKES)
    async with context.workbooks:
        try:
            return await write_workbook(table)
        except TableTooLongError:
            problem = {
                "loc": ("query", "format"),
                "msg": f"More than {MOST_ROWS_IN_A_WORKBOOK:,} rows: csv, or a shorter period",
                "type": "too_many_rows",
            }
            raise RequestValidationError([problem]) from None
