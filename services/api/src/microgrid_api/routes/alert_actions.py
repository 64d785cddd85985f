"""What operators do about alerts."""

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, HTTPException, Path
from fastapi.exceptions import RequestValidationError
from pydantic import JsonValue

from microgrid_api.alarms.alert_orders import (
    AcknowledgementOrder,
    AssignmentOrder,
    NoteOrder,
    ReasonOrder,
    ShelvingOrder,
)
from microgrid_api.alarms.alert_views import AlertDetailView
from microgrid_api.context import Context
from microgrid_api.identity.access import FORBIDDEN, SignedIn, require
from microgrid_api.identity.auditing import Audit
from microgrid_api.identity.permissions import Permission
from microgrid_api.web.body_limit import BODY_REFUSED
from microgrid_api.web.errors import InvalidRequest, Problem, asking
from microgrid_common.runtime.alarm_desk import UnknownAlertError
from microgrid_common.schemas.alert import Alert, grid_of_alert
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
        **FORBIDDEN,
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
_ON_RECORD: Final = {
    Acknowledge: "alert.acknowledge",
    Shelve: "alert.shelve",
    Unshelve: "alert.unshelve",
    Clear: "alert.clear",
    AddNote: "alert.note",
    Assign: "alert.assign",
    TakeOutOfService: "alert.take_out_of_service",
    ReturnToService: "alert.return_to_service",
}

_AlertId = Annotated[str, Path(max_length=100, examples=["alert-village-1-7"])]


class _Operator:
    """Whoever has signed in, before the alert that the path names."""

    def __init__(self, context: Context, who: SignedIn, audit: Audit, alert_id: _AlertId) -> None:
        self.context = context
        self._who = who
        self._audit = audit
        self._alert_id = alert_id

    async def does(self, action: Action) -> AlertDetailView:
        """Do something about the alert, if they may, and put it on record.

        Raises:
            HTTPException: there is no such alert, or that cannot be done to it, or not by them.
            UnavailableError: the alert store is away.
        """
        if (grid_id := grid_of_alert(self._alert_id)) is None:
            raise HTTPException(HTTPStatus.NOT_FOUND, _MISSING)
        permission = _PERMISSIONS.get(type(action), Permission.HANDLE_ALARMS)
        require(self._who, permission, grid_id, missing=_MISSING)
        try:
            async with (
                self._audit.change(_ON_RECORD[type(action)], self._alert_id, grid_id=grid_id) as change,
                asking("alert store"),
            ):
                handled = await self.context.alarm_desk.act(self._alert_id, action, by=self._who.username)
                change.before, change.after = _standing(handled.before), _standing(handled.after)
        except UnknownAlertError:
            raise HTTPException(HTTPStatus.NOT_FOUND, _MISSING) from None
        except ActionRefusedError as refusal:
            raise HTTPException(HTTPStatus.CONFLICT, refusal.reason) from None
        return AlertDetailView.of(handled.after)


_TheOperator = Annotated[_Operator, Depends()]


@router.put("/acknowledge", summary="Acknowledge an alert", responses=_REFUSED)
async def acknowledge(operator: _TheOperator, order: AcknowledgementOrder | None = None) -> AlertDetailView:
    """Say that the alert is known, in the name of whoever has signed in.

    An alert that is acknowledged already stays as it is.
    """
    return await operator.does(Acknowledge(note=order.note if order else None))


@router.post("/shelve", summary="Put an alarm aside for a time", responses=_REFUSED)
async def shelve(operator: _TheOperator, order: ShelvingOrder) -> AlertDetailView:
    """Put an alarm aside, for at most 24 hours by default; it comes back by itself, if it lasts then.

    Episodes that begin meanwhile are put aside too.
    """
    context = operator.context
    until = _end_of_shelving(order, context.now(), longest=context.longest_shelving)
    return await operator.does(Shelve(until=until, reason=order.reason))


@router.post("/unshelve", summary="Take a shelved alarm back", responses=_REFUSED)
async def unshelve(operator: _TheOperator) -> AlertDetailView:
    """Take an alarm back that was put aside; one that is not shelved stays as it is."""
    return await operator.does(Unshelve())


@router.post("/clear", summary="End an alarm by hand", responses=_REFUSED)
async def clear(operator: _TheOperator) -> AlertDetailView:
    """End an alarm that nothing else ends: one from a device's own message, or of a rule that is gone."""
    return await operator.does(Clear())


@router.post("/note", summary="Write a note about an alert", responses=_REFUSED)
async def note(operator: _TheOperator, order: NoteOrder) -> AlertDetailView:
    """Write something down about an alert, also about one that is over. Notes are not changed afterwards."""
    return await operator.does(AddNote(text=order.text))


@router.post("/assign", summary="Say who looks after an alert", responses=_REFUSED)
async def assign(operator: _TheOperator, order: AssignmentOrder) -> AlertDetailView:
    """Say who looks after an alert."""
    return await operator.does(Assign(to=order.to))


@router.post("/out-of-service", summary="Take an alarm out of service", responses=_REFUSED)
async def take_out_of_service(operator: _TheOperator, order: ReasonOrder) -> AlertDetailView:
    """Take an alarm out of service until somebody puts it back."""
    return await operator.does(TakeOutOfService(reason=order.reason))


@router.post("/return-to-service", summary="Put an alarm back into service", responses=_REFUSED)
async def return_to_service(operator: _TheOperator) -> AlertDetailView:
    """Put an alarm back into service; one that is in service stays as it is."""
    return await operator.does(ReturnToService())


def _standing(alert: Alert) -> JsonValue:
    """What people can change about an alert; its notes stay with it, so their number says enough."""
    said = alert.model_dump(
        mode="json", include={"acknowledged_by", "assigned_to", "shelved", "out_of_service"}
    )
    return {"state": alert.state.value, "notes": len(alert.notes), **said}


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
