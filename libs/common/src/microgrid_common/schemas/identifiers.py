"""The identifiers of grids and devices."""

import re
from typing import Annotated

from pydantic import StringConstraints

IDENTIFIER_PATTERN = r"^[A-Za-z0-9_-]{1,64}$"
"""Safe unescaped in a topic, a key, a query and a log line."""

Identifier = Annotated[str, StringConstraints(pattern=IDENTIFIER_PATTERN)]

DEFAULT_GRID_ID = "default"
"""The grid that prototype payloads belong to: their topic names none."""

DEFAULT_DEVICE_ID = "prototype"
"""The device that prototype payloads belong to."""

PLATFORM_GRID_ID = "platform"
"""The grid that alerts about the platform's own parts belong to: they concern the operators of all grids."""

_IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{1,64}")


def is_identifier(text: str) -> bool:
    """Whether `text` may name a grid or a device."""
    return _IDENTIFIER.fullmatch(text) is not None
