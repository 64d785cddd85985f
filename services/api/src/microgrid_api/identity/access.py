"""Who makes a request, and whether they may: the dependencies of the routes."""

from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import Depends, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from microgrid_api.context import Context
from microgrid_api.identity.permissions import Permission, may, may_somewhere, sees
from microgrid_api.web.errors import Problem, asking
from microgrid_api.web.request_limits import retry_after
from microgrid_common.ports.identity import Caller, TokenProblem, TokenRefusedError
from microgrid_common.schemas.identifiers import DEFAULT_GRID_ID
from microgrid_common.schemas.user import EVERY_GRID

_bearer = HTTPBearer(auto_error=False, description="The token that `POST /api/auth/login` returns.")

_SIGN_IN: Final = {
    TokenProblem.INVALID: "The bearer token is not valid: sign in again with POST /api/auth/login.",
    TokenProblem.EXPIRED: "The bearer token has expired: renew it with POST /api/auth/refresh, or sign in"
    " again with POST /api/auth/login.",
    TokenProblem.REVOKED: "This login has ended: sign in again with POST /api/auth/login.",
}


async def signed_in(
    context: Context, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Caller:
    """Let a request through only with a valid token; returns who makes it.

    Raises:
        HTTPException: 401, there is none, or it is not accepted; 429, its user makes too many requests.
        UnavailableError: what has to be asked is away.
    """
    if credentials is None:
        raise unauthorized("A bearer token is needed: sign in with POST /api/auth/login.")
    try:
        async with asking("store of the logins"):
            caller = await context.ports.identity.caller(credentials.credentials)
    except TokenRefusedError as error:
        raise unauthorized(_SIGN_IN[error.problem]) from None
    if wait := context.user_requests.take(caller.username):
        raise HTTPException(
            HTTPStatus.TOO_MANY_REQUESTS, "Too many requests; wait a while.", headers=retry_after(wait)
        )
    return caller


SignedIn = Annotated[Caller, Depends(signed_in)]
"""Whoever makes a request, whatever they may."""


# The dependencies below are coroutines though they wait for nothing: FastAPI runs plain functions in threads.


class InGrid:
    """Lets those through who may do something in the grid that the path names, or in a fixed one.

    Args:
        permission: what they want to do.
        grid_id: the grid, where the path names none.
    """

    def __init__(self, permission: Permission, grid_id: str | None = None) -> None:
        self.permission = permission
        self.grid_id = grid_id

    async def __call__(self, request: Request, caller: SignedIn) -> Caller:
        """Who makes the request.

        Raises:
            HTTPException: 404, they do not see this grid; 403, they may not do that here.
        """
        require(caller, self.permission, self.grid_id or request.path_params["grid_id"])
        return caller


class Everywhere:
    """Lets those through who may do something in every grid, and so for what belongs to none."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    async def __call__(self, caller: SignedIn) -> Caller:
        """Who makes the request.

        Raises:
            HTTPException: 403, they may not.
        """
        if not may(caller, self.permission, EVERY_GRID):
            raise forbidden()
        return caller


class Somewhere:
    """Lets those through who may do something in some grid; the handler looks at which."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    async def __call__(self, caller: SignedIn) -> Caller:
        """Who makes the request.

        Raises:
            HTTPException: 403, they may not.
        """
        if not may_somewhere(caller, self.permission):
            raise forbidden()
        return caller


FORBIDDEN: Final[dict[int | str, dict[str, Any]]] = {
    403: {"model": Problem, "description": "Your role does not allow this here."}
}
"""What the description of an endpoint says that not everybody may call who sees the grid."""

NO_SUCH_GRID: Final[dict[int | str, dict[str, Any]]] = {
    404: {"model": Problem, "description": "There is no such grid."}
}
"""What the description of an endpoint of one grid says."""

InDefaultGrid = InGrid(Permission.VIEW, DEFAULT_GRID_ID)
"""For the prototype's endpoints, which name no grid."""


def require(
    caller: Caller, permission: Permission, grid_id: str, *, missing: str = "There is no such grid."
) -> None:
    """Refuse what somebody may not do in a grid.

    Args:
        caller: who wants to do it.
        permission: what they want to do.
        grid_id: where.
        missing: what those are told who do not see the grid: as if the thing did not exist.

    Raises:
        HTTPException: 404, they do not see this grid; 403, they may not do that there.
    """
    if not sees(caller, grid_id):
        raise HTTPException(HTTPStatus.NOT_FOUND, missing)
    if not may(caller, permission, grid_id):
        raise forbidden()


def forbidden() -> HTTPException:
    """The answer to those who see something, but may not do what they want with it."""
    return HTTPException(HTTPStatus.FORBIDDEN, "Your role does not allow this here.")


def unauthorized(detail: str) -> HTTPException:
    """The answer to those who have to sign in."""
    return HTTPException(HTTPStatus.UNAUTHORIZED, detail, headers={"WWW-Authenticate": "Bearer"})
