"""Whom alarms are told: the notifier's settings, for administrators, and the push tokens of a user's apps."""

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Path, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError

from microgrid_api.alarms.notification_views import (
    ChangedNotificationSettings,
    NotificationSettingsView,
    PushTokenOrder,
    PushTokenText,
    PushTokenView,
    RemovedPushTokenView,
)
from microgrid_api.context import Context
from microgrid_api.identity.access import FORBIDDEN, Everywhere, SignedIn, signed_in
from microgrid_api.identity.auditing import Audit
from microgrid_api.identity.permissions import Permission
from microgrid_api.web.body_limit import BODY_REFUSED
from microgrid_api.web.entity_tags import IfMatch, check_version, expected_version, tag
from microgrid_api.web.errors import InvalidRequest, Problem, asking
from microgrid_common.ports.notification_settings import StoredNotificationSettings
from microgrid_common.ports.push_tokens import PushToken
from microgrid_common.ports.rule_store import VersionConflictError
from microgrid_common.schemas.notification import NotificationSettings

router = APIRouter(
    prefix="/api/notifications",
    tags=["notifications"],
    dependencies=[Depends(signed_in)],
    responses={
        401: {"model": Problem, "description": "The token is missing or not valid."},
        422: {"model": InvalidRequest, "description": "It says what is allowed."},
        503: {"model": Problem, "description": "The store is away; see `Retry-After`."},
    },
)

_CONFLICT: dict[int | str, dict[str, Any]] = {
    409: {"model": Problem, "description": "Somebody has changed the settings meanwhile: look at them again."}
}


@router.get(
    "/settings",
    summary="Whom alarms are told",
    dependencies=[Depends(Everywhere(Permission.EDIT_NOTIFICATIONS))],
    responses=FORBIDDEN,
)
async def show_settings(context: Context, response: Response) -> NotificationSettingsView:
    """The settings with their version, which is the `ETag` too; secrets are hidden."""
    async with asking("store of the notification settings"):
        stored = await context.ports.notification_settings.get()
    tag(response, stored.version)
    return NotificationSettingsView.of(stored)


@router.put(
    "/settings",
    summary="Change whom alarms are told",
    dependencies=[Depends(Everywhere(Permission.EDIT_NOTIFICATIONS))],
    responses={**BODY_REFUSED, **FORBIDDEN, **_CONFLICT},
)
async def change_settings(
    context: Context,
    audit: Audit,
    changed: ChangedNotificationSettings,
    *,
    response: Response,
    if_match: IfMatch = None,
) -> NotificationSettingsView:
    """Replace all settings. The version that is replaced is said by `If-Match` or in the body.

    What was shown can be edited and sent back: a secret that reads as hidden stays what it is.
    """
    version = expected_version(if_match, changed.version, ("body", "version"))
    try:
        async with (
            audit.change("notifications.change", "settings", grid_id=None) as change,
            asking("store of the notification settings"),
        ):
            stored = await context.ports.notification_settings.get()
            change.before = NotificationSettingsView.of(stored)
            check_version(stored.version, version)
            settings = _with_secrets(changed.settings, stored.settings)
            new_version = await context.ports.notification_settings.put(settings, expected_version=version)
            view = NotificationSettingsView.of(StoredNotificationSettings(new_version, settings))
            change.after = view
    except VersionConflictError:
        raise _conflict() from None
    tag(response, view.version)
    return view


@router.post("/push-tokens", summary="Reach an installation of the app", responses=BODY_REFUSED)
async def register(context: Context, who: SignedIn, audit: Audit, order: PushTokenOrder) -> PushTokenView:
    """Reach an installation of the app in the name of whoever has signed in, until the login ends.

    A token that was another user's is this one's from now on. Doing it again is the same as doing it once.
    """
    token = PushToken(
        token=order.token,
        user=who.username,
        platform=order.platform,
        login_id=who.login_id,
        registered_at=context.now(),
    )
    # Who has the token can send to that installation: it is not put on record.
    async with (
        audit.change("push_token.register", who.username, grid_id=None) as change,
        asking("store of the push tokens"),
    ):
        await context.ports.push_tokens.register(token)
        change.after = {"platform": token.platform}
    return PushTokenView.of(token)


@router.delete(
    "/push-tokens/{token:path}",
    summary="Do not reach an installation of the app any more",
    responses={404: {"model": Problem, "description": "It is no token of this user's."}},
)
async def remove(
    context: Context,
    who: SignedIn,
    audit: Audit,
    token: Annotated[PushTokenText, Path(examples=["dpNx3v0QSa2:APA91bF"])],
) -> RemovedPushTokenView:
    """Forget a token of whoever has signed in."""
    async with (
        audit.change("push_token.remove", who.username, grid_id=None) as change,
        asking("store of the push tokens"),
    ):
        known = {one.token: one for one in await context.ports.push_tokens.of_user(who.username)}
        if not await context.ports.push_tokens.remove(who.username, token):
            raise HTTPException(HTTPStatus.NOT_FOUND, "You have no such push token.")
        change.before = {"platform": known[token].platform} if token in known else None
    return RemovedPushTokenView(token=token)


def _with_secrets(changed: NotificationSettings, stored: NotificationSettings) -> NotificationSettings:
    where = ("body", "settings", "channels")
    try:
        return changed.with_secrets_of(stored)
    except ValidationError as error:
        # Only now that the secrets are filled in can be seen what does not fit together.
        problems = [{"loc": where, "msg": found["msg"], "type": found["type"]} for found in error.errors()]
        raise RequestValidationError(problems) from None
    except ValueError as error:
        problem = {"loc": where, "msg": str(error), "type": "secret_needed"}
        raise RequestValidationError([problem]) from None


def _conflict() -> HTTPException:
    return HTTPException(
        HTTPStatus.CONFLICT, "Somebody has changed the settings meanwhile: look at them again."
    )
