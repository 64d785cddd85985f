"""A WebSocket client without a network, in the event loop of the test."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

Message = MutableMapping[str, Any]
Application = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]

_WITHIN_SECONDS = 5.0


class AsgiWebSocket:
    """The client's side of a WebSocket to an ASGI application."""

    def __init__(self) -> None:
        self.may_send = asyncio.Event()
        """Cleared while the client takes nothing: the application's sends then wait."""
        self.may_send.set()
        self.close_code: int | None = None
        """The code with which the server closed; None while it is open."""
        self.close_reason = ""
        self.to_server: asyncio.Queue[Message] = asyncio.Queue()
        self.to_server.put_nowait({"type": "websocket.connect"})
        self._from_server: asyncio.Queue[Message] = asyncio.Queue()

    async def receive(self) -> dict[str, Any]:
        """The next message, read as JSON.

        Raises:
            ConnectionError: the server closed the connection instead.
            TimeoutError: nothing came.
        """
        message = await self._next()
        if message["type"] == "websocket.close":
            raise ConnectionError(f"closed with {self.close_code}: {self.close_reason}")
        content: dict[str, Any] = json.loads(message["text"])
        return content

    async def closed(self) -> int:
        """Wait for the server to close, passing over other messages; the code."""
        while self.close_code is None:
            await self._next()
        return self.close_code

    def leave(self) -> None:
        """Close from the client's side."""
        self.to_server.put_nowait({"type": "websocket.disconnect", "code": 1001})

    async def send(self, message: Message) -> None:
        """Take what the application sends."""
        await self.may_send.wait()
        if message["type"] != "websocket.accept":
            self._from_server.put_nowait(message)

    async def _next(self) -> Message:
        async with asyncio.timeout(_WITHIN_SECONDS):
            message = await self._from_server.get()
        if message["type"] == "websocket.close":
            self.close_code, self.close_reason = message["code"], message.get("reason", "")
        return message


@asynccontextmanager
async def asgi_websocket(
    application: Application, path: str, *, query: str = "", headers: dict[str, str] | None = None
) -> AsyncIterator[AsgiWebSocket]:
    """Connect to an application, and leave at the end of the block.

    Args:
        application: the ASGI application.
        path: of the endpoint.
        query: the query string, without the question mark.
        headers: as a client sends them; the host is 127.0.0.1.
    """
    websocket = AsgiWebSocket()
    sent = {"host": "127.0.0.1"} | {name.lower(): value for name, value in (headers or {}).items()}
    scope: Message = {
        "type": "websocket",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "ws",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in sent.items()],
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 80),
        "subprotocols": [],
        "state": {},
    }
    serving = asyncio.ensure_future(application(scope, websocket.to_server.get, websocket.send))
    try:
        yield websocket
    finally:
        websocket.may_send.set()
        websocket.leave()
        async with asyncio.timeout(_WITHIN_SECONDS):
            await serving
