"""An answer that goes on: server-sent events, made from the messages of a live connection."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, suppress
from typing import Final

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from microgrid_api.live import connection as live_connection
from microgrid_api.live.channel import LiveMessage
from microgrid_api.live.connection import LiveEndError, end_for, first_of

_HEADERS: Final = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    # A proxy that gathers an answer before it hands it on would hand on nothing.
    (b"x-accel-buffering", b"no"),
]

_RETRY: Final = b"retry: 2000\n\n"
"""Browsers come back after so many milliseconds."""

Messages = Callable[[], AbstractAsyncContextManager[AsyncIterator[LiveMessage]]]


class EventStream(Response):
    """Sends messages as events until the client leaves or the messages end.

    Args:
        messages: gives the messages for as long as they are wanted. What it raises before the first one is
            answered with a status; later, the client is told by an event `end`.
        sent_away: ends it.
    """

    media_type = "text/event-stream"

    def __init__(self, messages: Messages, *, sent_away: asyncio.Event) -> None:
        super().__init__()
        self._sent_away = sent_away
        self._messages = messages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Answer one request."""
        async with self._messages() as messages:
            first = await anext(messages)
            await send({"type": "http.response.start", "status": 200, "headers": _HEADERS})
            with suppress(ClientDisconnect):
                await _take(send, _RETRY + _event(first))
                await first_of(_send_all(send, messages), _until_it_leaves(receive), self._sent_away.wait())
                await _take(send, b"", more=False)


async def _send_all(send: Send, messages: AsyncIterator[LiveMessage]) -> None:
    try:
        async for message in messages:
            await _take(send, _event(message))
    except Exception as error:
        if (end := end_for(error)) is None:
            raise
        await _take(send, _end_event(end))


async def _take(send: Send, event: bytes, *, more: bool = True) -> None:
    try:
        async with asyncio.timeout(live_connection.SEND_WITHIN.total_seconds()):
            await send({"type": "http.response.body", "body": event, "more_body": more})
    except TimeoutError:
        raise ClientDisconnect from None  # It takes nothing, so there is nobody to tell.


async def _until_it_leaves(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _event(message: LiveMessage) -> bytes:
    identified = f"id: {message.cursor}\n" if message.cursor else ""
    return f"event: {message.kind}\n{identified}data: {message.text}\n\n".encode()


def _end_event(end: LiveEndError) -> bytes:
    data = json.dumps({"type": "end", "code": end.code, "reason": end.reason})
    return f"event: end\ndata: {data}\n\n".encode()
