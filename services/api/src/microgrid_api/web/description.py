"""The API's own description, as it is: problems have a media type of their own."""

from typing import Any

from fastapi import FastAPI

from microgrid_api.web.problems import MEDIA_TYPE

_PROBLEMS = frozenset({"#/components/schemas/Problem", "#/components/schemas/InvalidRequest"})
_METHODS = frozenset({"get", "put", "post", "delete", "patch", "head", "options"})


def describe_problems_as_they_are(app: FastAPI) -> None:
    """Let the description of an application say `application/problem+json` where that is what comes.

    FastAPI gives every answer of a route the media type of its successful one.
    """
    described = app.openapi

    def openapi() -> dict[str, Any]:
        is_new = app.openapi_schema is None
        document = described()
        if is_new:
            for path in document["paths"].values():
                for method in _METHODS.intersection(path):
                    for answer in path[method]["responses"].values():
                        _rename(answer.get("content", {}))
        return document

    # The way that FastAPI offers for this: its documentation, "Extending OpenAPI".
    app.openapi = openapi  # type: ignore[method-assign]


def _rename(contents: dict[str, Any]) -> None:
    for media_type, content in list(contents.items()):
        if content.get("schema", {}).get("$ref") in _PROBLEMS:
            contents[MEDIA_TYPE] = contents.pop(media_type)
