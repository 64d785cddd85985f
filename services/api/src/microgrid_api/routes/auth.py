"""Logging in with tokens that end, renewing them, and logging out."""

import math
import re
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import APIRouter, HTTPException, Request

from microgrid_api.context import ApiContext, Context
from microgrid_api.identity.access import SignedIn, unauthorized
from microgrid_api.identity.auditing import Audit, auditor_of
from microgrid_api.identity.local_users.passwords import WeakPasswordError
from microgrid_api.identity.local_users.refusals import weak_password
from microgrid_api.identity.views import CallerView, PasswordChange, RefreshOrder, TokensView
from microgrid_api.views import Credentials
from microgrid_api.web.body_limit import BODY_REFUSED
from microgrid_api.web.errors import InvalidRequest, Problem, asking
from microgrid_common.ports.identity import LoginRefusedError, TokenRefusedError, Tokens
from microgrid_common.ports.rule_store import VersionConflictError
from microgrid_common.schemas.user import USERNAME_PATTERN

router = APIRouter(
    prefix="/api/auth",
    tags=["login"],
    responses={
        401: {"model": Problem, "description": "What was sent proves nothing, or not any more."},
        422: {"model": InvalidRequest, "description": "It says what is allowed."},
        503: {"model": Problem, "description": "The store of the logins is away; see `Retry-After`."},
    },
)

_TOO_MANY: dict[int | str, dict[str, Any]] = {
    429: {"model": Problem, "description": "Too many wrong passwords; see `Retry-After`."}
}


@router.post("/login", summary="Log in", responses={**BODY_REFUSED, **_TOO_MANY})
async def log_in(credentials: Credentials, request: Request, context: Context) -> TokensView:
    """Exchange a user name and a password for an access token, a JWT, and a refresh token."""
    return TokensView.of(await tokens_for(credentials, request, context))


@router.post("/refresh", summary="Renew the tokens of a login", responses=BODY_REFUSED)
async def refresh(order: RefreshOrder, context: Context) -> TokensView:
    """Exchange a refresh token for new tokens.

    It is good for one use. One that is used again, other than at once after an answer that got lost, is
    taken for stolen: the login ends.
    """
    try:
        async with asking("store of the logins"):
            return TokensView.of(await context.ports.identity.refresh(order.refresh_token))
    except TokenRefusedError:
        raise unauthorized(
            "The refresh token is not valid: sign in again with POST /api/auth/login."
        ) from None


@router.post("/logout", summary="Log out", status_code=HTTPStatus.NO_CONTENT)
async def log_out(who: SignedIn, audit: Audit, context: Context) -> None:
    """End this login: none of its tokens is accepted from now on, and its phones get no more messages."""
    async with asking("store of the logins"):
        await context.ports.push_tokens.remove_login(who.login_id)
        await context.ports.identity.log_out(who)
    await audit.record("auth.logout", who.username, grid_id=None)


@router.get("/me", summary="Who is logged in")
async def me(who: SignedIn) -> CallerView:
    """Who is logged in, and what they may do where."""
    return CallerView.of(who)


@router.put(
    "/password",
    summary="Change one's own password",
    responses={
        **BODY_REFUSED,
        **_TOO_MANY,
        403: {"model": Problem, "description": "The current password is wrong."},
        409: {"model": Problem, "description": "Passwords are not kept here, or the user was changed."},
    },
)
async def change_password(order: PasswordChange, who: SignedIn, audit: Audit, context: Context) -> TokensView:
    """Change one's own password: every login of this user ends, and a new one begins."""
    local = context.ports.local_users
    if local is None:
        raise HTTPException(HTTPStatus.CONFLICT, "Passwords are not kept here: change it where you log in.")
    try:
        async with (
            audit.change("auth.change_password", who.username, grid_id=None) as change,
            asking("store of the users"),
        ):
            await local.identity.check_password(who.username, order.current_password.get_secret_value())
            user = await local.desk.set_password(who.username, order.new_password.get_secret_value())
            change.after = {"version": user.version}
        async with asking("store of the logins"):
            return TokensView.of(await local.identity.start_login(user))
    except LoginRefusedError as refusal:
        if refusal.retry_after is not None:
            raise _too_many(refusal) from None
        raise HTTPException(HTTPStatus.FORBIDDEN, "The current password is wrong.") from None
    except WeakPasswordError as error:
        raise weak_password(error, "new_password") from None
    except VersionConflictError:
        raise HTTPException(
            HTTPStatus.CONFLICT, "Somebody has changed this user meanwhile: try again."
        ) from None


async def tokens_for(credentials: Credentials, request: Request, context: ApiContext) -> Tokens:
    """The tokens for some credentials.

    Raises:
        HTTPException: 401, they are wrong; 429, they were tried too often.
        UnavailableError: the store of the logins is away.
    """
    address = request.client.host if request.client else "unknown"
    if blocked_for := context.failed_logins.blocked_for(address):
        raise _too_many(LoginRefusedError("Too many wrong passwords", retry_after=blocked_for))
    try:
        async with asking("store of the logins"):
            tokens = await context.ports.identity.log_in(credentials.username, credentials.password)
    except LoginRefusedError as refusal:
        if refusal.retry_after is not None:
            raise _too_many(refusal) from None
        context.failed_logins.add(address)
        _log_refusal(credentials.username, address)
        raise unauthorized(refusal.advice or "The user name or the password is wrong.") from None
    username = tokens.caller.username
    await auditor_of(request, context, username).record("auth.login", username, grid_id=None)
    return tokens


def _log_refusal(username: str, address: str) -> None:
    # What cannot be a user name may be a password, written into the wrong field.
    name = username.strip().lower()
    shown = name if re.fullmatch(USERNAME_PATTERN, name) else None
    structlog.get_logger().warning("login_refused", username=shown, address=address)


def _too_many(refusal: LoginRefusedError) -> HTTPException:
    seconds = math.ceil(refusal.retry_after.total_seconds()) if refusal.retry_after else 1
    return HTTPException(
        HTTPStatus.TOO_MANY_REQUESTS,
        "Too many wrong passwords; wait a while and try again.",
        headers={"Retry-After": str(seconds)},
    )
