"""An event loop whose time passes at once whenever nothing else is to do."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

_HAIR_SECONDS = 1e-9


@contextmanager
def virtual_time() -> Iterator[None]:
    """Let the running event loop wait for nothing but its tasks: delays end in order, and take no time.

    Its clock moves only in this way: no timeout ends because the machine is busy. A thread or another
    process gets no time to answer before the next delay ends, so a test that needs them runs by the real
    clock. `datetime.now` and `time.monotonic` are as ever.
    """
    # Any: no type says that a loop has one place where it waits.
    loop: Any = asyncio.get_running_loop()
    selector = loop._selector  # noqa: SLF001 - as said
    really_select = selector.select
    now: float = loop.time()

    def select(timeout: float | None = None) -> Any:
        nonlocal now
        events = really_select(timeout and 0)
        if timeout and not events:
            # A hair more: the sum may be rounded to just before what is waited for.
            now += timeout + _HAIR_SECONDS
        return events

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "time", lambda: now)
        patch.setattr(selector, "select", select)
        yield
