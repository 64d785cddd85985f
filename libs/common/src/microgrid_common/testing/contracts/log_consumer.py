"""What every `LogConsumer` must do."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from microgrid_common.ports.durable_log import DurableLog, Entry, LogConsumer
from microgrid_common.testing.contracts.durable_log import (
    LONG_WAIT,
    NO_WAIT,
    records,
    texts_in,
    texts_of,
    trim_until_gone,
)


class MakeConsumer(Protocol):
    """Makes a member of a group, or the same member anew, as a restart does."""

    def __call__(
        self,
        *,
        group: str = "readers",
        member: str = "first",
        streams: Sequence[str] = ("s",),
        claim_idle: timedelta = timedelta(minutes=1),
    ) -> LogConsumer:
        """Make it."""


async def read(consumer: LogConsumer, count: int = 100) -> list[str]:
    """What a consumer gets without waiting."""
    return texts_of(await consumer.read(count=count, wait=NO_WAIT))


async def read_everything(consumer: LogConsumer) -> list[str]:
    """Read and acknowledge until nothing comes."""
    everything: list[str] = []
    # The first read of a new group may find out only that there is none.
    empty_reads = 0
    while empty_reads < 2:
        entries = await consumer.read(count=3, wait=timedelta(milliseconds=10))
        await consumer.acknowledge(entries)
        everything += texts_of(entries)
        empty_reads = 0 if entries else empty_reads + 1
    return everything


class LogConsumerContract:
    """Needs the fixtures `log`, a `DurableLog` without streams, and `make_consumer`, which reads it."""

    async def test_what_was_written_before_the_first_consumer_is_read(
        self, log: DurableLog, make_consumer: MakeConsumer
    ) -> None:
        """In the order of the stream."""
        texts = [str(number) for number in range(20)]
        await log.append(records("s", *texts))
        assert await read_everything(make_consumer()) == texts

    async def test_a_consumer_may_come_before_the_stream(
        self, log: DurableLog, make_consumer: MakeConsumer
    ) -> None:
        """It waits for it."""
        consumer = make_consumer(streams=("s", "t"))
        reading = asyncio.create_task(consumer.read(count=10, wait=LONG_WAIT))
        await asyncio.sleep(0)
        await log.append(records("t", "a"))
        async with asyncio.timeout(5):
            assert texts_of(await reading) == ["a"]

    async def test_a_consumer_without_work_returns_when_the_wait_is_over(
        self, make_consumer: MakeConsumer
    ) -> None:
        """It does not raise."""
        assert await make_consumer().read(count=10, wait=timedelta(milliseconds=20)) == []

    async def test_a_read_returns_at_most_the_count(
        self, log: DurableLog, make_consumer: MakeConsumer
    ) -> None:
        """Over all streams together."""
        await log.append([*records("s", *"abcdef"), *records("t", *"uvwxyz")])
        consumer = make_consumer(streams=("s", "t"))
        await read(consumer, count=1)
        assert len(await read(consumer, count=4)) == 4

    async def test_an_entry_goes_to_one_member_of_a_group(
        self, log: DurableLog, make_consumer: MakeConsumer
    ) -> None:
        """While both are alive."""
        await log.append(records("s", *"abcd"))
        first, second = make_consumer(member="first"), make_consumer(member="second")
        taken = [*await read_everything(first), *await read_everything(second)]
        assert taken == ["a", "b", "c", "d"]

    async def test_every_group_gets_every_entry(self, log: DurableLog, make_consumer: MakeConsumer) -> None:
        """Groups do not know of one another."""
        await log.append(records("s", "a"))
        assert await read_everything(make_consumer(group="one")) == ["a"]
        assert await read_everything(make_consumer(group="two")) == ["a"]

    async def test_a_member_that_restarts_gets_what_it_had_first_and_in_order(
        self, log: DurableLog, make_consumer: MakeConsumer
    ) -> None:
        """What it has acknowledged it does not get."""
        await log.append(records("s", *"abcde"))
        before = make_consumer()
        await before.read(count=1, wait=LONG_WAIT)
        had = await before.read(count=3, wait=NO_WAIT)
        await before.acknowledge(had[:1])
        await log.append(records("s", "f"))
        assert await read_everything(make_consumer()) == ["a", "c", "d", "e", "f"]
        assert await read_everything(make_consumer()) == []

    async def test_what_a_dead_member_left_is_claimed_by_another(
        self, log: DurableLog, make_consumer: MakeConsumer
    ) -> None:
        """Once it has been silent for so long."""
        await log.append(records("s", *"abcd"))
        dead = make_consumer(member="dead")
        taken = texts_of(await dead.read(count=3, wait=LONG_WAIT))
        heir = make_consumer(member="heir", claim_idle=timedelta())
        inherited = await read_everything(heir)
        assert sorted(inherited) == ["a", "b", "c", "d"]
        assert inherited[: len(taken)] == taken

    async def test_what_a_living_member_works_on_is_not_claimed(
        self, log: DurableLog, make_consumer: MakeConsumer
    ) -> None:
        """It has its time."""
        await log.append(records("s", "a"))
        await make_consumer(member="busy").read(count=3, wait=LONG_WAIT)
        assert await read_everything(make_consumer(member="other")) == []

    async def test_a_cancelled_read_loses_nothing(self, log: DurableLog, make_consumer: MakeConsumer) -> None:
        """Whether the entry had arrived, was on its way or came later; the consumer stays usable."""
        consumer = make_consumer(claim_idle=timedelta(milliseconds=200))
        expected = [str(number) for number in range(20)]
        taken: list[str] = []

        async def take(entries: list[Entry]) -> None:
            await consumer.acknowledge(entries)
            taken.extend(texts_of(entries))

        for number, text in enumerate(expected):
            reading = asyncio.create_task(consumer.read(count=10, wait=LONG_WAIT))
            await asyncio.sleep(0.002)
            appending = asyncio.create_task(log.append(records("s", text)))
            await asyncio.sleep(number * 0.000_1)
            reading.cancel()
            await asyncio.wait([reading, appending])
            if not reading.cancelled():
                await take(reading.result())
        async with asyncio.timeout(10):
            while len(taken) < len(expected):
                await take(await consumer.read(count=10, wait=timedelta(milliseconds=50)))
        assert sorted(taken, key=int) == expected

    async def test_trim_spares_what_a_group_has_not_read(
        self, log: DurableLog, make_consumer: MakeConsumer
    ) -> None:
        """However old it is."""
        await log.append(records("s", "read"))
        await read_everything(make_consumer())
        await log.append(records("s", "unread"))
        await trim_until_gone(log, "s", "read")
        assert await texts_in(log, "s") == ["unread"]

    async def test_trim_spares_what_a_group_has_not_acknowledged(
        self, log: DurableLog, make_consumer: MakeConsumer
    ) -> None:
        """Nor what came after it."""
        await log.append(records("s", *"abc"))
        slow = make_consumer(group="slow")
        await read_everything(make_consumer(group="quick"))
        await slow.read(count=1, wait=LONG_WAIT)
        entries = await make_consumer(group="slow").read(count=1, wait=LONG_WAIT)
        assert texts_of(entries) == ["a"]
        await slow.acknowledge(entries)
        held = await slow.read(count=1, wait=LONG_WAIT)
        await trim_until_gone(log, "s", "a")
        await log.trim("s", keep=timedelta())
        assert await texts_in(log, "s") == ["b", "c"]
        assert texts_of(held) == ["b"]
