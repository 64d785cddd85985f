"""What is the same about every request: its id, its line in the log, and the headers of its answer."""

import logging
import re
import secrets
import time
import traceback
from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars, reset_contextvars

from microgrid_api.web.problems import problem_answer
from microgrid_api.web.request_metrics import count_request

REQUEST_ID_HEADER: Final = "X-Request-Id"

_HEADER: Final = REQUEST_ID_HEADER.lower().encode()
_ALLOWED: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}")
"""Letters that mean nothing in a log, a query or a header."""

_HEADERS: Final = {
    b"cache-control": b"no-store",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"referrer-policy": b"no-referrer",
    b"x-content-type-options": b"nosniff",
}
"""Of every answer that does not say otherwise."""

_DOCUMENTATION_POLICY: Final = (
    b"default-src 'none'; connect-src 'self'; frame-ancestors 'none';"
    b" img-src data: https://fastapi.tiangolo.com; script-src 'unsafe-inline' https://cdn.jsdelivr.net;"
    b" style-src 'unsafe-inline' https://cdn.jsdelivr.net"
)
"""Lets the page of the documentation load its script, and read nothing but this API."""

_LONGEST_PATH: Final = 200
"""Characters of a path that leads nowhere, in the log."""


class RequestFrame:
    """Gives every request an id, every answer its headers, and the log a line about both.

    A client's own `X-Request-Id` is taken over, so that its log and this one can be laid side by side. What
    is not foreseen becomes a 500 here: behind this point nothing may raise.

    Args:
        app: what serves the request.
        hsts_seconds: for how long browsers are told to come by HTTPS alone; 0: they are not told.
        documentation_path: of the page that loads its script from elsewhere.
    """

    def __init__(self, app: ASGIApp, *, hsts_seconds: int = 0, documentation_path: str | None = None) -> None:
        self._app = app
        # Bound here once: finding out what the log shows takes longer than not showing it.
        self._log = structlog.get_logger().bind()
        self._documentation_path = documentation_path
        self._headers = dict(_HEADERS)
        if hsts_seconds:
            self._headers[b"strict-transport-security"] = f"max-age={hsts_seconds}".encode()
        self._documentation_headers = {
            **self._headers,
            b"content-security-policy": _DOCUMENTATION_POLICY,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        tokens = bind_contextvars(request_id=request_id)
        try:
            if scope["type"] == "http":
                await self._serve(scope, receive, send, request_id.encode())
            else:
                await self._app(scope, receive, send)
        finally:
            reset_contextvars(**tokens)

    async def _serve(self, scope: Scope, receive: Receive, send: Send, request_id: bytes) -> None:
        begun = time.perf_counter()
        status = 0
        own = self._documentation_headers if scope["path"] == self._documentation_path else self._headers

        async def send_framed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                # What the answer begins after, not what it takes: a live one goes on for hours.
                count_request(scope, status=status, seconds=time.perf_counter() - begun)
                message["headers"] = _with_headers(message["headers"], own, request_id)
            await send(message)

        try:
            await self._app(scope, receive, send_framed)
        except Exception:
            # In plain words: a traceback that shows the values of variables would show passwords too.
            self._log.error("request_failed", **_about(scope), exception=traceback.format_exc())
            if status:
                raise  # Half of an answer is on its way: the server cuts the connection.
            fault = problem_answer(
                scope,
                HTTPStatus.INTERNAL_SERVER_ERROR,
                "The server made a mistake; it is in its log.",
            )
            await fault(scope, receive, send_framed)
        finally:
            # Reading that works is most of what happens, and least of what anybody looks for.
            works = scope["method"] == "GET" and status < HTTPStatus.BAD_REQUEST
            level = logging.DEBUG if works else logging.INFO
            if self._log.is_enabled_for(level):
                milliseconds = round((time.perf_counter() - begun) * 1_000, 1)
                self._log.log(
                    level, "request_served", **_about(scope), status=status, milliseconds=milliseconds
                )


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == _HEADER and _ALLOWED.fullmatch(value):
            return str(value, "ascii")
    return secrets.token_hex(8)


def _with_headers(
    headers: list[tuple[bytes, bytes]], own: Mapping[bytes, bytes], request_id: bytes
) -> list[tuple[bytes, bytes]]:
    said = {name for name, _ in headers}
    return [
        *headers,
        *((name, value) for name, value in own.items() if name not in said),
        (_HEADER, request_id),
    ]


def _about(scope: Scope) -> dict[str, str | None]:
    # Never the query string, nor what stands for a parameter: there may be tokens in both.
    route = scope.get("route")
    client = scope.get("client")
    return {
        "method": scope["method"],
        "path": route.path if route else scope["path"][:_LONGEST_PATH],
        "address": client[0] if client else None,
    }
