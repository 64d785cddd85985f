"""The live connection to a grid, over a WebSocket."""

import asyncio
import json
from collections import deque
from contextlib import aclosing
from datetime import timedelta
from functools import partial
from typing import Final

from fastapi import APIRouter, WebSocket

from microgrid_api.context import ApiContext, context_of
from microgrid_api.live import connection as live_connection
from microgrid_api.live.channel import LiveMessage
from microgrid_api.live.connection import (
    NOT_UNDERSTOOD,
    LiveEndError,
    check_origin,
    first_of,
    serve,
    token_of,
)
from microgrid_api.live.login import LiveLogin
from microgrid_api.live.messages import RenewalAnswer
from microgrid_api.live.session import LiveSession

router = APIRouter()

LONGEST_MESSAGE: Final = 8_192
"""Characters that a client may send at once: a token, and little more."""

MESSAGES_AT_ONCE: Final = 10
MESSAGES_WITHIN: Final = timedelta(seconds=10)
"""A client may send so many messages in such a time."""


@router.websocket("/api/live/{grid_id}")
async def live(websocket: WebSocket, grid_id: str) -> None:
    """Send the state of a grid, then every change."""
    await serve(websocket, partial(_converse, websocket, context_of(websocket), grid_id))


async def _converse(websocket: WebSocket, context: ApiContext, grid_id: str) -> None:
    check_origin(websocket, context)
    login = await LiveLogin.of(context, grid_id, token_of(websocket))
    with context.live_clients.one_more(), context.live_channels.one_more(grid_id) as grid:
        session = LiveSession(
            grid,
            context.ports.log,
            cursor=websocket.query_params.get("cursor"),
            heartbeat_every=live_connection.HEARTBEAT_EVERY,
        )
        await first_of(_send(websocket, session, login), _listen(websocket, session, login))


async def _send(websocket: WebSocket, session: LiveSession, login: LiveLogin) -> None:
    async with aclosing(session.messages()) as messages:
        async for message in messages:
            if message.kind == "heartbeat":
                await login.check()
            await live_connection.send(websocket, message.text)


async def _listen(websocket: WebSocket, session: LiveSession, login: LiveLogin) -> None:
    loop = asyncio.get_running_loop()
    times: deque[float] = deque(maxlen=MESSAGES_AT_ONCE)
    while (received := await websocket.receive())["type"] != "websocket.disconnect":
        if len(times) == MESSAGES_AT_ONCE and loop.time() - times[0] < MESSAGES_WITHIN.total_seconds():
            raise LiveEndError(NOT_UNDERSTOOD, "too many messages")
        times.append(loop.time())
        said = _understood(received.get("text"))
        if said.get("type") == "renew":
            kind = "renewed" if await login.renew(said.get("token")) else "renewal_refused"
            answer = RenewalAnswer(expires_at=login.caller.expires_at)
            session.say(LiveMessage(kind, None, answer.model_dump_json()))


def _understood(text: str | None) -> dict[str, object]:
    if text is None or len(text) > LONGEST_MESSAGE:
        raise LiveEndError(NOT_UNDERSTOOD, "messages are short JSON objects")
    try:
        said = json.loads(text)
    except ValueError:
        said = None
    if not isinstance(said, dict):
        raise LiveEndError(NOT_UNDERSTOOD, "messages are short JSON objects")
    return said
