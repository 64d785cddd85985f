"""Which five-minute buckets readings touch, and when they are worth rolling up."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from microgrid_common.ports.rollup_queue import Bucket, BucketKind
from microgrid_common.schemas.reading import Reading
from microgrid_common.transforms.rollups.buckets import BUCKET_MS

SETTLE = timedelta(seconds=2)
"""After the end of a bucket, or after late data for it: by then most of what belongs together has come."""

REFRESH = timedelta(minutes=1)
"""How often a bucket that is still filling is rolled up, so that a chart and a day's energy go along."""

_BUCKET_SECONDS = BUCKET_MS // 1000


def touched_buckets(readings: Iterable[Reading], *, now: datetime) -> dict[Bucket, datetime]:
    """The buckets that readings lie in, each once, and when to roll it up.

    Args:
        readings: that were stored.
        now: aware.

    Returns:
        Bucket → when it is due.
    """
    # A set of bare tuples first: there are far fewer buckets than readings.
    touched = {
        (reading.grid_id, reading.device_id, reading.timestamp.timestamp() // _BUCKET_SECONDS)
        for reading in readings
    }
    return {
        Bucket(BucketKind.FIVE_MINUTES, grid_id, device_id, int(number) * BUCKET_MS): due_at(
            datetime.fromtimestamp((number + 1) * _BUCKET_SECONDS, UTC), now=now
        )
        for grid_id, device_id, number in touched
    }


def due_at(bucket_end: datetime, *, now: datetime) -> datetime:
    """When to roll up a bucket that was touched just now."""
    if bucket_end <= now:
        return now + SETTLE
    return min(bucket_end + SETTLE, now + REFRESH)
