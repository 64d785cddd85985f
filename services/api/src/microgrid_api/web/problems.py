"""Errors in the form of RFC 9457: `application/problem+json`."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from pydantic import BaseModel, ConfigDict
from starlette.responses import JSONResponse
from starlette.types import Scope

MEDIA_TYPE: Final = "application/problem+json"

INVALID_REQUEST: Final = "/problems/invalid-request"
"""The one type of problem that says more than its status: which fields are wrong."""

_NAMELESS: Final = "about:blank"
"""By RFC 9457 a problem of which the status says all."""


class Problem(BaseModel):
    """An error, as RFC 9457 has it."""

    model_config = ConfigDict(
        use_attribute_docstrings=True,
        json_schema_extra={
            "examples": [
                {
                    "type": _NAMELESS,
                    "title": "Service Unavailable",
                    "status": 503,
                    "detail": "The telemetry store is away.",
                    "request_id": "5f2c6b1e9d8a4c37",
                }
            ]
        },
    )

    type: str
    """What kind of problem it is; it does not change. `about:blank`: the status says all."""
    title: str
    """The same for all problems of this type and status."""
    status: int
    """The HTTP status."""
    detail: str
    """What is wrong, and what to do about it."""
    request_id: str
    """As in the header `X-Request-Id`, and in the log of the service."""


class FieldProblem(BaseModel):
    """What is wrong with one part of a request."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    field: str
    """`query`, `body`, `path` or `header` and the way to the field, as in `body.condition.limit`."""
    message: str
    """What is wrong and what is allowed, for a person."""
    type: str
    """A name for this kind of problem that does not change."""


class InvalidRequest(Problem):
    """What is wrong with a request, field by field."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": INVALID_REQUEST,
                    "title": "Invalid Request",
                    "status": 422,
                    "detail": "query.limit: Input should be less than or equal to 200",
                    "request_id": "5f2c6b1e9d8a4c37",
                    "errors": [
                        {
                            "field": "query.limit",
                            "message": "Input should be less than or equal to 200",
                            "type": "less_than_equal",
                        }
                    ],
                }
            ]
        },
    )

    errors: list[FieldProblem]


def problem_answer(
    scope: Scope, status: int, detail: str, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """An error of which the status says what kind it is."""
    problem = Problem(
        type=_NAMELESS,
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        request_id=request_id_of(scope),
    )
    return _answer(problem, headers)


def invalid_request_answer(
    scope: Scope, found: Sequence[Mapping[str, Any]], body: object = None
) -> JSONResponse:
    """What is wrong with a request.

    Args:
        scope: of the request.
        found: each with `loc`, `msg` and `type`, as pydantic tells them.
        body: what came as JSON; None where there was none, or where nobody looked at it.
    """
    # The input is left out: it may be a password, and the client knows what it sent.
    errors = [
        FieldProblem(field=_field(one["loc"], body, one["type"]), message=one["msg"], type=one["type"])
        for one in found
    ]
    more = f"; and {len(errors) - 1} more." if len(errors) > 1 else ""
    problem = InvalidRequest(
        type=INVALID_REQUEST,
        title="Invalid Request",
        status=HTTPStatus.UNPROCESSABLE_ENTITY,
        detail=f"{errors[0].field}: {errors[0].message}{more}",
        request_id=request_id_of(scope),
        errors=errors,
    )
    return _answer(problem)


def request_id_of(scope: Scope) -> str:
    """The id of a request, as `RequestFrame` has given it."""
    return str(scope["state"]["request_id"])


def _answer(problem: Problem, headers: Mapping[str, str] | None = None) -> JSONResponse:
    return JSONResponse(
        problem.model_dump(), status_code=problem.status, headers=headers, media_type=MEDIA_TYPE
    )


def _field(location: Sequence[str | int], body: object, kind: str) -> str:
    if location[0] != "body" or body is None:
        return ".".join(map(str, location))
    return ".".join(["body", *_path_in(body, location[1:], kind)])


def _path_in(value: object, location: Sequence[str | int], kind: str) -> list[str]:
    """Where in a body something is wrong, without the names of the models that pydantic tried."""
    path: list[str] = []
    for position, part in enumerate(location):
        is_last = position == len(location) - 1
        if (
            isinstance(value, dict)
            and isinstance(part, str)
            and (part in value or (is_last and kind == "missing"))
        ):
            value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int):
            value = value[part] if part < len(value) else None
        else:
            continue
        path.append(str(part))
    return path
