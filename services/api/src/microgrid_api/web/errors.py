"""What a client is told when something is wrong: always a problem by RFC 9457, never a stack trace."""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from http import HTTPStatus
from typing import Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import Scope

from microgrid_api.web.problems import InvalidRequest, Problem, invalid_request_answer, problem_answer
from microgrid_common.ports.errors import PermanentError, RetryableError

__all__ = [
    "InvalidRequest",
    "Problem",
    "UnavailableError",
    "add_error_handlers",
    "asking",
    "unavailable_answer",
]

ANSWER_WITHIN: Final = timedelta(seconds=10)
"""How long a request waits for a store: an app on a phone has given up by then."""

_RETRY_AFTER: Final = timedelta(seconds=2)
"""What a client is asked to wait for a store that is away, when the store itself did not say."""


_NO_JSON: Final = {
    "loc": ("header", "Content-Type"),
    "msg": "Allowed: application/json, which the body has to be",
    "type": "not_json",
}


class UnavailableError(Exception):
    """Something that a request needs is away; the message is one for the client."""

    def __init__(self, message: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after or _RETRY_AFTER
        """How long the client should wait before it tries again."""


@asynccontextmanager
async def asking(what: str, *, within: timedelta | None = None) -> AsyncIterator[None]:
    """Tell the client about `what` when it does not answer, or answers with an error.

    What the error says stays inside: it may name addresses. `/readyz` and the log have it.

    Args:
        what: as in "The telemetry store is away."
        within: how long it may take; None: as long as most requests.

    Raises:
        UnavailableError: it did not answer.
    """
    seconds = (within or ANSWER_WITHIN).total_seconds()
    try:
        async with asyncio.timeout(seconds):
            yield
    except RetryableError as error:
        raise UnavailableError(f"The {what} is away.", retry_after=error.retry_after) from error
    except PermanentError as error:
        raise UnavailableError(f"The {what} refuses to answer.") from error
    except TimeoutError as error:
        raise UnavailableError(f"The {what} did not answer within {seconds:g} s.") from error


def add_error_handlers(app: FastAPI) -> None:
    """Answer errors in one form; what nobody foresaw is answered by `RequestFrame`."""
    app.add_exception_handler(UnavailableError, _unavailable)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _refused)


def unavailable_answer(scope: Scope, error: UnavailableError) -> JSONResponse:
    """What a client is told when something is away."""
    return problem_answer(
        scope,
        HTTPStatus.SERVICE_UNAVAILABLE,
        str(error),
        {"Retry-After": str(math.ceil(error.retry_after.total_seconds()))},
    )


async def _unavailable(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, UnavailableError)  # noqa: S101 - what it is registered for
    return unavailable_answer(request.scope, error)


async def _invalid_request(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - what it is registered for
    found = error.errors()
    if error.body and not _says_json(request) and any(tuple(one["loc"]) == ("body",) for one in found):
        found = [_NO_JSON]
    return invalid_request_answer(request.scope, found, error.body)


def _says_json(request: Request) -> bool:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    return media_type == "application/json" or media_type.endswith("+json")


async def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - what it is registered for
    return problem_answer(request.scope, error.status_code, error.detail, error.headers)
