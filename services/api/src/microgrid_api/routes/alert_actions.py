"""What operators do about alerts."""

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, HTTPException, Path
from fastapi.exceptions import RequestValidationError

from microgrid_api.access import SignedIn, require
from microgrid_api.alert_orders import (
    AcknowledgementOrder,
    AssignmentOrder,
    NoteOrder,
    ReasonOrder,
    ShelvingOrder,
)
from microgrid_api.alert_views import AlertDetailView
from microgrid_api.body_limit import BODY_REFUSED
from microgrid_api.context import ApiContext, Context
from microgrid_api.errors import InvalidRequest, Problem, asking
from microgrid_api.permissions import Permission
from microgrid_common.ports.identity import Caller
from microgrid_common.runtime.alarm_desk import UnknownAlertError
from microgrid_common.schemas.alert import grid_of_alert
from microgrid_common.transforms.alarms.actions import (
    Acknowledge,
    Action,
    ActionRefusedError,
    AddNote,
    Assign,
    Clear,
    ReturnToService,
    Shelve,
    TakeOutOfService,
    Unshelve,
)

router = APIRouter(
    prefix="/api/alerts/{alert_id}",
    tags=["alerts"],
    responses={
        **BODY_REFUSED,
        401: {"model": Problem, "description": "The token is missing or not valid."},
        404: {"model": Problem, "description": "There is no such alert."},
        422: {"model": InvalidRequest, "description": "It says what is allowed."},
        503: {"model": Problem, "description": "The store is away; see `Retry-After`."},
    },
)

_REFUSED: dict[int | str, dict[str, Any]] = {
    409: {"model": Problem, "description": "As the alarm stands, that cannot be done; it says why."}
}

_MISSING: Final = "There is no such alert."
_PERMISSIONS: Final = {
    TakeOutOfService: Permission.TAKE_OUT_OF_SERVICE,
    ReturnToService: Permission.TAKE_OUT_OF_SERVICE,
}
"""For every other action it is `Permission.HANDLE_ALARMS`."""

_AlertId = Annotated[str, Path(max_length=100, examples=["alert-village-1-7"])]


@router.put("/acknowledge", summary="Acknowledge an alert", responses=_REFUSED)
async def acknowledge(
    context: Context, who: SignedIn, alert_id: _AlertId, order: AcknowledgementOrder | None = None
) -> AlertDetailView:
    """Say that the alert is known, in the name of whoever has signed in.

    An alert that is acknowledged already stays as it is.
    """
    return await _act(context, alert_id, Acknowledge(note=order.note if order else None), who)


@router.post("/shelve", summary="Put an alarm aside for a time", responses=_REFUSED)
async def shelve(
    context: Context, who: SignedIn, alert_id: _AlertId, order: ShelvingOrder
) -> AlertDetailView:
    """Put an alarm aside, for at most 24 hours by default; it comes back by itself, if it lasts then.

    Episodes that begin meanwhile are put aside too.
    """
    until = _end_of_shelving(order, context.now(), longest=context.longest_shelving)
    return await _act(context, alert_id, Shelve(until=until, reason=order.reason), who)


@router.post("/unshelve", summary="Take a shelved alarm back", responses=_REFUSED)
async def unshelve(context: Context, who: SignedIn, alert_id: _AlertId) -> AlertDetailView:
    """Take an alarm back that was put aside; one that is not shelved stays as it is."""
    return await _act(context, alert_id, Unshelve(), who)


@router.post("/clear", summary="End an alarm by hand", responses=_REFUSED)
async def clear(context: Context, who: SignedIn, alert_id: _AlertId) -> AlertDetailView:
    """End an alarm that nothing else ends: one from a device's own message, or of a rule that is gone."""
    return await _act(context, alert_id, Clear(), who)


@router.post("/note", summary="Write a note about an alert", responses=_REFUSED)
async def note(context: Context, who: SignedIn, alert_id: _AlertId, order: NoteOrder) -> AlertDetailView:
    """Write something down about an alert, also about one that is over. Notes are not changed afterwards."""
    return await _act(context, alert_id, AddNote(text=order.text), who)


@router.post("/assign", summary="Say who looks after an alert", responses=_REFUSED)
async def assign(
    context: Context, who: SignedIn, alert_id: _AlertId, order: AssignmentOrder
) -> AlertDetailView:
    """Say who looks after an alert."""
    return await _act(context, alert_id, Assign(to=order.to), who)


@router.post("/out-of-service", summary="Take an alarm out of service", responses=_REFUSED)
async def take_out_of_service(
    context: Context, who: SignedIn, alert_id: _AlertId, order: ReasonOrder
) -> AlertDetailView:
    """Take an alarm out of service until somebody puts it back."""
    return await _act(context, alert_id, TakeOutOfService(reason=order.reason), who)


@router.post("/return-to-service", summary="Put an alarm back into service", responses=_REFUSED)
async def return_to_service(context: Context, who: SignedIn, alert_id: _AlertId) -> AlertDetailView:
    """Put an alarm back into service; one that is in service stays as it is."""
    return await _act(context, alert_id, ReturnToService(), who)


async def _act(context: ApiContext, alert_id: str, action: Action, who: Caller) -> AlertDetailView:
    if (grid_id := grid_of_alert(alert_id)) is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, _MISSING)
    require(who, _PERMISSIONS.get(type(action), Permission.HANDLE_ALARMS), grid_id, missing=_MISSING)
    try:
        async with asking("alert store"):
            handled = await context.alarm_desk.act(alert_id, action, by=who.username)
    except UnknownAlertError:
        raise HTTPException(HTTPStatus.NOT_FOUND, _MISSING) from None
    except ActionRefusedError as refusal:
        raise HTTPException(HTTPStatus.CONFLICT, refusal.reason) from None
    return AlertDetailView.of(handled.after)


def _end_of_shelving(order: ShelvingOrder, now: datetime, *, longest: timedelta) -> datetime:
    if order.until is None:
        where, span = "minutes", timedelta(minutes=order.minutes or 0)
    else:
        where, span = "until", order.until - now
    if not timedelta() < span <= longest:
        hours = longest / timedelta(hours=1)
        message = f"In the future, and at most {hours:g} hours from now"
        problem = {"loc": ("body", where), "msg": message, "type": "invalid_shelving"}
        raise RequestValidationError([problem])
    return now + span
