"""Signing in."""

from fastapi import APIRouter, Request

from microgrid_api.context import Context
from microgrid_api.routes.auth import tokens_for
from microgrid_api.views import Credentials, Token
from microgrid_api.web.body_limit import BODY_REFUSED
from microgrid_api.web.errors import InvalidRequest, Problem

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
    """Exchange a user name and a password for a token. `POST /api/auth/login` says when it ends, too."""
    return Token(token=(await tokens_for(credentials, request, context)).access_token)
