"""What every live WebSocket has in common: who may open it, how it is sent to, and how it ends."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from typing import Any, Final

from fastapi import WebSocket, WebSocketDisconnect
from fastapi.security.utils import get_authorization_scheme_param
from starlette.requests import HTTPConnection

from microgrid_api.context import ApiContext
from microgrid_api.identity.permissions import Permission, may
from microgrid_api.live.clients import TooManyClientsError
from microgrid_api.live.feed import FellBehindError
from microgrid_api.web.errors import UnavailableError, asking
from microgrid_common.ports.identity import Caller, TokenRefusedError
from microgrid_common.schemas.identifiers import is_identifier

HEARTBEAT_EVERY: Final = timedelta(seconds=15)
"""Below the idle timeout of mobile networks and proxies, the shortest of which is about 30 s."""

SEND_WITHIN: Final = timedelta(seconds=10)
"""A client that takes nothing for longer is gone or hopeless."""

_CLOSE_WITHIN: Final = timedelta(seconds=1)

NOT_UNDERSTOOD: Final = 1008
TRY_AGAIN_LATER: Final = 1013
SIGN_IN_AGAIN: Final = 4401
OTHER_ORIGIN: Final = 4403
NO_SUCH_GRID: Final = 4404


class LiveEndError(Exception):
    """End a live connection, and tell the client why."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        """Of the WebSocket; 4000 and more are ours."""
        self.reason = reason


def end_for(error: Exception) -> LiveEndError | None:
    """What a client is told when its messages end with an error; None for an error of ours."""
    match error:
        case LiveEndError():
            return error
        case UnavailableError():
            return LiveEndError(TRY_AGAIN_LATER, str(error))
        case FellBehindError():
            return LiveEndError(TRY_AGAIN_LATER, "the connection is too slow for the alerts")
        case TooManyClientsError():
            return LiveEndError(TRY_AGAIN_LATER, "too many live connections")
    return None


def token_of(connection: HTTPConnection) -> str:
    """The token that a client opens a live connection with; empty for none."""
    scheme, token = get_authorization_scheme_param(connection.headers.get("authorization"))
    # A browser cannot set a header on a WebSocket, or for server-sent events.
    return token if scheme.lower() == "bearer" else connection.query_params.get("token", "")


async def caller_in(context: ApiContext, token: str, grid_id: str) -> Caller:
    """Whoever presents a token, if they may watch a grid.

    Args:
        context: of the connection.
        token: what they present.
        grid_id: whatever they say is a grid.

    Raises:
        LiveEndError: they may not, or the token is not accepted.
        UnavailableError: what has to be asked is away.
    """
    try:
        async with asking("store of the logins"):
            caller = await context.ports.identity.caller(token)
    except TokenRefusedError as error:
        raise LiveEndError(SIGN_IN_AGAIN, "the token is missing or not valid") from error
    if not is_identifier(grid_id) or not may(caller, Permission.VIEW, grid_id):
        raise LiveEndError(NO_SUCH_GRID, "there is no such grid")
    return caller


def check_origin(websocket: WebSocket, context: ApiContext) -> None:
    """Return if the client is no web page, or one that may call the API.

    Raises:
        LiveEndError: it may not.
    """
    # A browser lets any page open a WebSocket to any host, without asking as it does for requests.
    origin = websocket.headers.get("origin")
    if origin is None or origin in context.cors_origins:
        return
    if origin.partition("://")[2] != websocket.headers.get("host"):
        raise LiveEndError(OTHER_ORIGIN, "web pages of this origin are not allowed")


async def serve(websocket: WebSocket, converse: Callable[[], Awaitable[None]]) -> None:
    """Have a conversation, and tell the client why it ends."""
    # Accepted first: a browser shows the code and the reason only of a connection that was open.
    await websocket.accept()
    try:
        await converse()
    except WebSocketDisconnect:
        pass
    except Exception as error:
        if (end := end_for(error)) is None:
            raise
        await _close(websocket, end)


async def first_of(*doings: Coroutine[Any, Any, object]) -> None:
    """Do several things until one of them ends, and raise what ended it."""
    tasks = [asyncio.create_task(doing, name="api-live-client") for doing in doings]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in tasks:
        if not task.cancelled():
            task.result()


async def send(websocket: WebSocket, text: str) -> None:
    """Send a message.

    Raises:
        LiveEndError: the client does not take it.
    """
    try:
        async with asyncio.timeout(SEND_WITHIN.total_seconds()):
            await websocket.send_text(text)
    except TimeoutError as error:
        raise LiveEndError(TRY_AGAIN_LATER, "the connection is too slow") from error


async def _close(websocket: WebSocket, end: LiveEndError) -> None:
    try:
        async with asyncio.timeout(_CLOSE_WITHIN.total_seconds()):
            await websocket.close(end.code, end.reason)
    except (TimeoutError, WebSocketDisconnect):
        pass  # It reads nothing, or has left: the server ends the connection without it.
