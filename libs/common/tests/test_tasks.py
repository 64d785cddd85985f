"""Running the tasks of a service: to their end, also when a cancellation gets lost."""

import asyncio
from datetime import timedelta

import pytest

from microgrid_common.runtime import tasks
from microgrid_common.runtime.tasks import run_until_stopped


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "CANCEL_AGAIN_AFTER", timedelta(milliseconds=10))


async def for_ever() -> None:
    await asyncio.Event().wait()


async def test_tasks_end_when_it_is_told_to_stop() -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(run_until_stopped(stop, first=for_ever(), second=for_ever()))
    await asyncio.sleep(0)
    assert not running.done()
    stop.set()
    await asyncio.wait_for(running, 5)


@pytest.mark.parametrize("lost", [1, 3])
async def test_a_task_that_loses_a_cancellation_is_told_again(lost: int) -> None:
    left = lost

    async def hard_of_hearing() -> None:
        nonlocal left
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if left == 0:
                    raise
                left -= 1

    stop = asyncio.Event()
    stop.set()
    await asyncio.wait_for(run_until_stopped(stop, deaf=hard_of_hearing(), other=for_ever()), 5)
    assert left == 0


async def test_a_task_that_fails_ends_the_others_and_says_why() -> None:
    async def fails() -> None:
        raise ValueError("a fault")

    with pytest.RaisesGroup(pytest.RaisesExc(ValueError, match="a fault")):
        await asyncio.wait_for(run_until_stopped(asyncio.Event(), fails=fails(), other=for_ever()), 5)
