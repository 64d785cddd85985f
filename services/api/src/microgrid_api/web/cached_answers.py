"""Answers that a client may keep for a while, and ask about again without getting them twice."""

import re
from datetime import datetime, timedelta
from hashlib import sha256
from http import HTTPStatus
from typing import Annotated, Final

from fastapi import Header, Response
from pydantic import BaseModel

from microgrid_common.ports.retention import LATE_DATA_ACCEPTED

_STILL_GROWING: Final = timedelta(seconds=10)
_MAY_GET_LATE_DATA: Final = timedelta(minutes=5)
_OVER: Final = timedelta(days=1)
"""Late data is not taken any more; the roll-ups still can be asked for by another granularity."""

_TAG: Final = re.compile(r'(?:W/)?("[^"]*")')

IfNoneMatch = Annotated[
    str | None,
    Header(
        alias="If-None-Match",
        max_length=1_000,
        description="The `ETag` of the answer that is already there.",
    ),
]


def answer_once(view: BaseModel, *, end: datetime, now: datetime, if_none_match: str | None) -> Response:
    """The JSON of an answer about a past time, or 304 when the client has it.

    Args:
        view: the answer.
        end: when the time ends that it is about; aware.
        now: the present, aware.
        if_none_match: what the client sent as this header.
    """
    body = view.model_dump_json(by_alias=True).encode()
    tag = f'"{sha256(body).hexdigest()[:32]}"'
    headers = {
        "ETag": tag,
        "Cache-Control": f"private, max-age={_keep_for(end, now).total_seconds():.0f}",
        # Who signs in next in the same browser may not see the same grids.
        "Vary": "Authorization",
    }
    if if_none_match is not None and _is_among(tag, if_none_match):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


def _keep_for(end: datetime, now: datetime) -> timedelta:
    if end > now - _MAY_GET_LATE_DATA:
        return _STILL_GROWING
    return _MAY_GET_LATE_DATA if end > now - LATE_DATA_ACCEPTED else _OVER


def _is_among(tag: str, if_none_match: str) -> bool:
    return if_none_match.strip() == "*" or tag in _TAG.findall(if_none_match)
