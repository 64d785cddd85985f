"""What a client is told when something is wrong: always JSON with `detail`, never a stack trace."""

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
from pydantic import BaseModel, ConfigDict

from microgrid_common.ports.errors import PermanentError, RetryableError

ANSWER_WITHIN: Final = timedelta(seconds=10)
"""How long a request waits for a store: an app on a phone has given up by then."""

_RETRY_AFTER: Final = timedelta(seconds=2)
"""What a client is asked to wait for a store that is away, when the store itself did not say."""


class Problem(BaseModel):
    """An error, for a person to read."""

    model_config = ConfigDict(
        use_attribute_docstrings=True,
        json_schema_extra={"examples": [{"detail": "The telemetry store is away."}]},
    )

    detail: str
    """What is wrong, and what to do about it."""


class FieldProblem(BaseModel):
    """What is wrong with one part of a request."""

    loc: list[str | int]
    """Where: `query`, `body`, … and the name of the parameter or field."""
    msg: str
    """What is wrong and what is allowed, for a person."""
    type: str
    """A name for this kind of problem that does not change."""


class InvalidRequest(BaseModel):
    """What is wrong with a request, field by field."""

    model_config = ConfigDict(
        use_attribute_docstrings=True,
        json_schema_extra={
            "examples": [
                {
                    "detail": [
                        {
                            "loc": ["query", "period"],
                            "msg": "Allowed: a whole number and m, h, d or w, such as 24h; at most 366d",
                            "type": "invalid_period",
                        }
                    ]
                }
            ]
        },
    )

    detail: list[FieldProblem]


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
    """Answer errors in one form."""
    app.add_exception_handler(UnavailableError, _unavailable)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(Exception, _fault)


async def _unavailable(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, UnavailableError)  # noqa: S101 - what it is registered for
    return JSONResponse(
        {"detail": str(error)},
        status_code=HTTPStatus.SERVICE_UNAVAILABLE,
        headers={"Retry-After": str(math.ceil(error.retry_after.total_seconds()))},
    )


async def _invalid_request(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - what it is registered for
    # The input is left out: it may be a password, and the client knows what it sent.
    problems = [
        {"loc": list(found["loc"]), "msg": found["msg"], "type": found["type"]} for found in error.errors()
    ]
    return JSONResponse({"detail": problems}, status_code=HTTPStatus.UNPROCESSABLE_ENTITY)


async def _fault(_: Request, __: Exception) -> JSONResponse:
    return JSONResponse(
        {"detail": "The server made a mistake; it is in its log."},
        status_code=HTTPStatus.INTERNAL_SERVER_ERROR,
    )
