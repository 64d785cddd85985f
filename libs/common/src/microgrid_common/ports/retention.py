"""How long what is kept."""

from datetime import datetime, timedelta
from typing import Protocol

LATE_DATA_ACCEPTED = timedelta(days=30)
"""High resolution is kept for thirty days, so a reading that comes later than that has no place."""

RAW_KEPT = LATE_DATA_ACCEPTED + timedelta(days=1)
"""A day longer, so that a reading that is barely in time still finds its bucket whole."""

ROLLUPS_KEPT = timedelta(days=366)
"""A year, also when it is a leap year."""


class Expiring(Protocol):
    """A store that does not forget by itself."""

    async def forget(self, now: datetime) -> int:
        """Delete what is past its retention at `now`, which is aware.

        Returns:
            How many rows were deleted.

        Raises:
            RetryableError: the store is away; some may be deleted.
        """
