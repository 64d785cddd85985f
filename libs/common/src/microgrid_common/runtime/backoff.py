"""Waiting longer after each failure, and doing a thing until it works."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

import structlog

from microgrid_common.ports.errors import RetryableError

Result = TypeVar("Result")

FIRST_DELAY = timedelta(milliseconds=100)
LONGEST_DELAY = timedelta(seconds=10)
"""Short enough that an operator who mends a link sees the system come back while watching."""


class Backoff:
    """Exponential, capped, with full jitter, so that replicas do not come back all at once."""

    def __init__(
        self,
        *,
        first: timedelta = FIRST_DELAY,
        longest: timedelta = LONGEST_DELAY,
        uniform: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._first = first
        self._longest = longest
        self._uniform = uniform
        self._failures = 0

    def next_delay(self, *, at_least: timedelta | None = None) -> timedelta:
        """How long to wait after one more failure, and at least what the other side asked for."""
        # 2**20 times the first delay is past any cap, and keeps the number small for ever.
        ceiling = min(self._longest, self._first * 2 ** min(self._failures, 20))
        self._failures += 1
        delay = timedelta(seconds=self._uniform(0, ceiling.total_seconds()))
        return max(delay, at_least or timedelta())

    def reset(self) -> None:
        """Start small again: it worked."""
        self._failures = 0


async def until_it_works(
    operation: Callable[[], Awaitable[Result]], *, dependency: str, backoff: Backoff | None = None
) -> Result:
    """Call `operation` until it raises no `RetryableError`, waiting longer each time.

    It logs once when `dependency` is away and once when it is back, however often it tries. Stop it by
    cancelling the task.

    Args:
        operation: safe to call again after a failure.
        dependency: the name of what it talks to, for the log.
        backoff: how long to wait; a new one by default.
    """
    log = structlog.get_logger()
    backoff = backoff or Backoff()
    away = False
    while True:
        try:
            result = await operation()
        except RetryableError as error:
            if not away:
                away = True
                log.warning("dependency_away", dependency=dependency, error=str(error))
            await asyncio.sleep(backoff.next_delay(at_least=error.retry_after).total_seconds())
        else:
            if away:
                log.info("dependency_back", dependency=dependency)
            return result
