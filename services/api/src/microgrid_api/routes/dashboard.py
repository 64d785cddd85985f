"""What the operators' dashboard shows."""

from functools import partial
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query, Response
from pydantic import AfterValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from microgrid_api.alarms.active_alerts import find_active_alerts
from microgrid_api.context import Context
from microgrid_api.history.metric_names import MetricInQuery
from microgrid_api.history.prototype_history import PERIOD_RULE, parse_period, read_thinned
from microgrid_api.identity.access import NO_SUCH_GRID, InDefaultGrid
from microgrid_api.views import AlertView, HistoryPoint, Realtime
from microgrid_api.web.errors import InvalidRequest, Problem, UnavailableError, asking
from microgrid_common.schemas.identifiers import DEFAULT_GRID_ID
from microgrid_common.transforms.clock import MAXIMUM_AHEAD

router = APIRouter(
    prefix="/api/dashboard",
    tags=["dashboard"],
    dependencies=[Depends(InDefaultGrid)],
    responses={
        401: {"model": Problem, "description": "The token is missing or not valid."},
        **NO_SUCH_GRID,
        503: {"model": Problem, "description": "A store is away; see `Retry-After`."},
    },
)


def _well_formed(period: str) -> str:
    try:
        parse_period(period)
    except ValueError as error:
        raise PydanticCustomError("invalid_period", "{rule}", {"rule": str(error)}) from None
    return period


_PeriodParameter = Annotated[
    str,
    AfterValidator(_well_formed),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]{1,6}[mhdw]$", "examples": ["24h"]}),
    Query(description=f"How far back: {PERIOD_RULE}."),
]


@router.get(
    "/realtime",
    summary="The newest key figures",
    responses={404: {"model": Problem, "description": "No reading has come in the last 24 hours."}},
)
async def realtime(context: Context) -> Realtime:
    """The newest consumption, generation and battery state of charge.

    A figure is null when nothing has come for it in the last 24 hours.
    """
    if not context.feed.connected:
        raise UnavailableError("The log of live readings is away.")
    newest = {metric: value.value for metric, value in context.feed.values(DEFAULT_GRID_ID).items()}
    figures = Realtime(
        consumption_kw=newest.get("consumption_kw"),
        generation_kw=newest.get("generation_kw"),
        battery_soc=_whole_as_integer(newest.get("battery_soc")),
    )
    if any(value is not None for _, value in figures):
        return figures
    if not context.feed.seeded:
        raise UnavailableError("The telemetry store is away, and nothing has arrived since the start.")
    raise HTTPException(HTTPStatus.NOT_FOUND, "No readings have arrived in the last 24 hours.")


@router.get(
    "/alerts",
    summary="The active alerts",
    responses={
        200: {
            "headers": {
                "X-Total-Count": {
                    "description": "How many active alerts there are, also of those that are not listed.",
                    "schema": {"type": "integer"},
                }
            }
        }
    },
)
async def alerts(context: Context, response: Response) -> list[AlertView]:
    """The active alerts, those about the platform itself too, the newest first: at most 500.

    `GET /api/alerts/{grid_id}` has all of them, page by page.
    """
    async with asking("alert store"):
        active = await find_active_alerts(context.ports.records, DEFAULT_GRID_ID)
    response.headers["X-Total-Count"] = str(active.total)
    return [AlertView.of(alert) for alert in active.shown]


@router.get(
    "/historical",
    summary="The history of one metric",
    responses={422: {"model": InvalidRequest, "description": "It says what is allowed."}},
)
async def historical(
    context: Context, metric: MetricInQuery, period: _PeriodParameter = "24h"
) -> list[HistoryPoint]:
    """The points of one metric in the period that ends now, in order of time; empty when there are none.

    Of more than 2,000 points, the lowest, the highest and the last one of equal stretches of time are left.
    """
    # A device's clock may be ahead by as much as the ingestor believes.
    end = context.now() + MAXIMUM_AHEAD
    start = context.now() - parse_period(period)
    async with asking("telemetry store"):
        points = await read_thinned(
            partial(context.ports.telemetry.history, DEFAULT_GRID_ID, metric), start=start, end=end
        )
    return [HistoryPoint.of(point) for point in points]


def _whole_as_integer(value: float | None) -> float | None:
    """`75.0` as `75`, which is how the prototype's clients know a state of charge."""
    return int(value) if value is not None and value.is_integer() else value
