"""Which roll-ups have to be made again."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, Protocol


class BucketKind(StrEnum):
    """How long a bucket is."""

    FIVE_MINUTES = "5m"
    HOUR = "1h"


class Bucket(NamedTuple):
    """All metrics of one device in one stretch of time."""

    kind: BucketKind
    grid_id: str
    device_id: str
    start_ms: int
    """Milliseconds since 1970."""


class Claim(NamedTuple):
    """A bucket that is being worked on, by whoever took it and nobody else."""

    bucket: Bucket
    until: datetime
    """When it goes to somebody else, if it is not done: aware."""


class RollupQueue(Protocol):
    """A set of buckets, each with a time when it is due. Durable.

    A bucket that is marked while it is being worked on is due again afterwards: no mark is ever lost.
    """

    async def mark(self, buckets: Mapping[Bucket, datetime]) -> None:
        """Add buckets; one that is already waiting stays as it is.

        Args:
            buckets: bucket → when it is due: aware.

        Raises:
            RetryableError: the queue is away, or full.
        """

    async def take(self, *, now: datetime, until: datetime, limit: int) -> list[Claim]:
        """Take buckets that are due, those that have waited longest first.

        One that somebody else is working on is left out until that is over.

        Args:
            now: aware.
            until: when they may be given to somebody else; each call has its own.
            limit: at most so many.

        Raises:
            RetryableError: the queue is away, or full.
        """

    async def done(self, claims: Sequence[Claim]) -> None:
        """Say that buckets are worked on no longer.

        One whose time is over, and that somebody else has taken since, stays theirs.

        Raises:
            RetryableError: the queue is away.
        """

    async def waiting(self) -> int:
        """How many buckets are waiting, due or not.

        Raises:
            RetryableError: the queue is away.
        """
