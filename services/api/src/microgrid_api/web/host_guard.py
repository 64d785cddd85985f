"""Refuses requests that a web page has smuggled to this machine."""

from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from microgrid_api.web.problems import problem_answer

_DETAIL = "Call the API by an IP address or as localhost."


class HostGuard:
    """Serves only requests to an IP address or `localhost`.

    Listening on loopback keeps other machines out, but not a page in this machine's browser: its author can
    let a name of their own point to 127.0.0.1 (DNS rebinding), and the prototype's token is known to all.
    Such a request names that domain as its host, which an operator's never does.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] in {"http", "websocket"} and not _names_no_domain(Headers(scope=scope).get("host")):
            if scope["type"] == "http":
                refusal = problem_answer(scope, HTTPStatus.MISDIRECTED_REQUEST, _DETAIL)
                await refusal(scope, receive, send)
            else:
                await send({"type": "websocket.close", "code": 1008, "reason": _DETAIL})
            return
        await self._app(scope, receive, send)


def _names_no_domain(host: str | None) -> bool:
    if host is None:
        return True  # No browser leaves it out; a simple probe may.
    try:
        name = urlsplit(f"//{host}").hostname
        if name == "localhost":
            return True
        ip_address(name or "")
    except ValueError:
        return False
    return True
