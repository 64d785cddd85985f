"""The alarm load of a grid: how much its alarms ask of the operator."""

from datetime import datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query
from fastapi.exceptions import RequestValidationError
from pydantic import AwareDatetime

from microgrid_api.alarms.load_views import AlarmLoadView
from microgrid_api.context import Context
from microgrid_api.identity.access import NO_SUCH_GRID, InGrid
from microgrid_api.identity.permissions import Permission
from microgrid_api.web.errors import InvalidRequest, Problem, asking
from microgrid_common.runtime.alarm_load import read_alarm_load
from microgrid_common.schemas.identifiers import IDENTIFIER_PATTERN
from microgrid_common.transforms.clock import EARLIEST

LONGEST: Final = timedelta(days=366)
_LENGTH_BY_DEFAULT: Final = timedelta(days=7)

router = APIRouter(
    prefix="/api/alerts/{grid_id}/load",
    tags=["alerts"],
    dependencies=[Depends(InGrid(Permission.VIEW))],
    responses={
        401: {"model": Problem, "description": "The token is missing or not valid."},
        **NO_SUCH_GRID,
        422: {"model": InvalidRequest, "description": "It says what is allowed."},
        503: {"model": Problem, "description": "The store is away; see `Retry-After`."},
    },
)


@router.get("", summary="The alarm load of a grid")
async def load(
    context: Context,
    grid_id: Annotated[str, Path(pattern=IDENTIFIER_PATTERN, examples=["village-1"])],
    *,
    start: Annotated[
        AwareDatetime | None, Query(alias="from", description="By default 7 days before the end.")
    ] = None,
    end: Annotated[
        AwareDatetime | None, Query(alias="to", description="Not part of it; the present by default.")
    ] = None,
) -> AlarmLoadView:
    """How many alarms a grid has raised, how they were answered, and what is recommended.

    For at most 366 days.
    """
    now = context.now()
    end = min(end or now, now)
    start = _checked_start(start, end)
    async with asking("alert store"):
        figures = await read_alarm_load(context.ports.records, grid_id, start=start, end=end, now=now)
    return AlarmLoadView.of(figures)


def _checked_start(start: datetime | None, end: datetime) -> datetime:
    if end <= EARLIEST:
        raise _invalid("to", f"Allowed: after {EARLIEST:%Y-%m-%d}, before which no reading is believed")
    if start is None:
        start = end - _LENGTH_BY_DEFAULT
    if start >= end:
        raise _invalid("from", "Allowed: before `to`, and not in the future")
    if end - start > LONGEST:
        raise _invalid("from", f"Allowed: at most {LONGEST.days} days before `to`")
    return start


def _invalid(parameter: str, message: str) -> RequestValidationError:
    return RequestValidationError([{"loc": ("query", parameter), "msg": message, "type": "invalid_range"}])
