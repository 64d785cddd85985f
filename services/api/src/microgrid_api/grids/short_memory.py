"""Answers that many ask for at about the same time, worked out once."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, TypeVar

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class _Made(Generic[Answer]):
    task: asyncio.Task[Answer]
    until: float
    """By the clock of the event loop."""


class ShortMemory(Generic[Answer]):
    """Makes an answer for a key, and gives it to whoever asks for the same within a short time.

    A failure is told to all who were waiting, and is not remembered.

    Args:
        make: makes the answer for a key.
        good_for: how old an answer may get, from when it was asked for.
        most: how many keys are remembered; beyond this the oldest ones go.
    """

    def __init__(
        self, make: Callable[[str], Awaitable[Answer]], *, good_for: timedelta, most: int = 1_000
    ) -> None:
        self._make = make
        self._good_for_seconds = good_for.total_seconds()
        self._most = most
        self._made: OrderedDict[str, _Made[Answer]] = OrderedDict()

    async def get(self, key: str) -> Answer:
        """The answer for a key.

        Raises:
            Exception: whatever making it raised.
        """
        loop = asyncio.get_running_loop()
        made = self._made.get(key)
        if made is None or not _usable(made, loop.time()):
            task = loop.create_task(self._work_out(key))
            # Whoever asked may have left by the time that it fails.
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
            made = self._made[key] = _Made(task, loop.time() + self._good_for_seconds)
            self._made.move_to_end(key)
            if len(self._made) > self._most:
                self._made.popitem(last=False)
        if made.task.done():
            return made.task.result()
        return await asyncio.shield(made.task)

    async def _work_out(self, key: str) -> Answer:
        return await self._make(key)


def _usable(made: _Made[Answer], now: float) -> bool:
    if not made.task.done():
        return True
    return now < made.until and not made.task.cancelled() and made.task.exception() is None
