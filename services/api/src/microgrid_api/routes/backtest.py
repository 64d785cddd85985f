"""Trying a rule on stored readings before it is put in force."""

from datetime import timedelta
from typing import Final

from fastapi import APIRouter
from fastapi.exceptions import RequestValidationError

from microgrid_api.alarms.backtest_views import BacktestReportView, BacktestRequest
from microgrid_api.context import Context
from microgrid_api.identity.access import FORBIDDEN, SignedIn, require
from microgrid_api.identity.permissions import Permission
from microgrid_api.web.errors import InvalidRequest, Problem, UnavailableError, asking
from microgrid_common.runtime.alarm_backtest import devices_of_grid, run_backtest
from microgrid_common.schemas.alarm_rule import AlarmRuleDraft
from microgrid_common.transforms.alarms.backtest import BacktestRefusedError
from microgrid_common.transforms.alarms.check_rule import check_rule
from microgrid_common.transforms.clock import EARLIEST

_LENGTH_BY_DEFAULT: Final = timedelta(days=7)
_MAY_TAKE: Final = timedelta(seconds=30)
"""Longer than other requests: it is work, not waiting. A longer one is for the command line."""

router = APIRouter(
    prefix="/api/rules/backtest",
    tags=["rules"],
    responses={
        401: {"model": Problem, "description": "The token is missing or not valid."},
        **FORBIDDEN,
        404: {"model": Problem, "description": "There is no such grid."},
        422: {"model": InvalidRequest, "description": "It says what is allowed."},
        503: {"model": Problem, "description": "A store is away, or another backtest runs; `Retry-After`."},
    },
)


@router.post("", summary="Try a rule on stored readings")
async def backtest(context: Context, who: SignedIn, request: BacktestRequest) -> BacktestReportView:
    """What a rule would have raised in a grid. Nothing is stored, and nobody is told.

    It is the engine's own evaluation, on the readings as they are stored. One backtest runs at a time.
    """
    require(who, Permission.TRY_RULES, request.grid_id)
    _check(request.rule)
    now = context.now()
    end = min(request.end or now, now)
    if end <= EARLIEST:
        raise _invalid("to", f"Allowed: after {EARLIEST:%Y-%m-%d}, before which no reading is believed")
    start = request.start or end - _LENGTH_BY_DEFAULT
    async with asking("device registry"):
        devices = await devices_of_grid(context.ports.devices, context.ports.links, request.grid_id)
    if context.backtest_running.locked():
        raise UnavailableError("Another backtest is running.", retry_after=_MAY_TAKE)
    try:
        async with context.backtest_running, asking("telemetry store", within=2 * _MAY_TAKE):
            report = await run_backtest(
                context.ports.telemetry,
                request.rule,
                devices,
                grid_id=request.grid_id,
                start=start,
                end=end,
                within=_MAY_TAKE,
            )
    except BacktestRefusedError as refusal:
        raise _invalid(refusal.field, str(refusal)) from None
    return BacktestReportView.of(report)


def _check(rule: AlarmRuleDraft) -> None:
    problems = [
        {"loc": ("body", "rule", *found.field.split(".")), "msg": found.reason, "type": "rule_refused"}
        for found in check_rule(rule)
    ]
    if problems:
        raise RequestValidationError(problems)


def _invalid(field: str, message: str) -> RequestValidationError:
    return RequestValidationError(
        [{"loc": ("body", *field.split(".")), "msg": message, "type": "backtest_refused"}]
    )
