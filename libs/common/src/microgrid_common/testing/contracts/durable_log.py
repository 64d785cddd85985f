"""What every `DurableLog` must do."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from microgrid_common.ports.durable_log import (
    DurableLog,
    Entry,
    Place,
    PlaceGoneError,
    Record,
    append_ids,
)
from microgrid_common.testing.waiting import wait_until

START = "0-0"
NO_WAIT = timedelta()
LONG_WAIT = timedelta(seconds=30)


def records(stream: str, *texts: str) -> list[Record]:
    """Records of the kind `text`."""
    return [Record(stream, "text", text.encode()) for text in texts]


def texts_of(entries: list[Entry]) -> list[str]:
    """What `records` put in."""
    return [entry.data.decode() for entry in entries]


async def texts_in(log: DurableLog, stream: str) -> list[str]:
    """Everything in a stream."""
    return texts_of(await log.read_after({stream: START}, count=10_000, wait=NO_WAIT))


async def trim_until_gone(log: DurableLog, stream: str, text: str) -> None:
    """Trim, keeping nothing that is older than now, until an entry is gone."""

    async def gone() -> bool:
        await log.trim(stream, keep=timedelta())
        return text not in await texts_in(log, stream)

    # An entry that was written within the same millisecond is not older than now.
    await wait_until(gone, timeout=5, description=f"{text!r} to be trimmed")


class DurableLogContract:
    """Needs a fixture `log`: a `DurableLog` without streams."""

    async def test_entries_are_read_in_the_order_in_which_they_were_appended(self, log: DurableLog) -> None:
        """Ids increase with it."""
        await log.append(records("s", "a", "b"))
        await log.append(records("s", "c"))
        entries = await log.read_after({"s": START}, count=10, wait=NO_WAIT)
        assert texts_of(entries) == ["a", "b", "c"]
        positions = [tuple(map(int, entry.id.split("-"))) for entry in entries]
        assert positions == sorted(set(positions))

    async def test_an_entry_comes_back_as_it_was(self, log: DurableLog) -> None:
        """Any bytes may be data."""
        data = bytes(range(256)) * 1_000
        await log.append([Record("s", "blob", data)])
        [entry] = await log.read_after({"s": START}, count=10, wait=NO_WAIT)
        assert (entry.stream, entry.kind, entry.data) == ("s", "blob", data)

    async def test_one_append_may_go_to_several_streams(self, log: DurableLog) -> None:
        """Each stream has its own order."""
        await log.append([*records("s", "a"), *records("t", "x"), *records("s", "b")])
        assert await texts_in(log, "s") == ["a", "b"]
        assert await texts_in(log, "t") == ["x"]

    async def test_appending_nothing_is_nothing(self, log: DurableLog) -> None:
        """A batch may turn out empty."""
        await log.append([])

    async def test_an_append_that_is_tried_again_happens_once(self, log: DurableLog) -> None:
        """Whoever got no answer may ask again."""
        ids = append_ids()
        first, second = next(ids), next(ids)
        for _ in range(2):
            await log.append([*records("s", "a", "b"), *records("t", "x")], append_id=first)
        await log.append(records("s", "c"), append_id=second)
        assert await texts_in(log, "s") == ["a", "b", "c"]
        assert await texts_in(log, "t") == ["x"]

    async def test_an_attempt_that_was_given_up_does_not_happen_after_a_later_append(
        self, log: DurableLog
    ) -> None:
        """It may have been under way for long."""
        ids = append_ids()
        first, second = next(ids), next(ids)
        await log.append(records("s", "a"), append_id=first)
        await log.append(records("s", "b"), append_id=second)
        await log.append(records("s", "a"), append_id=first)
        assert await texts_in(log, "s") == ["a", "b"]

    async def test_writers_do_not_know_of_one_another(self, log: DurableLog) -> None:
        """Each has its own numbers."""
        for _ in range(2):
            await log.append(records("s", "a"), append_id=next(append_ids()))
        assert await texts_in(log, "s") == ["a", "a"]

    async def test_the_last_id_is_where_reading_goes_on(self, log: DurableLog) -> None:
        """What comes after it is what was appended after it."""
        await log.append(records("s", "old"))
        position = await log.last_id("s")
        await log.append(records("s", "new"))
        entries = await log.read_after({"s": position}, count=10, wait=NO_WAIT)
        assert texts_of(entries) == ["new"]
        assert entries[-1].id == await log.last_id("s")

    async def test_the_last_id_of_a_stream_without_entries_is_the_start(self, log: DurableLog) -> None:
        """Whoever goes on from it misses nothing."""
        assert await log.last_id("s") == START

    async def test_several_streams_are_read_at_once_each_up_to_the_count(self, log: DurableLog) -> None:
        """The count is for each stream."""
        await log.append([*records("s", "a", "b", "c"), *records("t", "x")])
        entries = await log.read_after({"s": START, "t": START}, count=2, wait=NO_WAIT)
        assert sorted(texts_of(entries)) == ["a", "b", "x"]

    async def test_reading_waits_for_an_append(self, log: DurableLog) -> None:
        """It returns as soon as there is something."""
        reading = asyncio.create_task(log.read_after({"s": START, "t": START}, count=10, wait=LONG_WAIT))
        await asyncio.sleep(0)
        await log.append(records("t", "x"))
        async with asyncio.timeout(20):
            assert texts_of(await reading) == ["x"]

    async def test_reading_returns_empty_when_the_wait_is_over(self, log: DurableLog) -> None:
        """It does not raise."""
        assert await log.read_after({"s": START}, count=10, wait=timedelta(milliseconds=20)) == []

    async def test_reading_can_be_cancelled(self, log: DurableLog) -> None:
        """The log stays usable."""
        reading = asyncio.create_task(log.read_after({"s": START}, count=10, wait=LONG_WAIT))
        await asyncio.sleep(0.02)
        reading.cancel()
        await asyncio.wait([reading])
        await log.append(records("s", "a"))
        assert await texts_in(log, "s") == ["a"]

    async def test_reading_goes_on_from_a_place(self, log: DurableLog) -> None:
        """Page by page, and from what was the newest entry at some time."""
        assert await log.newest_place("s") == Place(START, 0)
        assert await log.read_on("s", Place(START, 0), count=10) == []
        await log.append(records("s", "a", "b", "c"))
        first = await log.read_on("s", Place(START, 0), count=2)
        assert texts_of(first) == ["a", "b"]
        place = Place(START, 0).next(first[0]).next(first[1])
        (last,) = await log.read_on("s", place, count=2)
        assert texts_of([last]) == ["c"]
        assert place.next(last) == await log.newest_place("s")
        assert await log.read_on("s", place.next(last), count=2) == []

    async def test_reading_goes_on_while_only_what_was_read_is_dropped(self, log: DurableLog) -> None:
        """The place's own entry may be among that."""
        await log.append(records("s", "a", "b"))
        place = await log.newest_place("s")
        await trim_until_gone(log, "s", "b")
        assert await log.newest_place("s") == place
        assert await log.read_on("s", place, count=10) == []
        await log.append(records("s", "c"))
        assert texts_of(await log.read_on("s", place, count=10)) == ["c"]

    async def test_reading_on_tells_when_something_that_was_not_read_is_dropped(
        self, log: DurableLog
    ) -> None:
        """Were it one entry only."""
        await log.append(records("s", "a"))
        place = await log.newest_place("s")
        await log.append(records("s", "b"))
        assert texts_of(await log.read_on("s", place, count=10)) == ["b"]
        await trim_until_gone(log, "s", "b")
        await log.append(records("s", "c"))
        with pytest.raises(PlaceGoneError):
            await log.read_on("s", place, count=10)

    async def test_a_place_of_another_log_is_told(self, log: DurableLog) -> None:
        """Whether by its number, its position, or both."""
        await log.append(records("s", "a", "b"))
        newest = await log.newest_place("s")
        foreign = [
            replace(newest, number=1),
            replace(newest, number=3),
            replace(newest, id="1-0"),
            replace(newest, id="99999999999999-0"),
            Place(START, 2),
        ]
        for place in foreign:
            with pytest.raises(PlaceGoneError):
                await log.read_on("s", place, count=10)
        with pytest.raises(PlaceGoneError):
            await log.read_on("t", newest, count=10)

    async def test_trim_drops_what_is_old(self, log: DurableLog) -> None:
        """Without consumer groups age alone decides."""
        await log.append(records("s", "a", "b"))
        assert await log.trim("s", keep=timedelta(hours=1)) == 0
        assert await texts_in(log, "s") == ["a", "b"]
        await trim_until_gone(log, "s", "b")
        assert await texts_in(log, "s") == []

    async def test_positions_go_on_after_a_trim(self, log: DurableLog) -> None:
        """An id is never used again."""
        await log.append(records("s", "a"))
        position = await log.last_id("s")
        await trim_until_gone(log, "s", "a")
        await log.append(records("s", "b"))
        assert texts_of(await log.read_after({"s": position}, count=10, wait=NO_WAIT)) == ["b"]

    async def test_trimming_a_stream_that_is_not_there_is_nothing(self, log: DurableLog) -> None:
        """A shard may never have had a reading."""
        assert await log.trim("s", keep=timedelta()) == 0

    async def test_ping_returns_when_the_log_can_be_used(self, log: DurableLog) -> None:
        """That is all it does."""
        await log.ping()
