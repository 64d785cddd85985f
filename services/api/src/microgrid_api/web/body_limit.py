"""A limit on the size of request bodies."""

from http import HTTPStatus
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from microgrid_api.web.problems import Problem, problem_answer

MAXIMUM_BODY_BYTES: Final = 64 * 1024
"""Many times the largest body that any endpoint takes."""

BODY_REFUSED: Final[dict[int | str, dict[str, Any]]] = {
    400: {"model": Problem, "description": "The body cannot be read."},
    413: {"model": Problem, "description": "The body is too large."},
}
"""What the description of an endpoint that takes a body says beside the rest."""

_DETAIL = f"The body is larger than {MAXIMUM_BODY_BYTES // 1024} KiB."


class BodyLimit:
    """Refuses a body above the limit: by its announced length, and while it arrives when there is none.

    FastAPI has such a limit of its own, but that answers in plain text, before any error handler.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if _announced_bytes(scope) > MAXIMUM_BODY_BYTES:
            refusal = problem_answer(scope, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _DETAIL)
            await refusal(scope, receive, send)
            return
        received_bytes = 0

        async def receive_limited() -> Message:
            nonlocal received_bytes
            message = await receive()
            received_bytes += len(message.get("body", b""))
            if received_bytes > MAXIMUM_BODY_BYTES:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _DETAIL)
            return message

        await self._app(scope, receive_limited, send)


def _announced_bytes(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            # The server has refused a length that is no number.
            return int(value)
    return 0
