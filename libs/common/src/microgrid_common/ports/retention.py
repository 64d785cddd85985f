"""How long what is kept."""

from datetime import timedelta

LATE_DATA_ACCEPTED = timedelta(days=30)
"""High resolution is kept for thirty days, so a reading that comes later than that has no place."""

RAW_KEPT = LATE_DATA_ACCEPTED + timedelta(days=1)
"""A day longer, so that a reading that is barely in time still finds its bucket whole."""

ROLLUPS_KEPT = timedelta(days=366)
"""A year, also when it is a leap year."""
