"""The alerts of a grid: to find, and to look at."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Path, Query
from fastapi.exceptions import RequestValidationError
from pydantic import AwareDatetime

from microgrid_api.alarms.alert_views import AlertDetailView, AlertPageView, GridAlertView
from microgrid_api.context import Context
from microgrid_api.identity.access import NO_SUCH_GRID, InGrid
from microgrid_api.identity.permissions import Permission
from microgrid_api.web.errors import InvalidRequest, Problem, asking
from microgrid_common.ports.alert_records import LARGEST_PAGE, AlertQuery, BadCursorError
from microgrid_common.schemas.alert import AlertStatus, Severity
from microgrid_common.schemas.identifiers import IDENTIFIER_PATTERN, Identifier

router = APIRouter(
    prefix="/api/alerts/{grid_id}",
    tags=["alerts"],
    dependencies=[Depends(InGrid(Permission.VIEW))],
    responses={
        401: {"model": Problem, "description": "The token is missing or not valid."},
        **NO_SUCH_GRID,
        422: {"model": InvalidRequest, "description": "It says what is allowed."},
        503: {"model": Problem, "description": "The store is away; see `Retry-After`."},
    },
)

_GridId = Annotated[
    str,
    Path(
        pattern=IDENTIFIER_PATTERN,
        description="A grid; `platform` for what the platform says about itself.",
        examples=["village-1"],
    ),
]
_Status = Annotated[
    AlertStatus | None,
    Query(description="`active`: the alarm lasts and is not put aside. `resolved`: it has ended."),
]
_PutAside = Annotated[
    bool,
    Query(description="Instead, those that last and are shelved, suppressed or out of service."),
]


@router.get("", summary="Find alerts")
async def find(
    context: Context,
    grid_id: _GridId,
    *,
    status: _Status = None,
    put_aside: _PutAside = False,
    severity: Severity | None = None,
    device_id: Identifier | None = None,
    rule_id: Annotated[str | None, Query(max_length=400)] = None,
    start: Annotated[AwareDatetime | None, Query(alias="from", description="Raised then or later.")] = None,
    end: Annotated[AwareDatetime | None, Query(alias="to", description="Raised before.")] = None,
    limit: Annotated[int, Query(ge=1, le=LARGEST_PAGE)] = 50,
    cursor: Annotated[
        str | None, Query(max_length=200, description="The `next_cursor` of the page before.")
    ] = None,
) -> AlertPageView:
    """The alerts of a grid for which everything given holds, the newest first; without a status all."""
    if start is not None and end is not None and start >= end:
        raise _invalid("from", "Allowed: before `to`", "invalid_range")
    query = AlertQuery(
        grid_id=grid_id,
        status=AlertStatus.ACTIVE if put_aside else status,
        annunciated=_annunciated(status, put_aside=put_aside),
        severity=severity,
        device_id=device_id,
        rule_id=rule_id,
        start=start,
        end=end,
        limit=limit,
        cursor=cursor,
    )
    try:
        async with asking("alert store"):
            page = await context.ports.records.find(query)
    except BadCursorError:
        raise _invalid("cursor", "The next_cursor of the page before, as it was", "invalid_cursor") from None
    return AlertPageView(alerts=[GridAlertView.of(alert) for alert in page.alerts], next_cursor=page.cursor)


@router.get(
    "/{alert_id}",
    summary="One alert",
    responses={404: {"model": Problem, "description": "There is no such alert in this grid."}},
)
async def show(
    context: Context,
    grid_id: _GridId,
    alert_id: Annotated[str, Path(max_length=100, examples=["alert-village-1-7"])],
) -> AlertDetailView:
    """All that is known about an alert, with the readings that raised it."""
    async with asking("alert store"):
        alert = await context.ports.records.get(alert_id)
    # Of another grid is as good as not there: nobody learns what other grids have.
    if alert is None or alert.grid_id != grid_id:
        raise HTTPException(HTTPStatus.NOT_FOUND, "There is no such alert in this grid.")
    return AlertDetailView.of(alert)


def _annunciated(status: AlertStatus | None, *, put_aside: bool) -> bool | None:
    if put_aside and status is AlertStatus.RESOLVED:
        raise _invalid("put_aside", "Not with status=resolved: what is put aside lasts", "contradiction")
    if put_aside:
        return False
    return True if status is AlertStatus.ACTIVE else None


def _invalid(parameter: str, message: str, kind: str) -> RequestValidationError:
    return RequestValidationError([{"loc": ("query", parameter), "msg": message, "type": kind}])
