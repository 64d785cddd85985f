"""The live messages of a grid as server-sent events, for those who prefer them to a WebSocket."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from functools import partial
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Header, HTTPException, Path, Query, Request

from microgrid_api.context import ApiContext, Context
from microgrid_api.identity.access import InGrid, unauthorized
from microgrid_api.identity.permissions import Permission
from microgrid_api.live import connection as live_connection
from microgrid_api.live.channel import LiveMessage
from microgrid_api.live.clients import TooManyClientsError
from microgrid_api.live.connection import SIGN_IN_AGAIN, LiveEndError, token_of
from microgrid_api.live.event_stream import EventStream
from microgrid_api.live.login import LiveLogin
from microgrid_api.live.session import LiveSession
from microgrid_api.web.errors import InvalidRequest, Problem, UnavailableError
from microgrid_common.schemas.identifiers import IDENTIFIER_PATTERN

router = APIRouter()

_EXAMPLE: Final = (
    "event: heartbeat\nid: MSB2aWxsYWdlLTEgMC0wIDA\n"
    'data: {"type":"heartbeat","cursor":"MSB2aWxsYWdlLTEgMC0wIDA","connected":true}\n\n'
)

_GridId = Annotated[str, Path(pattern=IDENTIFIER_PATTERN, examples=["village-1"])]


class _Watching(InGrid):
    """As `InGrid`, also with the token in the address: a browser cannot set a header for events."""

    async def __call__(self, request: Request, context: Context) -> LiveLogin:  # type: ignore[override]
        """The login of whoever makes the request."""
        try:
            return await LiveLogin.of(context, request.path_params["grid_id"], token_of(request))
        except LiveEndError as error:
            if error.code == SIGN_IN_AGAIN:
                raise unauthorized("The bearer token is missing or not valid.") from None
            raise HTTPException(HTTPStatus.NOT_FOUND, "There is no such grid.") from None


@router.get(
    "/api/live/{grid_id}/events",
    tags=["live"],
    summary="The live messages of a grid as server-sent events",
    response_class=EventStream,
    status_code=HTTPStatus.OK,
    responses={
        200: {
            "description": "Events without an end: `event` is the message's type, `id` its cursor.",
            "content": {"text/event-stream": {"example": _EXAMPLE}},
        },
        401: {"model": Problem, "description": "The token is missing or not valid."},
        404: {"model": Problem, "description": "There is no such grid."},
        422: {"model": InvalidRequest, "description": "It says what is allowed."},
        503: {"model": Problem, "description": "A store is away, or there are too many clients."},
    },
)
async def events(
    context: Context,
    login: Annotated[LiveLogin, Depends(_Watching(Permission.VIEW))],
    grid_id: _GridId,
    *,
    last_event_id: Annotated[str | None, Header(description="Where to go on; browsers send it.")] = None,
    cursor: Annotated[str | None, Query(description="The same, for the first request.")] = None,
    token: Annotated[  # noqa: ARG001 - `_Watching` reads it
        str | None, Query(description="The token, where the header cannot be set.")
    ] = None,
) -> EventStream:
    """What the WebSocket `/api/live/{grid_id}` sends, in the same messages.

    A token cannot be renewed here: when it ends, so do the events, with one named `end`; come back with a
    new token and the last cursor.
    """
    messages = partial(_messages, context, login, grid_id, last_event_id or cursor)
    return EventStream(messages, sent_away=context.live_clients.sent_away)


@asynccontextmanager
async def _messages(
    context: ApiContext, login: LiveLogin, grid_id: str, cursor: str | None
) -> AsyncIterator[AsyncIterator[LiveMessage]]:
    try:
        with context.live_clients.one_more(), context.live_channels.one_more(grid_id) as grid:
            session = LiveSession(
                grid, context.ports.log, cursor=cursor, heartbeat_every=live_connection.HEARTBEAT_EVERY
            )
            async with aclosing(_checked(session, login)) as messages:
                yield messages
    except TooManyClientsError:
        raise UnavailableError("There are too many live connections.") from None


async def _checked(session: LiveSession, login: LiveLogin) -> AsyncGenerator[LiveMessage]:
    async with aclosing(session.messages()) as messages:
        async for message in messages:
            if message.kind == "heartbeat":
                await login.check()
            yield message
