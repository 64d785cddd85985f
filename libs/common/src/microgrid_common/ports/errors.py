"""Errors of the ports, classed by what the caller should do."""

from collections.abc import Sequence
from datetime import timedelta

from microgrid_common.schemas.reading import Reading


class RetryableError(Exception):
    """Try the same again later: the other side is away, busy or full."""

    def __init__(self, message: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """How long the other side asked to be left alone; None when it did not say."""


class PermanentError(Exception):
    """Give up on this: the same call will fail the same way."""


class PartialWriteError(PermanentError):
    """The store took the rest, but will never take some readings."""

    def __init__(self, message: str, *, rejected: Sequence[Reading]) -> None:
        super().__init__(message)
        self.rejected = tuple(rejected)
        """The readings that were not stored; every other one of the call was."""


class TooManyPointsError(PermanentError):
    """There are more points than one answer may hold: ask for a shorter time."""

    def __init__(self, maximum: int) -> None:
        super().__init__(f"more than {maximum} points: ask for a shorter time, or for one device")
        self.maximum = maximum
        """How many there may be."""
