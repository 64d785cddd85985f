"""History of a grid for charts."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Response
from fastapi.exceptions import RequestValidationError

from microgrid_api.context import ApiContext, Context
from microgrid_api.history.historical import (
    MOST_MEASURED,
    Granularity,
    History,
    Question,
    TooMuchError,
    read_history,
)
from microgrid_api.history.metric_names import MetricInPath, MetricList, metrics_of
from microgrid_api.history.periods import PeriodText, find_period
from microgrid_api.history.views import HistoricalSeries, HistoricalSet
from microgrid_api.identity.access import InGrid
from microgrid_api.identity.permissions import Permission
from microgrid_api.web.cached_answers import IfNoneMatch, answer_once
from microgrid_api.web.errors import InvalidRequest, Problem, asking
from microgrid_common.schemas.identifiers import IDENTIFIER_PATTERN

router = APIRouter(
    prefix="/api/historical/{grid_id}",
    tags=["history"],
    dependencies=[Depends(InGrid(Permission.VIEW))],
    responses={
        401: {"model": Problem, "description": "The token is missing or not valid."},
        404: {"model": Problem, "description": "There is no such grid."},
        422: {"model": InvalidRequest, "description": "It says what is allowed."},
        503: {"model": Problem, "description": "A store is away; see `Retry-After`."},
    },
)

_NOT_MODIFIED: dict[int | str, dict[str, Any]] = {
    304: {"description": "The answer is the one that `If-None-Match` names."}
}

_GridId = Annotated[str, Path(pattern=IDENTIFIER_PATTERN, examples=["village-1"])]
_DeviceId = Annotated[
    str | None,
    Query(
        pattern=IDENTIFIER_PATTERN,
        description="Only this device; without it, powers and meters of all devices are added up, and of "
        "everything else the mean is shown.",
    ),
]
_Granularity = Annotated[
    Granularity,
    Query(
        description="`raw`: as measured, for the last 31 days. `5m`, `1h`, `1d`: mean, lowest and highest of "
        "five minutes, of hours and days of the grid's clock. `auto`: what suits the period.",
    ),
]
_Points = Annotated[int, Query(ge=50, le=2_000, description="The most points of a metric to show.")]


@router.get(
    "/{metric}",
    summary="The history of one metric",
    response_model=HistoricalSeries,
    responses=_NOT_MODIFIED,
)
async def one_metric(
    context: Context,
    grid_id: _GridId,
    metric: MetricInPath,
    *,
    period: PeriodText = "24h",
    granularity: _Granularity = Granularity.AUTO,
    device_id: _DeviceId = None,
    points: _Points = 500,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """The history of one metric, as fine as suits the period, with its gaps marked.

    Where there are more points than asked for, those are left that make the shape of the curve, and
    every extreme stays in `min` and `max`.
    """
    questions = await _questions(
        context, grid_id, metric, period, granularity=granularity, device_id=device_id, points=points
    )
    (series,) = await _answer(context, questions)
    return answer_once(series, end=questions[0].period.end, now=context.now(), if_none_match=if_none_match)


@router.get(
    "",
    summary="The history of several metrics",
    response_model=HistoricalSet,
    responses=_NOT_MODIFIED,
)
async def several_metrics(
    context: Context,
    grid_id: _GridId,
    *,
    metrics: MetricList,
    period: PeriodText = "24h",
    granularity: _Granularity = Granularity.AUTO,
    device_id: _DeviceId = None,
    points: _Points = 500,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """The history of several metrics in one answer; each as it would come alone."""
    questions = await _questions(
        context, grid_id, metrics, period, granularity=granularity, device_id=device_id, points=points
    )
    return answer_once(
        HistoricalSet(grid_id=grid_id, series=await _answer(context, questions)),
        end=questions[0].period.end,
        now=context.now(),
        if_none_match=if_none_match,
    )


async def _questions(
    context: ApiContext,
    grid_id: str,
    metrics: str,
    period: str,
    *,
    granularity: Granularity,
    device_id: str | None,
    points: int,
) -> Sequence[Question]:
    async with asking("store of the grids"):
        grid = await context.ports.grids.get(grid_id)
    now = context.now()
    asked_for = metrics_of(metrics)
    return [
        Question(
            grid=grid,
            metric=metric,
            device_id=device_id,
            period=find_period(period, now),
            granularity=granularity,
            limit=points,
            most_measured=MOST_MEASURED // len(asked_for),
            now=now,
        )
        for metric in asked_for
    ]


async def _answer(context: ApiContext, questions: Sequence[Question]) -> list[HistoricalSeries]:
    async with asking("telemetry store"):
        return [HistoricalSeries.of(question, await _history(context, question)) for question in questions]


async def _history(context: ApiContext, question: Question) -> History:
    try:
        return await read_history(context.ports, question)
    except TooMuchError as error:
        problem = {"loc": ("query", "granularity"), "msg": str(error), "type": "too_many_points"}
        raise RequestValidationError([problem]) from None
