"""The queue of roll-ups in memory."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from microgrid_common.ports.rollup_queue import Bucket, Claim
from microgrid_common.testing.fakes.failing import FailsOnDemand


class FakeRollupQueue(FailsOnDemand):
    """Implements `RollupQueue`."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: dict[Bucket, datetime] = {}
        self._taken: dict[Bucket, datetime] = {}

    async def mark(self, buckets: Mapping[Bucket, datetime]) -> None:
        """As `RollupQueue.mark`."""
        self._may_fail()
        for bucket, due in buckets.items():
            self._waiting.setdefault(bucket, due)

    async def take(self, *, now: datetime, until: datetime, limit: int) -> list[Claim]:
        """As `RollupQueue.take`."""
        self._may_fail()
        for bucket, till in list(self._taken.items()):
            if till <= now:
                self._waiting.setdefault(bucket, now)
                del self._taken[bucket]
        due = sorted((at, bucket) for bucket, at in self._waiting.items() if at <= now)
        found = [bucket for _, bucket in due if bucket not in self._taken][:limit]
        for bucket in found:
            self._taken[bucket] = until
            del self._waiting[bucket]
        return [Claim(bucket, until) for bucket in found]

    async def done(self, claims: Sequence[Claim]) -> None:
        """As `RollupQueue.done`."""
        self._may_fail()
        for bucket, until in claims:
            if self._taken.get(bucket) == until:
                del self._taken[bucket]

    async def waiting(self) -> int:
        """As `RollupQueue.waiting`."""
        self._may_fail()
        return len(self._waiting)
