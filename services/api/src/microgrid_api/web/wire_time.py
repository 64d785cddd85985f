"""Times as the API writes them."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import PlainSerializer, WithJsonSchema


def format_time(time: datetime) -> str:
    """ISO 8601 in UTC with milliseconds, such as `2026-11-23T10:00:00.000Z`."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


WireTime = Annotated[
    datetime,
    PlainSerializer(format_time, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-11-23T10:00:00.000Z"]}),
]


def format_local_time(time: datetime) -> str:
    """ISO 8601 with milliseconds and the offset of its zone: `2026-11-23T13:00:00.000+03:00`, `Z` for UTC."""
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
