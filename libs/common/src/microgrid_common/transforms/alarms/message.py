"""The message of an alarm: a template in which plain names are filled in, and nothing else can happen."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from string import Formatter
from typing import Final

from microgrid_common.schemas.catalogue import BY_NAME

LONGEST_MESSAGE: Final = 500
"""Characters of a rendered message."""
MISSING_VALUE: Final = "–"  # noqa: RUF001 - a dash, as in a table
"""What stands for a value that the reading does not have."""

_TEXTS: Final = frozenset({"device_id", "grid_id", "component"})
_WIDEST: Final = 20
_MOST_DECIMALS: Final = 10
# 10 digits: more than any sensor has, fewer than show how a binary fraction ends.
_PLAIN_NUMBER: Final = ".10g"
_NUMBER_FORMAT = re.compile(r"[+ ]?0?(?P<width>\d{1,2})?,?(?:\.(?P<decimals>\d{1,2}))?[eEfFgG]?")


class MessageError(ValueError):
    """A text is no message template; it says why."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """A literal text, and the name that follows it."""

    literal: str
    name: str | None
    """None at the end of the template."""
    number_format: str = ""


def check_message(template: str, *, has_reading: bool) -> None:
    """Return if a template may be the message of a rule.

    Args:
        template: such as `Cabinet of {device_id} at {cabinet_temperature_c:.0f} °C`; `{{` is a brace.
        has_reading: whether a reading raises the alarm, so that metrics may be named.

    Raises:
        MessageError: it may not.
    """
    if not template.isprintable():
        raise MessageError("it has line breaks or other control characters")
    for piece in _pieces(template):
        if piece.name is None or piece.name in _TEXTS:
            continue
        if piece.name not in BY_NAME:
            raise MessageError(f"{{{piece.name}}} is no metric, nor device_id, grid_id or component")
        if not has_reading:
            raise MessageError(f"{{{piece.name}}} has no value where no reading raises the alarm")


def render(
    template: str, *, grid_id: str, device_id: str, component: str | None, metrics: Mapping[str, float]
) -> str:
    """The message as the operator reads it; never longer than `LONGEST_MESSAGE`.

    What has no value is shown as `MISSING_VALUE`, and a template that is none as it is.
    """
    texts = {"grid_id": grid_id, "device_id": device_id, "component": component or MISSING_VALUE}
    try:
        parts = [piece.literal + _filled_in(piece, texts, metrics) for piece in _pieces(template)]
    except MessageError:
        return template[:LONGEST_MESSAGE]
    return "".join(parts)[:LONGEST_MESSAGE]


def text_without_names(template: str) -> str | None:
    """The message of a template that is the same for every device and reading; None for another one."""
    try:
        pieces = list(_pieces(template))
    except MessageError:
        return template
    return None if any(piece.name for piece in pieces) else "".join(piece.literal for piece in pieces)


def _filled_in(piece: _Piece, texts: Mapping[str, str], metrics: Mapping[str, float]) -> str:
    if piece.name is None:
        return ""
    if piece.name in texts:
        return texts[piece.name]
    value = metrics.get(piece.name)
    return MISSING_VALUE if value is None else format(value, piece.number_format)


def _pieces(template: str) -> Iterator[_Piece]:
    try:
        parsed = list(Formatter().parse(template))
    except ValueError as error:
        raise MessageError(f"it cannot be read: {error}") from None
    for literal, name, number_format, conversion in parsed:
        if name is None:
            yield _Piece(literal, None)
            continue
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or conversion:
            raise MessageError("between braces only a name may stand, and how its number is shown")
        yield _Piece(literal, name, _checked_format(name, number_format or ""))


def _checked_format(name: str, number_format: str) -> str:
    if not number_format:
        return _PLAIN_NUMBER
    match = _NUMBER_FORMAT.fullmatch(number_format)
    if name in _TEXTS or match is None:
        raise MessageError(
            f"{{{name}:{number_format}}} is no way to show it: numbers may have one such as .1f"
        )
    if int(match["width"] or 0) > _WIDEST or int(match["decimals"] or 0) > _MOST_DECIMALS:
        raise MessageError(f"{{{name}:{number_format}}} is too wide")
    return number_format
