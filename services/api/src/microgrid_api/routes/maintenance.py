"""Maintenance windows: when work is done, so that its alarms are expected."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Path
from fastapi.exceptions import RequestValidationError

from microgrid_api.alarms.rule_views import MaintenanceWindowView, PlannedWork
from microgrid_api.context import ApiContext, Context
from microgrid_api.identity.access import FORBIDDEN, NO_SUCH_GRID, InGrid
from microgrid_api.identity.auditing import Audit
from microgrid_api.identity.permissions import Permission
from microgrid_api.web.body_limit import BODY_REFUSED
from microgrid_api.web.errors import InvalidRequest, Problem, asking
from microgrid_common.ports.identity import Caller
from microgrid_common.ports.rule_store import MAXIMUM_WINDOWS
from microgrid_common.schemas.identifiers import IDENTIFIER_PATTERN
from microgrid_common.schemas.maintenance import MaintenanceWindow

router = APIRouter(
    prefix="/api/maintenance/{grid_id}",
    tags=["rules"],
    dependencies=[Depends(InGrid(Permission.VIEW))],
    responses={
        401: {"model": Problem, "description": "The token is missing or not valid."},
        **NO_SUCH_GRID,
        422: {"model": InvalidRequest, "description": "It says what is allowed."},
        503: {"model": Problem, "description": "The store is away; see `Retry-After`."},
    },
)

_NOT_FOUND: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem, "description": "There is no such window in this grid."}
}

_GridId = Annotated[str, Path(pattern=IDENTIFIER_PATTERN, examples=["village-1"])]
_WindowId = Annotated[str, Path(pattern=IDENTIFIER_PATTERN, examples=["fan-2026-11"])]

_Planner = Annotated[Caller, Depends(InGrid(Permission.PLAN_MAINTENANCE))]


@router.get("", summary="The maintenance windows of a grid")
async def list_windows(context: Context, grid_id: _GridId) -> list[MaintenanceWindowView]:
    """Every window of a grid, those that are over too, in the order of their beginning."""
    async with asking("rule store"):
        book = await context.ports.rules.book()
    return [MaintenanceWindowView.of(window) for window in book.windows if window.grid_id == grid_id]


@router.get("/{window_id}", summary="One maintenance window", responses=_NOT_FOUND)
async def show(context: Context, grid_id: _GridId, window_id: _WindowId) -> MaintenanceWindowView:
    """When work is done, and on what."""
    async with asking("rule store"):
        return MaintenanceWindowView.of(await _get(context, grid_id, window_id))


@router.put(
    "/{window_id}",
    summary="Plan maintenance",
    responses={
        **BODY_REFUSED,
        **FORBIDDEN,
        409: {"model": Problem, "description": "There are too many windows."},
    },
)
async def plan(
    context: Context,
    who: _Planner,
    audit: Audit,
    *,
    grid_id: _GridId,
    window_id: _WindowId,
    work: PlannedWork,
) -> MaintenanceWindowView:
    """Plan work, or change what is planned; alarms about it are suppressed from its start to its end.

    What is open by then is suppressed too; what is still open when it ends comes back.
    """
    if work.end <= work.start:
        problem = {"loc": ("body", "end"), "msg": "After start", "type": "ends_before_it_begins"}
        raise RequestValidationError([problem])
    window = MaintenanceWindow(grid_id=grid_id, window_id=window_id, by=who.username, **work.model_dump())
    async with (
        audit.change("maintenance.plan", window_id, grid_id=grid_id) as change,
        asking("rule store"),
    ):
        await _check_room(context, window)
        change.before = await context.ports.rules.put_window(window)
        change.after = window
    return MaintenanceWindowView.of(window)


@router.delete(
    "/{window_id}",
    summary="Delete a maintenance window",
    dependencies=[Depends(InGrid(Permission.PLAN_MAINTENANCE))],
    responses={**_NOT_FOUND, **FORBIDDEN},
)
async def delete(
    context: Context, audit: Audit, grid_id: _GridId, window_id: _WindowId
) -> MaintenanceWindowView:
    """Delete a window, which ends it; returns what was planned."""
    async with (
        audit.change("maintenance.delete", window_id, grid_id=grid_id) as change,
        asking("rule store"),
    ):
        change.before = window = await context.ports.rules.remove_window(grid_id, window_id)
        if window is None:
            raise _not_found()
    return MaintenanceWindowView.of(window)


async def _get(context: ApiContext, grid_id: str, window_id: str) -> MaintenanceWindow:
    book = await context.ports.rules.book()
    for window in book.windows:
        if (window.grid_id, window.window_id) == (grid_id, window_id):
            return window
    raise _not_found()


async def _check_room(context: ApiContext, window: MaintenanceWindow) -> None:
    names = {(known.grid_id, known.window_id) for known in (await context.ports.rules.book()).windows}
    if len(names | {(window.grid_id, window.window_id)}) > MAXIMUM_WINDOWS:
        detail = f"There can be no more than {MAXIMUM_WINDOWS} windows: delete some that are over."
        raise HTTPException(HTTPStatus.CONFLICT, detail)


def _not_found() -> HTTPException:
    return HTTPException(HTTPStatus.NOT_FOUND, "There is no such maintenance window in this grid.")
