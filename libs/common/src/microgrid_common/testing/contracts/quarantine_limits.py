"""How much every `Quarantine` keeps, and what goes first."""

from datetime import UTC, datetime, timedelta

from microgrid_common.ports.durable_log import DurableLog
from microgrid_common.ports.quarantine import Dropped, Quarantine, QuarantineLimits
from microgrid_common.testing.contracts.quarantine_messages import (
    T0,
    found,
    number_of,
    numbers,
    put,
    refused,
)


class QuarantineLimitsContract:
    """Needs the fixtures of `QuarantineContract`."""

    async def test_within_the_limits_nothing_goes(self, quarantine: Quarantine, log: DurableLog) -> None:
        """However often it is asked."""
        await put(log, refused(1), refused(2))
        for _ in range(2):
            dropped = await quarantine.drop_beyond(QuarantineLimits(messages=2), now=datetime.now(UTC))
            assert (dropped.closed, dropped.open) == (0, 0)
        assert await numbers(quarantine) == [1, 2]

    async def test_the_oldest_closed_messages_go_first(self, quarantine: Quarantine, log: DurableLog) -> None:
        """Though there are older ones that are open."""
        await put(log, *(refused(number) for number in range(6)))
        await self._close(quarantine, 2, 3, 5)
        dropped = await quarantine.drop_beyond(QuarantineLimits(messages=4), now=datetime.now(UTC))
        assert (dropped.closed, dropped.open) == (2, 0)
        assert await numbers(quarantine) == [0, 1, 4, 5]
        assert (await quarantine.totals()).dropped_open == 0

    async def test_only_then_the_oldest_open_ones_go_and_they_are_counted(
        self, quarantine: Quarantine, log: DurableLog
    ) -> None:
        """For good: the total does not begin anew."""
        await put(log, *(refused(number) for number in range(5)))
        await self._close(quarantine, 4)
        dropped = await quarantine.drop_beyond(QuarantineLimits(messages=2), now=datetime.now(UTC))
        assert (dropped.closed, dropped.open_for_room, dropped.open_for_age) == (1, 2, 0)
        assert await numbers(quarantine) == [2, 3]
        await put(log, refused(5))
        await quarantine.drop_beyond(QuarantineLimits(messages=2), now=datetime.now(UTC))
        assert (await quarantine.totals()).dropped_open == 3

    async def test_size_is_bounded_as_well(self, quarantine: Quarantine, log: DurableLog) -> None:
        """By what the messages take in the stream."""
        await put(log, refused(1, raw=b"a" * 10_000), refused(2), refused(3))
        small = sum(entry.stored_bytes for entry in (await found(quarantine))[1:])
        assert (await quarantine.totals()).stored_bytes > 10_000 + small
        limits = QuarantineLimits(stored_bytes=small)
        dropped = await quarantine.drop_beyond(limits, now=datetime.now(UTC))
        assert dropped.open_for_room == 1
        assert await numbers(quarantine) == [2, 3]
        assert (await quarantine.totals()).stored_bytes == small

    async def test_what_is_older_than_it_is_kept_goes(self, quarantine: Quarantine, log: DurableLog) -> None:
        """An open one, too, but not unsaid."""
        await put(log, refused(1), refused(2))
        await self._close(quarantine, 1)
        limits = QuarantineLimits(keep=timedelta(days=90))
        day = timedelta(days=1)
        assert await quarantine.drop_beyond(limits, now=datetime.now(UTC) + 89 * day) == Dropped()
        dropped = await quarantine.drop_beyond(limits, now=datetime.now(UTC) + 91 * day)
        assert (dropped.closed, dropped.open_for_age, dropped.open_for_room) == (1, 1, 0)
        assert await numbers(quarantine) == []

    async def test_of_what_has_gone_nothing_is_left(self, quarantine: Quarantine, log: DurableLog) -> None:
        """And should it come once more, it is a new message."""
        await put(log, *(refused(number) for number in range(500)))
        [first, *_] = await found(quarantine)
        dropped = await quarantine.drop_beyond(QuarantineLimits(messages=0), now=datetime.now(UTC))
        assert dropped.open_for_room == 500
        assert await quarantine.get(first.id) is None
        assert await quarantine.counts() == {}
        totals = await quarantine.totals()
        assert (totals.messages, totals.stored_bytes, totals.dropped_open) == (0, 0, 500)
        await put(log, refused(0))
        assert await numbers(quarantine) == [0]

    async def _close(self, quarantine: Quarantine, *wanted: int) -> None:
        for entry in await found(quarantine):
            if number_of(entry) in wanted:
                await quarantine.discard(entry.id, by="ann", at=T0)
