"""Times as whole milliseconds since 1970, which is how the stores keep them."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)

NANOSECONDS = 1_000_000
"""In a millisecond."""


def first_millisecond_from(time: datetime) -> int:
    """The first whole millisecond that is not before `time`: the same one when it is whole.

    Right for both ends of a half-open range of times that are whole milliseconds themselves.
    """
    return -((EPOCH - time) // MILLISECOND)


def from_milliseconds(milliseconds: int) -> datetime:
    """The time, aware and in UTC."""
    # Rounds to whole microseconds, so the division by 1,000 is exact here; twice as fast as adding to EPOCH.
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
