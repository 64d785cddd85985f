"""What every `LogConsumer` must do."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import Protocol

from microgrid_common.ports.durable_log import DurableLog, Entry, LogConsumer
from microgrid_common.testing.contracts.durable_log import (
    LONG_WAIT,
    records,
    texts_in,
    texts_of,
    trim_until_gone,
)


class MakeConsumer(Protocol):
    """Makes a member of a group that takes part at once; it leaves in order when the test ends."""

    async def __call__(
        self, *, group: str = "readers", member: str = "first", streams: Sequence[str] = ("s",)
    ) -> LogConsumer:
        """Make it."""


Crash = Callable[[LogConsumer], Awaitable[None]]
"""Ends a member as a crash does: what it holds, it holds until others find out."""


async def read(consumer: LogConsumer, count: int = 100) -> list[str]:
    """What a consumer gets; waits a while if there is nothing."""
    return texts_of(await consumer.read(count=count, wait=LONG_WAIT))


async def read_everything(consumer: LogConsumer, *, at_least: int = 0) -> list[str]:
    """Read and acknowledge until nothing comes, and so many have come."""
    everything: list[str] = []
    # The first read of a new group may find out only that there is none.
    empty_reads = 0
    async with asyncio.timeout(60):
        while empty_reads < 3 or len(everything) < at_least:
            entries = await consumer.read(count=3, wait=timedelta(milliseconds=20))
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
        assert await read_everything(await make_consumer()) == texts

    async def test_a_consumer_may_come_before_the_stream(
        self, log: DurableLog, make_consumer: MakeConsumer
    ) -> None:
        """It waits for it."""
        consumer = await make_consumer(streams=("s", "t"))
        reading = asyncio.create_task(consumer.read(count=10, wait=LONG_WAIT))
        await asyncio.sleep(0)
        await log.append(records("t", "a"))
        async with asyncio.timeout(20):
            assert texts_of(await reading) == ["a"]

    async def test_a_consumer_without_work_returns_when_the_wait_is_over(
        self, make_consumer: MakeConsumer
    ) -> None:
        """It does not raise."""
        consumer = await make_consumer()
        assert await consumer.read(count=10, wait=timedelta(milliseconds=20)) == []

    async def test_a_read_returns_at_most_the_count(
        self, log: DurableLog, make_consumer: MakeConsumer
    ) -> None:
        """Over all streams together."""
        await log.append([*records("s", *"abcdef"), *records("t", *"uvwxyz")])
        consumer = await make_consumer(streams=("s", "t"))
        await read(consumer, count=1)
        assert len(await read(consumer, count=4)) == 4

    async def test_an_entry_goes_to_one_member_of_a_group(
        self, log: DurableLog, make_consumer: MakeConsumer
    ) -> None:
        """While both are alive."""
        await log.append(records("s", *"abcd"))
        first, second = await make_consumer(member="first"), await make_consumer(member="second")
        taken = [*await read_everything(first), *await read_everything(second)]
        assert taken == ["a", "b", "c", "d"]

    async def test_every_group_gets_every_entry(self, log: DurableLog, make_consumer: MakeConsumer) -> None:
        """Groups do not know of one another."""
        await log.append(records("s", "a"))
        assert await read_everything(await make_consumer(group="one")) == ["a"]
        assert await read_everything(await make_consumer(group="two")) == ["a"]

    async def test_a_member_that_restarts_gets_what_it_had_first_and_in_order(
        self, log: DurableLog, make_consumer: MakeConsumer, crash: Crash
    ) -> None:
        """What it has acknowledged it does not get."""
        await log.append(records("s", *"abcde"))
        before = await make_consumer()
        had = await before.read(count=3, wait=LONG_WAIT)
        await before.acknowledge(had[1:2])
        await crash(before)
        await log.append(records("s", "f"))
        after = await make_consumer()
        assert await read_everything(after, at_least=5) == ["a", "c", "d", "e", "f"]
        assert await read_everything(after) == []

    async def test_what_a_dead_member_left_goes_to_another_in_order(
        self, log: DurableLog, make_consumer: MakeConsumer, crash: Crash
    ) -> None:
        """Once its lease has run out, and before anything newer."""
        await log.append(records("s", *"abcd"))
        dead = await make_consumer(member="dead")
        assert texts_of(await dead.read(count=3, wait=LONG_WAIT)) == ["a", "b", "c"]
        await crash(dead)
        heir = await make_consumer(member="heir")
        assert await read_everything(heir, at_least=4) == ["a", "b", "c", "d"]

    async def test_a_stream_is_read_by_one_member_at_a_time(
        self, log: DurableLog, make_consumer: MakeConsumer
    ) -> None:
        """Also what comes while the first is busy waits for it: so the order holds."""
        await log.append(records("s", "a"))
        busy = await make_consumer(member="busy")
        in_hand = await busy.read(count=1, wait=LONG_WAIT)
        assert texts_of(in_hand) == ["a"]
        await log.append(records("s", "b"))
        assert await read_everything(await make_consumer(member="other")) == []
        await busy.acknowledge(in_hand)
        assert await read_everything(busy, at_least=1) == ["b"]

    async def test_members_share_the_streams_and_together_read_everything(
        self, log: DurableLog, make_consumer: MakeConsumer, crash: Crash
    ) -> None:
        """Each once, those of one stream in order, however members come and go."""
        streams = ("s", "t", "u", "v")
        expected = {stream: [f"{stream}{number}" for number in range(12)] for stream in streams}
        taken: list[str] = []
        first = await make_consumer(member="first", streams=streams)
        for number in range(12):
            for stream in streams:
                await log.append(records(stream, f"{stream}{number}"))
            if number == 4:
                second = await make_consumer(member="second", streams=streams)
            taken += await read_everything(first)
            if 4 <= number < 8:
                taken += await read_everything(second)
            if number == 8:
                await crash(second)
        taken += await read_everything(first, at_least=48 - len(taken))
        assert {stream: [text for text in taken if text[0] == stream] for stream in streams} == expected

    async def test_a_cancelled_read_loses_nothing(self, log: DurableLog, make_consumer: MakeConsumer) -> None:
        """Whether the entry had arrived, was on its way or came later; the consumer stays usable."""
        consumer = await make_consumer()
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
        async with asyncio.timeout(60):
            while len(taken) < len(expected):
                await take(await consumer.read(count=10, wait=timedelta(milliseconds=50)))
        assert sorted(taken, key=int) == expected

    async def test_trim_spares_what_a_group_has_not_read(
        self, log: DurableLog, make_consumer: MakeConsumer
    ) -> None:
        """However old it is."""
        await log.append(records("s", "read"))
        await read_everything(await make_consumer())
        await log.append(records("s", "unread"))
        await trim_until_gone(log, "s", "read")
        assert await texts_in(log, "s") == ["unread"]

    async def test_trim_spares_what_a_group_has_not_acknowledged(
        self, log: DurableLog, make_consumer: MakeConsumer
    ) -> None:
        """Nor what came after it."""
        await log.append(records("s", *"abc"))
        slow = await make_consumer(group="slow")
        done = await slow.read(count=1, wait=LONG_WAIT)
        assert texts_of(done) == ["a"]
        await slow.acknowledge(done)
        held = await slow.read(count=1, wait=LONG_WAIT)
        await read_everything(await make_consumer(group="quick"), at_least=3)
        await trim_until_gone(log, "s", "a")
        await log.trim("s", keep=timedelta())
        assert await texts_in(log, "s") == ["b", "c"]
        assert texts_of(held) == ["b"]
