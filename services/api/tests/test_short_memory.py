"""Answers that are worked out once for all who ask at about the same time."""

import asyncio
from datetime import timedelta

import pytest

from microgrid_api.grids.short_memory import ShortMemory

GOOD_FOR = timedelta(seconds=1)


class Maker:
    def __init__(self) -> None:
        self.made: list[str] = []
        self.may_finish = asyncio.Event()
        self.may_finish.set()
        self.problem: Exception | None = None

    async def __call__(self, key: str) -> str:
        self.made.append(key)
        await self.may_finish.wait()
        if self.problem:
            raise self.problem
        return f"{key}{len(self.made)}"


async def test_who_asks_meanwhile_waits_for_the_same_answer() -> None:
    maker = Maker()
    memory = ShortMemory(maker, good_for=GOOD_FOR)
    maker.may_finish.clear()
    asking = [asyncio.create_task(memory.get("a")) for _ in range(5)]
    await asyncio.sleep(0)
    asking[0].cancel()
    maker.may_finish.set()
    assert await asyncio.gather(*asking[1:]) == ["a1"] * 4
    assert maker.made == ["a"]


async def test_each_key_has_its_own_and_only_the_newest_ones_are_kept() -> None:
    maker = Maker()
    memory = ShortMemory(maker, good_for=GOOD_FOR, most=2)
    for key in "abcca":
        await memory.get(key)
    assert maker.made == ["a", "b", "c", "a"]


async def test_an_answer_gets_old() -> None:
    maker = Maker()
    memory = ShortMemory(maker, good_for=timedelta())
    assert [await memory.get("a"), await memory.get("a")] == ["a1", "a2"]


async def test_a_failure_is_told_and_not_remembered() -> None:
    maker = Maker()
    memory = ShortMemory(maker, good_for=GOOD_FOR)
    maker.problem = RuntimeError("away")
    with pytest.raises(RuntimeError):
        await memory.get("a")
    maker.problem = None
    assert await memory.get("a") == "a2"
