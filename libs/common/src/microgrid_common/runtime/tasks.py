"""Running the tasks of a service until it is told to stop."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Collection, Coroutine
from datetime import timedelta
from typing import Any, Final

import structlog

PAUSE_AFTER_FAILURE: Final = timedelta(minutes=1)
"""What failed once, for a reason that no retry mends, fails again: once a minute is enough to be seen."""

CANCEL_AGAIN_AFTER: Final = timedelta(seconds=0.5)
"""Longer than a task takes to end; a cancellation that was lost costs no more than this."""


async def run_until_stopped(stop: asyncio.Event, **tasks: Coroutine[Any, Any, None]) -> None:
    """Run named coroutines together until `stop` is set, then cancel them.

    Cancelling is safe anywhere: nothing is acknowledged before it is durable, so what was in the middle
    is done again after the next start.

    Raises:
        ExceptionGroup: one of them failed; the others were cancelled.
    """
    async with asyncio.TaskGroup() as group:
        running = [group.create_task(task, name=name) for name, task in tasks.items()]
        stopping = group.create_task(stop.wait(), name="stop")
        await asyncio.wait([stopping, *running], return_when=asyncio.FIRST_COMPLETED)
        if not stop.is_set():
            # One of them ended: its failure is the group's to raise; a normal end leaves the rest alone.
            await asyncio.wait([stopping])
        await cancel_until_ended(running)


async def cancel_until_ended(tasks: Collection[asyncio.Task[None]]) -> None:
    """Cancel tasks as often as it takes.

    In Python 3.11 `asyncio.wait_for`, which the Redis client sends every command with, loses a cancellation
    that comes at the same moment as the result: the task goes on, and has to be told again.
    """
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=CANCEL_AGAIN_AFTER.total_seconds())


async def keep_running(task: Callable[[], Awaitable[None]], *, name: str) -> None:
    """Run a task that the others can do without: when it fails it is begun anew after a while.

    Args:
        task: makes the coroutine, each time.
        name: for the log.
    """
    while True:
        try:
            await task()
        except Exception:  # noqa: BLE001 - whatever it is, it must not end the tasks beside this one
            structlog.get_logger().exception("task_failed", task=name)
            await asyncio.sleep(PAUSE_AFTER_FAILURE.total_seconds())


def stop_on_signals() -> asyncio.Event:
    """An event that SIGINT and SIGTERM set. Only for `__main__`: services are also run inside others."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    return stop
