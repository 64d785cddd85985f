"""The cursor of a live connection: how far a client has come, in a form that any replica understands."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64Error
from datetime import UTC, datetime
from typing import Final

from microgrid_common.ports.durable_log import Place

LONGEST_CURSOR: Final = 200
"""Characters; no cursor of ours is longer."""

_FORM = re.compile(r"1 ([A-Za-z0-9_-]{1,64}) ([0-9]{1,14}-[0-9]{1,15}) ([0-9]{1,15})")


class BadCursorError(ValueError):
    """A text is no cursor of this version."""


class ForeignCursorError(ValueError):
    """A cursor is of another grid."""


def write_cursor(grid_id: str, place: Place) -> str:
    """The cursor of a client that has had every alert event up to a place.

    It holds no position of readings or links: of those a client that comes back gets the newest, all of them.
    """
    return urlsafe_b64encode(f"1 {grid_id} {place.id} {place.number}".encode()).decode().rstrip("=")


def read_cursor(cursor: str, grid_id: str) -> Place:
    """The place in a cursor.

    Args:
        cursor: what a client says it was given.
        grid_id: the grid that it wants to go on with.

    Raises:
        BadCursorError: it was not given by `write_cursor`.
        ForeignCursorError: it was, for another grid.
    """
    if len(cursor) > LONGEST_CURSOR:
        raise BadCursorError
    try:
        text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except (NotBase64Error, ValueError) as error:
        raise BadCursorError from error
    if (found := _FORM.fullmatch(text)) is None:
        raise BadCursorError
    if found[1] != grid_id:
        raise ForeignCursorError
    return Place(found[2], int(found[3]))


def time_of(place: Place) -> datetime | None:
    """When the entry at a place was appended, by the log's clock; None before the first entry."""
    milliseconds = int(place.id.partition("-")[0])
    return datetime.fromtimestamp(milliseconds / 1000, UTC) if milliseconds else None
