"""What every `RollupQueue` must do."""

from datetime import UTC, datetime, timedelta

from microgrid_common.ports.rollup_queue import Bucket, BucketKind, Claim, RollupQueue

_T0 = datetime(2026, 11, 23, 10, 0, 0, 123_456, tzinfo=UTC)
_LEASE = timedelta(minutes=1)


def _at(seconds: float) -> datetime:
    return _T0 + timedelta(seconds=seconds)


def _bucket(number: int = 0, *, kind: BucketKind = BucketKind.FIVE_MINUTES) -> Bucket:
    return Bucket(kind, "village_1", "meter-1", 1_795_392_000_000 + number * 300_000)


async def _take(queue: RollupQueue, seconds: float, *, limit: int = 100) -> list[Claim]:
    return await queue.take(now=_at(seconds), until=_at(seconds) + _LEASE, limit=limit)


async def _taken(queue: RollupQueue, seconds: float, *, limit: int = 100) -> list[Bucket]:
    return [claim.bucket for claim in await _take(queue, seconds, limit=limit)]


class RollupQueueContract:
    """Needs a fixture `queue`: a `RollupQueue` with nothing in it."""

    async def test_it_begins_empty(self, queue: RollupQueue) -> None:
        """Nothing to do is not an error."""
        await queue.mark({})
        await queue.done([])
        assert await queue.waiting() == 0
        assert await _take(queue, 0) == []

    async def test_a_bucket_is_taken_when_it_is_due_and_not_before(self, queue: RollupQueue) -> None:
        """With all that it is known by."""
        hour = _bucket(kind=BucketKind.HOUR)
        await queue.mark({_bucket(): _at(2), hour: _at(3)})
        assert await _take(queue, 1.999999) == []
        assert await _take(queue, 2) == [Claim(_bucket(), _at(2) + _LEASE)]
        assert await _take(queue, 3) == [Claim(hour, _at(3) + _LEASE)]

    async def test_marking_again_changes_nothing(self, queue: RollupQueue) -> None:
        """The first mark decides when it is due, so that a busy bucket is not put off for ever."""
        for seconds in (2, 1, 3):
            await queue.mark({_bucket(): _at(seconds)})
        assert await queue.waiting() == 1
        assert await _taken(queue, 1.5) == []
        assert await _taken(queue, 2) == [_bucket()]
        assert await queue.waiting() == 0

    async def test_what_has_waited_longest_is_taken_first(self, queue: RollupQueue) -> None:
        """Some at a time."""
        await queue.mark({_bucket(number): _at(9 - number) for number in range(5)})
        assert await _taken(queue, 20, limit=2) == [_bucket(4), _bucket(3)]
        assert await _taken(queue, 20, limit=2) == [_bucket(2), _bucket(1)]
        assert await _taken(queue, 20, limit=2) == [_bucket(0)]

    async def test_what_is_done_does_not_come_back(self, queue: RollupQueue) -> None:
        """Not even after its time."""
        await queue.mark({_bucket(): _at(0)})
        await queue.done(await _take(queue, 0))
        assert await _taken(queue, 1_000) == []

    async def test_what_a_dead_worker_had_taken_comes_back(self, queue: RollupQueue) -> None:
        """When its time is over, and not before."""
        await queue.mark({_bucket(): _at(0)})
        await _take(queue, 0)
        assert await _taken(queue, 59.9) == []
        assert await _taken(queue, 60) == [_bucket()]

    async def test_a_mark_during_the_work_is_not_lost(self, queue: RollupQueue) -> None:
        """It comes again when the first work is done, and never to two at the same time."""
        await queue.mark({_bucket(): _at(0)})
        claims = await _take(queue, 0)
        await queue.mark({_bucket(): _at(1)})
        assert await _taken(queue, 1) == []
        await queue.done(claims)
        assert await _taken(queue, 3) == [_bucket()]

    async def test_a_mark_during_the_work_of_a_dead_worker_comes_once(self, queue: RollupQueue) -> None:
        """What is left behind and what is marked are the same work."""
        await queue.mark({_bucket(): _at(0)})
        await _take(queue, 0)
        await queue.mark({_bucket(): _at(1)})
        assert await _taken(queue, 61) == [_bucket()]
        assert await queue.waiting() == 0

    async def test_who_comes_too_late_does_not_end_the_work_of_another(self, queue: RollupQueue) -> None:
        """The bucket was taken over in between."""
        await queue.mark({_bucket(): _at(0)})
        slow = await _take(queue, 0)
        quick = await _take(queue, 60)
        await queue.done(slow)
        await queue.mark({_bucket(): _at(61)})
        assert await _taken(queue, 62) == []
        await queue.done(quick)
        assert await _taken(queue, 64) == [_bucket()]

    async def test_one_that_is_worked_on_holds_up_no_other(self, queue: RollupQueue) -> None:
        """However few are taken at a time."""
        await queue.mark({_bucket(): _at(0)})
        await _take(queue, 0)
        await queue.mark({_bucket(): _at(1), _bucket(1): _at(2)})
        found = [bucket for second in (3, 4, 5) for bucket in await _taken(queue, second, limit=1)]
        assert found == [_bucket(1)]
