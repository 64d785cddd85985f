"""The grids: what each is called, which clock is on its wall, what its energy costs."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Path, Response

from microgrid_api.context import Context
from microgrid_api.grids.known_grids import known_grids
from microgrid_api.grids.views import ChangedGrid, GridView
from microgrid_api.identity.access import InGrid, SignedIn
from microgrid_api.identity.auditing import Audit
from microgrid_api.identity.permissions import Permission, sees
from microgrid_api.web.body_limit import BODY_REFUSED
from microgrid_api.web.entity_tags import IfMatch, check_version, expected_version, tag
from microgrid_api.web.errors import InvalidRequest, Problem, asking
from microgrid_common.ports.rule_store import VersionConflictError
from microgrid_common.schemas.identifiers import IDENTIFIER_PATTERN

router = APIRouter(
    prefix="/api/grids",
    tags=["grids"],
    responses={
        401: {"model": Problem, "description": "The token is missing or not valid."},
        503: {"model": Problem, "description": "The store is away; see `Retry-After`."},
    },
)

_OF_ONE: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem, "description": "There is no such grid."},
    422: {"model": InvalidRequest, "description": "It says what is allowed."},
}

_GridId = Annotated[str, Path(pattern=IDENTIFIER_PATTERN, examples=["village-1"])]


@router.get("", summary="Your grids")
async def list_grids(context: Context, who: SignedIn) -> list[GridView]:
    """Every grid that you see and that is described, has registered devices or was ever heard; in order."""
    async with asking("store of the grids"):
        seen = [grid_id for grid_id in await known_grids(context.ports) if sees(who, grid_id)]
        described = {grid.grid_id: grid for grid in await context.ports.grids.described()}
        grids = [described.get(grid_id) or await context.ports.grids.get(grid_id) for grid_id in seen]
    return [GridView.of(grid) for grid in grids]


@router.get(
    "/{grid_id}",
    summary="One grid",
    dependencies=[Depends(InGrid(Permission.VIEW))],
    responses=_OF_ONE,
)
async def show(context: Context, grid_id: _GridId, response: Response) -> GridView:
    """A grid with its version, which is the `ETag` too; one that nobody described has version 0."""
    async with asking("store of the grids"):
        grid = await context.ports.grids.get(grid_id)
    tag(response, grid.version)
    return GridView.of(grid)


@router.put(
    "/{grid_id}",
    summary="Describe a grid",
    dependencies=[Depends(InGrid(Permission.EDIT_GRID))],
    responses={
        **BODY_REFUSED,
        **_OF_ONE,
        403: {"model": Problem, "description": "Your role does not allow this here."},
        409: {"model": Problem, "description": "Somebody has changed the grid meanwhile: look at it again."},
    },
)
async def describe(
    context: Context,
    audit: Audit,
    grid_id: _GridId,
    changed: ChangedGrid,
    *,
    response: Response,
    if_match: IfMatch = None,
) -> GridView:
    """Replace all that is known about a grid; `If-Match` or the body says which version is replaced.

    With another time zone, hours and days are those of its clock from now on. Hours that were made before
    and do not fit it, as between zones a half hour apart, are left out of answers.
    """
    version = expected_version(if_match, changed.version, ("body", "version"))
    try:
        async with (
            audit.change("grid.describe", grid_id, grid_id=grid_id) as change,
            asking("store of the grids"),
        ):
            before = await context.ports.grids.get(grid_id)
            check_version(before.version, version)
            change.before = before if before.version else None
            change.after = grid = await context.ports.grids.put(changed.grid(grid_id, version))
    except VersionConflictError:
        raise HTTPException(
            HTTPStatus.CONFLICT, "Somebody has changed the grid meanwhile: look at it again."
        ) from None
    tag(response, grid.version)
    return GridView.of(grid)
