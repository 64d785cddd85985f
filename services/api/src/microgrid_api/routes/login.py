"""Signing in."""

import math
from http import HTTPStatus

from fastapi import APIRouter, HTTPException, Request

from microgrid_api.access import unauthorized
from microgrid_api.body_limit import BODY_REFUSED
from microgrid_api.context import Context
from microgrid_api.errors import InvalidRequest, Problem, asking
from microgrid_api.views import Credentials, Token
from microgrid_common.ports.identity import LoginRefusedError

router = APIRouter(prefix="/api", tags=["login"])


@router.post(
    "/login",
    summary="Sign in",
    responses={
        **BODY_REFUSED,
        401: {"model": Problem, "description": "The name or the password is wrong."},
        422: {"model": InvalidRequest, "description": "The body is not what it should be."},
        429: {
            "model": Problem,
            "description": "Too many wrong passwords from this address; see `Retry-After`.",
        },
    },
)
async def log_in(credentials: Credentials, request: Request, context: Context) -> Token:
    """Exchange a user name and a password for a token."""
    address = request.client.host if request.client else "unknown"
    if blocked_for := context.failed_logins.blocked_for(address):
        raise HTTPException(
            HTTPStatus.TOO_MANY_REQUESTS,
            "Too many wrong passwords; wait a minute and try again.",
            headers={"Retry-After": str(math.ceil(blocked_for.total_seconds()))},
        )
    try:
        async with asking("store of the logins"):
            tokens = await context.ports.identity.log_in(credentials.username, credentials.password)
    except LoginRefusedError:
        context.failed_logins.add(address)
        raise unauthorized("The user name or the password is wrong.") from None
    return Token(token=tokens.access_token)
