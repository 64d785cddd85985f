"""How grids stand right now."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import BaseModel, ConfigDict

from microgrid_api.context import Context
from microgrid_api.grids.known_grids import known_grids
from microgrid_api.grids.summary import OVERVIEW_EXAMPLE, GridOverview, GridSummary
from microgrid_api.identity.access import InGrid, SignedIn
from microgrid_api.identity.permissions import Permission, sees
from microgrid_api.web.errors import InvalidRequest, Problem, asking
from microgrid_common.schemas.identifiers import IDENTIFIER_PATTERN, Identifier

router = APIRouter(
    prefix="/api",
    tags=["dashboard"],
    responses={
        401: {"model": Problem, "description": "The token is missing or not valid."},
        422: {"model": InvalidRequest, "description": "It says what is allowed."},
        503: {"model": Problem, "description": "A store is away; see `Retry-After`."},
    },
)

_AT_ONCE = 16
"""So many summaries are worked out at the same time."""


class OverviewPage(BaseModel):
    """How some grids stand."""

    model_config = ConfigDict(
        use_attribute_docstrings=True,
        json_schema_extra={"examples": [{"grids": [OVERVIEW_EXAMPLE], "next_cursor": None}]},
    )

    grids: list[GridOverview]
    next_cursor: str | None
    """For the next page; null when this is the last one."""


@router.get(
    "/dashboard/summary/{grid_id}",
    summary="How a grid stands right now",
    dependencies=[Depends(InGrid(Permission.VIEW))],
    response_model=GridSummary,
    responses={404: {"model": Problem, "description": "There is no such grid."}},
)
async def summary(
    context: Context, grid_id: Annotated[str, Path(pattern=IDENTIFIER_PATTERN, examples=["village-1"])]
) -> Response:
    """The key figures of a grid, its newest values with their ages, and how many alerts and devices it has.

    Consumption, generation, and the power of batteries and of the grid tie are added up over the devices
    that measured them within the last five minutes.
    """
    return Response(
        await context.summaries.get_json(grid_id),
        media_type="application/json",
        headers={"Cache-Control": "private, max-age=1"},
    )


@router.get("/overview", summary="How all your grids stand")
async def overview(
    context: Context,
    who: SignedIn,
    *,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[Identifier | None, Query(description="The `next_cursor` of the page before.")] = None,
) -> OverviewPage:
    """Every grid that you see and that is described or has registered devices, in the order of their ids."""
    async with asking("store of the grids"):
        grid_ids = [grid_id for grid_id in await known_grids(context.ports) if sees(who, grid_id)]
    after = [grid_id for grid_id in grid_ids if cursor is None or grid_id > cursor]
    page = after[:limit]
    room = asyncio.Semaphore(_AT_ONCE)

    async def one(grid_id: str) -> GridOverview:
        async with room:
            return (await context.summaries.get(grid_id)).overview()

    grids = await asyncio.gather(*map(one, page))
    return OverviewPage(grids=grids, next_cursor=page[-1] if len(after) > limit else None)
