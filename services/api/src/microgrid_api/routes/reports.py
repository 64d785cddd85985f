"""Reports about a grid: what it generated, used and exchanged."""

import asyncio
import re
from collections.abc import Mapping
from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from microgrid_api.context import Context
from microgrid_api.identity.access import InGrid
from microgrid_api.identity.permissions import Permission
from microgrid_api.reports.csv_file import energy_report_csv
from microgrid_api.reports.page import CONTENT_SECURITY_POLICY, energy_report_page
from microgrid_api.reports.views import EnergyReportView
from microgrid_api.web.errors import InvalidRequest, Problem, asking
from microgrid_common.runtime.energy_reports import read_energy_report
from microgrid_common.schemas.identifiers import IDENTIFIER_PATTERN
from microgrid_common.transforms.reports.periods import EARLIEST_DATE, MAXIMUM_DAYS, Period, last_whole

router = APIRouter(
    prefix="/api/reports/{grid_id}",
    tags=["reports"],
    dependencies=[Depends(InGrid(Permission.VIEW))],
    responses={
        401: {"model": Problem, "description": "The token is missing or not valid."},
        404: {"model": Problem, "description": "There is no such grid."},
        422: {"model": InvalidRequest, "description": "It says what is allowed."},
        503: {"model": Problem, "description": "A store is away; see `Retry-After`."},
    },
)

_WITHIN: Final = timedelta(seconds=30)
"""A year of many devices on a busy store."""

_ISO_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class ReportFormat(StrEnum):
    """How a report is written."""

    JSON = "json"
    CSV = "csv"
    HTML = "html"


def _as_iso_writes_it(given: object) -> object:
    # Without this, a number would be taken for seconds since 1970.
    if isinstance(given, str) and not _ISO_DATE.fullmatch(given):
        raise PydanticCustomError("invalid_date", "A date such as 2026-11-23")
    return given


_Date = Annotated[date | None, BeforeValidator(_as_iso_writes_it)]
_GridId = Annotated[str, Path(pattern=IDENTIFIER_PATTERN, examples=["village-1"])]
_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The report, in the format that was asked for.",
        "content": {
            "text/csv": {
                "schema": {"type": "string"},
                "example": "period,from,to,…,generation_kwh\r\n2026-11-23,2026-11-23,2026-11-23,…,41.2\r\n",
            },
            "text/html": {"schema": {"type": "string"}, "example": "<!DOCTYPE html>…"},
        },
    }
}


@router.get(
    "/energy",
    summary="Energy by day, week or month",
    response_model=EnergyReportView,
    responses=_ANSWERS,
)
async def energy(
    context: Context,
    grid_id: _GridId,
    response: Response,
    *,
    period: Period = Period.DAY,
    first: Annotated[_Date, Query(alias="from", description="The first day; local to the grid.")] = None,
    last: Annotated[_Date, Query(alias="to", description="The last day, which is part of it.")] = None,
    report_format: Annotated[ReportFormat, Query(alias="format")] = ReportFormat.JSON,
) -> EnergyReportView | Response:
    """What a grid generated, used and exchanged in each day, week or month, and in all of them.

    Without `from` and `to` it is about the last 7 days, 4 weeks or 12 months that are over. What nobody
    measured is null, and `unknown` says why; docs/reports.md has the definitions.
    """
    now = context.now()
    async with asking("store of the grids"):
        grid = await context.ports.grids.get(grid_id)
    dates = _dates(period, first, last, today=now.astimezone(grid.zone).date())
    async with asking("store of the roll-ups", within=_WITHIN):
        report = await read_energy_report(
            context.ports.rollups, grid, period=period, first=dates[0], last=dates[1], now=now
        )
    view = EnergyReportView.of(report, grid, period=period, now=now)
    headers = _headers(view, report_format)
    if report_format is ReportFormat.JSON:
        response.headers.update(headers)
        return view
    # A year of days takes a moment to write, in which others are served.
    return await asyncio.to_thread(_written, view, report_format, headers)


def _dates(period: Period, first: date | None, last: date | None, *, today: date) -> tuple[date, date]:
    """The first and the last day.

    Raises:
        RequestValidationError: there can be no report about them.
    """
    for parameter, given in (("from", first), ("to", last)):
        if given and not EARLIEST_DATE <= given <= today:
            raise _invalid(parameter, f"From {EARLIEST_DATE} to today, {today}")
    if last is None:
        last = today if first else last_whole(period, today)[1]
    if first is None:
        first = last_whole(period, last + timedelta(days=1))[0]
    if first > last:
        raise _invalid("from", "Not after the last day")
    if (last - first).days >= MAXIMUM_DAYS:
        raise _invalid("from", f"At most {MAXIMUM_DAYS} days in one report")
    return first, last


def _invalid(parameter: str, message: str) -> RequestValidationError:
    problem = {"loc": ("query", parameter), "msg": message, "type": "invalid_report_dates"}
    return RequestValidationError([problem])


def _written(view: EnergyReportView, report_format: ReportFormat, headers: Mapping[str, str]) -> Response:
    if report_format is ReportFormat.CSV:
        return Response(energy_report_csv(view), media_type="text/csv; charset=utf-8", headers=headers)
    page = energy_report_page(view)
    policy = {"Content-Security-Policy": f"{CONTENT_SECURITY_POLICY}; frame-ancestors 'none'"}
    return HTMLResponse(page, headers={**headers, **policy})


def _headers(view: EnergyReportView, report_format: ReportFormat) -> dict[str, str]:
    # Nothing in the name can end it: an identifier, a word of ours, and dates.
    name = f"energy-{view.grid_id}-{view.period}-{view.total.first}-{view.total.last}.{report_format}"
    shown = "attachment" if report_format is ReportFormat.CSV else "inline"
    return {
        "Content-Disposition": f'{shown}; filename="{name}"',
        # When and how much people use is their own affair.
        "Cache-Control": "private, no-store",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }
