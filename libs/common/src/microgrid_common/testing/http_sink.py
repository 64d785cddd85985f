"""An HTTP server that keeps what it is sent, and answers as it was told to."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass(frozen=True)
class SunkRequest:
    """What somebody has sent."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class HttpSink:
    """Answers 200 and `{}`, unless told otherwise."""

    url: str
    requests: list[SunkRequest] = field(default_factory=list)
    """In the order of their coming; those that got no answer too."""
    hanging: bool = False
    """Whether nothing is answered from now on."""
    hang_on: bytes | None = None
    """Text in the body of a request that is not answered."""
    bodies: dict[str, Any] = field(default_factory=dict)
    """Path → the JSON, or the text of another kind, to answer with, where it is not `{}`."""
    _answers: deque[tuple[int, dict[str, str]]] = field(default_factory=deque)

    def answer_next(self, status: int, *, times: int = 1, **headers: str) -> None:
        """Give another answer to the next requests."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._answers.extend([(status, named)] * times)

    async def handle(self, request: web.Request) -> web.Response:
        """Keep a request and answer it."""
        body = await request.read()
        self.requests.append(SunkRequest(request.path, dict(request.headers), body))
        if self.hanging or (self.hang_on is not None and self.hang_on in body):
            await asyncio.Event().wait()
        status, headers = self._answers.popleft() if self._answers else (200, {})
        answer = self.bodies.get(request.path, {})
        if isinstance(answer, str):
            return web.Response(text=answer, status=status, headers=headers)
        return web.json_response(answer, status=status, headers=headers)


@asynccontextmanager
async def http_sink() -> AsyncIterator[HttpSink]:
    """A sink on the loopback interface while the block runs."""
    sink = HttpSink("")
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", sink.handle)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        sink.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield sink
    finally:
        await runner.cleanup()
