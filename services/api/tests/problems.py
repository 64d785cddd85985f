"""What the API says is wrong, for tests: each look checks the form of the whole answer too."""

from http import HTTPStatus
from typing import Any

import httpx


def detail_of(answer: httpx.Response) -> str:
    """What is wrong, in words."""
    return str(_problem(answer)["detail"])


def problems_of(answer: httpx.Response) -> list[dict[str, str]]:
    """What is wrong with a request: each with `field`, `message` and `type`."""
    assert answer.status_code == 422, answer.text
    errors: list[dict[str, str]] = _problem(answer)["errors"]
    for error in errors:
        assert error.keys() == {"field", "message", "type"}
    return errors


def fields_of(answer: httpx.Response) -> list[str]:
    """Which parts of a request are wrong."""
    return [problem["field"] for problem in problems_of(answer)]


def _problem(answer: httpx.Response) -> dict[str, Any]:
    problem: dict[str, Any] = answer.json()
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["status"] == answer.status_code
    assert problem["request_id"] == answer.headers["x-request-id"]
    if "errors" in problem:
        assert (problem["type"], problem["title"]) == ("/problems/invalid-request", "Invalid Request")
        assert problem["detail"].startswith(f"{problem['errors'][0]['field']}: ")
    else:
        assert (problem["type"], problem["title"]) == ("about:blank", HTTPStatus(problem["status"]).phrase)
    return problem
