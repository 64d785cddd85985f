"""Versions as `ETag` and `If-Match`, so that nobody undoes unseen what somebody else has changed."""

import re
from typing import Annotated, Final

from fastapi import Header, Response
from fastapi.exceptions import RequestValidationError

from microgrid_common.ports.rule_store import VersionConflictError

_TAG: Final = re.compile(r'"(0|[1-9][0-9]{0,8})"')

IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        max_length=32,
        description="The version that is meant, as `ETag` said.",
        examples=['"2"'],
    ),
]


def expected_version(if_match: str | None, given: int | None, where: tuple[str, str]) -> int:
    """The version that a request means.

    Args:
        if_match: the header; None for none.
        given: what else the request says; None for nothing.
        where: the place of `given`, such as `("body", "version")`.

    Raises:
        RequestValidationError: none is given, the header is no version, or they are not the same.
    """
    if if_match is None:
        if given is None:
            raise _invalid(where, "The version that is meant, here or as If-Match", "missing")
        return given
    tag = _TAG.fullmatch(if_match)
    if tag is None:
        raise _invalid(("header", "If-Match"), 'One version in quotation marks, such as "2"', "invalid_tag")
    version = int(tag[1])
    if given not in {None, version}:
        raise _invalid(where, "The same version as If-Match says", "contradiction")
    return version


def check_version(stored: int, expected: int) -> None:
    """Return if what is stored is what somebody means to replace.

    Raises:
        VersionConflictError: somebody else has changed it.
    """
    if stored != expected:
        raise VersionConflictError


def tag(response: Response, version: int) -> None:
    """Say in an answer which version it shows."""
    response.headers["ETag"] = f'"{version}"'


def _invalid(where: tuple[str, str], message: str, kind: str) -> RequestValidationError:
    return RequestValidationError([{"loc": where, "msg": message, "type": kind}])
