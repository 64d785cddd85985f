"""The five-minute buckets."""

BUCKET_MS = 5 * 60 * 1000
"""Every offset from UTC since 2020 is a whole number of these, so that local hours and days are too."""

BRIDGE_MS = 15 * 60 * 1000
"""The longest gap between two points that a straight line is drawn over.

Three times the five minutes at which the slowest devices report, so that two lost messages cost no energy;
and the interval in which meters are billed, within which a mean power is taken for the power. What lies
in a longer gap is not guessed: it is missing from the coverage.
"""


def bucket_of(time_ms: int) -> int:
    """The start of the bucket that a time lies in."""
    return time_ms - time_ms % BUCKET_MS
